"""Conditions in the status of an object, and the events that tell of their changes. Nothing here does I/O."""

import re
from collections.abc import Iterable
from typing import Literal

import attrs
import msgspec

from sriov_core.api.wire import Wire

# What the API server takes as the note of an event (events.k8s.io/v1, NoteLengthLimit), counted in UTF-8.
_LONGEST_NOTE_BYTES = 1024
# What it takes as a condition (meta/v1, Condition); one that it refuses costs the whole status.
_LONGEST_MESSAGE = 32768
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?")


ACCEPTED = "Accepted"
"""The condition of an object with fields that its kind does not have: False, and absent while there are none."""


class Condition(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One condition as in the rest of Kubernetes (metav1.Condition)."""

    type: str
    status: Literal["True", "False", "Unknown"]
    observed_generation: int = 0
    last_transition_time: str = ""
    reason: str = ""
    message: str = ""


@attrs.frozen(kw_only=True)
class Change:
    """One event about a condition: ``reason`` is ReadyAdded, ReadyChanged or ReadyRemoved for the type Ready."""

    event_type: Literal["Normal", "Warning"]
    reason: str
    note: str
    action: str = "StatusChange"


def outdated(conditions: Iterable[Condition], generation: int) -> int:
    """The older generation that the condition Ready is about; 0 where it is about this one, or tells of none.

    The agents of other operators tell of none: they are believed.
    """
    ready = next((one.observed_generation for one in conditions if one.type == "Ready"), 0)
    return ready if ready < generation else 0


def merged(current: Iterable[Condition], wanted: Iterable[Condition], now: str) -> tuple[Condition, ...]:
    """The conditions of an object once those wanted are set; equal to the current ones when there is nothing to send.

    Each type keeps its place and a new type comes last; types that are not wanted belong to other field managers and
    stay as they are. ``now`` is the time as RFC 3339. It becomes the transition time of a condition whose status
    differs, or that had no time; any other keeps its time, also when reason or message differ. A transition time in
    ``wanted`` does not count. Of two wanted conditions of one type the last counts. Messages are cut to 32768
    characters. ValueError for a wanted reason that is no word of Kubernetes: reasons are constants of a program.
    """
    kept, setting = {one.type: one for one in current}, {one.type: _accepted(one) for one in wanted}
    return tuple((kept | {name: _set(kept.get(name), one, now) for name, one in setting.items()}).values())


def changes(before: Iterable[Condition], after: Iterable[Condition]) -> tuple[Change, ...]:
    """One event for each condition whose status or reason differs: those added or changed, then those removed.

    Each in their order. Another message alone makes none: messages have names and figures, which change all the time.
    The note is the message, for a removed condition the one it had. A Warning is what somebody should see to: a
    Degraded that is now True, an Accepted that is now False, and a Ready that is now False, unless by Progressing it is
    on its way and not Degraded. All else is Normal.
    """
    old, new = {one.type: one for one in before}, {one.type: one for one in after}
    failures = _failures(new.values())
    told = [
        _change(one, "Changed" if name in old else "Added", warns=(name, one.status) in failures)
        for name, one in new.items()
        if name not in old or (old[name].status, old[name].reason) != (one.status, one.reason)
    ]
    gone = [_change(one, "Removed", warns=False) for name, one in old.items() if name not in new]
    return (*told, *gone)


def _accepted(wanted: Condition) -> Condition:
    """The condition as the API server takes it."""
    if not _REASON.fullmatch(wanted.reason):
        rule = "letters, digits and '_', a letter first, and ',' or ':' between them"
        raise ValueError(f"the reason of the condition {wanted.type} is {wanted.reason!r}, wanted {rule}")
    if len(wanted.message) <= _LONGEST_MESSAGE:
        return wanted
    return msgspec.structs.replace(wanted, message=f"{wanted.message[: _LONGEST_MESSAGE - 3]}...")


def _set(held: Condition | None, wanted: Condition, now: str) -> Condition:
    if held is not None and _facts(held) == _facts(wanted):
        return held
    since = held.last_transition_time if held is not None and held.status == wanted.status else ""
    return msgspec.structs.replace(wanted, last_transition_time=since or now)


def _facts(condition: Condition) -> tuple[str, str, str, int]:
    """What a condition says; its time is left out."""
    return condition.status, condition.reason, condition.message, condition.observed_generation


def _failures(now: Iterable[Condition]) -> frozenset[tuple[str, str]]:
    """Types with the status that somebody should see to, for an object with these conditions."""
    held = {one.type for one in now if one.status == "True"}
    is_on_its_way = "Progressing" in held and "Degraded" not in held
    always = {("Degraded", "True"), (ACCEPTED, "False")}
    return frozenset(always if is_on_its_way else {*always, ("Ready", "False")})


def _change(condition: Condition, what: str, *, warns: bool) -> Change:
    return Change(
        event_type="Warning" if warns else "Normal",
        reason=f"{condition.type}{what}",
        note=_note(condition.message),
    )


def _note(message: str) -> str:
    encoded = message.encode(errors="replace")
    if len(encoded) <= _LONGEST_NOTE_BYTES:
        return message
    return f"{encoded[: _LONGEST_NOTE_BYTES - 3].decode(errors='ignore')}..."
