"""What becomes of the state of a node that is no longer served: it is kept for a while, and deleted then.

A node may only be away for maintenance, and its state holds what its NICs were like. Nothing here does I/O.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import attrs

from sriov_core.api import keys
from sriov_core.api.fault import shown

DEFAULT_DELAY_MINUTES = 30
DELAY_VARIABLE = "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES"
"""The environment variable of the operator that says how long stale states are kept."""

_LONGEST_DELAY_MINUTES = 100 * 366 * 24 * 60
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


@attrs.frozen
class Delay:
    """How long stale states are kept; 0 deletes them at once. ``remark`` says why a value was not taken as it is."""

    minutes: int = DEFAULT_DELAY_MINUTES
    remark: str = ""


@attrs.frozen
class Keep:
    """Leave the state as it is, and look again at ``until``."""

    until: datetime


@attrs.frozen
class Mark:
    """Write ``value`` as the annotation `keys.KEEP_STATE_UNTIL`, and look again at ``until``."""

    until: datetime

    @property
    def value(self) -> str:
        """The time as it is stored: RFC 3339, UTC, whole seconds."""
        return self.until.strftime("%Y-%m-%dT%H:%M:%SZ")


@attrs.frozen
class Unmark:
    """Take the annotation `keys.KEEP_STATE_UNTIL` away; the rest of the state stays, and serves the node again."""


@attrs.frozen
class Delete:
    """Delete the state."""


def delay(text: str | None) -> Delay:
    """The value of `DELAY_VARIABLE`, None when it is not set. What is no number from 0 on gives the default.

    More than a hundred years counts as a hundred years.
    """
    if not text:
        return Delay()
    minutes = int(text) if _NUMBER.fullmatch(text) else -1
    if minutes < 0:
        used = f"Stale node states are kept for {DEFAULT_DELAY_MINUTES} minutes"
        return Delay(remark=f"{DELAY_VARIABLE}: found {shown(text)}, wanted a number of minutes from 0 on. {used}")
    return Delay(min(minutes, _LONGEST_DELAY_MINUTES))


def stale(annotations: Mapping[str, str], now: datetime, delay_minutes: int) -> Keep | Mark | Delete:
    """What to do about the state of a node that is not served any more.

    ``now`` has a time zone. A time that is marked already counts, even if the delay has changed since, unless that has
    become 0; one that cannot be read is marked anew.
    """
    if delay_minutes == 0:
        return Delete()
    until = kept_until(annotations)
    if until is None:
        later = now.astimezone(UTC).replace(microsecond=0) + timedelta(minutes=delay_minutes)
        return Mark(later)
    return Keep(until) if now < until else Delete()


def served(annotations: Mapping[str, str]) -> Unmark | None:
    """What to do about the state of a node that is served, and may have come back; None when there is nothing."""
    return Unmark() if keys.KEEP_STATE_UNTIL in annotations else None


def kept_until(annotations: Mapping[str, str]) -> datetime | None:
    """The time before which a stale state is not deleted; None when there is none, or none that can be read."""
    text = annotations.get(keys.KEEP_STATE_UNTIL, "")
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
