"""VFs that are there, and that the device plugin passes over: it takes no device without a kernel driver. No I/O."""

from collections.abc import Iterator

from sriov_core.api.nodestate import InterfaceReport, InterfaceWish, NodeState, VfReport
from sriov_core.errors import SpecError
from sriov_core.policy.ranges import parse_range


def passed_over(resource: str, state: NodeState) -> tuple[str, str]:
    """Which VFs of a resource have no kernel driver, and what to do; two empty texts when any has one.

    The plugin reads the driver of each device first and leaves out those without (its pkg/devices/host.go). With one
    VF left to offer, something else is wrong.
    """
    reports = {one.pci_address: one for one in state.status.interfaces}
    found: dict[str, list[int]] = {}
    for wish in state.spec.interfaces:
        nic = reports.get(wish.pci_address)
        vfs = tuple(_vfs(resource, wish, nic)) if nic else ()
        if any(vf.driver for vf in vfs):
            return "", ""
        if nic and vfs:
            found[nic.name or nic.pci_address] = [vf.vf_id for vf in vfs]
    for name, bare in found.items():
        fact = f"VFs without a kernel driver, which the device plugin passes over: {len(bare)} of {name}"
        remedy = f"`sriov-core probe {name}` on the node says why, and which module is missing (VF-204)"
        return f"{fact} (vf{min(bare)} is the first)", remedy
    return "", ""


def _vfs(resource: str, wish: InterfaceWish, nic: InterfaceReport) -> Iterator[VfReport]:
    for group in wish.vf_groups:
        if group.resource_name != resource:
            continue
        try:
            vfs = parse_range(group.vf_range)
        except SpecError:
            continue  # what is wrong with the wish, its node tells
        yield from (vf for vf in nic.vfs if vfs.first <= vf.vf_id <= vfs.last)
