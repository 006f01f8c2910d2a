"""What PF kernel drivers demand of those who change counts and modes, as data: a row for each that demands something.

Every owner's steps follow these rows: they belong to the kernel's side of a card, whoever made the card. A driver
without a row gets the plain one: the mode before the VFs, and both changed at any time. Plain by their sources in
Linux 6.12 (sriov_configure in each) are igb, ixgbe, i40e, idpf, ionic, qede, rvu_nicpf, octeon_ep, sfc, cxgb4, hns3,
be2net, hinic and ena; none of them has an eswitch in devlink.
"""

import enum
from collections.abc import Mapping

import attrs

from sriov_core.plugin import VFS_FIRST_ORDER, Phase

OFFLOAD = "hw-tc-offload"
"""The ethtool name of the offload of flows to the eswitch."""


class ModeNeeds(enum.Enum):
    """What must be so for a change of the eswitch mode."""

    NOTHING = "nothing"
    NO_VFS = "no VFs"
    UNBOUND_VFS = "VFs without a kernel driver"
    SOME_VFS = "VFs, to become switchdev"
    OTHER_FIRMWARE = "other firmware"


@attrs.frozen(kw_only=True)
class Kernel:
    """A PF's kernel driver.

    ``vfs_first``: its eswitch takes over VFs that exist. ``count_in_legacy``, ``count_with_link``: the count changes
    only in legacy mode, only while the PF is up. ``makes_vdpa``: it offers vDPA devices on its VFs. ``most_vfs`` is
    the limit where sysfs tells none.
    """

    vfs_first: bool = False
    mode_needs: ModeNeeds = ModeNeeds.NOTHING
    count_in_legacy: bool = False
    count_with_link: bool = False
    makes_vdpa: bool = False
    most_vfs: int | None = None


_PLAIN = Kernel()

_ROWS = {
    # NVIDIA's MLNX_OFED manual, "OVS Offload Using ASAP² Direct": make VFs, unbind them, change the mode, bind them. A
    # change takes the VFs' vports down and up again (mlx5/core/eswitch_offloads.c, mlx5_devlink_eswitch_mode_set).
    "mlx5_core": Kernel(vfs_first=True, mode_needs=ModeNeeds.UNBOUND_VFS, count_in_legacy=True, makes_vdpa=True),
    # drivers/net/ethernet/intel/ice/ice_eswitch.c, ice_eswitch_mode_set: EOPNOTSUPP while a VF exists.
    "ice": Kernel(mode_needs=ModeNeeds.NO_VFS),
    # drivers/net/ethernet/broadcom/bnxt/bnxt_vfr.c, bnxt_dl_eswitch_mode_set: up to Linux 6.3 EPERM without VFs, and
    # taking the VFs away puts the mode back to legacy without a word (bnxt_vf_reps_destroy); f032d8a9c8b3 ended both.
    # bnxt_sriov.c, bnxt_sriov_configure: a count that is written while the PF is down is ignored.
    "bnxt_en": Kernel(vfs_first=True, mode_needs=ModeNeeds.SOME_VFS, count_in_legacy=True, count_with_link=True),
    # drivers/net/ethernet/broadcom/bnx2x/bnx2x_sriov.c, bnx2x_sriov_configure: EINVAL while the PF is down.
    "bnx2x": Kernel(count_with_link=True),
    # drivers/net/ethernet/netronome/nfp: the firmware's app decides; flower (flower/main.c, eswitch_mode_get) is
    # always in switchdev mode, and without eswitch_mode_set a change is EOPNOTSUPP (nfp_app.h).
    "nfp": Kernel(mode_needs=ModeNeeds.OTHER_FIRMWARE),
    # drivers/net/netdevsim/dev.c, nsim_drv_configure_vfs: no VFs means legacy, without a word; NSIM_BUS_DEV_MAX_VFS.
    "netdevsim": Kernel(vfs_first=True, count_in_legacy=True, most_vfs=4),
}


def known(kernel_driver: str | None) -> Kernel:
    """The row of a PF's kernel driver; the plain one for a driver that demands nothing, and for none."""
    return _ROWS.get(kernel_driver or "", _PLAIN)


def orders() -> Mapping[str, tuple[Phase, ...]]:
    """Kernel drivers whose NICs are configured in another order than the plain one."""
    return {name: VFS_FIRST_ORDER for name, kernel in _ROWS.items() if kernel.vfs_first}
