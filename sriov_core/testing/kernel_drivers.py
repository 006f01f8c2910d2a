"""What is known of kernel drivers from their sources and cannot be read from a machine: VF drivers and refusals."""

from collections.abc import Mapping

import attrs

from sriov_core.testing.tree import Quirk, Refusal

OFFLOADS = ("hw-tc-offload",)
"""The offloads that matter to an eswitch, by their ethtool names."""

VDPA_VFS = frozenset({"101e"})
"""PCI ids of VFs that their kernel driver offers as management devices of vDPA (mlx5/core/dev.c: is_vnet_supported)."""


@attrs.frozen(kw_only=True)
class KernelDriver:
    """A PF's kernel driver: what drives its VFs, and what it refuses beyond the PCI core.

    ``parameters`` are its runtime devlink parameters with the values they take; ``vf_rdma`` says that its VFs have
    RDMA devices.
    """

    vf_driver: str
    refuses: tuple[Refusal, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    parameters: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    vf_rdma: bool = False


_KNOWN = {
    "igb": KernelDriver(vf_driver="igbvf"),
    "ixgbe": KernelDriver(vf_driver="ixgbevf"),
    "i40e": KernelDriver(vf_driver="iavf"),
    # drivers/net/ethernet/intel/ice/ice_eswitch.c: ice_eswitch_mode_set
    "ice": KernelDriver(vf_driver="iavf", refuses=(Refusal.MODE_WITH_VFS,)),
    # drivers/net/ethernet/broadcom/bnxt: bnxt_sriov_configure in bnxt_sriov.c, bnxt_dl_eswitch_mode_set in bnxt_vfr.c
    "bnxt_en": KernelDriver(vf_driver="bnxt_en", refuses=(Refusal.RESIZE_WITH_LINK_DOWN, Refusal.MODE_WITHOUT_VFS)),
    # drivers/net/ethernet/mellanox/mlx5/core: mlx5_esw_try_lock in eswitch.c, mlx5_fs_mode_validate in fs_core.c
    "mlx5_core": KernelDriver(
        vf_driver="mlx5_core",
        refuses=(Refusal.MODE_WITH_BOUND_VFS, Refusal.MODE_IN_BRIDGE, Refusal.PARAMETER_IN_SWITCHDEV),
        parameters={"flow_steering_mode": ("dmfs", "smfs")},
        vf_rdma=True,
    ),
    # drivers/net/netdevsim: a device of its own bus, whose VFs are numbers without devices
    "netdevsim": KernelDriver(
        vf_driver="", quirks=(Quirk.ZERO_VFS_MEANS_LEGACY, Quirk.VF_MAC_SURVIVES, Quirk.VFS_WITHOUT_DEVICES)
    ),
}

VF_DEVICES = {
    ("8086", "10c9"): "10ca",
    ("8086", "1521"): "1520",
    ("8086", "10fb"): "10ed",
    ("8086", "1528"): "1515",
    ("8086", "1563"): "1565",
    ("8086", "1572"): "154c",
    ("8086", "1583"): "154c",
    ("8086", "158b"): "154c",
    ("8086", "1592"): "1889",
    ("8086", "1593"): "1889",
    ("8086", "159b"): "1889",
    ("15b3", "1013"): "1014",
    ("15b3", "1015"): "1016",
    ("15b3", "1017"): "1018",
    ("15b3", "1019"): "101a",
    ("15b3", "101b"): "101c",
    ("15b3", "101d"): "101e",
    ("14e4", "16d7"): "16dc",
    ("14e4", "1750"): "1806",
}
"""PCI ids of VFs by those of their PFs, for machines that do not tell (sriov_vf_device does, since Linux 4.14)."""


def known(kernel_driver: str | None) -> KernelDriver:
    """What is known of a PF's kernel driver; one that is unknown drives its own VFs and refuses nothing more."""
    return _KNOWN.get(kernel_driver or "") or KernelDriver(vf_driver=kernel_driver or "")
