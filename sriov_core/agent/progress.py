"""How far the steps of a plan are, NIC by NIC, told at most once a second while they are done."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from sriov_core.agent.seams import Meter
from sriov_core.engine.execute import Event, Moment
from sriov_core.model.address import Address
from sriov_core.model.plan import Plan
from sriov_core.planning.render import step_text

PACE_S = 1.0

OnProgress = Callable[[Mapping[Address, str]], None]


class Progress:
    """Takes the engine's events, from several threads, and tells how far it is: ``2 of 7 steps done; VFs 0 -> 4``."""

    def __init__(self, plan: Plan, meter: Meter, tell: OnProgress) -> None:
        self._total = {nic.nic: len(nic.steps) for nic in plan.nics if nic.steps}
        self._done: Counter[Address] = Counter()
        self._under_way: dict[Address, str] = {}
        self._meter, self._tell = meter, tell
        self._lock = threading.Lock()
        self._told_at = time.monotonic()

    def __call__(self, event: Event) -> None:
        """One more event."""
        self._meter.stepped(event)
        nic = getattr(event.step, "nic", None)
        with self._lock:
            if nic in self._total:
                if event.moment is Moment.STARTED:
                    self._under_way[nic] = step_text(event.step, nic)
                else:
                    self._done[nic] += 1
                    self._under_way.pop(nic, None)
            now = time.monotonic()
            if now - self._told_at < PACE_S:
                return
            self._told_at = now
            said = self._said()
        self._tell(said)

    def said(self) -> Mapping[Address, str]:
        """How far each NIC is now."""
        with self._lock:
            return self._said()

    def _said(self) -> dict[Address, str]:
        return {nic: self._sentence(nic, total) for nic, total in self._total.items()}

    def _sentence(self, nic: Address, total: int) -> str:
        step = self._under_way.get(nic)
        return f"{min(self._done[nic], total)} of {total} steps done{f'; {step}' if step else ''}"
