"""A simulated host from NICs somebody described: a SriovNetworkNodeState's status, decoded to `Nic` values.

A status leaves out what planning needs of the machine; what is assumed instead stands in the tree's ``origin``.
"""

from collections.abc import Iterable, Sequence

from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import LinkType, Nic, Vf
from sriov_core.testing.facts import ParameterFacts
from sriov_core.testing.kernel_drivers import VDPA_VFS, VF_DEVICES, KernelDriver, known
from sriov_core.testing.plausible import NEEDS_ESWITCH, plausible
from sriov_core.testing.routing import routing_id, vf_address
from sriov_core.testing.tree import (
    FORMAT,
    EswitchFacts,
    FunctionFacts,
    LinkFacts,
    NodeFacts,
    SriovFacts,
    Tree,
    UseFacts,
    VfFacts,
)
from sriov_core.testing.world import FakeWorld

_MAX_MTU = 9702
_FIRST_OFFSET = 8
_ASSUMED = {
    "an IOMMU in effect, modules present, root": "assumed",
    "MTU limits, VF addresses, drivers of VFs": "assumed where the description does not give them",
    "refuses": "sources of the kernel driver, where it is known",
}


def simulated(nics: Iterable[Nic], *, hostname: str = "host") -> FakeWorld:
    """A machine with these NICs that can be planned for and changed. SpecError when no machine could be like that."""
    return FakeWorld(tree_of(nics, hostname=hostname))


def tree_of(nics: Iterable[Nic], *, hostname: str = "host") -> Tree:
    """The tree behind a simulated host. SpecError when no machine could be like that."""
    described = tuple(nics)
    layouts = _layouts(described)
    functions = [_function(nic, *layouts[nic.address]) for nic in described]
    groups = len(functions) + sum(len(function.sriov.vfs) for function in functions if function.sriov)
    for group, function in enumerate(functions):
        function.iommu_group = function.iommu_group if function.iommu_group is not None else group
    node = NodeFacts(hostname=hostname, iommu_groups=max(groups, 1))
    tree = Tree(format=FORMAT, title=f"simulated {hostname}", origin=_ASSUMED, node=node, functions=functions)
    plausible(tree, name=f"the description of {hostname}")
    return tree


def _function(nic: Nic, offset: int, stride: int) -> FunctionFacts:
    kernel = known(nic.kernel_driver)
    switched = nic.eswitch_mode is not None
    function = FunctionFacts(
        address=str(nic.address),
        vendor=nic.vendor,
        device=nic.device,
        subsystem_vendor=nic.subsystem_vendor or "0000",
        subsystem_device=nic.subsystem_device or "0000",
        pci_class="020700" if nic.link_type is LinkType.IB else "020000",
        kernel_driver=nic.kernel_driver,
        numa_node=nic.numa_node,
        iommu_group=nic.iommu_group,
        serial=nic.identity.serial,
        slot=nic.identity.slot,
        driver_version=nic.driver_version,
        firmware_version=nic.firmware_version,
        links=[_link(nic, nic.name)] if nic.name and nic.kernel_driver else [],
        eswitch=EswitchFacts(mode=nic.eswitch_mode) if nic.eswitch_mode else None,
        refuses=[refusal for refusal in kernel.refuses if switched or refusal not in NEEDS_ESWITCH],
        parameters={name: ParameterFacts(value=value) for name, value in nic.parameters.items()},
        is_vf=nic.platform != "baremetal",
        platform=nic.platform,
        uses=[UseFacts(kind=use.kind, detail=use.detail) for use in nic.uses],
        managers=list(nic.managers),
    )
    if nic.total_vfs is not None and not function.is_vf:
        function.sriov = _sriov(nic, kernel, offset, stride)
        function.sriov.vfs = [_vf(vf, function, function.sriov) for vf in _vfs(nic)]
    return function


def _link(nic: Nic, name: str) -> LinkFacts:
    return LinkFacts(
        name=name,
        mac=_address(nic, nic.mac),
        permanent_mac=_address(nic, nic.identity.permanent_mac or nic.mac),
        mtu=nic.mtu if isinstance(nic.mtu, int) else 1500,
        min_mtu=nic.min_mtu,
        max_mtu=nic.max_mtu or _MAX_MTU,
        up=nic.link_up is not False,
        carrier=nic.carrier if nic.carrier is not None else nic.link_up,
        speed_mbit=nic.speed_mbit,
        link_type=nic.link_type,
        alt_names=list(nic.alt_names),
        features=dict(nic.features),
    )


def _address(nic: Nic, mac: str | None) -> str | None:
    """An address of another length than the link type's was cut off by whoever described the machine."""
    return mac if mac and (len(mac.split(":")) == 20) == (nic.link_type is LinkType.IB) else None


def _sriov(nic: Nic, kernel: KernelDriver, offset: int, stride: int) -> SriovFacts:
    seen = [vf.kernel_driver for vf in nic.vfs if isinstance(vf.kernel_driver, str)]
    default = next((driver for driver in seen if driver not in USERSPACE_DRIVERS), kernel.vf_driver)
    devices = [vf.device for vf in nic.vfs if vf.device]
    device = devices[0] if devices else VF_DEVICES.get((nic.vendor, nic.device), nic.device)
    return SriovFacts(
        total_vfs=nic.total_vfs or 0,
        vf_device=device,
        vf_rdma=kernel.vf_rdma or any(vf.guid for vf in nic.vfs),
        vdpa=device in VDPA_VFS or any(vf.vdpa_type for vf in nic.vfs),
        vf_kernel_driver=default or None,
        vf_offset=offset,
        vf_stride=stride,
        vf_max_mtu=nic.max_mtu or _MAX_MTU,
        autoprobe=nic.autoprobe,
    )


def _vfs(nic: Nic) -> list[Vf]:
    described = {vf.index: vf for vf in nic.vfs}
    count = max(nic.num_vfs, len(nic.vfs))
    return [described.get(index, Vf(index=index)) for index in range(count)]


def _vf(vf: Vf, function: FunctionFacts, sriov: SriovFacts) -> VfFacts:
    kernel_driver = vf.kernel_driver if isinstance(vf.kernel_driver, str) else None
    link = None
    bound = kernel_driver is not None and kernel_driver not in USERSPACE_DRIVERS
    if vf.name and bound:
        mtu = vf.mtu if isinstance(vf.mtu, int) else 1500
        link = LinkFacts(name=vf.name, mac=vf.mac, mtu=mtu, min_mtu=sriov.vf_min_mtu, max_mtu=sriov.vf_max_mtu)
    return VfFacts(
        index=vf.index,
        address=str(vf.address)
        if vf.address
        else vf_address(function.address, vf.index, offset=sriov.vf_offset, stride=sriov.vf_stride),
        kernel_driver=kernel_driver,
        link=link,
        admin_mac=vf.admin_mac,
        iommu_group=vf.iommu_group,
        guid=vf.guid if bound else None,
        vdpa=vf.vdpa_type if bound else None,
    )


def _layouts(nics: Sequence[Nic]) -> dict[Address, tuple[int, int]]:
    """Offset and stride for each NIC: as its VFs show them, else the nearest stretch that nothing else lies in."""
    taken = {place for nic in nics for place in _places(nic)}
    layouts = {}
    for nic in nics:
        own, *vfs = _places(nic) or [("", 0)]
        offset, stride = _FIRST_OFFSET, 1
        if len(vfs) > 1:
            offset, stride = vfs[0][1] - own[1], vfs[1][1] - vfs[0][1]
        else:
            while any((own[0], own[1] + offset + index) in taken for index in range(nic.total_vfs or 0)):
                offset += 1
        taken.update((own[0], own[1] + offset + stride * index) for index in range(nic.total_vfs or 0))
        layouts[nic.address] = (offset, stride)
    return layouts


def _places(nic: Nic) -> list[tuple[str, int]]:
    """Routing ids of the NIC and of those of its VFs whose addresses are known, in index order."""
    addresses = (nic.address, *(vf.address for vf in nic.vfs if vf.address))
    return [place for address in addresses if (place := routing_id(str(address)))]
