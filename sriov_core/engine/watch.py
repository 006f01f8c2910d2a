"""Stay and heal drift as it happens: the kernel's notifications wake it, a slow look is only the safety net."""

import threading
import time
from collections.abc import Callable

import attrs

from sriov_core.engine.converge import Approve, Engine, Result
from sriov_core.engine.execute import OnEvent
from sriov_core.errors import SriovError
from sriov_core.host.ports import Changes
from sriov_core.model.desired import NodeSpec

SAFETY_NET_S = 30.0
BACK_OFF_S = 5.0
_SLICE_S = 1.0
"""How long a wait lasts at most before the stop flag is looked at."""


@attrs.frozen(kw_only=True)
class Healed:
    """Drift was found and mended: how that ended and how long it took from the first notice."""

    result: Result
    seconds: float


OnHealed = Callable[[Healed], None]
OnError = Callable[[SriovError], None]


@attrs.frozen(kw_only=True)
class Watch:
    """Keep a machine at a wish until ``stop`` is set. What cannot be healed is told and tried again at the next change.

    ``approve`` may refuse a plan, for example because it would take a VF from a running workload; that is told, too.
    """

    engine: Engine
    spec: NodeSpec
    changes: Changes
    stop: threading.Event
    approve: Approve
    on_event: OnEvent
    on_healed: OnHealed
    on_error: OnError
    release: bool = False
    safety_net_s: float = SAFETY_NET_S
    back_off_s: float = BACK_OFF_S

    def run(self) -> None:
        """Look, heal, wait for a change, and again; returns when ``stop`` is set."""
        noticed: float | None = time.monotonic()  # what happened before the bell was hung is seen by looking at once
        while noticed is not None and not self.stop.is_set():
            self._look(noticed)
            noticed = self._wait()

    def _look(self, noticed: float) -> None:
        try:
            result = self.engine.converge(self.spec, release=self.release, approve=self.approve, on_event=self.on_event)
        except SriovError as err:
            self.on_error(err)
            self.stop.wait(self.back_off_s)
            return
        if result.first.steps:
            self.on_healed(Healed(result=result, seconds=time.monotonic() - noticed))
        if result.failures or result.last.plan.steps:
            # Our own attempts ring the bell as well; without a pause they would wake us for the next one.
            self.stop.wait(self.back_off_s)

    def _wait(self) -> float | None:
        """When a change was noticed; the time of the safety net counts as one."""
        deadline = time.monotonic() + self.safety_net_s
        while not self.stop.is_set():
            left = deadline - time.monotonic()
            if left <= 0 or self.changes.wait(min(_SLICE_S, left)):
                return time.monotonic()
        return None
