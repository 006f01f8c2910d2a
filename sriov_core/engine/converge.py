"""Observe, plan, execute, observe again, until a fresh look leaves nothing to do or says why not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

import attrs

from sriov_core.engine.execute import MAX_PARALLEL_NICS, Failure, OnEvent, Stopped, execute
from sriov_core.engine.journal import Journal, Memory
from sriov_core.engine.observe import inspect, observe
from sriov_core.engine.ours import Look, kept_bridges, named, ours, without_released
from sriov_core.engine.takeover import PREDECESSOR, adopt, still_noted
from sriov_core.errors import JournalError
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import EswitchMode, Node, Snapshot
from sriov_core.model.plan import Plan, Reboot
from sriov_core.model.record import NicRecord, RebootRecord
from sriov_core.planning.bridges import is_drop_in
from sriov_core.planning.node import IOMMU_REQUIREMENT
from sriov_core.planning.planner import plan as make_plan
from sriov_core.planning.planner import same_card
from sriov_core.planning.rdma import OPTIONS_PATHS
from sriov_core.planning.recognition import followed, moves, recalled
from sriov_core.planning.wish import complete
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.registry import Driver

MAX_ROUNDS = 4

Approve = Callable[[Plan], None]
"""Called with each plan before its first write; raises a `SriovError` to refuse it."""

Only = Callable[[Plan], Plan]
"""What is to be done now of a plan; the rest is left for later and stands in the last look's plan."""


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
    """A machine, the drivers for it, and its journal; ``parallel`` is how many NICs are worked on at a time."""

    host: Host
    catalogue: Catalogue
    drivers: Mapping[str, Driver]
    journal: Journal
    pins: Mapping[Address, str] = attrs.field(factory=dict)
    parallel: int = MAX_PARALLEL_NICS

    def snapshot(self) -> Snapshot:
        """One look at the machine; what is remembered of a NIC whose netdev is away is filled in."""
        known = self._known()
        served = {record.address: record.plugin for record in known.values() if record.plugin}
        seen = observe(self.host, self.catalogue, self.drivers, self.pins, served)
        return attrs.evolve(seen, nics=recalled(seen.nics, known))

    def _known(self) -> Mapping[Address, NicRecord]:
        try:
            return self.journal.read().nics
        except JournalError:
            return {}  # nobody is kept from looking; whoever decides or changes reads it again and is told

    def remembered(self, snapshot: Snapshot) -> Memory:
        """The journal's memory, matched with what is here: cards followed, another operator's records adopted."""
        memory = self.journal.read()
        records = adopt(followed(memory.nics, snapshot.nics), snapshot.nics, self.host, memory.taken_over)
        places = moves(memory.nics, snapshot.nics)
        taken_over = {str(record.address) for record in records.values() if record.source == PREDECESSOR}
        return attrs.evolve(
            memory,
            nics=records,
            bridges=tuple(_followed(bridge, places) for bridge in memory.bridges),
            boot_id=snapshot.node.boot_id,
            taken_over=still_noted(taken_over.union(memory.taken_over), self.host),
        )

    def look(self, spec: NodeSpec, *, release: bool, snapshot: Snapshot | None = None) -> Look:
        """Look and decide; nothing is written. ``release`` also gives back our NICs that the wish leaves out.

        A ``snapshot`` that was taken just before saves the look.
        """
        snapshot = snapshot or self.snapshot()
        memory = self.remembered(snapshot)
        wish = complete(spec, memory, release=release)
        snapshot = self._closer(snapshot, wish, memory)
        asked = frozenset(entry.requirement for entry in memory.reboots if entry.boot_id == memory.boot_id)
        spent = frozenset(entry.requirement for entry in memory.reboots) - asked
        plan = make_plan(snapshot, wish, self.drivers, asked_reboots=asked, spent_reboots=spent)
        return Look(snapshot=snapshot, memory=memory, plan=plan)

    def _closer(self, snapshot: Snapshot, wish: NodeSpec, memory: Memory) -> Snapshot:
        """The look with what only these wishes need: firmware, pools, Open vSwitch."""
        bridges = (*wish.bridges, *(bridge for bridge in memory.bridges if not named(bridge, wish.bridges)))
        switchdev = any(entry.eswitch_mode is EswitchMode.SWITCHDEV for entry in wish.nics)
        offloads = any(is_drop_in(path) for path in snapshot.node.files)
        ovs = self.host.open_vswitch(bridges) if bridges or switchdev or (wish.release and offloads) else None
        return attrs.evolve(inspect(snapshot, wish, self.host, self.drivers), ovs=ovs)

    def converge(
        self,
        spec: NodeSpec,
        *,
        release: bool,
        approve: Approve,
        on_event: OnEvent = lambda _: None,
        only: Only = lambda plan: plan,
        stopped: Stopped = lambda: False,
    ) -> Result:
        """Take the machine to the wish, and say so only of what was read back afterwards.

        A failed step ends the work after one more look, and so do steps that all went well without any effect; steps
        that had gone stale are planned again. Ends after `MAX_ROUNDS` looks at the latest. Of each plan only what
        ``only`` leaves of it is done. Once ``stopped`` says so, no further step is begun.
        """
        with self.journal.exclusive():
            look = self.look(spec, release=release)
            first = look.plan
            failures: tuple[Failure, ...] = ()
            for begun in range(MAX_ROUNDS):
                plan = only(look.plan)
                if not plan.steps or stopped() or any(not failure.stale for failure in failures):
                    break
                try:
                    approve(plan)
                except BaseException:
                    if begun:  # nothing is under way any more, while a plan refused at once leaves no trace
                        self._remember_after(look, spec, release=release)
                    raise
                self._remember_before(look, plan, spec)
                failures = execute(plan, self.host, on_event, stopped=stopped, parallel=self.parallel)
                self._remember_reboots(look, plan, failures)
                look = self.look(spec, release=release)
                if not failures and only(look.plan).steps == plan.steps:
                    break
            self._remember_after(look, spec, release=release)
            return Result(first=first, last=look, failures=failures)

    def _remember_before(self, look: Look, plan: Plan, spec: NodeSpec) -> None:
        steps = tuple(planned.step.describe() for planned in plan.steps)
        self.journal.write(attrs.evolve(ours(look, spec), under_way=steps))

    def _remember_reboots(self, look: Look, plan: Plan, failures: Iterable[Failure]) -> None:
        """Remember those for which everything is set: what is left is to wait for the end of this boot."""
        unset = set(_unset(look.snapshot, plan, {failure.nic for failure in failures}))
        ready = [reboot for reboot in plan.reboots if reboot not in unset]
        if ready:
            self.journal.write(_awaiting(self.journal.read(), ready))

    def _remember_after(self, look: Look, spec: NodeSpec, *, release: bool) -> None:
        memory = ours(look, spec)
        memory = attrs.evolve(
            memory,
            nics=without_released(memory.nics, look),
            bridges=kept_bridges(look, spec, memory.bridges, release=release),
            rdma_mode=memory.rdma_mode if spec.rdma_mode or _owes_rdma_mode(look.snapshot.node, memory) else "",
            reboots=tuple(entry for entry in look.memory.reboots if _still_unmet(entry, look)),
            under_way=(),
        )
        if not look.plan.steps:
            memory = _awaiting(memory, look.plan.reboots)
        if memory != self.journal.read():
            self.journal.write(memory)


def _followed(bridge: Bridge, places: Mapping[Address, Address]) -> Bridge:
    """The bridge with its uplink where that card is now."""
    if bridge.uplink is None or bridge.uplink.nic not in places:
        return bridge
    return attrs.evolve(bridge, uplink=attrs.evolve(bridge.uplink, nic=places[bridge.uplink.nic]))


def _unset(snapshot: Snapshot, plan: Plan, failed: Set[Address | None]) -> Iterator[Reboot]:
    """The reboots that would not bring what they are for: a step failed for the node, the NIC or another port."""
    of_nics = {reboot for nic in plan.nics for reboot in nic.reboots}
    if None in failed:  # stands for the node
        yield from (reboot for reboot in plan.reboots if reboot not in of_nics)
    losers = [nic for nic in snapshot.nics if nic.address in failed]
    for entry in plan.nics:
        nic = snapshot.nic(entry.nic)
        if nic and any(same_card(nic, loser) for loser in losers):
            yield from entry.reboots


def _owes_rdma_mode(node: Node, memory: Memory) -> bool:
    """True while the mode is not yet what it was before the first wish."""
    return not OPTIONS_PATHS.isdisjoint(node.files) or node.rdma_mode not in (None, memory.rdma_mode)


def _awaiting(memory: Memory, reboots: Iterable[Reboot]) -> Memory:
    """The memory with a record for each reboot that has none yet."""
    known = {entry.requirement for entry in memory.reboots}
    fresh = tuple(
        RebootRecord(requirement=reboot.requirement, reason=reboot.reason, boot_id=memory.boot_id)
        for reboot in reboots
        if reboot.requirement not in known
    )
    return attrs.evolve(memory, reboots=(*memory.reboots, *fresh))


def _still_unmet(entry: RebootRecord, look: Look) -> bool:
    """Whether the fuse must stay: while a NIC cannot be planned, nobody knows what it would ask for."""
    if entry.requirement == IOMMU_REQUIREMENT and look.snapshot.node.iommu_groups:
        return False
    return bool(look.plan.all_problems) or any(entry.requirement == reboot.requirement for reboot in look.plan.reboots)


def pins_of(specs: Iterable[NodeSpec]) -> dict[Address, str]:
    """The owners that a wish pins (``spec.interfaces[].plugin``)."""
    return {wish.address: wish.plugin for spec in specs for wish in spec.nics if wish.plugin}
