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

_MORE_EXACT = {"virtual-one-vf": "too-many-vfs"}
"""The code of a problem, to that of one which says the same less exactly."""


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
    """The view of a plan; ``problems`` are those that the wish has before any machine is asked.

    Each cause is told once: what a policy is told of a NIC stands in the place of what the NIC's plan says of the same.
    """
    nics = tuple(attrs.evolve(nic, problems=_distinct(nic.problems, problems)) for nic in plan.nics)
    told = {(nic.nic, code) for nic in nics for code in _codes(nic.problems)}
    rest = (found for found in (*problems, *plan.problems) if (found.nic, found.code) not in told)
    merged = attrs.evolve(plan, nics=nics, problems=tuple(dict.fromkeys(rest)))
    return View(plan=merged, left_alone=tuple(left_alone))


def _distinct(own: Sequence[Problem], wished: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems of one NIC without what another says more exactly, in the wish's words where it has some."""
    needless = {_MORE_EXACT.get(found.code) for found in own}
    found: list[Problem] = []
    for problem in own:
        if problem.code not in needless:
            same = [other for other in wished if (other.nic, other.code) == (problem.nic, problem.code)]
            found += same or [problem]
    return tuple(dict.fromkeys(found))


def _codes(problems: Sequence[Problem]) -> tuple[str, ...]:
    """Their codes, then those of what they make needless to tell."""
    codes = [found.code for found in problems]
    return (*codes, *(_MORE_EXACT[code] for code in codes if code in _MORE_EXACT))


def left_alone(look: Look, spec: NodeSpec, *, release: bool) -> tuple[NicRecord, ...]:
    """Our NICs that the wish does not name, where they are not given back."""
    if release:
        return ()
    unmanaged = {entry.function.address for entry in look.snapshot.unmanaged}  # told as such, and beyond --prune
    left = (record for address, record in sorted(look.memory.nics.items()) if spec.nic(address) is None)
    return tuple(record for record in left if record.address not in unmanaged)
