"""A cache of objects kept by list and watch, which tells of every change.

It never misses one and never stops trying.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sriov_core.kube.backoff import pause
from sriov_core.kube.client import Client, WatchEvent
from sriov_core.kube.failures import ApiFailure, Away, Unavailable
from sriov_core.kube.outage import after
from sriov_core.kube.resource import Resource
from sriov_core.kube.store import Change, Store

T = TypeVar("T")

OnChange = Callable[[T | None, T | None], None]
"""Called with the object before and after: None before when it is new, None after when it has gone."""

OnUnreadable = Callable[[str], None]
"""Called with a key."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
SOON = 3
"""As which failure in a row the first refusal after an outage counts: the next try is some seconds later."""
SHORT_WATCH_S = 1.0
"""A watch that ends sooner and without an event counts as a failure, or it would be opened anew without a pause."""

_log = logging.getLogger(__name__)


class Informer(Generic[T]):
    """The objects of one resource by ``namespace/name`` (``name`` for those of the cluster), in a lean type.

    ``type`` is a msgspec struct with ``metadata`` that has at least name, namespace and resource_version. Changes are
    told in the informer's own thread, in the order in which they happened, objects that vanished during an outage
    included; handlers only put keys into queues. After a list that follows an outage only differences are told.
    A failed list or watch is tried again after 1 s, doubled up to 30 s, with jitter; a 410 lists again at once. What
    keeps it from watching is told by the client's `troubles`, for all informers in one line.

    A watch that was cut goes on from the last version that was seen. When that fails too there was an outage, and the
    list is read again: an API server whose etcd came back from a backup counts versions anew and would say nothing.
    An object that can no longer be decoded stays in the cache as it was, and the client's `on_unreadable` is told. One
    that was deleted and made anew during an outage is told as one change.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        type: type[T],  # noqa: A002
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        on_failure: Callable[[Exception], None] = lambda _: None,
        watch_s: float = 300.0,
    ) -> None:
        self._client = client
        self._resource = resource
        self._type = type
        self._namespace, self._labels, self._fields = namespace, labels, fields
        self._on_failure = on_failure
        self._watch_s = watch_s
        self._random = random.Random()  # noqa: S311  # spreads requests; no secret
        self._store: Store[T] = Store()
        self._reading = threading.Lock()
        self._telling = threading.RLock()
        self._handlers: tuple[OnChange[T], ...] = ()
        self._on_unreadable: tuple[OnUnreadable, ...] = ()
        self._synced = threading.Event()
        self._thread: threading.Thread | None = None
        self._version = ""
        self._failures, self._refusals, self._trouble = 0, 0, ""
        self._last_sign = time.monotonic()

    def subscribe(self, handler: OnChange[T], on_unreadable: OnUnreadable = lambda _: None) -> None:
        """Tell a handler of every change; of what is there already too, at once, as new.

        ``on_unreadable`` is told the key of an object that cannot be read with every change of it, and when it is gone.
        """
        with self._telling:
            for value in self.items():
                _guarded(handler, None, value)
            for key in sorted(self.unreadable):
                _guarded(on_unreadable, key)
            self._handlers = (*self._handlers, handler)
            self._on_unreadable = (*self._on_unreadable, on_unreadable)

    def start(self, stop: threading.Event) -> None:
        """List and watch in a thread of its own until ``stop`` is set."""
        self._thread = threading.Thread(
            target=self._run, args=(stop,), name=f"informer-{self._resource.plural}", daemon=True
        )
        self._client.followed(self.name, self)
        self._thread.start()

    def wait_synced(self, timeout_s: float) -> bool:
        """Wait until the first list is in the cache and has been told."""
        return self._synced.wait(timeout_s)

    @property
    def resource(self) -> Resource:
        """What it follows."""
        return self._resource

    @property
    def name(self) -> str:
        """The plural of what it follows; if that is one object alone, with its name behind it."""
        _, is_one, name = self._fields.partition("metadata.name=")
        return f"{self._resource.plural}/{name}" if is_one else self._resource.plural

    @property
    def trouble(self) -> str:
        """Why nothing is watched at this moment; empty while it is, and before the first failure."""
        return self._trouble

    @property
    def synced(self) -> bool:
        """True once the first list is in the cache."""
        return self._synced.is_set()

    @property
    def silent_s(self) -> float:
        """Seconds since the last sign of life of the API server (event, bookmark, list, proper end of a watch)."""
        return time.monotonic() - self._last_sign

    def get(self, key: str) -> T | None:
        """The object of that key as last seen."""
        with self._reading:
            return self._store.get(key)

    def items(self) -> tuple[T, ...]:
        """All objects as last seen, in the order of their keys."""
        with self._reading:
            return self._store.items()

    @property
    def unreadable(self) -> frozenset[str]:
        """The keys of objects that are there and cannot be read as they are now; `get` has what could be, if ever."""
        with self._reading:
            return self._store.unreadable

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread after ``stop``; False when it did not end in time."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not self._version:
                    self._list()
                self._watch(stop)
            except Exception as error:  # noqa: BLE001  # whatever it is, an informer that ends would lose everything
                if not stop.is_set():
                    stop.wait(self._pause_after(error))

    def _list(self) -> None:
        listing = self._client.list(
            self._resource, self._namespace, type=self._type, labels=self._labels, fields=self._fields
        )
        self._last_sign = time.monotonic()
        with self._telling:
            before = self.unreadable
            with self._reading:
                changes = self._store.replace(listing)
            for change in changes:
                self._tell(change)
            for key in sorted(before | self.unreadable):
                self._tell_unreadable(key)
            self._synced.set()
        self._version = listing.resource_version

    def _watch(self, stop: threading.Event) -> None:
        """One watch until its end. Its length is drawn, so that those of many processes do not end together."""
        began, heard = time.monotonic(), False
        events = self._client.watch(
            self._resource,
            self._namespace,
            resource_version=self._version,
            type=self._type,
            labels=self._labels,
            fields=self._fields,
            stop=stop,
            timeout_s=self._watch_s * (1.0 + self._random.random()),
            opened=self._opened,
        )
        try:
            for event in events:
                heard = True
                self._well()
                self._take(event)
        finally:
            if time.monotonic() - began > LONGEST_RETRY_S:
                self._failures = self._refusals = 0
        if stop.is_set():
            return
        if not heard and time.monotonic() - began < SHORT_WATCH_S:
            raise Unavailable(f"the watch of {self._resource.plural} was ended as soon as it had begun")
        self._well()

    def _take(self, event: WatchEvent[T]) -> None:
        with self._telling:
            known = event.key in self.unreadable
            with self._reading:
                change = self._store.take(event)
            if change is not None:
                self._tell(change)
            if known or event.key in self.unreadable:
                self._tell_unreadable(event.key)
        # A line without a version would make the next watch begin with everything there is.
        self._version = event.resource_version or self._version

    def _opened(self) -> None:
        """A server that opens watches and ends them at once must not be asked without a pause: failures count on."""
        self._last_sign, self._trouble = time.monotonic(), ""
        self._client.troubles.well(self.name)

    def _well(self) -> None:
        self._last_sign, self._failures, self._refusals = time.monotonic(), 0, 0

    def _pause_after(self, error: Exception) -> float:
        """How long to wait, and whether a list comes next."""
        plan = after(error, self._failures)
        self._failures += 1
        self._refusals = 0 if isinstance(error, Away) else self._refusals + 1
        if self._refusals == 1:
            # A server that has just come up answers, and refuses for a moment what it does not know yet.
            self._failures = min(self._failures, SOON)
        if plan.lists:
            self._version = ""
        self._trouble = str(error)
        _guarded(self._on_failure, error)
        seconds = 0.0 if plan.at_once else self._pause(error)
        if not isinstance(error, ApiFailure):
            _log.error("%s: a bug, again in %.1f s", self.name, seconds, exc_info=error)
            return seconds
        _log.debug("%s: nothing is being watched, again in %.1f s: %s", self.name, seconds, error)
        # Of one that is away the client tells; a first refusal may be nothing.
        if self._refusals > 1:
            self._client.troubles.lost(self.name, self._resource, error)
        return seconds

    def _pause(self, error: Exception) -> float:
        share = self._random.random()
        seconds = pause(self._failures, first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S, share=share)
        asked = (error.retry_after_s or 0.0) if isinstance(error, ApiFailure) else 0.0
        # All that were sent away were told the same time.
        return max(seconds, min(asked, LONGEST_RETRY_S) * (1.0 + share / 2.0))

    def _tell_unreadable(self, key: str) -> None:
        if key in self.unreadable and self._store.get(key) is not None:
            _log.warning("%s %s stays as it was when it could still be read", self._resource.kind, key)
        for handler in self._on_unreadable:
            _guarded(handler, key)

    def _tell(self, change: Change[T]) -> None:
        for handler in self._handlers:
            _guarded(handler, change.before, change.after)


def _guarded(handler: Callable[..., None], *arguments: Any) -> None:
    """Call somebody else's code; its mistakes are told and end nothing here."""
    try:
        handler(*arguments)
    except Exception:  # noqa: BLE001  # a stranger's code may raise anything
        _log.exception("%r failed", handler)
