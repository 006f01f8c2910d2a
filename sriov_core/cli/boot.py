"""``sriov-core boot``: one phase of a boot from the boot file, as the units of `install-units` start it."""

import os
from collections.abc import Callable

import click

from sriov_core.cli import simulation
from sriov_core.cli.approval import COSTS
from sriov_core.cli.machine import Machine, must_be_able, must_spare_this_machine, open_machine
from sriov_core.cli.options import Settings, host_options, output_options
from sriov_core.cli.progress import progress
from sriov_core.cli.screen import Format, Line, Session, Tone
from sriov_core.engine import bootfile, bootresult
from sriov_core.engine.boot import Boot
from sriov_core.engine.bootfile import BootFile
from sriov_core.engine.bootresult import BootResult, Outcome
from sriov_core.engine.converge import pins_of
from sriov_core.errors import SriovError
from sriov_core.host.udevdb import has_finished
from sriov_core.model.codec import to_builtins
from sriov_core.model.plan import Cost
from sriov_core.model.unittexts import BOOT_FILE
from sriov_core.planning.stages import Stage

_EXIT_CODES = {Outcome.SUCCEEDED: 0, Outcome.REBOOT_NEEDED: 2}
_DONE = {
    Stage.PRE: "pre: the PFs are ready for the network",
    Stage.POST: "post: the machine is as wished",
}


@click.command("boot", short_help="at boot: the wish of the boot file, before the network and after it")
@click.option(
    "--phase",
    type=click.Choice([stage.value for stage in Stage]),
    required=True,
    help="Before the network, or after it.",
)
@click.option("--file", "path", metavar="PATH", help=f"The boot file.  [default: {BOOT_FILE}]")
@click.option(
    "--max-cost",
    type=click.Choice([name for name, cost in COSTS.items() if cost < Cost.REBOOT]),
    default=str(Cost.VF_LOSS),
    show_default=True,
    help="Leave alone what costs more: users of VFs are cut off only with drain.",
)
@click.option("--save", metavar="FILE", help="With --host: write what has become of the simulated machine.")
@host_options
@output_options
@click.pass_obj
def verb(  # noqa: PLR0917  # click passes every option by name
    session: Session, phase: str, path: str | None, max_cost: str, save: str | None, settings: Settings
) -> int:
    """Do what this phase of a boot has to do, without asking, NIC by NIC; never begin a reboot.

    pre sets up PFs, eswitch modes and numbers of VFs and leaves VFs without driver; post does all that is left. How
    it ended is written to /run/sriov-core/boot-result.json, too.

    Exit code: 0 this phase is done, 2 done but for what needs a reboot, 1 an error, or some NIC is not as wished.
    """
    must_spare_this_machine("boot", settings)
    given = _given(path or os.path.join(settings.root, BOOT_FILE.lstrip("/")))
    machine = open_machine(settings, pins_of([given.spec]) if isinstance(given, BootFile) else None)
    must_be_able("boot", machine.rights)
    if save:
        simulation.must_be_simulated(machine.simulated)
    with progress(session) as told:
        boot = Boot(
            engine=machine.engine,
            stage=Stage(phase),
            results=os.path.join(settings.root, bootresult.PATH.lstrip("/")),
            until=_until(machine),
            has_finished=lambda link: has_finished(settings.root, link.ifindex),
            most=COSTS[max_cost],
            approve=lambda plan: told.expect(len(plan.steps)),
            on_event=told,
        )
        result = boot.run(given)
    if save:
        simulation.save(machine.host, save)
    return _tell(result, session)


def _given(path: str) -> BootFile | SriovError:
    try:
        return bootfile.read(path)
    except SriovError as err:
        return err


def _until(machine: Machine) -> Callable[[Callable[[], bool], float], bool]:
    if machine.simulated is not None:
        return lambda is_so, _: is_so()
    from sriov_core.host.waiting import until  # noqa: PLC0415  # a simulated machine does without it

    return lambda is_so, timeout_s: until(is_so, timeout_s, live=True)


def _tell(result: BootResult, session: Session) -> int:
    data = {"result": to_builtins(result)}
    if session.format is Format.JSON:
        session.data_line(data)
    else:
        session.show(lambda: [_line(result)], lambda: data)
    is_good = result.outcome is Outcome.SUCCEEDED
    for words in result.words:
        if is_good or not words.startswith(f"{result.phase}: "):
            session.note(words)
        else:
            session.error(words)
    return _EXIT_CODES.get(result.outcome, 1)


def _line(result: BootResult) -> Line:
    if result.outcome is Outcome.SUCCEEDED:
        return Line(_DONE[result.phase], Tone.GOOD)
    return Line(f"{result.phase}: {result.outcome}", Tone.WARN)
