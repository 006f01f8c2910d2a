"""A queue of keys to reconcile: a key waits there once, is worked on by one worker at a time, and comes back later."""

import heapq
import itertools
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from sriov_core.kube.backoff import pause

K = TypeVar("K", bound=Hashable)

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 60.0


class WorkQueue(Generic[K]):
    """Thread-safe. A key added while it is worked on is handed out again afterwards.

    Of several times at which a key shall come back, the earliest counts. ``clock`` is monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or time.monotonic
        self._random = random.Random()  # noqa: S311  # spreads retries; no secret
        self._changed = threading.Condition()
        # A plain dict looks for its first key past all those that were taken before.
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._tickets = itertools.count()
        self._failures: dict[K, int] = {}
        self._wakes = 0

    def add(self, key: K) -> None:
        """Hand the key out as soon as a worker is free."""
        with self._changed:
            self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Hand the key out after that time."""
        with self._changed:
            when = self._clock() + seconds
            if seconds <= 0:
                self._add(key)
            elif when < self._due.get(key, float("inf")):
                self._due[key] = when
                heapq.heappush(self._heap, (when, next(self._tickets), key))
                self._changed.notify()

    def retry(self, key: K, at_least_s: float = 0.0) -> float:
        """Hand the key out after a time that doubles with each failure, with jitter; answers that time."""
        with self._changed:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
        share = self._random.random()
        seconds = pause(failures, first_s=FIRST_RETRY_S, longest_s=LONGEST_RETRY_S, share=share)
        seconds = max(seconds, at_least_s * (1.0 + share / 2.0))  # others were told the same time
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """The key succeeded: its failures do not count any more."""
        with self._changed:
            self._failures.pop(key, None)

    def take(self, timeout_s: float) -> K | None:
        """The next key, which then belongs to the caller until `done`; None when there is none in that time."""
        end = self._clock() + timeout_s
        with self._changed:
            wakes = self._wakes
            while True:
                self._promote()
                if self._ready:
                    key, _ = self._ready.popitem(last=False)
                    self._busy.add(key)
                    return key
                now = self._clock()
                if now >= end or self._wakes != wakes:
                    return None
                soonest = self._heap[0][0] if self._heap else end
                self._changed.wait(min(soonest, end) - now)

    def done(self, key: K) -> None:
        """The caller has finished with the key."""
        with self._changed:
            self._busy.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._add(key)

    def wake(self) -> None:
        """Let those who wait in `take` look round: there is something else to see."""
        with self._changed:
            self._wakes += 1
            self._changed.notify_all()

    def __len__(self) -> int:
        """How many keys wait to be handed out now; those that come back later are not counted."""
        with self._changed:
            self._promote()
            return len(self._ready)

    def _add(self, key: K) -> None:
        if key in self._busy:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._changed.notify()

    def _promote(self) -> None:
        """Make ready what is due. An entry of the heap that an earlier time has replaced is passed over."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == when:
                del self._due[key]
                self._add(key)
