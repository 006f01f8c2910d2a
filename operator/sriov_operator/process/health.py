"""Whether the process lives and whether it is ready, in words, as the kubelet asks for it."""

import threading
import time
from collections.abc import Callable, Sequence

import attrs

STUCK_S = 600.0
"""How long keys may wait without a single pass coming to an end; the longest pass of a controller is far shorter."""

_WAITING, _LEADING = "waiting for the leadership", "leading"


@attrs.frozen
class Verdict:
    """An answer to a probe; ``text`` is a line a fact."""

    good: bool
    text: str


@attrs.define
class _Progress:
    waiting: int = 0
    since: float = 0.0


class Health:
    """Told by controllers what they do (`sriov_core.kube.controller.Watcher`), and by the process where it stands.

    Alive: no controller has keys that wait while nothing has been finished for ``stuck_s``. Ready: nothing is missing
    for its work, whether it leads or waits for the leadership: an update that brings a process without rights stops
    there. Thread-safe. ``clock`` is monotonic seconds.
    """

    def __init__(self, *, stuck_s: float = STUCK_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._stuck_s = stuck_s
        self._clock = clock
        self._lock = threading.Lock()
        self._controllers: dict[str, _Progress] = {}
        self._phase = "starting"
        self._missing: Callable[[], Sequence[str]] = tuple

    def depth(self, controller: str, waiting: int) -> None:
        """How many keys wait for a controller; the first one that waits starts its time."""
        with self._lock:
            progress = self._controllers.setdefault(controller, _Progress())
            if not progress.waiting:
                progress.since = self._clock()
            progress.waiting = waiting

    def reconciled(self, controller: str, outcome: str, seconds: float) -> None:  # noqa: ARG002  # as the protocol has it
        """A pass has ended, however; those that wait have their turn next."""
        with self._lock:
            self._controllers.setdefault(controller, _Progress()).since = self._clock()

    def waits(self, missing: Callable[[], Sequence[str]]) -> None:
        """The process waits for the leadership; ``missing`` answers what its work lacks from now on, a line a fact."""
        self._missing = missing
        self._phase = _WAITING

    def leads(self) -> None:
        """The process leads."""
        self._phase = _LEADING

    def stops(self) -> None:
        """The process is about to end."""
        self._phase = "stopping"

    def alive(self) -> Verdict:
        """For /healthz."""
        now = self._clock()
        with self._lock:
            stuck = [
                f"controller {name}: {one.waiting} keys wait, and nothing was finished for {now - one.since:.0f} s"
                for name, one in sorted(self._controllers.items())
                if one.waiting and now - one.since > self._stuck_s
            ]
        return Verdict(not stuck, "\n".join(stuck) or "ok")

    def ready(self) -> Verdict:
        """For /readyz."""
        phase = self._phase
        if phase not in (_WAITING, _LEADING):
            return Verdict(good=False, text=phase)
        missing = self._missing()
        return Verdict(not missing, "\n".join(missing) or phase)
