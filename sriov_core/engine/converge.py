"""Observe, plan, execute, observe again, until a fresh look leaves nothing to do or says why not."""

from collections.abc import Callable, Iterable, Mapping

import attrs

from sriov_core.engine.execute import Failure, OnEvent, execute
from sriov_core.engine.journal import Journal, Memory
from sriov_core.engine.observe import observe
from sriov_core.engine.takeover import adopt
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline, NodeSpec
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.model.plan import Plan
from sriov_core.model.record import NicRecord, RebootRecord
from sriov_core.planning.planner import plan as make_plan
from sriov_core.planning.recognition import followed
from sriov_core.planning.wish import complete
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.registry import Driver

MAX_ROUNDS = 4

Approve = Callable[[Plan], None]
"""Called with each plan before its first write; raises a `SriovError` to refuse it."""


@attrs.frozen(kw_only=True)
class Look:
    """What a look at the machine gave, and what is left to do according to it."""

    snapshot: Snapshot
    memory: Memory
    plan: Plan


@attrs.frozen(kw_only=True)
class Result:
    """How converging ended. ``first`` is the plan it began with, ``last`` the look that it ended with."""

    first: Plan
    last: Look
    failures: tuple[Failure, ...] = ()

    @property
    def converged(self) -> bool:
        """True when a fresh look at the kernel found everything as wished."""
        return self.last.plan.is_empty and not self.last.plan.all_problems


@attrs.frozen(kw_only=True)
class Engine:
    """A machine, the drivers for it, and its journal."""

    host: Host
    catalogue: Catalogue
    drivers: Mapping[str, Driver]
    journal: Journal
    pins: Mapping[Address, str] = attrs.field(factory=dict)

    def snapshot(self) -> Snapshot:
        """One look at the machine."""
        return observe(self.host, self.catalogue, self.drivers, self.pins)

    def look(self, spec: NodeSpec, *, release: bool) -> Look:
        """Look and decide; nothing is written. ``release`` also gives back our NICs that the wish leaves out."""
        snapshot = self.snapshot()
        memory = self.journal.read()
        records = adopt(followed(memory.nics, snapshot.nics), snapshot.nics, self.host)
        memory = attrs.evolve(memory, nics=records, boot_id=snapshot.node.boot_id)
        wish = complete(spec, records, release=release)
        asked = frozenset(entry.requirement for entry in memory.reboots if entry.boot_id == memory.boot_id)
        spent = frozenset(entry.requirement for entry in memory.reboots) - asked
        plan = make_plan(snapshot, wish, self.drivers, asked_reboots=asked, spent_reboots=spent)
        return Look(snapshot=snapshot, memory=memory, plan=plan)

    def converge(
        self, spec: NodeSpec, *, release: bool, approve: Approve, on_event: OnEvent = lambda _: None
    ) -> Result:
        """Take the machine to the wish, and say so only of what was read back afterwards.

        A failed step ends the work after one more look; steps that had gone stale are planned again. Ends after
        `MAX_ROUNDS` looks at the latest.
        """
        with self.journal.exclusive():
            look = self.look(spec, release=release)
            first = look.plan
            failures: tuple[Failure, ...] = ()
            for _ in range(MAX_ROUNDS):
                if not look.plan.steps or any(not failure.stale for failure in failures):
                    break
                approve(look.plan)
                self._remember_before(look, spec)
                failures = execute(look.plan, self.host, on_event)
                if not failures:
                    self._remember_reboots(look.plan)
                look = self.look(spec, release=release)
            self._remember_after(look, spec)
            return Result(first=first, last=look, failures=failures)

    def _remember_before(self, look: Look, spec: NodeSpec) -> None:
        steps = tuple(planned.step.describe() for planned in look.plan.steps)
        self.journal.write(attrs.evolve(look.memory, nics=owned(look, spec), under_way=steps))

    def _remember_reboots(self, plan: Plan) -> None:
        """Everything that the reboots need is set; what is left is to wait for the end of this boot."""
        if plan.reboots:
            memory = self.journal.read()
            known = {entry.requirement for entry in memory.reboots}
            fresh = (
                RebootRecord(requirement=reboot.requirement, reason=reboot.reason, boot_id=memory.boot_id)
                for reboot in plan.reboots
                if reboot.requirement not in known
            )
            self.journal.write(attrs.evolve(memory, reboots=(*memory.reboots, *fresh)))

    def _remember_after(self, look: Look, spec: NodeSpec) -> None:
        memory = attrs.evolve(
            look.memory,
            nics=without_released(owned(look, spec), look),
            reboots=tuple(entry for entry in look.memory.reboots if _still_unmet(entry, look.plan)),
            under_way=(),
        )
        if memory != self.journal.read():
            self.journal.write(memory)


def owned(look: Look, spec: NodeSpec) -> dict[Address, NicRecord]:
    """The records, with a new one for each NIC of the wish that had none: its baseline is what was just seen."""
    fresh = {
        nic.address: _record(nic, externally_managed=wish.externally_managed)
        for wish in spec.nics
        if (nic := look.snapshot.nic(wish.address)) and not _refused(look.plan, wish.address)
    }
    return fresh | dict(look.memory.nics)


def without_released(records: Mapping[Address, NicRecord], look: Look) -> dict[Address, NicRecord]:
    """The records less those of NICs that were given back and found so."""
    given_back = {nic.nic for nic in look.plan.nics if nic.release and not nic.steps and not nic.problems}
    return {address: record for address, record in records.items() if address not in given_back}


def _refused(plan: Plan, address: Address) -> bool:
    return any(nic.problems for nic in plan.nics if nic.nic == address)


def _record(nic: Nic, *, externally_managed: bool) -> NicRecord:
    return NicRecord(
        address=nic.address,
        name=nic.name or "",
        identity=nic.identity,
        externally_managed=externally_managed,
        baseline=Baseline(
            num_vfs=nic.num_vfs,
            mtu=nic.mtu if isinstance(nic.mtu, int) else None,
            link_up=nic.link_up,
            autoprobe=nic.autoprobe,
            eswitch_mode=nic.effective_mode,
        ),
    )


def _still_unmet(entry: RebootRecord, plan: Plan) -> bool:
    unmet = {reboot.requirement for reboot in plan.reboots}
    blocked = any(problem.code == "no-iommu" for problem in plan.all_problems)
    return entry.requirement in unmet or blocked


def pins_of(specs: Iterable[NodeSpec]) -> dict[Address, str]:
    """The owners that a wish pins (``spec.interfaces[].plugin``)."""
    return {wish.address: wish.plugin for spec in specs for wish in spec.nics if wish.plugin}
