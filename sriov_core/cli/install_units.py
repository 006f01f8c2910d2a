"""``sriov-core install-units``: have systemd keep the wish over reboots, or take that back."""

import os
import sys
from collections.abc import Iterable, Mapping

import attrs
import click

from sriov_core.cli.approval import refuse_problems
from sriov_core.cli.machine import must_spare_this_machine, open_machine
from sriov_core.cli.options import Settings, host_options, output_options
from sriov_core.cli.planview import view
from sriov_core.cli.screen import Line, Session, Tone
from sriov_core.cli.wish import Input, read_input, wish_for
from sriov_core.engine import bootfile
from sriov_core.errors import SpecError
from sriov_core.host import units
from sriov_core.host.tools import Tools
from sriov_core.model import unittexts
from sriov_core.model.desired import NodeSpec

_TOOL_S = 60.0
_AT_NEXT_BOOT = "they run at the next boot; `systemctl start sriov-core-pre sriov-core-post` runs them now"
_PASSING = ("/home/", "/root/", "/tmp/", "/var/tmp/")  # noqa: S108  # nothing is written there
_LEFT = "the NICs stay as they are; `sriov-core reset --all` gives them back"


@click.command("install-units", short_help="keep the wish over reboots, through systemd")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Policies and/or node states; without any, the boot file stays as it is.",
)
@click.option("--uninstall", is_flag=True, help="Remove the units and the boot file again.")
@click.option("--dry-run", is_flag=True, help="Print the files, and write nothing.")
@host_options
@output_options
@click.pass_obj
def verb(
    session: Session,
    files: tuple[str, ...],
    uninstall: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    settings: Settings,
) -> int:
    """Write the wish in the files to the boot file, and two systemd units that carry it out at every boot.

    Changes no NIC. Running it again brings everything up to date, or finds nothing to do.

    Exit code: 0 done, 1 an error.
    """
    if uninstall and (files or dry_run):
        raise SpecError("--uninstall goes with neither -f nor --dry-run")
    if not dry_run:
        must_spare_this_machine("install-units", settings)
    root = settings.root.rstrip("/")
    run = Tools(root, _TOOL_S).run
    if uninstall:
        return _tell(units.uninstall(root, run), _LEFT, session)
    program = (sys.executable, "-m", "sriov_core")
    _tell_where(program[0], session)
    wanted = {**_boot_file(files, settings, session), **unittexts.texts(program)}
    if dry_run:
        session.show(lambda: _printed(wanted), lambda: {"files": wanted})
        return 0
    _refuse_rivals(root, session)
    if units.is_booted(root):
        units.must_start(program, run)
    return _tell(units.install(root, wanted, run), _AT_NEXT_BOOT, session)


def _tell_where(interpreter: str, session: Session) -> None:
    """Homes may be mounted late or locked until somebody logs in, and temporary folders are emptied."""
    if interpreter.startswith(_PASSING):
        text = f"the units run {interpreter}, which a boot may not find: it needs an installation that is there early"
        session.note(f"{text} and stays, for example in /opt/sriov-core")


def _boot_file(files: tuple[str, ...], settings: Settings, session: Session) -> dict[str, str]:
    """The boot file with the wish of the files; none to write when no files are given and there is a good one."""
    path = os.path.join(settings.root, unittexts.BOOT_FILE.lstrip("/"))
    if files:
        return {unittexts.BOOT_FILE: bootfile.encode(_pinned(_wish(read_input(files), settings, session), settings))}
    if not os.path.lexists(path):
        raise SpecError(f"there is no boot file {path} yet. Give the wish with -f FILE, as for `sriov-core apply`")
    bootfile.read(path)
    return {}


def _wish(given: Input, settings: Settings, session: Session) -> NodeSpec:
    """The wish, judged like that of `apply`; node states may be written to a root that is no running machine."""
    is_machine = settings.host is not None or os.path.isdir(os.path.join(settings.root, "sys", "bus"))
    if not is_machine and not given.policies:
        return _of_states(given, session)
    machine = open_machine(settings, given.pins)
    snapshot = machine.engine.snapshot()
    wish = wish_for(given, snapshot, machine.engine.remembered(snapshot).nics)
    for note in (*given.notes, *wish.notes):
        session.note(note)
    plan = machine.engine.look(wish.spec, release=False, snapshot=snapshot).plan
    refuse_problems(view(plan, wish.problems).plan)
    for reboot in plan.reboots:
        session.note(f"never done at boot: {reboot.reason}. Prepare it once with `sriov-core apply --max-cost reboot`")
    return wish.spec


def _pinned(spec: NodeSpec, settings: Settings) -> NodeSpec:
    """The wish with the owners that the command line asks for: at boot nobody says --pin."""
    nics = tuple(attrs.evolve(nic, plugin=settings.pins.get(nic.address, nic.plugin)) for nic in spec.nics)
    return attrs.evolve(spec, nics=nics)


def _of_states(given: Input, session: Session) -> NodeSpec:
    for note in given.notes:
        session.note(note)
    if len(given.states) > 1:
        raise SpecError(f"{' and '.join(where for where, _ in given.states)}: one node state is one node. Give one")
    ((_, spec),) = given.states
    session.note("there is no /sys below that root, so nobody looked whether the wish can be met")
    return spec


def _refuse_rivals(root: str, session: Session) -> None:
    enabled, lying = units.rivals(root)
    advice = (
        "Leave its systemd mode (configurationMode: daemon), or run `systemctl disable sriov-config "
        "sriov-config-post-network`, and reboot"
    )
    if enabled:
        text = f"the SR-IOV network operator configures this machine at boot, too ({', '.join(enabled)})"
        raise SpecError(f"{text}; two must not. Nothing was changed. {advice}")
    if lying:
        session.note(f"left over from the SR-IOV network operator, and not started at boot: {', '.join(lying)}")


def _printed(wanted: Mapping[str, str]) -> Iterable[Line]:
    for path, text in wanted.items():
        yield Line(f"==> {path}", Tone.STRONG)
        yield from map(Line, text.splitlines())


def _tell(done: tuple[str, ...], then: str, session: Session) -> int:
    lines = [*map(Line, done), Line(then)] if done else [Line("nothing to do: it is like that already", Tone.GOOD)]
    session.show(lambda: lines, lambda: {"done": list(done)})
    return 0
