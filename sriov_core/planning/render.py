"""A plan for people, as lines, and for programs, as plain data. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import attrs

from sriov_core.model.address import Address
from sriov_core.model.codec import to_builtins
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep, Problem
from sriov_core.model.record import NicRecord
from sriov_core.model.step import Step
from sriov_core.model.steps import SetVfGuid, SetVfMac, vf_of
from sriov_core.planning.disruption import spans

_MOST_ADDRESSES = 8
_MOST_REASONS = 2


@attrs.frozen(kw_only=True)
class Lines:
    """What stands under one heading of a plan: ``heading`` at the margin, ``rows`` indented."""

    heading: str
    rows: tuple[str, ...] = ()


def plan_lines(plan: Plan, left_alone: Iterable[NicRecord] = ()) -> tuple[Lines, ...]:
    """The plan, the node first and then NIC by NIC, with problems, reboots and the summary at the end.

    ``left_alone`` are NICs that are ours and that the wish does not name.
    """
    parts = [*_node_lines(plan), *(lines for nic in plan.nics for lines in _nic_lines(nic))]
    if plan.after:
        parts.append(Lines(heading="node, after the NICs", rows=tuple(_step_rows(plan.after, None))))
    parts += [Lines(heading=f"reboot needed: {reboot.reason}") for reboot in plan.reboots]
    parts += [Lines(heading=left_alone_note(record)) for record in left_alone]
    return (*parts, Lines(heading=summary(plan)))


def plan_data(plan: Plan, left_alone: Iterable[NicRecord] = ()) -> dict[str, Any]:
    """The plan as dicts, lists and scalars; the keys are part of the command line's promise (docs/cli.md)."""
    return {
        "empty": plan.is_empty,
        "cost": str(plan.cost),
        "summary": summary(plan),
        "steps": len(plan.steps),
        "node": [_step_data(planned) for planned in plan.node],
        "nics": [_nic_data(nic) for nic in plan.nics],
        "after": [_step_data(planned) for planned in plan.after],
        "problems": [to_builtins(problem) for problem in plan.problems],
        "reboots": [to_builtins(reboot) for reboot in plan.reboots],
        "left_alone": [{"nic": str(record.address), "name": record.name} for record in left_alone],
    }


def summary(plan: Plan) -> str:
    """One sentence: ``12 steps on 1 NIC, cost: vf-loss (vf0-vf6 in use by nobody known); no drain, no reboot``."""
    parts = []
    if problems := distinct_problems(plan):
        parts.append(counted(len(problems), "problem"))
    if plan.is_empty:
        parts += [] if problems else [f"nothing to do{_as_wished(plan)}"]
        return "; ".join(parts)
    nics = sum(bool(nic.steps) for nic in plan.nics)
    where = f" on {counted(nics, 'NIC')}" if nics else ""
    avoided = [name for name, cost in (("drain", Cost.DRAIN), ("reboot", Cost.REBOOT)) if plan.cost < cost]
    absent = f"; {', '.join(f'no {name}' for name in avoided)}" if avoided else ""
    parts.append(f"{counted(len(plan.steps), 'step')}{where}, cost: {cost_text(plan)}{absent}")
    return "; ".join(parts)


def cost_text(plan: Plan) -> str:
    """The cost of a plan with what causes it: ``link-flap (most kernel drivers restart the queues ...)``."""
    parts = ((plan.node, None), (plan.after, None), *((nic.steps, nic.nic) for nic in plan.nics))
    rows = (planned for steps, nic in parts for _, _, planned in _merged(steps, nic))
    reasons = dict.fromkeys(planned.why for planned in rows if planned.cost is plan.cost and planned.why)
    if plan.cost is Cost.REBOOT and plan.reboots:
        reasons = dict.fromkeys(reboot.reason for reboot in plan.reboots)
    if plan.cost is Cost.NONE or not reasons:
        return str(plan.cost)
    shown = list(reasons)[:_MOST_REASONS]
    more = [f"and {len(reasons) - len(shown)} more"] if len(reasons) > len(shown) else []
    return f"{plan.cost} ({'; '.join((*shown, *more))})"


def left_alone_note(record: NicRecord) -> str:
    """Why a NIC that is ours gets no steps."""
    name = f"{record.address} ({record.name})" if record.name else str(record.address)
    return f"note: {name} was configured earlier and is not wished for now: it is left alone; --prune gives it back"


def step_text(step: Step, nic: Address | None = None) -> str:
    """The step's sentence without the NIC's address, which stands in the heading above it."""
    text = step.describe()
    for prefix in (f"{nic}: ", f"{nic} ", "node: "):
        text = text.removeprefix(prefix)
    return text


def counted(number: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def problem_lines(problems: Iterable[Problem], *, named: bool = True) -> Iterator[str]:
    """Two lines a problem: its code with the text, and what to do; ``named`` says which NIC it is about."""
    for problem in problems:
        where = f"{problem.nic}: " if problem.nic and named else ""
        yield f"{problem.code}: {where}{problem.text}"
        yield f"  remedy: {problem.remedy}"


def distinct_problems(plan: Plan) -> tuple[Problem, ...]:
    """Every problem once: one of the node that some NIC has as well is told as the NIC's."""
    of_nics = [problem for nic in plan.nics for problem in nic.problems]
    told = {(problem.code, problem.text) for problem in of_nics}
    of_node = [problem for problem in plan.problems if (problem.code, problem.text) not in told]
    return tuple(dict.fromkeys((*of_node, *of_nics)))


def _node_lines(plan: Plan) -> Iterator[Lines]:
    if plan.node:
        yield Lines(heading="node", rows=tuple(_step_rows(plan.node, None)))
    if own := [problem for problem in distinct_problems(plan) if problem in plan.problems]:
        yield Lines(heading="problems", rows=tuple(problem_lines(own)))


def _nic_lines(nic: NicPlan) -> Iterator[Lines]:
    title = f"{nic.nic} ({nic.name})" if nic.name else str(nic.nic)
    by = f", by plugin {nic.plugin}" if nic.plugin else ""
    if nic.problems:
        yield Lines(heading=f"{title}: cannot be done", rows=tuple(problem_lines(nic.problems, named=False)))
        return
    if nic.steps:
        back = " (given back)" if nic.release else ""
        yield Lines(heading=f"{title}{back}{by}", rows=tuple(_step_rows(nic.steps, nic.nic)))
    if nic.later:
        yield Lines(
            heading=f"{title}, after the reboot (planned afresh then, as are the node's own steps){by}",
            rows=tuple(_step_rows(nic.later, nic.nic)),
        )
    if not nic.steps and not nic.later:
        yield Lines(heading=f"{title}: {'given back' if nic.release else 'as wished'}")


def _step_rows(steps: Sequence[PlannedStep], nic: Address | None) -> Iterator[str]:
    rows = list(_merged(steps, nic))
    numbers = [number for number, _, _ in rows]
    width = max(map(len, numbers), default=0)
    for number, text, planned in rows:
        cost = f"  [{planned.cost}: {planned.why}]" if planned.cost else ""
        yield f"{number.rjust(width)}  {text}{cost}"


def _merged(steps: Sequence[PlannedStep], nic: Address | None) -> Iterator[tuple[str, str, PlannedStep]]:
    """Number, sentence and step; neighbours that do the same to one VF after the other become one row."""
    position = 0
    for _, group in groupby(steps, key=lambda planned: _sameness(planned, nic)):
        run = list(group)
        if isinstance(run[0].step, SetVfMac | SetVfGuid) and len(run) <= _MOST_ADDRESSES:
            rows = [(1, step_text(planned.step, nic), planned) for planned in run]
        else:
            rows = [(len(run), _run_text(run, nic), attrs.evolve(run[0], why=_why(run)))]
        for length, text, planned in rows:
            first, last = position + 1, position + length
            yield (str(first) if first == last else f"{first}-{last}"), text, planned
            position = last


def _sameness(planned: PlannedStep, nic: Address | None) -> object:
    vf = vf_of(planned.step)
    if vf is None:
        return planned
    if isinstance(planned.step, SetVfMac | SetVfGuid):
        return (planned.step.kind, planned.step.was is None, planned.cost)
    return (_sentence(planned.step, nic), planned.cost)


def _sentence(step: Step, nic: Address | None) -> str:
    return step_text(step, nic).partition(": ")[2]


def _run_text(run: Sequence[PlannedStep], nic: Address | None) -> str:
    vfs = [vf.index for planned in run if (vf := vf_of(planned.step))]
    if len(run) == 1:
        return step_text(run[0].step, nic)
    if isinstance(run[0].step, SetVfMac | SetVfGuid):
        what = "MAC" if isinstance(run[0].step, SetVfMac) else "GUID"
        return f"{spans(vfs)}: admin {what} -> {len(run)} lasting addresses, one each"
    return f"{spans(vfs)}: {_sentence(run[0].step, nic)}"


def _why(run: Sequence[PlannedStep]) -> str:
    reasons = dict.fromkeys(planned.why for planned in run if planned.why)
    if len(reasons) > 1 and run[0].cost is Cost.VF_LOSS:
        vfs = [vf.index for planned in run if (vf := vf_of(planned.step))]
        return f"{spans(vfs)} in use by nobody known"
    if len(reasons) > 1 and run[0].cost is Cost.LINK_FLAP:
        return "each restarts its queues for a new MTU"
    return "; ".join(reasons)


def _as_wished(plan: Plan) -> str:
    return f": {counted(len(plan.nics), 'NIC')} as wished" if plan.nics else ""


def _nic_data(nic: NicPlan) -> dict[str, Any]:
    return {
        "nic": str(nic.nic),
        "name": nic.name,
        "plugin": nic.plugin,
        "release": nic.release,
        "cost": str(nic.cost),
        "steps": [_step_data(planned) for planned in nic.steps],
        "later": [_step_data(planned) for planned in nic.later],
        "problems": [to_builtins(problem) for problem in nic.problems],
        "reboots": [to_builtins(reboot) for reboot in nic.reboots],
    }


def _step_data(planned: PlannedStep) -> dict[str, Any]:
    return {**to_builtins(planned.step), "cost": str(planned.cost), "why": planned.why}
