"""What no machine shows of RDMA, vDPA, firmware and Open vSwitch, in words. Nothing here does I/O."""

from collections.abc import Iterator

from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import LinkType
from sriov_core.testing.infiniband import is_infiniband
from sriov_core.testing.tree import FunctionFacts, LinkFacts, NodeFacts, Quirk, SriovFacts, Tree, VfFacts
from sriov_core.testing.users import can_be_held

_OCTETS = {LinkType.IB: 20, LinkType.ETH: 6}


def of_machine(tree: Tree) -> Iterator[str]:
    """What contradicts itself between the parts of a machine."""
    known = {function.address for function in tree.functions}
    owned: set[str] = set()
    for card in tree.cards:
        yield from (f"card {card.type}: it has no function {address}" for address in set(card.functions) - known)
        yield from (f"{address} belongs to two cards" for address in owned & set(card.functions))
        owned |= set(card.functions)
        unknown = {*card.current, *card.next} - set(card.default)
        yield from (f"card {card.type}: setting {name} has no default" for name in sorted(unknown))
    yield from _node(tree.node)


def of_function(function: FunctionFacts) -> Iterator[str]:
    """What a function cannot show beside its other facts."""
    if function.kernel_driver in USERSPACE_DRIVERS and function.links:
        yield f"netdev {function.links[0].name} while bound to {function.kernel_driver}"
    if function.links and function.unbound_links:
        yield "netdevs that are there and netdevs that come back when it is bound"
    if function.holder and not can_be_held(function):
        yield f"held by {function.holder} without being a VF under a userspace driver"
    for link in function.links:
        yield from _link(function, link)


def of_vf(vf: VfFacts, function: FunctionFacts, sriov: SriovFacts) -> Iterator[str]:
    """What a VF cannot show beside its other facts and its PF's."""
    bound = vf.kernel_driver is not None and vf.kernel_driver not in USERSPACE_DRIVERS
    if vf.guid and not (bound and sriov.vf_rdma):
        yield f"node GUID {vf.guid} without a kernel driver that makes an RDMA device"
    if vf.vdpa and not (bound and sriov.vdpa):
        yield f"a vDPA device ({vf.vdpa}) without a kernel driver that offers one"
    if vf.admin_guid and not is_infiniband(function):
        yield f"admin GUID {vf.admin_guid}, which a PF on Ethernet does not take"
    if sriov.hidden:
        yield "it exists although the firmware offers no VFs"
    if Quirk.VFS_WITHOUT_DEVICES in function.quirks and vf.kernel_driver:
        yield f"a number without a device cannot be bound to {vf.kernel_driver}"


def _link(function: FunctionFacts, link: LinkFacts) -> Iterator[str]:
    if (link.link_type is LinkType.IB) != is_infiniband(function):
        yield f"{link.name} is of link type {link.link_type}, but the PCI class is {function.pci_class}"
    octets = _OCTETS.get(link.link_type) if link.link_type else None
    for mac in (link.mac, link.permanent_mac):
        if mac and octets and len(mac.split(":")) != octets:
            yield f"address {mac} of {link.name} has not the {octets} octets of link type {link.link_type}"


def _node(node: NodeFacts) -> Iterator[str]:
    if node.noiommu is not None and not node.noiommu_built:
        yield "noiommu is known of a vfio that was built without it (noiommu_built)"
    uplinks = [row.uplink.name for row in (node.ovs.bridges if node.ovs else ()) if row.uplink]
    yield from (
        f"{name} is the uplink of two bridges" for name in {name for name in uplinks if uplinks.count(name) > 1}
    )
