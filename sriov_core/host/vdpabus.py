"""The vDPA device of a VF as the bus ``vdpa`` lists it. Reads only."""

from sriov_core.host import sysfs
from sriov_core.model.address import Address

BUS = "vdpa"
DRIVERS = {"virtio": "virtio_vdpa", "vhost": "vhost_vdpa"}
_TYPES = {driver: vdpa_type for vdpa_type, driver in DRIVERS.items()}
# drivers/vhost/vdpa.c (vhost_vdpa_probe)
_NODE = "vhost-vdpa-"


def device_of(vf: Address) -> Address:
    """The name of a VF's vDPA device, whether it exists or not."""
    return Address(f"vdpa:{vf.name}", BUS)


def type_of(devices: sysfs.DeviceTree, vf: Address) -> str | None:
    """``virtio`` or ``vhost`` by the driver of the VF's vDPA device, None without one."""
    return _TYPES.get(devices.kernel_driver(device_of(vf)) or "")


def nodes(devices: sysfs.DeviceTree, address: Address) -> tuple[str, ...]:
    """What a process opens to use the vDPA device of a VF, or the device given; empty but for vhost_vdpa."""
    device = address if address.bus == BUS else device_of(address)
    return tuple(f"/dev/{name}" for name in sysfs.names(devices.path(device)) if name.startswith(_NODE))
