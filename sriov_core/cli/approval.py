"""Before the first write: show the plan, refuse what costs too much or cannot be done, ask the person."""

import sys

import attrs
import click

from sriov_core.cli.planview import view
from sriov_core.cli.screen import Session
from sriov_core.errors import SpecError, SriovError
from sriov_core.model.plan import Cost, Plan, PlannedStep
from sriov_core.model.record import NicRecord
from sriov_core.planning.render import counted, distinct_problems

COSTS = {str(cost): cost for cost in Cost}


@attrs.define(kw_only=True)
class Approval:
    """Decides on each plan of one run. Only a plan that costs more than what was agreed to is asked about again."""

    session: Session
    verb: str
    max_cost: Cost
    yes: bool
    left_alone: tuple[NicRecord, ...] = ()
    agreed: Cost | None = None

    def __call__(self, plan: Plan) -> None:
        """Return when the plan may be carried out; raises a `SriovError` that says why not."""
        shown = view(plan, left_alone=self.left_alone)
        if self.agreed is None:
            self.session.say(*shown.blocks())
        refuse_problems(plan)
        refuse_cost(plan, self.max_cost)
        if self.agreed is None or plan.cost > self.agreed:
            self._ask(plan)
        self.agreed = plan.cost

    def _ask(self, plan: Plan) -> None:
        if self.yes:
            return
        if not sys.stdin.isatty():
            look = "look with `sriov-core plan`" if self.verb == "apply" else "look at it on a terminal"
            text = f"{self.verb} asks before it changes anything, and the standard input is no terminal"
            raise SriovError(f"{text}. Nothing was changed. Say --yes, or {look}")
        again = "The machine changed meanwhile, and this now costs more" if self.agreed is not None else ""
        question = f"{again + '. ' if again else ''}Do {counted(len(plan.steps), 'step')} (cost: {plan.cost})?"
        if not click.confirm(question, err=True):
            raise SriovError(f"not agreed to; nothing {'more ' if again else ''}was changed")


def refuse_problems(plan: Plan) -> None:
    """SpecError with a line for each problem: a wish that cannot be met as a whole changes nothing at all."""
    problems = list(map(str, distinct_problems(plan)))
    if problems:
        last = f"{counted(len(problems), 'problem')}; nothing was changed"
        raise SpecError("\n".join((*problems, last)))


def refuse_cost(plan: Plan, most: Cost) -> None:
    """SriovError naming the first step that costs more than is allowed."""
    if plan.cost <= most:
        return
    costly = next((planned for planned in plan.steps if planned.cost > most), None)
    what = _costly(costly) if costly else f"a reboot is needed: {plan.reboots[0].reason}"
    allow = f"Allow it with --max-cost {plan.cost}"
    raise SriovError(f"the plan costs more than --max-cost {most} allows: {what}. Nothing was changed. {allow}")


def _costly(planned: PlannedStep) -> str:
    return f"{planned.step.describe()} costs {planned.cost} ({planned.why})"
