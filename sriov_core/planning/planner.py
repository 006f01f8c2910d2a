"""Snapshot and wish to plan: ask the drivers phase by phase, walk the NIC forward, check where it ends. Pure."""

from collections.abc import Iterable, Mapping, Sequence, Set

import attrs

from sriov_core.errors import DriverFailed
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.observed import EswitchMode, Nic, Owner, Snapshot
from sriov_core.model.plan import NicPlan, Plan, PlannedStep, Problem, Reboot
from sriov_core.model.step import Step
from sriov_core.model.steps import KINDS, ResetFirmware, SetFirmware
from sriov_core.planning import bridges, node, rdma, udevrules
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
    judged = [_judged(snapshot, wish, drivers) for wish in spec.nics]
    firmware = _firmware(snapshot, [case for case in judged if isinstance(case, _Case)])
    nics = tuple(
        _planned(case, firmware, asked_reboots, spent_reboots) if isinstance(case, _Case) else case for case in judged
    )
    nics, isolation = _isolated(snapshot, _held(snapshot, spec, nics), asked_reboots, spent_reboots)
    switches = bridges.planned(snapshot, spec, nics)
    nics = switches.nics
    modes = rdma.mode(snapshot.node, spec, spent_reboots)
    now = {nic.nic for nic in nics if not nic.problems and not nic.later}
    switchdev = {wish.address for wish in spec.nics if wish.eswitch_mode is EswitchMode.SWITCHDEV}
    steps = (
        *isolation.steps,
        *node.modules(snapshot.node, nics),
        *modes.steps,
        *udevrules.steps(snapshot, spec, now),
        *udevrules.without_notes(snapshot, nics),
        *bridges.offload(
            snapshot.ovs,
            snapshot.node.files,
            switchdev=bool(switchdev & now),
            release=spec.release and not switchdev,
        ),
    )
    reboots = (*isolation.reboots, *modes.reboots, *(reboot for nic in nics for reboot in nic.reboots))
    return Plan(
        node=tuple(map(priced_on_node, steps)),
        nics=nics,
        after=switches.after,
        problems=(*isolation.problems, *modes.problems, *switches.problems),
        reboots=tuple(dict.fromkeys(reboots)),
    )


def _isolated(
    snapshot: Snapshot, nics: tuple[NicPlan, ...], asked: Set[str], spent: Set[str]
) -> tuple[tuple[NicPlan, ...], node.NodePlan]:
    """What NICs that bind VFs to vfio-pci need first: an IOMMU, or inside a virtual machine the leave to do without."""
    needy = {plan.nic for plan in nics if node.needs_iommu(plan)}
    guests = {nic.address for nic in snapshot.nics if nic.address in needy and nic.platform != "baremetal"}
    own = node.no_iommu(snapshot.node) if guests else node.NodePlan()
    hosts = node.iommu(snapshot.node, asked, spent) if needy - guests else node.NodePlan()
    waiting = {plan.nic: own if plan.nic in guests else hosts for plan in nics if plan.nic in needy}
    return (
        tuple(_postponed(plan, waiting[plan.nic]) if plan.nic in waiting else plan for plan in nics),
        node.NodePlan(
            steps=(*hosts.steps, *own.steps),
            problems=(*hosts.problems, *own.problems),
            reboots=(*hosts.reboots, *own.reboots),
        ),
    )


@attrs.frozen(kw_only=True)
class _Case:
    """A NIC that may be planned: nobody objected so far. ``outline`` is its plan without steps."""

    nic: Nic
    wish: NicSpec
    driver: Driver
    owner: Owner
    outline: NicPlan


_Firmware = Mapping[Address, tuple[PlannedStep, ...] | DriverFailed]
"""For each NIC its share of its card's firmware steps, or how its driver failed to give them."""


def _judged(snapshot: Snapshot, wish: NicSpec, drivers: Mapping[str, Driver]) -> _Case | NicPlan:
    nic = snapshot.nic(wish.address)
    owner = snapshot.owners.get(wish.address)
    if nic is None or owner is None or owner.plugin not in drivers:
        return NicPlan(nic=wish.address, name=wish.name, problems=(_absent(snapshot, wish),))
    driver = drivers[owner.plugin]
    if wish.autoprobe is None:
        wish = attrs.evolve(wish, autoprobe=nic.autoprobe)
    name, release = nic.name or wish.name, wish.restore is not None
    outline = NicPlan(nic=nic.address, name=name, plugin=driver.info.name, release=release)
    try:
        problems = (*undeclared(driver.info, nic, wish), *driver.check(nic, wish))
    except DriverFailed as err:
        return _failed(outline, err)
    if differences(nic, wish):
        problems = (*objections(nic, wish, owner), *problems)
    if problems:
        return attrs.evolve(outline, problems=problems)
    return _Case(nic=nic, wish=wish, driver=driver, owner=owner, outline=outline)


def _planned(case: _Case, firmware: _Firmware, asked: Set[str], spent: Set[str]) -> NicPlan:
    share = firmware[case.nic.address]
    if isinstance(share, DriverFailed):
        return _failed(case.outline, share)
    try:
        steps = _steps(case, share)
        reboots = case.driver.needs_reboot(case.nic, case.wish, [planned.step for planned in steps])
    except DriverFailed as err:
        return _failed(case.outline, err)
    problems = (*_useless(case.nic, reboots, spent), *(objections(case.nic, case.wish, case.owner) if steps else ()))
    if problems:
        return attrs.evolve(case.outline, problems=problems)
    if not reboots:
        return attrs.evolve(case.outline, steps=steps)
    # What comes after a reboot is planned afresh then: firmware may have changed what the card offers.
    later = tuple(planned for planned in steps if planned not in share)
    if all(reboot.requirement in asked for reboot in reboots):  # reset already, and the reboot is waited for
        share = tuple(planned for planned in share if isinstance(planned.step, SetFirmware))
    return attrs.evolve(case.outline, steps=share, later=later, reboots=reboots)


def _steps(case: _Case, firmware: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    driver, nic, wish = case.driver, case.nic, case.wish
    # Taking VFs away undoes what bringing them up did, so it runs the same phases backwards.
    order = driver.info.phases_for(nic.kernel_driver)
    phases = order if wish.num_vfs else tuple(reversed(order))
    future = nic
    planned: list[PlannedStep] = []
    for phase in phases:
        if phase is Phase.FIRMWARE:
            planned += firmware
            continue
        for step in driver.steps(phase, future, wish):
            entry, future = _walked(driver, step, future, {nic.address})
            planned.append(entry)
    if left := differences(future, wish):
        raise _nonsense(driver, str(nic), f"ends elsewhere: {'; '.join(map(str, left[:3]))}")
    return tuple(planned)


def _walked(driver: Driver, step: Step, future: Nic, targets: Set[Address]) -> tuple[PlannedStep, Nic]:
    """The step with its cost, and the NIC after it. DriverFailed when it is none that can be done to that NIC."""
    if KINDS.get(step.kind) is not type(step):
        raise _nonsense(driver, str(future), f"has a step of a kind that nobody can do: {type(step).__name__}")
    if getattr(step, "nic", None) not in targets:
        raise _nonsense(driver, str(future), f"has a step for another device: {step.describe()}")
    try:
        return priced(step, future), step.project(future)
    except LookupError as err:
        raise _nonsense(driver, str(future), f"has a step for what is not there: {step.describe()}: {err}") from err


def _firmware(snapshot: Snapshot, cases: Sequence[_Case]) -> _Firmware:
    """Ask each card once, as a whole. A step for a port that is not wished for falls to the card's first that is."""
    found: dict[Address, tuple[PlannedStep, ...] | DriverFailed] = {}
    for case in cases:
        if case.nic.address not in found:
            ports = [nic for nic in snapshot.nics if same_card(case.nic, nic)]
            mine = [nic for nic in ports if _plugin(snapshot, nic) == case.owner.plugin]
            card = sorted(mine, key=lambda nic: nic.address)
            wishes = {other.nic.address: other.wish for other in cases if other.nic in card}
            try:
                found |= _shares(case.driver, card, wishes)
            except DriverFailed as err:
                found |= dict.fromkeys(wishes, err)
    return found


def _plugin(snapshot: Snapshot, nic: Nic) -> str | None:
    owner = snapshot.owners.get(nic.address)
    return owner.plugin if owner else None


def _shares(
    driver: Driver, card: Sequence[Nic], wishes: Mapping[Address, NicSpec]
) -> dict[Address, tuple[PlannedStep, ...]]:
    ports = {nic.address: nic for nic in card}
    first = min(wishes)
    shares: dict[Address, tuple[PlannedStep, ...]] = dict.fromkeys(wishes, ())
    steps = driver.firmware(card, [wishes.get(nic.address) or unwished(nic) for nic in card])
    # NICs are worked on side by side, while a reset takes down every port: all of it goes into one hand.
    in_one_hand = any(isinstance(step, ResetFirmware) for step in steps)
    for step in steps:
        port = getattr(step, "nic", first)
        planned, _ = _walked(driver, step, ports.get(port, ports[first]), ports.keys())
        share = port if port in wishes and not in_one_hand else first
        shares[share] = (*shares[share], planned)
    return shares


def _held(snapshot: Snapshot, spec: NodeSpec, plans: tuple[NicPlan, ...]) -> tuple[NicPlan, ...]:
    """The plans; a port whose card is reset for the sake of another one waits for the reboot as well."""
    asked = {wish.address for wish in spec.nics if wish.reset_firmware}
    resets = [plan for plan in plans if plan.nic in asked and plan.reboots]
    held: dict[Address, NicPlan] = {}
    for plan in plans:
        nic = snapshot.nic(plan.nic)
        for reset in resets:
            other = snapshot.nic(reset.nic)
            if nic and other and nic is not other and same_card(nic, other) and not plan.problems:
                later = (*plan.steps, *plan.later)
                held[plan.nic] = attrs.evolve(plan, steps=(), later=later, reboots=plan.reboots or reset.reboots)
    return tuple(held.get(plan.nic, plan) for plan in plans)


def same_card(one: Nic, other: Nic) -> bool:
    """True when two functions share firmware: one PCI device, and no serial numbers that say otherwise."""
    if one.address == other.address:
        return True
    on_pci = {one.address.bus, other.address.bus} == {"pci"}
    same_device = one.address.name.rpartition(".")[0] == other.address.name.rpartition(".")[0]
    serials = {one.identity.serial, other.identity.serial} - {None}
    return on_pci and same_device and len(serials) < 2


def unwished(nic: Nic) -> NicSpec:
    """The wish for a NIC that nobody wishes anything for: to stay as it is."""
    return NicSpec(address=nic.address, num_vfs=nic.num_vfs, eswitch_mode=nic.effective_mode)


def _postponed(nic: NicPlan, iommu: node.NodePlan) -> NicPlan:
    if iommu.problems:
        problems = tuple(attrs.evolve(problem, nic=nic.nic) for problem in iommu.problems)
        return attrs.evolve(nic, steps=(), later=(), reboots=(), problems=problems)
    if not iommu.reboots:
        return nic
    if nic.reboots:
        return nic
    # What it does for its card's firmware may be for the sake of another port, which waits for the same reboot.
    kinds = [isinstance(planned.step, SetFirmware | ResetFirmware) for planned in nic.steps]
    firmware = len(kinds) - kinds[::-1].index(True) if True in kinds else 0
    return attrs.evolve(nic, steps=nic.steps[:firmware], later=nic.steps[firmware:])


def _useless(nic: Nic, reboots: Iterable[Reboot], spent: Set[str]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            code="reboot-without-effect",
            nic=nic.address,
            text=f"a reboot was spent and changed nothing: {reboot.reason}",
            remedy="Do what the reason names by hand, or change the wish; no second reboot is asked for",
        )
        for reboot in reboots
        if reboot.requirement in spent
    )


def _absent(snapshot: Snapshot, wish: NicSpec) -> Problem:
    address: Address = wish.address
    if failure := snapshot.failures.get(address):
        return Problem(code="driver-failed", nic=address, text=failure, remedy="The NIC is left alone")
    unmanaged = next((entry for entry in snapshot.unmanaged if entry.function.address == address), None)
    if unmanaged:
        remedy = "Install a plugin for it, or pin one; see `sriov-core plugins`"
        return Problem(code="unmanaged", nic=address, text=f"no driver serves it: {unmanaged.reason}", remedy=remedy)
    if wish.restore:
        text = "it shall be given back as it was, and this machine has no such NIC any more"
        remedy = f"If the card is gone for good, run `sriov-core reset --forget {address}`"
        return Problem(code="no-such-nic", nic=address, text=text, remedy=remedy)
    known = ", ".join(str(nic) for nic in snapshot.nics) or "none"
    remedy = f"Correct the address; NICs that a plugin serves: {known}"
    return Problem(code="no-such-nic", nic=address, text="this machine has no such NIC", remedy=remedy)


def _failed(outline: NicPlan, err: DriverFailed) -> NicPlan:
    problem = Problem(code="driver-failed", nic=outline.nic, text=str(err), remedy="The NIC is left alone")
    return attrs.evolve(outline, problems=(problem,))


def _nonsense(driver: Driver, where: str, what: str) -> DriverFailed:
    maintainers = ", ".join(driver.info.maintainers) or "its maintainer"
    return DriverFailed(f"the plan of plugin {driver.info.name} for {where} {what}. Report it to {maintainers}")
