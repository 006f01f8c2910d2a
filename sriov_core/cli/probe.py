"""``sriov-core probe``: what is here and what is wrong with it. Reads only."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click

from sriov_core.cli.machine import Machine, open_machine
from sriov_core.cli.options import Settings, host_options
from sriov_core.cli.probeoptions import Drawing, drawing_options
from sriov_core.cli.probeview import Report, nic_blocks, nic_data, report_blocks, report_data
from sriov_core.cli.screen import Session
from sriov_core.cli.signals import stop_on_signals
from sriov_core.engine.diagnosis import journal_finding, nic_findings, node_findings, worst_first
from sriov_core.engine.journal import Memory
from sriov_core.engine.rivals import rival_findings
from sriov_core.errors import HostError, JournalError, SpecError
from sriov_core.host import pciids
from sriov_core.host.ports import Changes
from sriov_core.model.address import Address
from sriov_core.model.codec import to_builtins
from sriov_core.model.observed import Function, Nic, Snapshot
from sriov_core.plugin.diagnosis import Finding

POLL_S = 2.0

Wait = Callable[[], bool]
"""Blocks until it is time to look again; False ends the watching."""


@click.command("probe", short_help="what is here, and what is wrong with it")
@click.argument("nic", required=False)
@click.option("--watch", is_flag=True, help="Stay, and show every change.")
@host_options
@drawing_options
@click.pass_obj
def verb(
    session: Session,
    nic: str | None,
    watch: bool,  # noqa: FBT001  # click's flags
    drawing: Drawing | None,
    settings: Settings,
) -> int:
    """Show the NICs of this machine, who serves them and what is wrong; with NIC (a name or address), all about it.

    Exit code: 0, or 2 when a finding says `fail`; 1 for an error.
    """
    if watch and drawing:
        raise click.UsageError(f"--watch shows text, and -o {drawing} is one picture. Leave out one of the two")
    machine = open_machine(settings)
    if drawing:
        return _draw(look(machine), nic, drawing)
    if watch:
        with stop_on_signals() as stop, _waiting(machine, stop) as wait:
            return watching(machine, nic, session, wait)
    return _show(session, look(machine), nic)


def look(machine: Machine) -> Report:
    """One look at a machine, with the names of its models and every finding."""
    engine = machine.engine
    snapshot = engine.snapshot()
    memory, journal = _memory(machine)
    findings = (
        *journal,
        *node_findings(snapshot, memory, engine.catalogue.refused),
        *nic_findings(snapshot, engine.drivers, machine.host),
        *rival_findings(snapshot, machine.host),
    )
    return Report(snapshot=snapshot, models=_models(machine, snapshot), findings=worst_first(findings))


def watching(machine: Machine, nic: str | None, session: Session, wait: Wait) -> int:
    """Show the machine, and again whenever it differs from what was shown."""
    shown: Report | None = None
    code = 0
    while True:
        report = look(machine)
        if report != shown:
            if session.is_rich:
                click.clear()
            elif shown is not None:
                session.say()
            code = _show(session, report, nic)
            shown = report
        if not wait():
            return code


def _show(session: Session, report: Report, name: str | None) -> int:
    if name is None:
        session.show(lambda: report_blocks(report), lambda: report_data(report))
        return 2 if report.failed else 0
    nic = find(report.snapshot, name)
    own = [finding for finding in report.findings if finding.nic in (nic.address, None)]
    session.show(lambda: nic_blocks(report, nic), lambda: {"nic": nic_data(report, nic), "findings": _data(own)})
    return 2 if any(finding.severity == "fail" for finding in own) else 0


def _draw(report: Report, name: str | None, drawing: Drawing) -> int:
    from sriov_core.cli import probedot, probepicture, probesvg  # noqa: PLC0415  # for pictures only

    nic = find(report.snapshot, name) if name is not None else None
    shown = probepicture.picture(report, nic)
    click.echo(probedot.dot(shown) if drawing is Drawing.DOT else probesvg.svg(shown), nl=False)
    own = [finding for finding in report.findings if nic is None or finding.nic in (nic.address, None)]
    return 2 if any(finding.severity == "fail" for finding in own) else 0


def find(snapshot: Snapshot, name: str) -> Nic:
    """The NIC of that name, alternative name or address; SpecError with the nearest names when there is none."""
    wanted = name.strip()
    for nic in snapshot.nics:
        if wanted.lower() == str(nic.address) or wanted in (nic.name, *nic.alt_names):
            return nic
    for address, failure in snapshot.failures.items():
        if wanted.lower() == str(address):
            raise HostError(f"{address} could not be looked at: {failure}")
    from sriov_core.policy.selector import nearest  # noqa: PLC0415  # loads the wire types, for a wrong name only

    names = [text for nic in snapshot.nics for text in (nic.name, *nic.alt_names, str(nic.address)) if text]
    near = nearest(wanted, names)
    known = ", ".join(map(str, snapshot.nics)) or "none"
    hint = f"Did you mean {' or '.join(near)}?" if near else f"NICs that a plugin serves: {known}"
    raise SpecError(f"this machine has no NIC {wanted!r}. {hint}")


def _data(findings: list[Finding]) -> list[object]:
    return [to_builtins(finding) for finding in findings]


def _memory(machine: Machine) -> tuple[Memory, tuple[Finding, ...]]:
    try:
        return machine.engine.journal.read(), ()
    except JournalError as err:
        return Memory(), (journal_finding(str(err), damaged=not isinstance(err.__cause__, OSError)),)


def _models(machine: Machine, snapshot: Snapshot) -> dict[Address, str]:
    """By the machine's pci.ids; where it has none, by what the plugins know."""
    ids = pciids.read(machine.root)
    functions: tuple[Nic | Function, ...] = (*snapshot.nics, *(entry.function for entry in snapshot.unmanaged))
    every = (model for plugin in machine.engine.catalogue.loaded for model in plugin.info.models)
    known = {device: model.name for model in every for device in model.devices}
    found = {
        one.address: pciids.model(ids, one.vendor, one.device) or known.get(f"{one.vendor}:{one.device}")
        for one in functions
    }
    return {address: model for address, model in found.items() if model}


@contextmanager
def _waiting(machine: Machine, stop: threading.Event) -> Iterator[Wait]:
    """Wait for the kernel's notifications where there are any, else for the next poll."""
    with ExitStack() as stack:
        if changes := _changes(machine, stack):
            yield lambda: (changes.wait(POLL_S) or True) and not stop.is_set()
        else:
            yield lambda: not stop.wait(POLL_S)


def _changes(machine: Machine, stack: ExitStack) -> Changes | None:
    if machine.simulated is not None:
        return None
    from sriov_core.host.changes import kernel_changes  # noqa: PLC0415  # needs libudev; only for watching

    try:
        return stack.enter_context(kernel_changes())
    except HostError:
        return None  # without libudev, polling still shows every change, only later
