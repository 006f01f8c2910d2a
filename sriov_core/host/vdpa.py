"""vDPA devices of VFs: made through the generic netlink family ``vdpa``, given to a driver of the bus ``vdpa``.

Sources: include/uapi/linux/vdpa.h and drivers/vdpa/vdpa.c.
"""

import errno
import struct
from collections.abc import Callable
from typing import Any

from sriov_core.host import binding
from sriov_core.host.attributes import Attributes
from sriov_core.host.lanes import Lanes
from sriov_core.host.netlink import NETLINK_GENERIC, Netlink, attribute, generic, text
from sriov_core.host.vdpabus import BUS, DRIVERS, device_of
from sriov_core.model.address import Address

_DEV_NEW, _DEV_DEL = 3, 4
_MGMTDEV_BUS_NAME, _MGMTDEV_DEV_NAME, _DEV_NAME, _DEV_NET_CFG_MAX_VQP = 1, 2, 4, 12
_MAX_QUEUE_PAIRS = 32
# EOPNOTSUPP: the number cannot be chosen (vdpa_nl_cmd_dev_add_set_doit); EINVAL: the device has not so many.
_TOO_MANY_QUEUES = frozenset({errno.EOPNOTSUPP, errno.EINVAL})
_GONE = frozenset({errno.ENODEV, errno.ENOENT})


def creation(device: Address, manager: Address, *, max_queue_pairs: int | None) -> bytes:
    """The body of VDPA_CMD_DEV_NEW. A manager on no bus is a simulator's, which has none."""
    bus = [text(_MGMTDEV_BUS_NAME, manager.bus)] if manager.bus else []
    pairs = [attribute(_DEV_NET_CFG_MAX_VQP, struct.pack("=H", max_queue_pairs))] if max_queue_pairs else []
    return generic(_DEV_NEW, *bus, text(_MGMTDEV_DEV_NAME, manager.name), text(_DEV_NAME, device.name), *pairs)


def deletion(device: Address) -> bytes:
    """The body of VDPA_CMD_DEV_DEL."""
    return generic(_DEV_DEL, text(_DEV_NAME, device.name))


class Vdpa:
    """The vDPA devices of a machine. Refusals over netlink are OSError with the kernel's errno.

    ``manager`` is the management device of all of them when that is not the VF itself: a simulator, which is on no
    bus (``Address("vdpasim_net", bus="")``).
    """

    def __init__(
        self,
        attributes: Attributes,
        timeout_s: float,
        *,
        manager: Address | None = None,
        open_socket: Callable[[], Any] | None = None,
    ) -> None:
        self._sysfs = attributes
        self._timeout_s = timeout_s
        self._manager = manager
        self._lanes = Lanes(open_socket or (lambda: Netlink(NETLINK_GENERIC)), "vdpa")

    def set(self, vf: Address, vdpa_type: str | None) -> None:
        """Have the VF's vDPA device under the driver of that type, made if need be; None takes it away."""
        device = device_of(vf)
        if vdpa_type is None:
            self._remove(device)
            return
        if not self._sysfs.devices.exists(device):
            self._create(device, self._manager or vf)
        self._bind(device, DRIVERS[vdpa_type])

    def close(self) -> None:
        """Close the sockets."""
        self._lanes.close()

    def _create(self, device: Address, manager: Address) -> None:
        try:
            self._ask(creation(device, manager, max_queue_pairs=_MAX_QUEUE_PAIRS))
        except OSError as err:
            if err.errno not in _TOO_MANY_QUEUES:
                raise
            self._ask(creation(device, manager, max_queue_pairs=None))

    def _remove(self, device: Address) -> None:
        if not self._sysfs.devices.exists(device):
            return
        self._sysfs.must_be_free(device, "vdpa", "none")
        try:
            self._ask(deletion(device))
        except OSError as err:
            if err.errno not in _GONE:
                raise

    def _bind(self, device: Address, kernel_driver: str) -> None:
        # A fresh device is taken at once by whichever driver is there first, and may have to change hands.
        if self._sysfs.devices.attribute(device, "driver_override") is not None:
            binding.bind(self._sysfs, device, kernel_driver)
        else:
            binding.bind_by_name(self._sysfs, device, kernel_driver)

    def _ask(self, body: bytes) -> None:
        self._lanes.call(lambda netlink: netlink.ask(netlink.family(BUS), body), self._timeout_s)
