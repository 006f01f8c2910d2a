"""Who may take a Lease, and what to write into it. No I/O."""

import datetime as dt
from typing import Any, Literal

import attrs
import msgspec

LONGEST_PATIENCE = 10.0
"""A holder may ask for more time than we would, but not for more than so many times ours: it may be garbage."""

RELEASED_S = 1
"""The duration that client-go writes on release (leaderelection.go, release): who waits need not wait any longer."""


@attrs.frozen(kw_only=True)
class Timing:
    """Seconds: how long a lease lasts, until when it must have been renewed, and how often that is tried."""

    lease_s: float = 15.0
    renew_s: float = 10.0
    retry_s: float = 2.0


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """The spec of a Lease (coordination.k8s.io/v1). The times are for people, and are never compared with a clock."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


@attrs.frozen
class Seen:
    """A record, and when we saw for the first time that it is so, in seconds of our own clock."""

    record: Record
    since: float


Verdict = Literal["create", "take", "renew", "wait"]


def watched(record: Record, seen: Seen | None, now: float) -> Seen:
    """What we know of a record at ``now``: how long it has been as it is."""
    return seen if seen is not None and seen.record == record else Seen(record, now)


def judge(record: Record | None, seen: Seen | None, now: float, identity: str, timing: Timing) -> Verdict:
    """What to do about a Lease; None when there is none. ``seen`` is what `watched` said of it the last time."""
    if record is None:
        return "create"
    if not record.holder_identity:
        return "take"
    if record.holder_identity == identity:
        return "renew"
    asked = float(record.lease_duration_seconds or 0)
    patience = min(max(timing.lease_s, asked), LONGEST_PATIENCE * timing.lease_s)
    return "take" if now - watched(record, seen, now).since >= patience else "wait"


def held(before: Record | None, identity: str, timing: Timing, today: dt.datetime) -> Record:
    """The record of a Lease that ``identity`` holds from now on, or goes on to hold."""
    goes_on = before is not None and before.holder_identity == identity
    transitions = (before.lease_transitions or 0) if before is not None else 0
    return Record(
        holder_identity=identity,
        lease_duration_seconds=max(1, round(timing.lease_s)),
        acquire_time=(before.acquire_time if before is not None and goes_on else None) or micro_time(today),
        renew_time=micro_time(today),
        lease_transitions=transitions if before is None or goes_on else transitions + 1,
    )


def released(before: Record, today: dt.datetime) -> Record:
    """The record of a Lease that its holder gives back."""
    return Record(
        lease_duration_seconds=RELEASED_S,
        acquire_time=micro_time(today),
        renew_time=micro_time(today),
        lease_transitions=before.lease_transitions,
    )


def written(lease: dict[str, Any], record: Record) -> dict[str, Any]:
    """A Lease with another record; what else is in it stays, its version included."""
    ours = msgspec.to_builtins(record)
    spec = {**(lease.get("spec") or {}), **ours}
    return {**lease, "spec": {name: value for name, value in spec.items() if value is not None}}


def micro_time(moment: dt.datetime) -> str:
    """A moment as Kubernetes writes a MicroTime: UTC with microseconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
