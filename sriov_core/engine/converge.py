"""Observe, plan, execute, observe again, until a fresh look leaves nothing to do or says why not."""

from collections.abc import Callable, Iterable, Mapping

import attrs

from sriov_core.engine.execute import Failure, OnEvent, execute
from sriov_core.engine.journal import Journal, Memory
from sriov_core.engine.observe import inspect, observe
from sriov_core.engine.takeover import PREDECESSOR, adopt
from sriov_core.errors import JournalError
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import USERSPACE_DRIVERS, Baseline, DeviceType, NodeSpec, VfGroup
from sriov_core.model.nodesteps import WriteFile
from sriov_core.model.observed import EswitchMode, Nic, Snapshot, Vf
from sriov_core.model.plan import NicPlan, Plan, Reboot
from sriov_core.model.record import NicRecord, RebootRecord
from sriov_core.planning.node import IOMMU_REQUIREMENT
from sriov_core.planning.planner import plan as make_plan
from sriov_core.planning.rdma import OPTIONS_PATH
from sriov_core.planning.recognition import followed, recalled
from sriov_core.planning.udevrules import rule_path
from sriov_core.planning.wish import complete
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.registry import Driver

MAX_ROUNDS = 4
_KERNELS_RDMA_MODE = "shared"

Approve = Callable[[Plan], None]
"""Called with each plan before its first write; raises a `SriovError` to refuse it."""

Only = Callable[[Plan], Plan]
"""What is to be done now of a plan; the rest is left for later and stands in the last look's plan."""


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
        taken_over = {str(record.address) for record in records.values() if record.source == PREDECESSOR}
        return attrs.evolve(
            memory,
            nics=records,
            boot_id=snapshot.node.boot_id,
            taken_over=tuple(sorted(taken_over.union(memory.taken_over))),
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
        bridges = (*wish.bridges, *(bridge for bridge in memory.bridges if not _named(bridge, wish.bridges)))
        switchdev = any(entry.eswitch_mode is EswitchMode.SWITCHDEV for entry in wish.nics)
        ovs = self.host.open_vswitch(bridges) if bridges or switchdev else None
        return attrs.evolve(inspect(snapshot, wish, self.host, self.drivers), ovs=ovs)

    def converge(
        self,
        spec: NodeSpec,
        *,
        release: bool,
        approve: Approve,
        on_event: OnEvent = lambda _: None,
        only: Only = lambda plan: plan,
    ) -> Result:
        """Take the machine to the wish, and say so only of what was read back afterwards.

        A failed step ends the work after one more look, and so do steps that all went well without any effect; steps
        that had gone stale are planned again. Ends after `MAX_ROUNDS` looks at the latest. Of each plan only what
        ``only`` leaves of it is done.
        """
        with self.journal.exclusive():
            look = self.look(spec, release=release)
            first = look.plan
            failures: tuple[Failure, ...] = ()
            for begun in range(MAX_ROUNDS):
                plan = only(look.plan)
                if not plan.steps or any(not failure.stale for failure in failures):
                    break
                self._agree(look, plan, spec, approve, begun=bool(begun))
                self._remember_before(look, plan, spec)
                failures = execute(plan, self.host, on_event)
                self._remember_reboots(plan, failures)
                look = self.look(spec, release=release)
                if not failures and only(look.plan).steps == plan.steps:
                    break
            self._remember_after(look, spec)
            return Result(first=first, last=look, failures=failures)

    def _agree(self, look: Look, plan: Plan, spec: NodeSpec, approve: Approve, *, begun: bool) -> None:
        try:
            approve(plan)
        except BaseException:
            if begun:  # nothing is under way any more, while a plan refused at once leaves no trace
                self._remember_after(look, spec)
            raise

    def _remember_before(self, look: Look, plan: Plan, spec: NodeSpec) -> None:
        steps = tuple(planned.step.describe() for planned in plan.steps)
        self.journal.write(attrs.evolve(ours(look, spec), under_way=steps))

    def _remember_reboots(self, plan: Plan, failures: Iterable[Failure]) -> None:
        """Remember those for which everything is set: what is left is to wait for the end of this boot."""
        of_nics = {reboot: nic.nic for nic in plan.nics for reboot in nic.reboots}
        failed = {failure.nic for failure in failures}  # None stands for the node
        ready = [reboot for reboot in plan.reboots if of_nics.get(reboot) not in failed]
        if ready:
            self.journal.write(_awaiting(self.journal.read(), ready))

    def _remember_after(self, look: Look, spec: NodeSpec) -> None:
        memory = ours(look, spec)
        memory = attrs.evolve(
            memory,
            nics=without_released(memory.nics, look),
            bridges=tuple(bridge for bridge in memory.bridges if _is_kept(bridge, spec, look)),
            rdma_mode=memory.rdma_mode if spec.rdma_mode or OPTIONS_PATH in look.snapshot.node.files else "",
            reboots=tuple(entry for entry in look.memory.reboots if _still_unmet(entry, look)),
            under_way=(),
        )
        if not look.plan.steps:
            memory = _awaiting(memory, look.plan.reboots)
        if memory != self.journal.read():
            self.journal.write(memory)


def ours(look: Look, spec: NodeSpec) -> Memory:
    """The memory with all that this wish makes ours: NICs, bridges, the RDMA mode, each with what was there before."""
    kept = tuple(bridge for bridge in look.memory.bridges if not _named(bridge, spec.bridges))
    before = look.memory.rdma_mode or (look.snapshot.node.rdma_mode or _KERNELS_RDMA_MODE if spec.rdma_mode else "")
    return attrs.evolve(look.memory, nics=owned(look, spec), bridges=(*kept, *spec.bridges), rdma_mode=before)


def _named(bridge: Bridge, others: Iterable[Bridge]) -> bool:
    return any(bridge.name == other.name for other in others)


def _is_kept(bridge: Bridge, spec: NodeSpec, look: Look) -> bool:
    """False for a bridge that is neither wished for nor there any more."""
    ovs = look.snapshot.ovs
    return _named(bridge, spec.bridges) or ovs is None or bool(ovs.error) or ovs.bridge(bridge.name) is not None


def owned(look: Look, spec: NodeSpec) -> dict[Address, NicRecord]:
    """The records, with a new one for each NIC of the wish that had none: its baseline is what was just seen.

    A PF that was somebody else's so far becomes ours with what is there now as its baseline.
    """
    records = dict(look.memory.nics)
    for wish in spec.nics:
        nic, known = look.snapshot.nic(wish.address), records.get(wish.address)
        if nic is None or _refused(look.plan, wish.address):
            continue
        if known is None or (known.externally_managed and not wish.externally_managed):
            known = _record(nic)
        records[nic.address] = attrs.evolve(
            known,
            externally_managed=wish.externally_managed,
            plugin=look.snapshot.owners[nic.address].plugin,
            net_filter=nic.net_filter or known.net_filter,
            baseline=_completed(known.baseline, nic),
        )
    return records


def _completed(baseline: Baseline, nic: Nic) -> Baseline:
    """The baseline with what its driver tells by now and did not tell before, and so cannot have changed yet."""
    settings = {name: setting.next for name, setting in nic.settings.items()}
    return attrs.evolve(
        baseline,
        features={**nic.features, **baseline.features},
        parameters={**nic.parameters, **baseline.parameters},
        settings={**settings, **baseline.settings},
    )


def without_released(records: Mapping[Address, NicRecord], look: Look) -> dict[Address, NicRecord]:
    """The records less those of NICs that were given back and found so."""
    left = {planned.step.path for planned in look.plan.node if isinstance(planned.step, WriteFile)}
    given_back = {nic.nic for nic in look.plan.nics if nic.release and _is_done(nic) and rule_path(nic.nic) not in left}
    return {address: record for address, record in records.items() if address not in given_back}


def _is_done(nic: NicPlan) -> bool:
    return not (nic.steps or nic.problems or nic.later or nic.reboots)


def _refused(plan: Plan, address: Address) -> bool:
    return any(nic.problems for nic in plan.nics if nic.nic == address)


def _record(nic: Nic) -> NicRecord:
    return NicRecord(
        address=nic.address,
        name=nic.name or "",
        identity=nic.identity,
        baseline=Baseline(
            num_vfs=nic.num_vfs,
            mtu=nic.mtu if isinstance(nic.mtu, int) else None,
            link_up=nic.link_up,
            autoprobe=nic.autoprobe,
            eswitch_mode=nic.effective_mode,
            groups=tuple(group for vf in nic.vfs if (group := _own_group(vf))),
        ),
    )


def _own_group(vf: Vf) -> VfGroup | None:
    """What a VF was for before us, None for a VF like any new one."""
    userspace = vf.kernel_driver in USERSPACE_DRIVERS
    device_type = DeviceType(str(vf.kernel_driver)) if userspace else DeviceType.NETDEVICE
    mtu = vf.mtu if isinstance(vf.mtu, int) else None
    return VfGroup(first=vf.index, last=vf.index, device_type=device_type, mtu=mtu) if userspace or mtu else None


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
