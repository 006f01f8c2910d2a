"""``sriov-core reset``: give NICs back as they were before the first change, or only forget them."""

from collections.abc import Iterable

import attrs
import click

from sriov_core.cli import simulation
from sriov_core.cli.approval import COSTS
from sriov_core.cli.carryout import Run, carry_out, keep_simulated, tell
from sriov_core.cli.machine import Machine, must_be_able, open_machine
from sriov_core.cli.options import Settings, address, host_options, output_options
from sriov_core.cli.outcome import Outcome
from sriov_core.cli.screen import Line, Session
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Cost
from sriov_core.model.record import NicRecord
from sriov_core.planning.render import counted
from sriov_core.planning.wish import released

_NOTHING = "nothing is remembered of this machine, so nothing was given back"


@click.command("reset", short_help="give NICs back as they were")
@click.argument("nics", nargs=-1, metavar="[NIC]...")
@click.option("--all", "everything", is_flag=True, help="Every NIC that was configured.")
@click.option("--forget", type=address, metavar="ADDRESS", help="Only drop what is remembered of this NIC.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--max-cost", type=click.Choice(list(COSTS)), default=str(Cost.VF_LOSS), show_default=True)
@click.option("--save", metavar="FILE", help="With --host: write what has become of the simulated machine.")
@host_options
@output_options
@click.pass_obj
def verb(  # noqa: PLR0917  # click passes every option by name
    session: Session,
    nics: tuple[str, ...],
    everything: bool,  # noqa: FBT001
    forget: Address | None,
    yes: bool,  # noqa: FBT001
    max_cost: str,
    save: str | None,
    settings: Settings,
) -> int:
    """Give NICs back: VFs, MTU, link and eswitch mode become what they were before the first change.

    Exit code: 0 done, 2 a reboot is needed, 1 an error, or --all without a journal while there are VFs.
    """
    if sum((bool(nics), everything, forget is not None)) != 1:
        raise SpecError("reset needs one of: the NICs to give back, --all, or --forget ADDRESS")
    machine = open_machine(settings)
    must_be_able("reset", machine.rights)
    if save:
        simulation.must_be_simulated(machine.simulated)
    if forget is not None:
        return _forget(machine, forget, session)
    memory = machine.engine.look(NodeSpec(), release=False).memory
    chosen = _chosen(nics, memory.nics.values())
    forgotten = everything and not (memory.nics or memory.bridges or memory.rdma_mode)
    for record in chosen:
        if record.externally_managed:
            session.note(f"{record.address} is externally managed: nothing was changed, nothing is given back")
    # All of them is what a release of an empty wish means, bridges and the RDMA mode of the machine with them.
    spec = NodeSpec() if everything else NodeSpec(nics=released(chosen))
    lost = forgotten and not machine.engine.journal.exists
    run = Run(verb="reset", spec=spec, release=everything, max_cost=COSTS[max_cost], yes=yes)
    outcome = carry_out(machine, run, session)
    code = tell(attrs.evolve(outcome, idle=_NOTHING) if forgotten else outcome, session)
    keep_simulated(machine, outcome, save, session)
    if lost and (kept := _kept(outcome, machine.simulated)):
        session.error(kept)
        return 1
    return code


def _kept(outcome: Outcome, simulated: str | None) -> str:
    """What stays because no journal says whether it was ours; empty when there is no VF."""
    made = ((nic, [vf for vf in nic.vfs if vf.address != nic.address]) for nic in outcome.result.last.snapshot.nics)
    nics = [nic for nic, vfs in made if vfs]  # a NIC that is itself a VF counts as its own
    if not nics:
        return ""
    stay = ", ".join(f"{counted(nic.num_vfs, 'VF')} of {nic.name or nic.address}" for nic in nics)
    text = f"nothing is remembered and there is no journal, so nothing was given back; {stay} stay"
    by_hand = f"echo 0 > /sys/bus/{nics[0].address.bus}/devices/{nics[0].address.name}/sriov_numvfs"
    unused = "" if simulated else f"; if nobody needs the VFs, take them away by hand ({by_hand})"
    return f"{text}. If the journal is elsewhere, name it with --journal{unused}"


def _chosen(names: Iterable[str], records: Iterable[NicRecord]) -> tuple[NicRecord, ...]:
    """The records of the named NICs, all of them for no name; SpecError for a NIC that is not ours."""
    ours = sorted(records, key=lambda record: record.address)
    known = ", ".join(f"{record.address} ({record.name})" if record.name else str(record.address) for record in ours)
    wanted = tuple(names)
    for name in wanted:
        if not any(_is(record, name) for record in ours):
            raise SpecError(f"{name} was not configured by sriov-core, so there is nothing to give back. "
                            f"Configured: {known or 'none'}")  # fmt: skip
    return tuple(record for record in ours if not wanted or any(_is(record, name) for name in wanted))


def _is(record: NicRecord, name: str) -> bool:
    return name in {record.name, str(record.address)} or name.lower() == str(record.address)


def _forget(machine: Machine, address: Address, session: Session) -> int:
    journal = machine.engine.journal
    with journal.exclusive():
        memory = journal.read()
        if address not in memory.nics:
            known = ", ".join(map(str, sorted(memory.nics))) or "none"
            raise SpecError(f"nothing is remembered of {address}. Remembered: {known}")
        rest = {other: record for other, record in memory.nics.items() if other != address}
        journal.write(attrs.evolve(memory, nics=rest))
    done = f"forgot {address}; the NIC itself was not changed, and what it was like before is lost"
    session.show(lambda: [Line(done)], lambda: {"forgotten": str(address)})
    return 0
