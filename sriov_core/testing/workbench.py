"""One driver with its base on one host: look, plan and apply, with what went wrong said in words."""

from collections.abc import Set
from types import ModuleType

import attrs

from sriov_core.engine.execute import Failure, execute
from sriov_core.engine.observe import inspect, observe
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec
from sriov_core.model.observed import LinkType, Nic, Snapshot
from sriov_core.model.plan import NicPlan, Plan
from sriov_core.planning.planner import plan as make_plan
from sriov_core.plugin.info import Capability
from sriov_core.plugin.loading import Catalogue, Loaded, load, validate
from sriov_core.plugin.registry import Driver, drivers
from sriov_core.testing.guards import read_only
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import Abilities, State, states

_ROUNDS = 3


def catalogue_of(plugin: ModuleType) -> Catalogue:
    """The plugin as if it were the only one installed besides the base."""
    info = plugin.describe()
    under_test = Loaded(info=info, module=plugin, distribution="under test", hooks=validate(plugin))
    base = [] if info.is_base else [entry for entry in load().loaded if entry.info.is_base]
    return Catalogue(loaded=(*base, under_test), refused=())


@attrs.frozen
class Workbench:
    """A host and the drivers for it. ``address`` is the NIC under test, ``sample`` what is known of its machine."""

    host: Host
    catalogue: Catalogue
    drivers: dict[str, Driver]
    name: str
    address: Address
    sample: Tree | None = None

    @classmethod
    def for_plugin(cls, plugin: ModuleType, host: Host, sample: Tree | None = None) -> "Workbench":
        """A bench for the first NIC with SR-IOV that the plugin owns on the host."""
        catalogue = catalogue_of(plugin)
        by_name = drivers(catalogue)
        name: str = plugin.describe().name
        snapshot = observe(read_only(host), catalogue, by_name)
        own = [nic for nic in snapshot.nics if snapshot.owners[nic.address].plugin == name]
        assert own, f"{name} owns no NIC of this host; failures: {dict(snapshot.failures) or 'none'}"
        chosen = next((nic for nic in own if nic.total_vfs), own[0])
        return cls(host, catalogue, by_name, name, chosen.address, sample)

    @property
    def driver(self) -> Driver:
        """The driver under test."""
        return self.drivers[self.name]

    def look(self) -> Snapshot:
        """What is now, asserted to hold the NIC."""
        snapshot = observe(read_only(self.host), self.catalogue, self.drivers)
        assert not snapshot.failures, f"{self.name} failed to look: {dict(snapshot.failures)}"
        return snapshot

    def look_for(self, wish: NicSpec) -> Snapshot:
        """What is now, with what the wish makes worth reading, as the engine looks before it plans."""
        closer = inspect(self.look(), NodeSpec(nics=(wish,)), read_only(self.host), self.drivers)
        assert not closer.failures, f"{self.name} failed to look closer: {dict(closer.failures)}"
        return closer

    def nic(self, wish: NicSpec | None = None) -> Nic:
        """The NIC under test as it is now; with a wish, with what that one makes worth reading."""
        found = (self.look_for(wish) if wish else self.look()).nic(self.address)
        assert found, f"{self.address} has vanished"
        return found

    def states(self) -> tuple[State, ...]:
        """The states that this NIC allows and that the driver does not object to."""
        nic = self.nic()
        offered = states(nic, self.driver.info, self.abilities(nic))
        allowed = tuple(state for state in offered if not self.driver.check(self.nic(state.wish), state.wish))
        speaks = nic.link_type is not LinkType.IB or Capability.INFINIBAND in self.driver.info.capabilities
        if speaks and self.host.attribute(self.address, "sriov_totalvfs"):
            assert any(state.wish.num_vfs for state in allowed), f"{self.name} objects to every wish for VFs on {nic}"
        return allowed

    def abilities(self, nic: Nic) -> Abilities:
        """What can be tried on the machine beyond what its NIC tells."""
        functions = self.sample.functions if self.sample else ()
        facts = next((function for function in functions if function.address == str(nic.address)), None)
        sriov = facts.sriov if facts else None
        userspace: DeviceType | None = DeviceType.UIO_PCI_GENERIC
        if nic.address.bus != "pci":
            userspace = None
        elif self.host.node().iommu_groups or self._does_without_iommu(nic):
            userspace = DeviceType.VFIO_PCI
        rdma = bool(facts and (facts.node_guid if facts.is_vf else sriov and sriov.vf_rdma))
        return Abilities(userspace=userspace, rdma=rdma, vdpa=bool(sriov and sriov.vdpa))

    def plan(self, wish: NicSpec, asked: Set[str] = frozenset()) -> Plan:
        """What would be done now for a wish; ``asked`` are requirements whose reboot is awaited."""
        return make_plan(self.look_for(wish), NodeSpec(nics=(wish,)), self.drivers, asked_reboots=asked)

    def _does_without_iommu(self, nic: Nic) -> bool:
        return nic.platform != "baremetal" and bool(self.sample and self.sample.node.noiommu_built)

    def reach(self, state: State, *, coming_from: object = "the start") -> None:
        """Apply the wish and assert that a second plan is empty."""
        plan = self._plannable(state, coming_from)
        failures = execute(plan, self.host)
        assert not failures, f"{coming_from} -> {state}: {_words(failures)}; the plan was: {_lines(plan)}"
        again = self.plan(state.wish)
        assert again.is_empty, f"{coming_from} -> {state}: the second plan is not empty: {_lines(again)}"
        assert not again.all_problems, f"{coming_from} -> {state}: {'; '.join(map(str, again.all_problems))}"

    def recover(self, state: State, *, coming_from: object) -> None:
        """Plan and apply as the engine would after an accident: a few rounds, each from a fresh look."""
        for _ in range(_ROUNDS):
            plan = self._plannable(state, coming_from)
            if plan.is_empty:
                return
            execute(plan, self.host)
        left = self.plan(state.wish)
        assert left.is_empty, f"{coming_from} -> {state}: not reached after {_ROUNDS} rounds: {_lines(left)}"

    def nic_plan(self, wish: NicSpec) -> NicPlan:
        """The part of the plan that is about the NIC."""
        return next(plan for plan in self.plan(wish).nics if plan.nic == self.address)

    def _plannable(self, state: State, coming_from: object) -> Plan:
        plan = self.plan(state.wish)
        problems = "; ".join(map(str, plan.all_problems))
        assert not problems, f"{coming_from} -> {state}: {problems}"
        return plan


def _words(failures: tuple[Failure, ...]) -> str:
    return "; ".join(f"step {failure.step.describe()!r} failed: {failure.error}" for failure in failures)


def _lines(plan: Plan) -> str:
    steps = [planned.step.describe() for planned in plan.steps]
    return " | ".join((*steps, *(f"reboot: {reboot.reason}" for reboot in plan.reboots))) or "empty"
