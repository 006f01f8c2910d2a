"""What the kernel refuses of counts, modes and drivers, each rule with its errno. Reads state, never changes it."""

import errno
from collections.abc import Sequence

from sriov_core.errors import StepFailed
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.facts import OvsFacts
from sriov_core.testing.machine import Device
from sriov_core.testing.refusing import blocked, impossible, refused
from sriov_core.testing.tree import FunctionFacts, Quirk, Refusal, SriovFacts, VfFacts


def capability(device: Device, attribute: str, wanted: object) -> SriovFacts:
    """The SR-IOV capability of a PF; without one the attribute does not exist."""
    exists = attribute == "sriov_numvfs" or Quirk.VFS_WITHOUT_DEVICES not in device.function.quirks
    if device.vf is None and device.capability and exists:
        return device.capability
    raise refused(device.own.address, attribute, wanted, errno.ENOENT, "The device offers no SR-IOV capability")


def may_resize(function: FunctionFacts, sriov: SriovFacts, count: int) -> None:
    """drivers/pci/iov.c, sriov_numvfs_store, then what the device's own driver adds."""

    def no(code: int, advice: str) -> StepFailed:
        return refused(function.address, "sriov_numvfs", count, code, advice)

    if count < 0:
        raise no(errno.EINVAL, "A count is 0 or more")
    if count > sriov.total_vfs and Quirk.VFS_WITHOUT_DEVICES in function.quirks:
        # drivers/net/netdevsim/bus.c: the limit is max_vfs in debugfs
        raise no(errno.ENOMEM, f"The device has memory for {sriov.total_vfs} VFs")
    if count > sriov.total_vfs:
        raise no(errno.ERANGE, f"The card has at most {sriov.total_vfs} VFs (sriov_totalvfs)")
    if not function.kernel_driver:
        raise no(errno.ENOENT, "The PF has no kernel driver; bind it first")
    if count and sriov.vfs:
        raise no(errno.EBUSY, f"There are {len(sriov.vfs)} VFs, and a count changes only by way of 0")
    switchdev = function.eswitch is not None and function.eswitch.mode is EswitchMode.SWITCHDEV
    if switchdev and Refusal.RESIZE_IN_SWITCHDEV in function.refuses:
        raise no(errno.EOPNOTSUPP, "Its kernel driver changes the count in legacy mode only")
    link_up = bool(function.links) and function.links[0].up
    if not link_up and Refusal.RESIZE_WITH_LINK_DOWN in function.refuses:
        found = f"the write was taken without an error, yet {len(sriov.vfs)} VFs exist"
        advice = "Its kernel driver changes the count only while the PF is up; set it up first"
        raise impossible(function.address, "sriov_numvfs", count, found, advice)


def must_be_free(vf: VfFacts | FunctionFacts, attribute: str, wanted: object) -> None:
    """A verb looks for holders first and refuses; one that it cannot see blocks the write until the deadline."""
    if vf.holder is None:
        return
    who = f"vf{vf.index} ({vf.address})" if isinstance(vf, VfFacts) else vf.address
    found = f"{who} is held by {vf.holder}"
    if vf.holder_hidden:
        raise blocked(vf.address, attribute, wanted, f"{found}. Stop it")
    raise impossible(vf.address, attribute, wanted, found, "Stop it first")


def may_switch(function: FunctionFacts, mode: EswitchMode, ovs: OvsFacts | None) -> None:
    """What devlink's callback in the device's driver says to a change of mode."""
    vfs = function.sriov.vfs if function.sriov else []
    bound = [vf.index for vf in vfs if vf.kernel_driver]
    bridge = _bridge_of(function, ovs)
    rules = (
        (Refusal.MODE_IN_BRIDGE, bool(bridge), errno.EBUSY, f"Flows of bridge {bridge} are offloaded; detach it first"),
        (Refusal.MODE_WITH_VFS, bool(vfs), errno.EOPNOTSUPP, f"It may change only while no VF exists ({len(vfs)} do)"),
        (Refusal.MODE_WITH_BOUND_VFS, bool(bound), errno.EBUSY, f"VFs {bound} are bound; unbind them first"),
        (Refusal.MODE_WITHOUT_VFS, not vfs, errno.EPERM, "Its kernel driver wants the VFs to exist first"),
    )
    for refusal, applies, code, advice in rules:
        if applies and refusal in function.refuses:
            raise refused(function.address, "eswitch mode", mode, code, advice)


def _bridge_of(function: FunctionFacts, ovs: OvsFacts | None) -> str | None:
    names = {link.name for link in function.links}
    return next((one.name for one in (ovs.bridges if ovs else ()) if one.uplink and one.uplink.name in names), None)


def driver_must_exist(device: Device, kernel_driver: str, modules: Sequence[str]) -> None:
    """A driver that is not loaded has no folder; one that does not know the device refuses it."""
    if kernel_driver == device.default_driver:
        return
    if kernel_driver not in USERSPACE_DRIVERS:
        advice = f"{kernel_driver} does not drive this device"
        raise refused(device.own.address, "drivers_probe", kernel_driver, errno.ENODEV, advice)
    module = kernel_driver.replace("-", "_")
    if module not in modules:
        advice = f"No such kernel driver; load module {module} first"
        raise refused(device.own.address, "drivers_probe", kernel_driver, errno.ENOENT, advice)


def default_must_probe(device: Device) -> None:
    """With autoprobe off, a VF without an override is not probed at all (pci_device_can_probe)."""
    if device.vf and not device.sriov.autoprobe:
        advice = "sriov_drivers_autoprobe of its PF is off, so the probe had no effect; switch it on first"
        raise refused(device.own.address, "drivers_probe", "the default driver", errno.ENODEV, advice)
    if device.default_driver is None:
        advice = "No kernel driver took the device; load the one that drives it"
        raise refused(device.own.address, "drivers_probe", "the default driver", errno.ENODEV, advice)
