"""The functions a node will have once its wish is carried out, and which policy holds each. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.address import VfRef
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.observed import UNKNOWN, LinkType, Nic, Unknown, Vf
from sriov_core.policy.nicids import NicIds
from sriov_core.policy.pluginselectors import Function
from sriov_core.policy.selection import Fact, PoolDevice
from sriov_core.policy.verdict import Rendering

_LINK_TYPES = {LinkType.ETH: "ether", LinkType.IB: "infiniband"}


def pool_devices(nics: Iterable[Nic], spec: NodeSpec, ids: NicIds) -> tuple[PoolDevice, ...]:
    """The functions that the device plugin may see, NIC by NIC.

    Of a wished NIC these are its VFs: the plugin passes over a PF that has some. A NIC that is not wished for is there
    as a PF and with the VFs it reports, because these may or may not be gone when the plugin looks. A NIC whose VF is
    the NIC itself, as in a virtual machine, is one device. A VF whose address is not known goes by PF and index: its
    address is not that of a NIC, and policies name no other ones.
    """
    return tuple(device for nic in nics for device in _devices(nic, spec.nic(nic.address), ids))


def held_functions(
    policies: Iterable[NodePolicy], nics: Iterable[Nic], rendering: Rendering
) -> dict[Function, NodePolicy]:
    """Which policy holds which function; ``policies`` are the valid ones that select the node, weakest first.

    A policy without VFs holds the PFs that it selects and that nobody wishes VFs of: pods get the PF itself.
    """
    ports = {nic.address: nic for nic in nics}
    by_name = {policy.metadata.name: policy for policy in policies}
    matched = {(verdict.policy, verdict.nic) for verdict in rendering.verdicts if not verdict.refusals}
    held: dict[Function, NodePolicy] = {}
    for policy in by_name.values():
        for address in ports if not policy.spec.num_vfs else ():
            if (policy.metadata.name, address) in matched and rendering.spec.nic(address) is None:
                held[(str(address), -1)] = policy
    for wish in rendering.spec.nics:
        for group in (group for group in wish.groups if group.policy_name in by_name):
            for index in range(group.first, group.last + 1):
                itself = index == 0 and wish.address in ports and _is_its_vf(ports[wish.address])
                held[(str(wish.address), -1 if itself else index)] = by_name[group.policy_name]
    return held


def _is_its_vf(nic: Nic) -> bool:
    return any(vf.address == nic.address for vf in nic.vfs)


def _devices(nic: Nic, wish: NicSpec | None, ids: NicIds) -> Iterator[PoolDevice]:
    if wish is None or _is_its_vf(nic):
        yield _pf(nic)
    if _is_its_vf(nic):
        return
    reported = {vf.index: vf for vf in nic.vfs}
    device = next((vf.device for vf in nic.vfs if vf.device), None) or ids.vf_id(nic.vendor, nic.device) or UNKNOWN
    for index in range(_count(nic, wish)):
        yield _vf(nic, wish, index, device, reported)


def _count(nic: Nic, wish: NicSpec | None) -> int:
    """How many VFs there will be; whoever else creates them may leave more than are wished for."""
    if wish and not wish.externally_managed:
        return wish.num_vfs
    there = max(nic.num_vfs, max((vf.index + 1 for vf in nic.vfs), default=0))
    return max(there, wish.num_vfs if wish else 0)


def _pf(nic: Nic) -> PoolDevice:
    return PoolDevice(
        address=str(nic.address),
        vendor=nic.vendor,
        device=nic.device,
        driver=nic.kernel_driver or UNKNOWN,
        pf_name=nic.name or "",
        pf_address=str(nic.address),
        link_type=_link_type(nic.link_type),
    )


def _vf(nic: Nic, wish: NicSpec | None, index: int, device: Fact, reported: Mapping[int, Vf]) -> PoolDevice:
    group = wish.group_of(index) if wish else None
    found = reported.get(index)
    return PoolDevice(
        address=str((found and found.address) or VfRef(nic.address, index)),
        vendor=nic.vendor,
        device=device,
        driver=(group.device_type.userspace_driver if group else None) or UNKNOWN,
        pf_name=nic.name or "",
        pf_address=str(nic.address),
        index=index,
        link_type=_link_type(wish.link_type if wish and wish.link_type else nic.link_type),
        vdpa_type=group.vdpa_type.value if group and group.vdpa_type else UNKNOWN,
    )


def _link_type(found: LinkType | None) -> str | Unknown:
    return _LINK_TYPES[found] if found else UNKNOWN
