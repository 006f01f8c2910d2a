"""Times as annotations and conditions hold them: RFC 3339, UTC. Nothing here does I/O."""

from datetime import UTC, datetime


def written(when: datetime) -> str:
    """A time as it is stored: whole seconds. ``when`` has a time zone."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str) -> datetime | None:
    """The time that a text says; None for what is none, or has no time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def seconds_since(text: str, now: datetime) -> float | None:
    """How long ago that was, never less than 0; None when the text is no time."""
    began = read(text)
    return None if began is None else max(0.0, (now - began).total_seconds())


def duration(seconds: float) -> str:
    """A deadline for people: ``90 s``, ``30 min``, ``2 h``."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
