"""How far the steps of a plan are, NIC by NIC: to the report at most once a second, to the log as begun and ended."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import attrs

from sriov_core.agent.logbook import Logbook
from sriov_core.agent.seams import Meter
from sriov_core.engine.execute import Event, Failure, Moment
from sriov_core.model.address import Address
from sriov_core.model.plan import Cost, Plan
from sriov_core.planning.render import cost_text, counted, plan_lines, step_text

PACE_S = 1.0
NODE = None
"""Stands for the node's own steps where NICs have an address."""

_NUMBER = re.compile(r"^\s*[\d-]+\s+")
_MOST_ROWS = 8

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
        """How its beginning is told: of what costs nobody anything, the end is enough."""
        return logging.INFO if self.plan.cost > Cost.NONE else logging.DEBUG

    @property
    def is_given_back(self) -> bool:
        return any(nic.release for nic in self.plan.nics)

    def begins(self) -> str:
        why = "is given back, as the wish does not have it any more: " if self.is_given_back else ""
        return f"{self.called}: {why}begins {counted(self.total, 'step')}, cost: {cost_text(self.plan)}"

    def ended(self, seconds: float) -> str:
        """What was done; of what costs more than a moment without a link, the beginning told the rest."""
        done = f"{counted(self.done, 'step')} done in {seconds:.1f} s"
        if self.plan.cost < Cost.VF_LOSS:
            rows = [_NUMBER.sub("", row) for lines in plan_lines(self.plan)[:-1] for row in lines.rows]
            more = f"; and {len(rows) - _MOST_ROWS} more" if len(rows) > _MOST_ROWS else ""
            done = f"{done}, cost: {self.plan.cost}: {'; '.join(rows[:_MOST_ROWS])}{more}"
        return f"{self.called}: {'given back, ' if self.is_given_back else ''}{done}"

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
                _log.info("%s", part.ended(seconds))
                self._book.forget(f"begins {nic}", f"stale {nic}")

    def _move(self, part: _Part, event: Event, nic: Address | None) -> None:
        if event.moment is not Moment.STARTED:
            part.done += 1
            part.under_way = ""
            return
        part.under_way = step_text(event.step, nic)
        if part.began is None:
            part.began = time.monotonic()
            self._book.say(f"begins {nic}", part.begins(), level=part.level)

    def _said(self) -> dict[Address, str]:
        return {nic: part.sentence() for nic, part in self._parts.items() if nic is not NODE}
