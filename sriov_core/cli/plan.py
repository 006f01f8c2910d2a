"""``sriov-core plan``: what would be done and what it would cost. Reads only."""

import click

from sriov_core.cli.machine import open_machine
from sriov_core.cli.options import Settings, file_option, host_options, output_options, reset_firmware_option
from sriov_core.cli.planview import left_alone, view
from sriov_core.cli.screen import Session
from sriov_core.cli.wish import read_input, wish_for


@click.command("plan", short_help="what would be done, and what it would cost")
@file_option
@click.option("--prune", is_flag=True, help="Also give back the NICs that were configured earlier and are left out.")
@reset_firmware_option
@host_options
@output_options
@click.pass_obj
def verb(
    session: Session,
    files: tuple[str, ...],
    prune: bool,  # noqa: FBT001
    reset_firmware: bool,  # noqa: FBT001
    settings: Settings,
) -> int:
    """Show the steps to the wish in the files, what each costs and why. Nothing is changed; no root is needed.

    Exit code: 0 nothing to do, 2 there are changes, 1 an error or a wish that cannot be met.
    """
    given = read_input(files)
    machine = open_machine(settings, given.pins)
    snapshot = machine.engine.snapshot()
    wish = wish_for(given, snapshot, machine.engine.remembered(snapshot).nics)
    for note in (*given.notes, *wish.notes):
        session.note(note)
    spec = wish.spec.resetting_firmware() if reset_firmware else wish.spec
    look = machine.engine.look(spec, release=prune, snapshot=snapshot)
    shown = view(look.plan, wish.problems, left_alone(look, spec, release=prune))
    session.show(shown.blocks, shown.data)
    if shown.plan.all_problems:
        session.note("apply changes nothing as long as one of the problems is there")
        return 1
    return 0 if shown.plan.is_empty else 2
