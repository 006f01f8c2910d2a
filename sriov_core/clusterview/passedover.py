"""VFs that are there, and that the device plugin passes over: it takes no device without a kernel driver. No I/O."""

from collections.abc import Iterator

from sriov_core.api.nodestate import InterfaceReport, InterfaceWish, NodeState
from sriov_core.errors import SpecError
from sriov_core.policy.ranges import parse_range


def passed_over(resource: str, state: NodeState) -> tuple[str, str]:
    """Which VFs of a resource have no kernel driver, and what to do; two empty texts when all have one.

    The plugin reads the driver of each device first and leaves out those without (its pkg/devices/host.go).
    """
    reports = {one.pci_address: one for one in state.status.interfaces}
    for wish in state.spec.interfaces:
        nic = reports.get(wish.pci_address)
        bare = sorted(_bare(resource, wish, nic)) if nic else []
        if nic and bare:
            name = nic.name or nic.pci_address
            fact = f"VFs without a kernel driver, which the device plugin passes over: {len(bare)} of {name}"
            remedy = f"`sriov-core probe {name}` on the node says why, and which module is missing (VF-204)"
            return f"{fact} (vf{bare[0]} is the first)", remedy
    return "", ""


def _bare(resource: str, wish: InterfaceWish, nic: InterfaceReport) -> Iterator[int]:
    for group in wish.vf_groups:
        if group.resource_name != resource:
            continue
        try:
            vfs = parse_range(group.vf_range)
        except SpecError:
            continue  # what is wrong with the wish, its node tells
        yield from (vf.vf_id for vf in nic.vfs if vfs.first <= vf.vf_id <= vfs.last and not vf.driver)
