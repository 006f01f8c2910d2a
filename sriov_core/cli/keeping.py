"""``apply --watch``: stay, heal drift as it happens, and tell each healing."""

import threading

from sriov_core.cli.approval import refuse_cost
from sriov_core.cli.carryout import Run
from sriov_core.cli.machine import Machine
from sriov_core.cli.outcome import Outcome
from sriov_core.cli.progress import Progress
from sriov_core.cli.screen import Line, Session, Tone
from sriov_core.cli.signals import stop_on_signals
from sriov_core.engine.watch import Healed, Watch
from sriov_core.host.ports import Changes
from sriov_core.model.plan import Plan
from sriov_core.planning.render import counted


def keep(machine: Machine, run: Run, session: Session) -> int:
    """Keep the machine at the wish until SIGINT or SIGTERM; returns the exit code."""
    from sriov_core.host.changes import kernel_changes  # noqa: PLC0415  # needs libudev; only for watching

    with stop_on_signals() as stop, kernel_changes() as changes:
        session.note("watching; drift is healed as it happens. End with Ctrl-C")
        heal(machine, run, session, changes, stop)
    return 0


def heal(machine: Machine, run: Run, session: Session, changes: Changes, stop: threading.Event) -> None:
    """Heal at every change until ``stop`` is set; what costs more than allowed is told and left alone."""
    told = Progress(session)

    def approve(plan: Plan) -> None:
        refuse_cost(plan, run.max_cost)
        told.expect(len(plan.steps))

    def healed(found: Healed) -> None:
        outcome = Outcome(result=found.result, spec=run.spec, release=run.release, seconds=found.seconds)
        session.say(_line(found))
        session.data_line({"healed": outcome.data()})
        for error in outcome.errors():
            session.error(error)

    Watch(
        engine=machine.engine,
        spec=run.spec,
        changes=changes,
        stop=stop,
        approve=approve,
        on_event=told,
        on_healed=healed,
        on_error=lambda err: session.error(str(err)),
        release=run.release,
    ).run()


def _line(found: Healed) -> Line:
    steps = counted(len(found.result.first.steps), "step")
    good = found.result.converged
    end = "as wished again" if good else "NOT as wished"
    return Line(f"healed drift: {steps} in {found.seconds:.2f} s; {end}", Tone.GOOD if good else Tone.FAIL)
