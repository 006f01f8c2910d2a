"""Whether the agent lives: signs of life from its loop and its steps, and what the kubelet's probes are answered."""

import time
from collections.abc import Callable
from http import HTTPStatus

from sriov_core.agent.seams import Meter, NoMeter, Outcome, Waiting
from sriov_core.engine.execute import Event, Moment
from sriov_core.kube.endpoints import Page, Pages
from sriov_core.model.observed import Snapshot

STUCK_S = 1200.0
"""No step, look or wait takes as long: the longest deadlines are those of firmware, some minutes."""


class Pulse:
    """A `Meter` that notes the time of whatever it passes on to ``inner``. Thread-safe; ``clock`` is in seconds.

    The loop turns at least twice a minute when there is nothing to do, and tells of each step when there is.
    """

    def __init__(
        self, inner: Meter | None = None, *, stuck_s: float = STUCK_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inner: Meter = inner or NoMeter()
        self._stuck_s, self._clock = stuck_s, clock
        self._last = clock()
        self._doing = ""
        self._has_looked = False

    def passed(self, outcome: Outcome, seconds: float) -> None:
        """A pass of the loop has ended."""
        self.beat()
        self._inner.passed(outcome, seconds)

    def stepped(self, event: Event) -> None:
        """A step of a plan has begun, is done or has failed."""
        self.beat(event.step.describe() if event.moment is Moment.STARTED else "")
        self._inner.stepped(event)

    def healed(self, steps: int) -> None:
        """Drift was found: so many steps were needed although the wish had not changed."""
        self._inner.healed(steps)

    def standing(self, snapshot: Snapshot, waiting: Waiting) -> None:
        """What the last look saw, and what the node waits for."""
        self._has_looked = True
        self._inner.standing(snapshot, waiting)

    def stuck(self) -> str:
        """Why the agent does not live any more; empty while it does."""
        silent_s = self._clock() - self._last
        if silent_s <= self._stuck_s:
            return ""
        doing = f" It began: {self._doing}." if self._doing else ""
        return f"the agent has done nothing for {silent_s / 60:.0f} minutes.{doing}"

    def unready(self) -> str:
        """Why the agent does not work yet, or any more; empty when it does, well or not."""
        return self.stuck() or ("" if self._has_looked else "the cluster has not been read yet")

    def beat(self, doing: str = "") -> None:
        """A sign of life; ``doing`` is what begins now and may last."""
        self._last, self._doing = self._clock(), doing


def pages(pulse: Pulse) -> Pages:
    """The answers to the kubelet's probes; what is wrong is in the body."""
    return {"/healthz": lambda: _page(pulse.stuck()), "/readyz": lambda: _page(pulse.unready())}


def _page(wrong: str) -> Page:
    return Page(HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK, f"{wrong or 'ok'}\n".encode())
