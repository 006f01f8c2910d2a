"""Snapshot and wish to plan: ask the drivers phase by phase, walk the NIC forward, check where it ends. Pure."""

from collections.abc import Mapping, Sequence, Set

import attrs

from sriov_core.errors import DriverFailed
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.model.plan import NicPlan, Plan, PlannedStep, Problem
from sriov_core.model.steps import Step
from sriov_core.planning import node
from sriov_core.planning.difference import differences
from sriov_core.planning.disruption import priced, priced_on_node
from sriov_core.planning.guard import objections, undeclared
from sriov_core.plugin.info import Phase
from sriov_core.plugin.registry import Driver


def plan(
    snapshot: Snapshot,
    spec: NodeSpec,
    drivers: Mapping[str, Driver],
    *,
    asked_reboots: Set[str] = frozenset(),
    spent_reboots: Set[str] = frozenset(),
) -> Plan:
    """The smallest change that takes the node to the wish, or why it cannot be taken there.

    A NIC with a problem gets no steps; the others are planned all the same. ``asked_reboots`` are requirements whose
    reboot is still awaited; ``spent_reboots`` are those that a reboot was spent on: no second one is asked for.
    """
    nics = tuple(_plan_nic(snapshot, wish, spec, drivers) for wish in spec.nics)
    needs_iommu = any(map(node.needs_iommu, nics))
    iommu = node.iommu(snapshot.node, asked_reboots, spent_reboots) if needs_iommu else node.NodePlan()
    if iommu.reboots or iommu.problems:
        nics = tuple(_postponed(nic, iommu) if node.needs_iommu(nic) else nic for nic in nics)
    steps = (*iommu.steps, *node.modules(snapshot.node, nics), *node.udev_rules(snapshot.node, spec, nics))
    reboots = dict.fromkeys((*iommu.reboots, *(reboot for nic in nics for reboot in nic.reboots)))
    return Plan(node=tuple(map(priced_on_node, steps)), nics=nics, problems=iommu.problems, reboots=tuple(reboots))


def _plan_nic(snapshot: Snapshot, wish: NicSpec, spec: NodeSpec, drivers: Mapping[str, Driver]) -> NicPlan:
    nic = snapshot.nic(wish.address)
    owner = snapshot.owners.get(wish.address)
    if nic is None or owner is None or owner.plugin not in drivers:
        return NicPlan(nic=wish.address, name=wish.name, problems=(_absent(snapshot, wish),))
    driver = drivers[owner.plugin]
    if wish.autoprobe is None:
        wish = attrs.evolve(wish, autoprobe=nic.autoprobe)
    outline = NicPlan(
        nic=nic.address, name=nic.name or wish.name, plugin=driver.info.name, release=wish.restore is not None
    )
    try:
        problems = (*undeclared(driver.info, nic, wish), *driver.check(nic, wish))
        if differences(nic, wish):
            problems = (*objections(nic, wish, owner), *problems)
        if problems:
            return attrs.evolve(outline, problems=problems)
        steps = _steps(driver, nic, wish, _firmware(driver, snapshot, nic, spec))
        reboots = driver.needs_reboot(nic, wish, [planned.step for planned in steps])
    except DriverFailed as err:
        problem = Problem(code="driver-failed", nic=nic.address, text=str(err), remedy="The NIC is left alone")
        return attrs.evolve(outline, problems=(problem,))
    return attrs.evolve(outline, steps=steps, reboots=reboots)


def _steps(driver: Driver, nic: Nic, wish: NicSpec, firmware: Sequence[Step]) -> tuple[PlannedStep, ...]:
    # Taking VFs away undoes what bringing them up did, so it runs the same phases backwards.
    phases = driver.info.phases if wish.num_vfs else tuple(reversed(driver.info.phases))
    future = nic
    planned: list[PlannedStep] = []
    for phase in phases:
        for step in firmware if phase is Phase.FIRMWARE else driver.steps(phase, future, wish):
            if getattr(step, "nic", None) != nic.address:
                raise _nonsense(driver, nic, f"has a step for another device: {step.describe()}")
            planned.append(priced(step, future))
            future = step.project(future)
    if left := differences(future, wish):
        raise _nonsense(driver, nic, f"ends elsewhere: {'; '.join(map(str, left[:3]))}")
    return tuple(planned)


def _firmware(driver: Driver, snapshot: Snapshot, nic: Nic, spec: NodeSpec) -> tuple[Step, ...]:
    """The card's firmware steps that fall to this NIC; the card is asked as a whole, with every wish for it."""
    ports = [other for other in snapshot.nics if same_card(nic, other)]
    wishes = [spec.nic(port.address) or unwished(port) for port in ports]
    return tuple(step for step in driver.firmware(ports, wishes) if getattr(step, "nic", None) == nic.address)


def same_card(one: Nic, other: Nic) -> bool:
    """True when two functions share firmware: one PCI device, and no serial numbers that say otherwise."""
    same_device = one.address.name.rpartition(".")[0] == other.address.name.rpartition(".")[0]
    serials = {one.identity.serial, other.identity.serial} - {None}
    return one.address.bus == other.address.bus and same_device and len(serials) < 2


def unwished(nic: Nic) -> NicSpec:
    """The wish for a NIC that nobody wishes anything for: to stay as it is."""
    return NicSpec(address=nic.address, num_vfs=nic.num_vfs, eswitch_mode=nic.effective_mode)


def _postponed(nic: NicPlan, iommu: node.NodePlan) -> NicPlan:
    if iommu.problems:
        return attrs.evolve(nic, steps=(), problems=tuple(attrs.evolve(p, nic=nic.nic) for p in iommu.problems))
    return attrs.evolve(nic, steps=(), later=nic.steps)


def _absent(snapshot: Snapshot, wish: NicSpec) -> Problem:
    address: Address = wish.address
    if failure := snapshot.failures.get(address):
        return Problem(code="driver-failed", nic=address, text=failure, remedy="The NIC is left alone")
    unmanaged = next((entry for entry in snapshot.unmanaged if entry.function.address == address), None)
    if unmanaged:
        remedy = "Install a plugin for it, or pin one; see `sriov-core plugins`"
        return Problem(code="unmanaged", nic=address, text=f"no driver serves it: {unmanaged.reason}", remedy=remedy)
    known = ", ".join(str(nic) for nic in snapshot.nics) or "none"
    remedy = f"Correct the address; NICs of this machine: {known}"
    return Problem(code="no-such-nic", nic=address, text="this machine has no such NIC", remedy=remedy)


def _nonsense(driver: Driver, nic: Nic, what: str) -> DriverFailed:
    maintainers = ", ".join(driver.info.maintainers) or "its maintainer"
    return DriverFailed(f"the plan of plugin {driver.info.name} for {nic} {what}. Report it to {maintainers}")
