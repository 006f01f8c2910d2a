"""Which events are written, and which only raise the count of one that was: values in, values out. No I/O."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any, Literal

import attrs

from sriov_core.kube.lease import micro_time
from sriov_core.kube.resource import EVENTS

WINDOW_S = 600.0
"""How long after its last occurrence an event is still the same one."""
AMEND_EVERY_S = 5.0
MOST_KNOWN = 1024
MOST_BYTES = 1024
MOST_LETTERS = 128
"""k8s.io/kubernetes/pkg/apis/core/validation/events.go: the limits of a note, and of a reason, action and instance."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9.-]+")
_BETWEEN_LABELS = re.compile(r"-*\.[.-]*")


@attrs.frozen(kw_only=True)
class Reference:
    """The object that an event is about."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""


@attrs.frozen(kw_only=True)
class Happening:
    """What is told of an object, and when it happened. Two that differ in the time alone are the same event."""

    about: Reference
    kind: Literal["Normal", "Warning"]
    reason: str
    note: str
    action: str = attrs.field(eq=False)
    at: dt.datetime = attrs.field(eq=False)


@attrs.frozen(kw_only=True)
class Reporter:
    """Who tells: ``component`` is a qualified name, ``instance`` the process."""

    component: str
    instance: str


@attrs.define(kw_only=True)
class Series:
    """An event that was told at least once: what was counted, and how much of that has been written."""

    name: str
    namespace: str
    count: int = 1
    last: dt.datetime
    last_s: float
    written: int = 1
    written_s: float

    @property
    def due_s(self) -> float:
        """When the count is to be written; infinite when there is nothing new."""
        return self.written_s + AMEND_EVERY_S if self.count > self.written else float("inf")


@attrs.frozen
class Creation:
    """A new event as it is to be written."""

    event: Happening
    namespace: str
    document: dict[str, Any]


@attrs.frozen
class Amendment:
    """The count of an event as it is to be written."""

    event: Happening
    name: str
    namespace: str
    patch: dict[str, Any]


class Ledger:
    """The events of the last minutes. ``new_suffix`` makes names differ."""

    def __init__(self, reporter: Reporter, new_suffix: Callable[[], str] = lambda: uuid.uuid4().hex[:16]) -> None:
        self._reporter = reporter
        self._known: dict[Happening, Series] = {}
        self._new_suffix = new_suffix

    def tell(self, event: Happening, now: float) -> Creation | None:
        """Count an event; what is to be written when it is a new one, None when it is the same again."""
        known = self._known.pop(event, None)
        if known is not None and now - known.last_s <= WINDOW_S:
            known.count, known.last, known.last_s = known.count + 1, event.at, now
            self._known[event] = known  # the one that was told last stands last
            return None
        self._forget_old(now)
        name, namespace = event_name(event.about, self._new_suffix()), event.about.namespace or "default"
        begun = Series(name=name, namespace=namespace, last=event.at, last_s=now, written_s=now)
        self._known[event] = begun
        return Creation(event, namespace, document(event, begun, self._reporter))

    def forget(self, event: Happening) -> None:
        """The event could not be written or has expired: told again, it is a new one."""
        self._known.pop(event, None)

    def amendments(self, now: float, *, all_of_them: bool = False) -> tuple[Amendment, ...]:
        """The counts that are to be written now; they count as written."""
        due = []
        for event, series in self._known.items():
            if series.due_s <= now or (all_of_them and series.count > series.written):
                patch = {"series": {"count": series.count, "lastObservedTime": micro_time(series.last)}}
                due.append(Amendment(event, series.name, series.namespace, patch))
                series.written, series.written_s = series.count, now
        return tuple(due)

    def next_due_s(self) -> float:
        """When the next count is to be written; infinite when there is none."""
        return min((series.due_s for series in self._known.values()), default=float("inf"))

    def _forget_old(self, now: float) -> None:
        for event, series in tuple(self._known.items()):
            if len(self._known) < MOST_KNOWN and now - series.last_s <= WINDOW_S:
                return
            del self._known[event]


def document(event: Happening, series: Series, reporter: Reporter) -> dict[str, Any]:
    """The event as it is created."""
    about = event.about
    regarding = {
        "apiVersion": about.api_version,
        "kind": about.kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
    }
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": series.name, "namespace": series.namespace},
        "eventTime": micro_time(event.at),
        "reportingController": reporter.component,
        "reportingInstance": reporter.instance[:MOST_LETTERS],
        "type": event.kind,
        "reason": event.reason[:MOST_LETTERS],
        "action": (event.action or event.reason)[:MOST_LETTERS],
        "note": cut(event.note),
        "regarding": {name: value for name, value in regarding.items() if value},
    }


def event_name(about: Reference, suffix: str) -> str:
    """A name that no other event has: that of the object, as far as a name may be so long and of such letters."""
    letters = _NOT_IN_NAMES.sub("-", about.name.lower())[: 250 - len(suffix)]
    stem = _BETWEEN_LABELS.sub(".", letters).strip(".-")
    return f"{stem or 'object'}.{suffix}"


def cut(note: str) -> str:
    """A note as long as one may be; half characters, as names of files on a node may have, become question marks."""
    encoded = note.encode(errors="replace")
    if len(encoded) <= MOST_BYTES:
        return encoded.decode()
    return encoded[: MOST_BYTES - 3].decode(errors="ignore") + "..."
