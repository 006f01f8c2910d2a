"""The wish in a SriovNetworkNodeState to and from `NodeSpec`. Nothing here does I/O."""

from collections.abc import Iterator

import msgspec

from sriov_core.api import nodestate as wire
from sriov_core.api.fault import Fault
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.policy.bridgespec import bridge_faults, from_bridges, to_bridges
from sriov_core.policy.ranges import Malformed, parse_range
from sriov_core.policy.wirevalues import address_faults, refuse, repeated_addresses, word, word_faults


def to_spec(state: wire.NodeState) -> NodeSpec:
    """The wish in ``state.spec``; each of its NICs counts as named.

    A range may go beyond numVfs, as node states in the field do; whether it can be served is for the planner.
    Raises SpecError with a line for every value that cannot be understood.
    """
    wishes = state.spec.interfaces
    faults = [fault for position, wish in enumerate(wishes) for fault in _faults(wish, f"spec.interfaces[{position}]")]
    repeated = repeated_addresses([wish.pci_address for wish in wishes], "spec.interfaces")
    refuse(state, (*faults, *repeated, *bridge_faults(state.spec.bridges, "spec.bridges", wished=True)))
    return NodeSpec(
        nics=tuple(_nic(wish) for wish in wishes),
        rdma_mode=state.spec.system.rdma_mode,
        bridges=to_bridges(state.spec.bridges),
    )


def from_spec(spec: NodeSpec) -> wire.NodeStateSpec:
    """The wish as a node state carries it; what only the host knows (identity, what to restore) stays behind."""
    system = msgspec.convert({"rdmaMode": spec.rdma_mode}, wire.System)
    wishes = tuple(_wish(nic) for nic in spec.nics)
    return wire.NodeStateSpec(interfaces=wishes, bridges=from_bridges(spec.bridges), system=system)


def _faults(wish: wire.InterfaceWish, path: str) -> Iterator[Fault]:
    yield from address_faults(wish.pci_address, f"{path}.pciAddress")
    yield from word_faults(wish.link_type, LinkType, f"{path}.linkType")
    yield from word_faults(wish.eswitch_mode, EswitchMode, f"{path}.eSwitchMode")
    for position, group in enumerate(wish.vf_groups):
        place = f"{path}.vfGroups[{position}]"
        yield from word_faults(group.device_type, DeviceType, f"{place}.deviceType")
        yield from word_faults(group.vdpa_type, VdpaType, f"{place}.vdpaType")
        try:
            parse_range(group.vf_range)
        except Malformed as err:
            yield Fault(f"{place}.vfRange", err.text, err.remedy)


def _nic(wish: wire.InterfaceWish) -> NicSpec:
    return NicSpec(
        address=Address.parse(wish.pci_address),
        name=wish.name,
        num_vfs=wish.num_vfs,
        mtu=wish.mtu or None,
        eswitch_mode=word(wish.eswitch_mode, EswitchMode) or EswitchMode.LEGACY,
        link_type=word(wish.link_type, LinkType),
        externally_managed=wish.externally_managed,
        groups=tuple(_group(group) for group in wish.vf_groups),
        named=True,
        plugin=wish.plugin or None,
    )


def _group(group: wire.VfGroup) -> VfGroup:
    vfs = parse_range(group.vf_range)
    return VfGroup(
        first=vfs.first,
        last=vfs.last,
        device_type=word(group.device_type, DeviceType) or DeviceType.NETDEVICE,
        mtu=group.mtu or None,
        is_rdma=group.is_rdma,
        vdpa_type=word(group.vdpa_type, VdpaType),
        resource_name=group.resource_name,
        policy_name=group.policy_name,
    )


def _wish(nic: NicSpec) -> wire.InterfaceWish:
    return wire.InterfaceWish(
        pci_address=str(nic.address),
        name=nic.name,
        num_vfs=nic.num_vfs,
        mtu=nic.mtu or 0,
        eswitch_mode="" if nic.eswitch_mode is EswitchMode.LEGACY else nic.eswitch_mode.value,
        link_type=nic.link_type.value if nic.link_type else "",
        externally_managed=nic.externally_managed,
        vf_groups=tuple(_wire_group(group) for group in nic.groups),
        plugin=nic.plugin or "",
    )


def _wire_group(group: VfGroup) -> wire.VfGroup:
    return wire.VfGroup(
        resource_name=group.resource_name,
        device_type=group.device_type.value,
        vf_range=group.vf_range,
        policy_name=group.policy_name,
        mtu=group.mtu or 0,
        is_rdma=group.is_rdma,
        vdpa_type=group.vdpa_type.value if group.vdpa_type else "",
    )
