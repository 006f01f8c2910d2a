"""How long planning takes where most is to be planned, beside merely making that many steps."""

from collections.abc import Iterator

import attrs

from bench.figure import Figure
from bench.timing import median_s
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType, Nic, Node, Owner, Snapshot
from sriov_core.model.steps import Step
from sriov_core.planning.planner import plan
from sriov_core.plugin import loading, registry

PFS, VFS = 16, 128
LIMIT_S = 0.3
REPEATS = 7


def figures() -> Iterator[Figure]:
    """Planning all VFs of all PFs from none, half for vfio-pci and half as netdevices with a larger MTU."""
    drivers = registry.drivers(loading.load())
    snapshot, wish = _snapshot(), _wish()
    found = plan(snapshot, wish, drivers)
    if found.all_problems or len(found.steps) < 2 * PFS * VFS:
        raise SystemExit(f"this plan is not the one to measure: {found.all_problems[:1]}")
    steps = [planned.step for planned in found.steps]
    parts: list[tuple[type[Step], dict[str, object]]] = [
        (type(step), attrs.asdict(step, recurse=False)) for step in steps
    ]
    floor = median_s(lambda: [kind(**fields) for kind, fields in parts], REPEATS)
    value = median_s(lambda: plan(snapshot, wish, drivers), REPEATS)
    detail = f"planning {PFS} PFs x {VFS} VFs from nothing, {len(steps)} steps; the floor makes these steps and no plan"
    yield Figure(name="plan", value=value, unit="s", floor=floor, limit=LIMIT_S, detail=detail)


def _snapshot() -> Snapshot:
    nics = tuple(
        Nic(
            address=_address(number),
            vendor="8086",
            device="1592",
            kernel_driver="ice",
            name=f"ens{number}",
            link_type=LinkType.ETH,
            mac=f"02:00:00:00:00:{number:02x}",
            mtu=1500,
            link_up=False,
            total_vfs=VFS,
            eswitch_mode=EswitchMode.LEGACY,
        )
        for number in range(PFS)
    )
    owners = {nic.address: Owner(plugin="intel", reason="measured") for nic in nics}
    return Snapshot(node=Node(iommu_groups=PFS), nics=nics, owners=owners)


def _wish() -> NodeSpec:
    groups = (
        VfGroup(first=0, last=VFS // 2 - 1, device_type=DeviceType.VFIO_PCI),
        VfGroup(first=VFS // 2, last=VFS - 1, mtu=9000),
    )
    addresses = map(_address, range(PFS))
    return NodeSpec(nics=tuple(NicSpec(address=one, num_vfs=VFS, mtu=9000, groups=groups) for one in addresses))


def _address(number: int) -> Address:
    return Address(f"0000:{number:02x}:00.0")
