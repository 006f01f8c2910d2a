"""``sriov-core apply``: take the machine to the wish in the files, and with ``--watch`` keep it there."""

import click

from sriov_core.cli import keeping, simulation
from sriov_core.cli.approval import COSTS
from sriov_core.cli.carryout import Run, carry_out, keep_simulated, tell
from sriov_core.cli.machine import Machine, must_be_able, open_machine
from sriov_core.cli.options import Settings, file_option, host_options, output_options, reset_firmware_option
from sriov_core.cli.screen import Session
from sriov_core.cli.wish import read_input, wish_for
from sriov_core.errors import SpecError
from sriov_core.model.plan import Cost


@click.command("apply", short_help="do it, and say what was read back")
@file_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--max-cost",
    type=click.Choice(list(COSTS)),
    default=str(Cost.VF_LOSS),
    show_default=True,
    help="Refuse a plan that costs more: users of VFs are cut off only with drain, a reboot is prepared only with it.",
)
@click.option("--prune", is_flag=True, help="Also give back the NICs that were configured earlier and are left out.")
@click.option("--watch", is_flag=True, help="Stay, and heal drift as it happens.")
@click.option("--save", metavar="FILE", help="With --host: write what has become of the simulated machine.")
@reset_firmware_option
@host_options
@output_options
@click.pass_obj
def verb(  # noqa: PLR0917  # click passes every option by name
    session: Session,
    files: tuple[str, ...],
    yes: bool,  # noqa: FBT001
    max_cost: str,
    prune: bool,  # noqa: FBT001
    watch: bool,  # noqa: FBT001
    save: str | None,
    reset_firmware: bool,  # noqa: FBT001
    settings: Settings,
) -> int:
    """Show the plan, ask, do it step by step, and say what was read back. Running it again continues.

    Exit code: 0 as wished, 2 as wished after a reboot that is needed, 1 an error.
    """
    given = read_input(files)
    machine = open_machine(settings, given.pins)
    must_be_able("apply", machine.rights)
    _consistent(machine, watch=watch, save=save)
    snapshot = machine.engine.snapshot()
    wish = wish_for(given, snapshot, machine.engine.remembered(snapshot).nics)
    for note in (*given.notes, *wish.notes):
        session.note(note)
    spec = wish.spec.resetting_firmware() if reset_firmware else wish.spec
    run = Run(verb="apply", spec=spec, release=prune, max_cost=COSTS[max_cost], yes=yes, problems=wish.problems)
    outcome = carry_out(machine, run, session)
    code = tell(outcome, session)
    keep_simulated(machine, outcome, save, session)
    if watch and code != 1:
        return keeping.keep(machine, run, session)
    return code


def _consistent(machine: Machine, *, watch: bool, save: str | None) -> None:
    if save:
        simulation.must_be_simulated(machine.simulated)
    if watch and machine.simulated is not None:
        raise SpecError("--watch needs a real machine: nobody but this process changes a simulated one")
