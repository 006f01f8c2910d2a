"""Events of objects (events.k8s.io/v1): the same one again raises a count instead of filling the cluster."""

import datetime as dt
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from sriov_core.kube.backoff import pause
from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure, Away, Exists, NotFound, Throttled, Unavailable
from sriov_core.kube.resource import EVENTS
from sriov_core.kube.series import Amendment, Creation, Happening, Ledger, Reference, Reporter

__all__ = ["Recorder", "Reference", "reference"]

MOST_WAITING = 512
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
LOOK_UP_S = 60.0

_log = logging.getLogger(__name__)


def reference(value: Any) -> Reference:
    """The reference of a wire object or of a parsed one.

    A parsed one has ``metadata`` and says its ``api_version`` and ``kind``, as attributes or those of its class.
    """
    if isinstance(value, Mapping):
        meta = value["metadata"]
        return Reference(
            api_version=value["apiVersion"],
            kind=value["kind"],
            name=meta["name"],
            namespace=meta.get("namespace", ""),
            uid=meta.get("uid", ""),
        )
    meta = value.metadata
    return Reference(
        api_version=value.api_version, kind=value.kind, name=meta.name, namespace=meta.namespace, uid=meta.uid
    )


class Recorder:
    """Writes events in a thread of its own, so that nobody waits for them; what cannot be written is logged.

    The same event (object, reason, note) within ten minutes becomes a series of the first one. At most 512 wait; the
    oldest is dropped and counted. Events of objects of the cluster are written into the namespace ``default``, as
    kubectl expects them; notes are cut to 1024 bytes. While the API server cannot be reached, they wait.
    With ``logs``, each new one is a line of the log, too: a Warning as a warning, any other as a detail (DEBUG).
    """

    def __init__(self, client: Client, *, component: str, instance: str, logs: bool = False) -> None:
        self._client = client
        self._logs = logs
        self._random = random.Random()  # noqa: S311  # spreads retries; no secret
        self._changed = threading.Condition()
        self._ledger = Ledger(Reporter(component=component, instance=instance))
        self._creations: deque[Creation] = deque()
        self._amendments: deque[Amendment] = deque()
        self._end: float | None = None
        self._dropped = 0
        self._under_way = 0
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many events were given up because too many waited."""
        return self._dropped

    def tell(
        self,
        about: Reference,
        kind: Literal["Normal", "Warning"],
        reason: str,
        action: str,
        note: str,
        *,
        is_logged: bool = False,
    ) -> None:
        """Record an event; never blocks, never raises. With ``is_logged``, the log has it already."""
        event = Happening(about=about, kind=kind, reason=reason, action=action, note=note, at=dt.datetime.now(dt.UTC))
        with self._changed:
            creation = self._ledger.tell(event, time.monotonic())
            if creation is not None:
                if len(self._creations) >= MOST_WAITING:
                    self._drop(self._creations.popleft())
                self._creations.append(creation)
            self._changed.notify()
        if self._logs and creation is not None and not is_logged:
            level = logging.WARNING if kind == "Warning" else logging.DEBUG
            place = "/".join(part for part in (about.namespace, about.name) if part)
            _log.log(level, "%s %s: %s: %s", about.kind, place, reason, note)

    def close(self, timeout_s: float) -> None:
        """Write what waits, within that time."""
        with self._changed:
            self._end = time.monotonic() + timeout_s
            self._changed.notify()
        self._thread.join(timeout_s)
        with self._changed:
            left = len(self._creations) + len(self._amendments) + self._under_way
        if left:
            _log.warning("%d events were not written before the end", left)

    def _run(self) -> None:
        failures = 0
        while (write := self._next()) is not None:
            try:
                self._write(write)
                failures = 0
            except (Throttled, Unavailable) as error:
                failures += 1
                if not self._later(write, failures, error):
                    return
            except ApiFailure as error:
                _log.warning("an event was not written: %s", error)
                self._forget(write)
            except Exception:  # noqa: BLE001  # one bad event must not end all others
                _log.exception("an event was not written, by a bug")
                self._forget(write)

    def _next(self) -> Creation | Amendment | None:
        """What to write now: new events before counts, for the count of one that is not there cannot be raised."""
        with self._changed:
            self._under_way = 0
            while True:
                if self._creations:
                    self._under_way = 1
                    return self._creations.popleft()
                now, closing = time.monotonic(), self._end is not None
                if not self._amendments:
                    self._amendments.extend(self._ledger.amendments(now, all_of_them=closing))
                if self._amendments:
                    self._under_way = 1
                    return self._amendments.popleft()
                if closing:
                    return None
                self._changed.wait(min(LOOK_UP_S, self._ledger.next_due_s() - now))

    def _write(self, write: Creation | Amendment) -> None:
        if isinstance(write, Amendment):
            try:
                self._client.merge_patch(EVENTS, write.name, write.patch, write.namespace)
            except NotFound:
                self._forget(write)  # it has expired; told again, it is a new one
            return
        # An answer that was lost leaves an event that is there.
        with suppress(Exists):
            self._client.create(EVENTS, write.document, write.namespace)

    def _later(self, write: Creation | Amendment, failures: int, error: ApiFailure) -> bool:
        """Put back what could not be written, and wait; False when there is no time left for that."""
        seconds = pause(failures, first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S, share=self._random.random())
        seconds = max(seconds, error.retry_after_s or 0.0)
        if failures == 1 and not isinstance(error, Away):
            _log.warning("events wait, trying again in %.1f s: %s", seconds, error)
        with self._changed:
            self._under_way = 0
            if isinstance(write, Amendment):
                self._amendments.appendleft(write)
            else:
                self._creations.appendleft(write)
            again = time.monotonic() + seconds
            while (left := min(again, self._end or again) - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._end is None or time.monotonic() < self._end

    def _forget(self, write: Creation | Amendment) -> None:
        with self._changed:
            self._ledger.forget(write.event)

    def _drop(self, creation: Creation) -> None:
        self._dropped += 1
        self._ledger.forget(creation.event)
        if self._dropped == 1 or self._dropped % MOST_WAITING == 0:
            _log.warning("%d events were dropped so far, because too many wait to be written", self._dropped)
