"""Machines whose kernel drivers refuse what the base's table says they refuse, written down apart from that table."""

from sriov_core.model.observed import EswitchMode
from sriov_core.testing.facts import ParameterFacts
from sriov_core.testing.tree import (
    FORMAT,
    EswitchFacts,
    FunctionFacts,
    LinkFacts,
    NodeFacts,
    Quirk,
    Refusal,
    SriovFacts,
    Tree,
)


def machine(kernel_driver: str, *, eswitch: EswitchFacts | None = None, **facts: object) -> Tree:
    """A machine with one PF under that kernel driver, down at first."""
    fields: dict[str, object] = {
        "address": "0000:3b:00.0",
        "iommu_group": 3,
        "links": [LinkFacts(name="ens1", mac="02:00:00:00:00:01", features={"hw-tc-offload": False})],
        "sriov": SriovFacts(total_vfs=8, vf_device="0002", vf_kernel_driver=kernel_driver, vf_offset=2),
    }
    function = FunctionFacts(
        vendor="ee01", device="0001", kernel_driver=kernel_driver, eswitch=eswitch, **{**fields, **facts}
    )
    node = NodeFacts(iommu_groups=9, modules=["vfio_pci", "virtio_vdpa", "vhost_vdpa"])
    return Tree(format=FORMAT, title=kernel_driver, origin={"all": "invented"}, node=node, functions=[function])


MLX5 = machine(
    "mlx5_core",
    eswitch=EswitchFacts(),
    refuses=[Refusal.MODE_WITH_BOUND_VFS, Refusal.RESIZE_IN_SWITCHDEV],
    parameters={"flow_steering_mode": ParameterFacts(value="dmfs")},
    sriov=SriovFacts(total_vfs=8, vf_device="0002", vf_kernel_driver="mlx5_core", vf_offset=2, vdpa=True),
)
NETDEVSIM = machine(
    "netdevsim",
    address="netdevsim/netdevsim10",
    iommu_group=None,
    eswitch=EswitchFacts(),
    quirks=[Quirk.ZERO_VFS_MEANS_LEGACY, Quirk.VF_MAC_SURVIVES, Quirk.VFS_WITHOUT_DEVICES],
    sriov=SriovFacts(total_vfs=4, vf_device="0000"),
)
SAMPLES = (
    MLX5,
    machine("ice", eswitch=EswitchFacts(), refuses=[Refusal.MODE_WITH_VFS]),
    machine("bnx2x", refuses=[Refusal.RESIZE_WITH_LINK_DOWN]),
    machine("liquidio", eswitch=EswitchFacts()),
    machine("nfp", eswitch=EswitchFacts(mode=EswitchMode.SWITCHDEV)),
    NETDEVSIM,
)
