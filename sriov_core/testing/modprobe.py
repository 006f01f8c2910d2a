"""What modules make of themselves when they are loaded, by the options of modprobe.d. Nothing here does I/O."""

from sriov_core.testing.tree import NodeFacts

OWN_FILE = "/etc/modprobe.d/sriov-core.conf"
_VFIO = {"vfio", "vfio_pci"}
_YES = ("Y", "y", "1")
_NO = ("N", "n", "0")


def vfio_comes_up(node: NodeFacts) -> None:
    """Loading vfio makes its parameter appear, with what modprobe.d says."""
    if node.noiommu is None and node.noiommu_built and _VFIO & set(node.modules):
        node.noiommu = option(node, "vfio", "enable_unsafe_noiommu_mode") in _YES


def rdma_comes_up(node: NodeFacts) -> None:
    """The mode after a boot: what modprobe.d says of ib_core, else shared (drivers/infiniband/core/device.c)."""
    if node.rdma_mode is not None:
        node.rdma_mode = "exclusive" if option(node, "ib_core", "netns_mode") in _NO else "shared"


def option(node: NodeFacts, module: str, name: str) -> str | None:
    """What our file in modprobe.d gives as an option of a module; the last one counts (modprobe.d(5))."""
    found = None
    for line in node.files.get(OWN_FILE, "").splitlines():
        words = line.split()
        if words[:2] == ["options", module]:
            given = dict(word.partition("=")[::2] for word in words[2:])
            found = given.get(name, found)
    return found
