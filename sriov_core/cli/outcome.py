"""How a run ended, said only from what was read back afterwards. Pure."""

import enum
from collections.abc import Iterator
from typing import Any

import attrs

from sriov_core.cli.probeview import nic_state
from sriov_core.cli.screen import Block, Line, Tone
from sriov_core.engine.converge import Result
from sriov_core.model.codec import to_builtins
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Cost
from sriov_core.planning.difference import Difference, differences
from sriov_core.planning.render import counted, distinct_problems, plan_data
from sriov_core.planning.wish import complete


class End(enum.StrEnum):
    """How a run ended; the value stands in the JSON result."""

    UNCHANGED = "unchanged"
    CONVERGED = "converged"
    REBOOT_NEEDED = "reboot-needed"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        """0 as wished, 2 a reboot is missing, 1 failed."""
        return {End.REBOOT_NEEDED: 2, End.FAILED: 1}.get(self, 0)


@attrs.frozen(kw_only=True)
class Outcome:
    """The result of a run with what the command knows of it; ``idle`` is what is said when nothing was to be done."""

    result: Result
    spec: NodeSpec
    release: bool = False
    done: int = 0
    seconds: float = 0.0
    idle: str = "nothing to do: the machine is as wished"

    @property
    def end(self) -> End:
        """Judged by the last look at the machine, never by what was done."""
        last = self.result.last.plan
        waits = bool(last.reboots) and all(planned.cost is Cost.REBOOT for planned in last.steps)
        if last.all_problems or any(not failure.stale for failure in self.result.failures):
            return End.FAILED
        if self.result.converged:
            return End.CONVERGED if self.result.first.steps else End.UNCHANGED
        return End.REBOOT_NEEDED if waits else End.FAILED

    @property
    def still_different(self) -> tuple[Difference, ...]:
        """What the last look found other than wished."""
        look = self.result.last
        wish = complete(self.spec, look.memory, release=self.release)
        pairs = ((look.snapshot.nic(nic.address), nic) for nic in wish.nics)
        return tuple(found for nic, own in pairs if nic for found in differences(nic, own))

    def blocks(self) -> Iterator[Block]:
        """For people: what was done, what was read back, what is missing."""
        last = self.result.last
        if self.end is End.UNCHANGED:
            yield Line(self.idle, Tone.GOOD)
        elif self.end is not End.FAILED:
            yield Line(f"done: {counted(self.done, 'step')} in {self.seconds:.1f} s. Read back:", Tone.GOOD)
        else:
            yield Line(f"failed after {counted(self.done, 'step')}. Read back:", Tone.FAIL)
        for plan in last.plan.nics:
            if nic := last.snapshot.nic(plan.nic):
                yield Line(f"  {nic_state(nic)}")
        if self.end is not End.REBOOT_NEEDED:
            yield from (Line(f"  still different: {found}", Tone.WARN) for found in self.still_different)
        for reboot in last.plan.reboots:
            yield Line(f"reboot needed: {reboot.reason}. Run the same command again after it", Tone.WARN)

    def errors(self) -> Iterator[str]:
        """One line for each thing that went wrong."""
        for failure in self.result.failures:
            if not failure.stale:
                yield f"step {failure.step.describe()!r} failed: {failure.error}"
        yield from map(str, distinct_problems(self.result.last.plan))
        if self.end is End.FAILED and not self.result.failures and not self.result.last.plan.all_problems:
            yield "the machine is not as wished although no step failed; somebody else may be changing it. Run it again"

    def data(self) -> dict[str, Any]:
        """For programs: the final object of ``apply`` and ``reset``."""
        last = self.result.last
        nics = [last.snapshot.nic(plan.nic) for plan in last.plan.nics]
        return {
            "outcome": self.end.value,
            "steps_done": self.done,
            "seconds": round(self.seconds, 6),
            "plan": plan_data(self.result.first),
            "left_to_do": plan_data(last.plan),
            "nics": [to_builtins(nic) for nic in nics if nic],
            "failures": [to_builtins(failure) for failure in self.result.failures],
            "still_different": [str(found) for found in self.still_different],
            "reboots": [to_builtins(reboot) for reboot in last.plan.reboots],
        }
