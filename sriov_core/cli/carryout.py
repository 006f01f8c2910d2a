"""What `apply` and `reset` share: agree on the plan, do it with progress, tell what was read back."""

import time

import attrs

from sriov_core.cli import simulation
from sriov_core.cli.approval import Approval, refuse_problems
from sriov_core.cli.machine import Machine
from sriov_core.cli.outcome import Outcome
from sriov_core.cli.planview import left_alone, view
from sriov_core.cli.progress import progress
from sriov_core.cli.screen import Format, Session
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Cost, Plan, Problem


@attrs.frozen(kw_only=True)
class Run:
    """What is to be carried out and under which conditions."""

    verb: str
    spec: NodeSpec
    release: bool
    max_cost: Cost
    yes: bool
    problems: tuple[Problem, ...] = ()


def carry_out(machine: Machine, run: Run, session: Session) -> Outcome:
    """Take the machine to the wish. Raises a `SriovError`, with nothing changed, when the plan is not agreed to."""
    if machine.simulated is not None:
        session.note(f"simulated machine ({machine.simulated}); no real one is touched")
    before = machine.engine.look(run.spec, release=run.release)
    refuse_problems(view(before.plan, run.problems).plan)
    alone = left_alone(before, run.spec, release=run.release)
    approval = Approval(session=session, verb=run.verb, max_cost=run.max_cost, yes=run.yes, left_alone=alone)
    began = time.monotonic()
    with progress(session) as told:

        def approve(plan: Plan) -> None:
            nonlocal began
            approval(plan)
            told.expect(len(plan.steps))
            began = time.monotonic()

        result = machine.engine.converge(run.spec, release=run.release, approve=approve, on_event=told)
    return Outcome(
        result=result,
        spec=run.spec,
        release=run.release,
        done=told.done - len(result.failures),
        seconds=time.monotonic() - began,
    )


def tell(outcome: Outcome, session: Session) -> int:
    """Show how the run ended; returns the exit code."""
    if session.format is Format.JSON:
        session.data_line({"result": outcome.data()})
    else:
        session.show(outcome.blocks, lambda: {"result": outcome.data()})
    for error in outcome.errors():
        session.error(error)
    return outcome.end.exit_code


def keep_simulated(machine: Machine, outcome: Outcome, path: str | None, session: Session) -> None:
    """Write what has become of a simulated machine to the file; without one, say that it is lost."""
    if path:
        simulation.save(machine.host, path)
    elif machine.simulated is not None and outcome.done:
        session.note("the result is not kept; --save FILE keeps it")
