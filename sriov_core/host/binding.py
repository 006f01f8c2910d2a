"""Binds devices to kernel drivers through driver_override and drivers_probe, and reads back what came of it.

Why not ``drivers/X/bind``: it answers ENODEV for a device whose override names another driver, and for one whose PF
has sriov_drivers_autoprobe off; driver_override followed by drivers_probe works in every state.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host.attributes import Attributes, Stakes
from sriov_core.host.refusals import impossible, permission_advice
from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS

_DRIVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# drivers/base/driver.c (driver_set_override): a line break clears it; a write of no bytes is no write.
_NO_OVERRIDE = "\n"


def bind(sysfs: Attributes, device: Address, kernel_driver: str) -> None:
    """Bind to that driver and no other. The override stays, so that nothing else takes the device afterwards."""
    _must_exist(sysfs, device, kernel_driver)
    found = sysfs.devices.kernel_driver(device)
    if found == kernel_driver:
        return
    _must_be_there(sysfs, device, kernel_driver)
    stakes = sysfs.must_be_free(device, "driver", f"{found or 'none'} -> {kernel_driver}")
    _override(sysfs, device, kernel_driver, kernel_driver)
    try:
        _leave(sysfs, device, found, stakes)
        _probe(sysfs, device, kernel_driver)
        if sysfs.devices.kernel_driver(device) != kernel_driver:
            raise _not_taken(sysfs, device, kernel_driver)
    except DeadlineExceeded:
        raise  # the kernel holds the device's lock, so the next write would block as well
    except StepFailed:
        with suppress(StepFailed):  # the first refusal is the one to tell
            _override(sysfs, device, _NO_OVERRIDE, "none")
        raise


def bind_by_name(sysfs: Attributes, device: Address, kernel_driver: str) -> None:
    """Bind a device on a bus without driver_override (vdpa before Linux 5.17), where ``drivers/X/bind`` takes any."""
    _must_exist(sysfs, device, kernel_driver)
    found = sysfs.devices.kernel_driver(device)
    if found == kernel_driver:
        return
    _must_be_there(sysfs, device, kernel_driver)
    _leave(sysfs, device, found, sysfs.must_be_free(device, "driver", f"{found or 'none'} -> {kernel_driver}"))
    path, timeout_s = f"{_driver_path(sysfs, device, kernel_driver)}/bind", sysfs.deadlines.bind_s
    sysfs.write(device, "bind", device.name, timeout_s=timeout_s, wanted=kernel_driver, path=path)
    if sysfs.devices.kernel_driver(device) != kernel_driver:
        raise _not_taken(sysfs, device, kernel_driver)


def bind_default(sysfs: Attributes, device: Address, load_driver: Callable[[str], None] | None = None) -> None:
    """Leave a userspace driver and let the kernel choose; a device with any other driver stays as it is.

    ``load_driver`` loads the module for a modalias; it is asked when no driver takes the device.
    """
    _must_exist(sysfs, device, "default")
    found = sysfs.devices.kernel_driver(device)
    if found and found not in USERSPACE_DRIVERS:
        return
    stakes = sysfs.must_be_free(device, "driver", f"{found or 'none'} -> default")
    if sysfs.devices.attribute(device, "driver_override") not in (None, "", "(null)"):
        _override(sysfs, device, _NO_OVERRIDE, "none")
    _leave(sysfs, device, found, stakes)
    _probe(sysfs, device, "the kernel's default driver")
    taken = sysfs.devices.kernel_driver(device)
    if taken is None and load_driver and (modalias := sysfs.devices.attribute(device, "modalias")):
        # The first VFs of their kind: udev loads their driver's module too, but nobody knows when.
        load_driver(modalias)
        _probe(sysfs, device, "the kernel's default driver")
        taken = sysfs.devices.kernel_driver(device)
    if taken is None or taken in USERSPACE_DRIVERS:
        raise _no_default(sysfs, device, taken)


def unbind(sysfs: Attributes, device: Address) -> None:
    """Leave the device without a driver."""
    _must_exist(sysfs, device, "none")
    found = sysfs.devices.kernel_driver(device)
    if found:
        _leave(sysfs, device, found, sysfs.must_be_free(device, "driver", f"{found} -> none"))
    if left := sysfs.devices.kernel_driver(device):
        raise impossible(device, "driver", "none", f"{left} is bound again", "Something else binds it; stop that first")


def _must_exist(sysfs: Attributes, device: Address, wanted: str) -> None:
    if not sysfs.devices.exists(device):
        advice = "It was taken away in between. Look again with probe"
        raise impossible(device, "driver", wanted, "the bus has no such device", advice)


def _must_be_there(sysfs: Attributes, device: Address, kernel_driver: str) -> None:
    if not _DRIVER.fullmatch(kernel_driver) or not os.path.isdir(_driver_path(sysfs, device, kernel_driver)):
        advice = f"Load its module (modprobe {kernel_driver}), or install the kernel package that holds it"
        raise impossible(device, "driver", kernel_driver, f"the kernel has no driver {kernel_driver!r}", advice)


def _driver_path(sysfs: Attributes, device: Address, kernel_driver: str) -> str:
    return f"{sysfs.devices.bus}/{device.bus}/drivers/{kernel_driver}"


def _override(sysfs: Attributes, device: Address, value: str, wanted: str) -> None:
    sysfs.write(device, "driver_override", value, timeout_s=sysfs.deadlines.other_s, wanted=wanted)


def _leave(sysfs: Attributes, device: Address, found: str | None, stakes: Stakes) -> None:
    if found:
        path = f"{_driver_path(sysfs, device, found)}/unbind"
        wanted, timeout_s = f"leave {found}", sysfs.deadlines.bind_s
        sysfs.write(device, "unbind", device.name, timeout_s=timeout_s, wanted=wanted, path=path, stakes=stakes)


def _probe(sysfs: Attributes, device: Address, wanted: str) -> None:
    path = f"{sysfs.devices.bus}/{device.bus}/drivers_probe"
    try:
        timeout_s = sysfs.deadlines.bind_s
        sysfs.write(device, "drivers_probe", device.name, timeout_s=timeout_s, wanted=wanted, path=path)
    except StepFailed as err:
        if isinstance(err.__cause__, OSError) and not permission_advice(err.__cause__.errno):
            return  # why the probe found no driver is told better by what is bound now
        raise


def _not_taken(sysfs: Attributes, device: Address, kernel_driver: str) -> StepFailed:
    if kernel_driver == "vfio-pci" and sysfs.devices.iommu_group(device) is None:
        advice = "Enable VT-d, AMD-Vi or SMMU in the firmware set-up, and boot with intel_iommu=on on Intel machines"
        return impossible(device, "driver", kernel_driver, "the device is in no IOMMU group", advice)
    bound = sysfs.devices.kernel_driver(device) or "none"
    found = f"the driver did not take the device (bound: {bound})"
    return impossible(device, "driver", kernel_driver, found, "See dmesg")


def _no_default(sysfs: Attributes, device: Address, taken: str | None) -> StepFailed:
    wanted = "the kernel's default driver"
    pf = sysfs.devices.pf(device)
    if taken is None and pf and sysfs.devices.attribute(pf, "sriov_drivers_autoprobe") == "0":
        advice = f"Write 1 to it: echo 1 > {sysfs.devices.path(pf)}/sriov_drivers_autoprobe"
        return impossible(device, "driver", wanted, f"sriov_drivers_autoprobe of {pf} is off", advice)
    function = sysfs.devices.function(device, "")
    model = f" ({function.vendor}:{function.device})" if function else ""
    found = f"{taken} took the device" if taken else f"no loaded kernel driver takes the device{model}"
    return impossible(device, "driver", wanted, found, "Load the module of its driver (lspci -k names it), see dmesg")
