"""Workers that reconcile keys: an error of one key delays that key alone, with a growing pause, and is always told."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from sriov_core.errors import SriovError
from sriov_core.kube.failures import ApiFailure, Away, Conflict, Exists
from sriov_core.kube.workqueue import WorkQueue

K = TypeVar("K", bound=Hashable)

LOOK_UP_S = 0.9
"""How often an idle worker looks whether it shall stop."""

STUBBORN_S = 3.0
"""A conflict that makes a key wait for so long is told: after eight in a row somebody writes all the time."""

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Whoever counts: metrics and the log."""

    def reconciled(self, controller: str, outcome: str, seconds: float) -> None:
        """A pass has ended.

        ``ok``, ``later`` (asked to come back), ``conflict`` (an object was changed meanwhile), ``failed`` (expected) or
        ``broken`` (a bug).
        """
        ...

    def depth(self, controller: str, waiting: int) -> None:
        """How many keys wait."""
        ...


class Controller(Generic[K]):
    """One queue and its workers.

    ``reconcile`` gets a key and answers None, or after how many seconds to come back. A SriovError is logged in one
    line at WARNING and the key comes back with back-off (at least the server's Retry-After). Two that change the same
    object are normal, and an API server that is away is told elsewhere: both only at DEBUG. Any other exception is
    logged with its traceback at ERROR and comes back likewise, so that a bug in one key stops no other.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[K], float | None],
        *,
        workers: int = 1,
        watcher: Watcher | None = None,
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._watcher = watcher
        self._queue: WorkQueue[K] = WorkQueue()
        self._telling = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(workers)
        ]

    def add(self, key: K) -> None:
        """Reconcile a key soon."""
        self._queue.add(key)
        self._tell_depth()

    def add_after(self, key: K, seconds: float) -> None:
        """Reconcile a key after that time."""
        self._queue.add_after(key, seconds)

    def start(self, stop: threading.Event) -> None:
        """Start the workers; they end when ``stop`` is set, each after the pass that it is in."""
        self._stop = stop
        for thread in self._threads:
            thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the workers' end; False when one is still busy then."""
        end = time.monotonic() + timeout_s
        self._queue.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while not self._stop.is_set():
            key = self._queue.take(LOOK_UP_S)
            if key is None:
                continue
            if self._stop.is_set():
                return
            self._tell_depth()
            started = time.monotonic()
            try:
                outcome = self._pass(key)
            finally:
                self._queue.done(key)
            if self._watcher is not None:
                self._watcher.reconciled(self.name, outcome, time.monotonic() - started)

    def _pass(self, key: K) -> str:
        try:
            later = self._reconcile(key)
        except SriovError as error:
            asked = error.retry_after_s if isinstance(error, ApiFailure) else None
            seconds = self._queue.retry(key, asked or 0.0)
            outcome = "conflict" if isinstance(error, Conflict | Exists) else "failed"
            is_quiet = isinstance(error, Away) or (outcome == "conflict" and seconds < STUBBORN_S)
            level = logging.DEBUG if is_quiet else logging.WARNING
            _log.log(level, "%s %s: %s; again in %.1f s", self.name, key, error, seconds)
            return outcome
        except Exception:  # noqa: BLE001  # told in full, and the other keys go on
            seconds = self._queue.retry(key)
            _log.exception("%s %s: a bug; again in %.1f s", self.name, key, seconds)
            return "broken"
        self._queue.forget(key)
        if later is None:
            return "ok"
        self._queue.add_after(key, later)
        return "later"

    def _tell_depth(self) -> None:
        if self._watcher is None:
            return
        with self._telling:  # or a thread that looked earlier might tell last, of a key that nobody waits with any more
            self._watcher.depth(self.name, len(self._queue))
