"""How far the steps of a plan are, NIC by NIC: to the report at most once a second, to the log as begun and ended."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import attrs

from sriov_core.agent.logbook import Logbook
from sriov_core.agent.seams import Meter
from sriov_core.engine.execute import Event, Failure, Moment
from sriov_core.model.address import Address
from sriov_core.model.plan import Cost, Plan
from sriov_core.planning.render import cost_text, counted, step_text

PACE_S = 1.0
NODE = None
"""Stands for the node's own steps where NICs have an address."""

OnProgress = Callable[[Mapping[Address, str]], None]

_log = logging.getLogger("sriov_core.agent")


@attrs.define
class _Part:
    """The steps of one NIC, or of the node: a part of a plan, and how far it is."""

    called: str
    plan: Plan
    done: int = 0
    under_way: str = ""
    began: float | None = None

    @property
    def total(self) -> int:
        return len(self.plan.steps)

    @property
    def level(self) -> int:
        """What costs nobody anything is a detail."""
        return logging.INFO if self.plan.cost > Cost.NONE else logging.DEBUG

    def sentence(self) -> str:
        step = f"; {self.under_way}" if self.under_way else ""
        return f"{min(self.done, self.total)} of {self.total} steps done{step}"


class Progress:
    """Takes the engine's events, from several threads, and tells how far it is: ``2 of 7 steps done; VFs 0 -> 4``."""

    def __init__(self, plan: Plan, meter: Meter, tell: OnProgress, book: Logbook) -> None:
        self._parts: dict[Address | None, _Part] = {
            nic.nic: _Part(f"{nic.nic} ({nic.name})" if nic.name else str(nic.nic), Plan(nics=(nic,)))
            for nic in plan.nics
            if nic.steps
        }
        if plan.node or plan.after:
            self._parts[NODE] = _Part("the node", Plan(node=plan.node, after=plan.after))
        self._meter, self._tell, self._book = meter, tell, book
        self._lock = threading.Lock()
        self._told_at = time.monotonic()

    def __call__(self, event: Event) -> None:
        """One more event."""
        self._meter.stepped(event)
        if event.moment is not Moment.STARTED:
            why = f": {event.error}" if event.error else ""
            _log.debug("step %r %s in %.2f s%s", event.step.describe(), event.moment, event.seconds, why)
        nic = getattr(event.step, "nic", NODE)
        with self._lock:
            if part := self._parts.get(nic):
                self._move(part, event, nic)
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

    def end(self, failures: Iterable[Failure]) -> None:
        """The work has ended, with these failures: log what is done. Of failed steps the verdict tells."""
        failed = {failure.nic: failure for failure in failures}
        for nic, part in self._parts.items():
            failure = failed.get(nic)
            if failure and failure.stale:
                self._book.say(f"stale {nic}", f"{part.called} is planned again: {failure.error}")
            elif part.began is not None and failure is None:
                seconds = time.monotonic() - part.began
                _log.log(part.level, "%s: %s done in %.1f s", part.called, counted(part.done, "step"), seconds)
                self._book.forget(f"begins {nic}", f"stale {nic}")

    def _move(self, part: _Part, event: Event, nic: Address | None) -> None:
        if event.moment is not Moment.STARTED:
            part.done += 1
            part.under_way = ""
            return
        part.under_way = step_text(event.step, nic)
        if part.began is None:
            part.began = time.monotonic()
            text = f"{part.called}: begins {counted(part.total, 'step')}, cost: {cost_text(part.plan)}"
            self._book.say(f"begins {nic}", text, level=part.level)

    def _said(self) -> dict[Address, str]:
        return {nic: part.sentence() for nic, part in self._parts.items() if nic is not NODE}
