"""Refuses machines that cannot exist, so that no test proves something about one. Nothing here does I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator

from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.testing import plausible_options as options
from sriov_core.testing.routing import routing_id
from sriov_core.testing.tree import (
    UNTOLD_NETNS,
    FunctionFacts,
    LinkFacts,
    NodeFacts,
    Quirk,
    Refusal,
    SriovFacts,
    Tree,
    VfFacts,
)
from sriov_core.testing.users import can_be_held

NEEDS_ESWITCH = {
    Refusal.MODE_WITH_VFS,
    Refusal.MODE_WITH_BOUND_VFS,
    Refusal.MODE_WITHOUT_VFS,
    Refusal.RESIZE_IN_SWITCHDEV,
    Refusal.MODE_IN_BRIDGE,
    Refusal.PARAMETER_IN_SWITCHDEV,
}
"""Refusals that are about an eswitch."""


def plausible(tree: Tree, *, name: str = "device tree") -> None:
    """SpecError naming everything about the tree that no real machine could show."""
    if complaints := list(implausible(tree)):
        raise SpecError(f"{name} describes no possible machine: {'; '.join(complaints)}")


def implausible(tree: Tree) -> Iterator[str]:
    """Each impossibility in words, the place first."""
    yield from _twice("address", _addresses(tree))
    yield from _twice("netdev name", _names(tree))
    yield from _overlapping(tree)
    yield from options.of_machine(tree)
    for function in tree.functions:
        for complaint in _function(function, tree.node):
            yield f"{function.address}: {complaint}"


def _function(function: FunctionFacts, node: NodeFacts) -> Iterator[str]:
    iommu_groups = node.iommu_groups
    yield from _address(function.address)
    if function.is_vf and function.sriov:
        yield "a VF cannot have VFs of its own"
    if function.is_vf and function.platform == "baremetal":
        yield "a VF without its PF exists only inside a guest; name the platform or list it under its PF"
    if function.links and not function.kernel_driver:
        yield f"netdev {function.links[0].name} without a kernel driver"
    if NEEDS_ESWITCH & set(function.refuses) and not function.eswitch:
        yield "refuses eswitch changes but has no eswitch"
    if Quirk.ZERO_VFS_MEANS_LEGACY in function.quirks and not function.eswitch:
        yield f"quirk {Quirk.ZERO_VFS_MEANS_LEGACY} without an eswitch"
    if function.iommu_group is not None and not iommu_groups:
        yield f"IOMMU group {function.iommu_group} while no IOMMU is in effect"
    for link in function.links:
        yield from _link(link, link.min_mtu, link.max_mtu)
    yield from options.of_function(function)
    if function.sriov:
        yield from _sriov(function, function.sriov, node)


def _sriov(function: FunctionFacts, sriov: SriovFacts, node: NodeFacts) -> Iterator[str]:
    if len(sriov.vfs) > sriov.total_vfs:
        yield f"{len(sriov.vfs)} VFs but sriov_totalvfs is {sriov.total_vfs}"
    if sriov.vfs and not function.kernel_driver:
        yield "VFs without a kernel driver of the PF"
    if [vf.index for vf in sriov.vfs] != list(range(len(sriov.vfs))):
        yield "VFs must be listed in index order without gaps, from 0"
    for vf in sriov.vfs:
        for complaint in (*_vf(vf, sriov, node), *options.of_vf(vf, function, sriov)):
            yield f"vf{vf.index}: {complaint}"


def _vf(vf: VfFacts, sriov: SriovFacts, node: NodeFacts) -> Iterator[str]:
    iommu_groups = node.iommu_groups
    yield from _address(vf.address)
    userspace = vf.kernel_driver in USERSPACE_DRIVERS
    if vf.kernel_driver == "vfio-pci" and not (iommu_groups or node.noiommu):
        yield "bound to vfio-pci while no IOMMU is in effect"
    if vf.link and (userspace or not vf.kernel_driver):
        yield f"netdev {vf.link.name} while bound to {vf.kernel_driver or 'nothing'}"
    if vf.kernel_driver and not userspace and vf.kernel_driver != sriov.vf_kernel_driver:
        yield f"bound to {vf.kernel_driver}, but the kernel's driver for these VFs is {sriov.vf_kernel_driver}"
    if vf.holder and not can_be_held(vf):
        yield f"held by {vf.holder} without a userspace driver or a vDPA device of vhost_vdpa"
    if vf.iommu_group is not None and not iommu_groups:
        yield f"IOMMU group {vf.iommu_group} while no IOMMU is in effect"
    if vf.link:
        yield from _link(vf.link, sriov.vf_min_mtu, sriov.vf_max_mtu)


def _link(link: LinkFacts, lowest: int | None, highest: int | None) -> Iterator[str]:
    if (lowest is not None and link.mtu < lowest) or (highest is not None and link.mtu > highest):
        yield f"MTU {link.mtu} of {link.name} lies outside {lowest}..{highest}"
    if len(link.name) > 15 or "/" in link.name:
        yield f"{link.name!r} is no netdev name"


def _address(text: str) -> Iterator[str]:
    try:
        Address.parse(text)
    except ValueError as err:
        yield str(err)


def _addresses(tree: Tree) -> Iterator[str]:
    for function in tree.functions:
        yield function.address
        yield from (vf.address for vf in function.sriov.vfs) if function.sriov else ()


def _overlapping(tree: Tree) -> Iterator[str]:
    """VFs that would appear where another function already is, or would be."""
    taken: dict[tuple[str, int], str] = {}
    for function in tree.functions:
        if place := routing_id(function.address):
            taken[place] = function.address
    for function in tree.functions:
        place, sriov = routing_id(function.address), function.sriov
        if place is None or sriov is None:
            continue
        domain, first = place[0], place[1] + sriov.vf_offset
        theirs = [(domain, first + sriov.vf_stride * index) for index in range(sriov.total_vfs)]
        if other := next((taken[spot] for spot in theirs if spot in taken), None):
            yield f"{function.address}: its VFs would share addresses with {other} (vf_offset, vf_stride)"
        taken.update(dict.fromkeys(theirs, f"VFs of {function.address}"))


def _names(tree: Tree) -> Iterator[str]:
    for function in tree.functions:
        vfs = function.sriov.vfs if function.sriov else []
        for link in (*function.links, *(vf.link for vf in vfs if vf.link)):
            place = f" in namespace {link.netns}" if link.netns else ""
            names = {link.name, *link.alt_names} if link.netns != UNTOLD_NETNS else ()  # each may be another one
            yield from (f"{name}{place}" for name in names)


def _twice(what: str, values: Iterable[str]) -> Iterator[str]:
    counted = Counter(values)
    yield from (f"{what} {value} is there {number} times" for value, number in sorted(counted.items()) if number > 1)
