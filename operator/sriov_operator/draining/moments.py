"""Times as annotations and conditions hold them: RFC 3339, UTC. Nothing here does I/O."""

from datetime import UTC, datetime


def written(when: datetime) -> str:
    """A time as it is stored: whole seconds. ``when`` has a time zone."""
    return f"{when.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def read(text: str) -> datetime | None:
    """The time that a text says, in UTC; None for what is none, or has no time zone."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):  # the first day of all, seen from the east
        return None


def seconds_since(text: str, now: datetime) -> float | None:
    """How long ago that was, never less than 0; None when the text is no time."""
    began = read(text)
    return None if began is None else max(0.0, (now - began).total_seconds())


def roughly(seconds: float) -> str:
    """How long something took, for people: ``42 s``, ``7 min``, ``3 h``."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def so_far(began: datetime | None, now: datetime) -> str:
    """How long something has taken, for people."""
    return roughly(max(0.0, (now - began).total_seconds()) if began is not None else 0.0)


def duration(seconds: float) -> str:
    """A deadline for people: ``90 s``, ``30 min``, ``2 h``."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
