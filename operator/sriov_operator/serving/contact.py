"""Whether the API server still tells of changes. That nothing happens says nothing: quiet objects have no bookmarks."""

import threading
import time
from collections.abc import Callable

from sriov_core.kube.client import Observer

OK = 200
_FOLLOWING = ("list", "watch")


class Contact:
    """Since when objects are not being watched, by the plural of their resource; an `Observer` before another one.

    A watch that is open counts as contact: a peer that is gone is noticed within 45 s (`sriov_core.kube.connection`).
    Thread-safe. ``clock`` is monotonic seconds.
    """

    def __init__(self, observer: Observer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._observer = observer
        self._clock = clock
        self._lock = threading.Lock()
        self._lost: dict[str, float] = {}

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:
        """A request has ended; of a watch, its beginning."""
        self._observer.requested(verb, resource, status, seconds)
        if verb in _FOLLOWING and status == OK:
            with self._lock:
                self._lost.pop(resource, None)
        elif verb in _FOLLOWING:
            self.lost(resource)

    def lost(self, resource: str) -> None:
        """A watch broke off."""
        with self._lock:
            self._lost.setdefault(resource, self._clock())

    def outage_s(self, resource: str) -> float:
        """For how long these have not been watched; 0 while they are."""
        with self._lock:
            since = self._lost.get(resource)
        return 0.0 if since is None else self._clock() - since

    @property
    def longest_outage_s(self) -> float:
        """That of the objects which have not been watched for longest."""
        with self._lock:
            known = tuple(self._lost)
        return max(map(self.outage_s, known), default=0.0)
