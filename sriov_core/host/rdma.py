"""The RDMA subsystem: node GUIDs, and whether network namespaces share the devices. Read from sysfs, set by netlink.

The mode is read where nobody has to be asked: ib_core's parameter ``netns_mode`` shows the very variable that netlink
tells and sets (drivers/infiniband/core/device.c: ib_devices_shared_netns), and opening a socket of NETLINK_RDMA would
load ib_core on a machine that has no use for it.
"""

import errno
import re

from sriov_core.host import sysfs
from sriov_core.host.lanes import Lanes
from sriov_core.host.netlink import NETLINK_RDMA, Netlink, attribute
from sriov_core.model.address import Address

SYS_SET = (5 << 10) + 7
"""RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_SYS_SET) of include/uapi/rdma/rdma_netlink.h."""
_NETNS_MODE = 66  # RDMA_NLDEV_SYS_ATTR_NETNS_MODE
_MODES = {"exclusive": 0, "shared": 1}
_SHOWN = {"Y": "shared", "N": "exclusive"}
# drivers/infiniband/core/sysfs.c (node_guid_show): four groups of four hex digits.
_GUID = re.compile(r"[0-9a-f]{4}(:[0-9a-f]{4}){3}")


def node_guid(devices: sysfs.DeviceTree, address: Address) -> str | None:
    """The node GUID of the device's one RDMA device, eight octets with colons; None when it has none or several."""
    folder = f"{devices.path(address)}/infiniband"
    names = sysfs.names(folder)
    if len(names) != 1:
        return None
    text = (sysfs.read(f"{folder}/{names[0]}/node_guid") or "").lower()
    return bytes.fromhex(text.replace(":", "")).hex(":") if _GUID.fullmatch(text) else None


def mode(root: str) -> str | None:
    """``shared`` or ``exclusive``; None when the kernel has no RDMA subsystem loaded."""
    return _SHOWN.get(sysfs.read(f"{root}/sys/module/ib_core/parameters/netns_mode") or "")


def setting(mode: str) -> bytes:
    """The body of the message that sets the mode."""
    return attribute(_NETNS_MODE, bytes([_MODES[mode]]))


def set_mode(mode: str, timeout_s: float) -> None:
    """Set the mode. Refusals are OSError with the kernel's errno (EBUSY: other network namespaces exist)."""
    if mode not in _MODES:
        raise OSError(errno.EINVAL, f"the mode is one of {', '.join(_MODES)}")
    lanes = Lanes(lambda: Netlink(NETLINK_RDMA), "rdma")
    try:
        lanes.call(lambda netlink: netlink.ask(SYS_SET, setting(mode)), timeout_s)
    finally:
        lanes.close()
