"""A plan on the screen: the lines of `planning.render` with colour, and the data with what the command adds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from sriov_core.cli.screen import Block, Line, Tone
from sriov_core.engine.ours import Look
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Plan, Problem
from sriov_core.model.record import NicRecord
from sriov_core.planning.render import plan_data, plan_lines


@attrs.frozen(kw_only=True)
class View:
    """A plan with the problems of the wish in it, and the NICs of ours that it leaves alone."""

    plan: Plan
    left_alone: tuple[NicRecord, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """For people."""
        for part in plan_lines(self.plan, self.left_alone):
            refused = part.heading.endswith(": cannot be done") or part.heading == "problems"
            yield Line(part.heading, Tone.FAIL if refused else Tone.STRONG if part.rows else Tone.PLAIN)
            yield from (Line(f"  {row}") for row in part.rows)

    def data(self) -> dict[str, Any]:
        """For programs."""
        return plan_data(self.plan, self.left_alone)


def view(plan: Plan, problems: Sequence[Problem] = (), left_alone: Iterable[NicRecord] = ()) -> View:
    """The view of a plan; ``problems`` are those that the wish has before any machine is asked."""
    merged = attrs.evolve(plan, problems=tuple(dict.fromkeys((*problems, *plan.problems))))
    return View(plan=merged, left_alone=tuple(left_alone))


def left_alone(look: Look, spec: NodeSpec, *, release: bool) -> tuple[NicRecord, ...]:
    """Our NICs that the wish does not name, where they are not given back."""
    if release:
        return ()
    unmanaged = {entry.function.address for entry in look.snapshot.unmanaged}  # told as such, and beyond --prune
    left = (record for address, record in sorted(look.memory.nics.items()) if spec.nic(address) is None)
    return tuple(record for record in left if record.address not in unmanaged)
