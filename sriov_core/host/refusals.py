"""The words of a refusal: what was wanted, of which device, the errno, and what to do. Nothing here does I/O."""

import errno
import os

from sriov_core.errors import DeadlineExceeded, HostError, StepFailed
from sriov_core.model.address import Address

AS_ROOT = "run as root (CAP_NET_ADMIN, CAP_SYS_ADMIN)"
SYS_READ_ONLY = "/sys is mounted read-only: in a container it must be privileged or mount /sys read-write"

_PERMISSION = frozenset({errno.EACCES, errno.EPERM})

# Where Python knows a number by the name that POSIX gives it and the kernel's documents do not.
_KERNEL_NAMES = {errno.EOPNOTSUPP: "EOPNOTSUPP"}

# drivers/pci/pci-sysfs.c (sriov_numvfs_store) and drivers/pci/iov.c (sriov_enable) give these.
_ADVICE: dict[tuple[str, int], str] = {
    ("sriov_numvfs", errno.EBUSY): (
        "VFs exist already, or are in use: the kernel changes their number only by way of 0. Set 0 first"
    ),
    ("sriov_numvfs", errno.ERANGE): "sriov_totalvfs of the device is the most it offers. Ask for fewer VFs",
    ("sriov_numvfs", errno.ENOMEM): (
        "The PCI bridge above the device has too small an MMIO window or too few bus numbers for the VFs. "
        "Boot with pci=realloc, or enable SR-IOV and 'Above 4G Decoding' in the firmware set-up of the machine"
    ),
    ("sriov_numvfs", errno.ENOENT): (
        "No kernel driver with SR-IOV support is bound to the device. Bind its PF driver (see lspci -k)"
    ),
    ("sriov_numvfs", errno.EINVAL): "The kernel takes a number from 0 to sriov_totalvfs here",
    ("sriov_numvfs", errno.EPERM): "The kernel driver of the device refuses that many VFs (see dmesg)",
    ("driver_override", errno.ENOENT): "The kernel offers no driver_override for this device",
    ("drivers_probe", errno.ENODEV): "The device is gone, or no kernel driver takes it. Look again with probe",
    ("drivers_probe", errno.EINVAL): "The kernel driver refused the device (see dmesg)",
    ("eswitch mode", errno.ENODEV): "Its kernel driver offers no devlink eswitch",
    ("eswitch mode", errno.ENOENT): "This kernel was built without devlink",
    ("devlink", errno.ENODEV): "Its kernel driver offers no devlink",
    ("devlink", errno.ENOENT): "This kernel was built without devlink",
    ("devlink", errno.EINVAL): "The kernel driver could not set the device up again (see dmesg)",
    ("RDMA namespaces", errno.EBUSY): (
        "The kernel changes this only while there is no network namespace but the host's own. Stop the containers, "
        "or have it from the next boot on by ib_core's parameter netns_mode (/etc/modprobe.d)"
    ),
    ("RDMA namespaces", errno.EPROTONOSUPPORT): "The kernel has no RDMA subsystem loaded. Load module ib_core",
    ("vdpa", errno.ENODEV): (
        "The VF offers no vDPA. Load the vDPA module of its card and bind the VF to its network driver"
    ),
    ("vdpa", errno.ENOENT): "The kernel has no vDPA loaded. Load module vdpa",
    ("unbind", errno.ENODEV): "The device has no kernel driver any more. Look again with probe",
}
_GENERAL: dict[int, str] = {
    errno.ENOENT: "The device is gone or has no such attribute. Look again with probe",
    errno.ENODEV: "The device is gone. Look again with probe",
    errno.EOPNOTSUPP: "Its kernel driver cannot do this",
    errno.EINVAL: "The kernel does not take this value for this device",
    errno.EBUSY: "Somebody uses the device. Stop whoever does, then try again",
    errno.EIO: "The device does not answer as it should (see dmesg)",
}


class Blocked(Exception):
    """Inside this package: the kernel did not answer within ``timeout_s`` seconds.

    ``earlier`` says that it was something asked before, and that nothing more was asked because of it.
    """

    def __init__(self, timeout_s: float, *, earlier: bool = False) -> None:
        super().__init__(f"no answer within {timeout_s:g} s")
        self.timeout_s = timeout_s
        self.earlier = earlier


def refused(where: Address | str, attribute: str, wanted: object, error: OSError, advice: str = "") -> StepFailed:
    """The error for a write that the kernel answered with an errno; the advice is found when none is given."""
    advice = advice or _advice(attribute.rpartition("/")[2], error.errno or 0)
    return StepFailed(f"{where}: {attribute}: {wanted} {refusal(error)}. {advice}".rstrip())


def unanswered(where: Address | str, error: OSError) -> HostError:
    """The error for a question that the kernel answered with an errno."""
    return HostError(f"{where}: a question to the kernel was {refusal(error)}. {_advice('', error.errno or 0)}")


def refusal(error: OSError) -> str:
    """What the kernel said, as in "refused with ENODEV (No such device)"."""
    code = error.errno or 0
    name = _KERNEL_NAMES.get(code) or errno.errorcode.get(code, str(code))
    return f"refused with {name} ({error.strerror or os.strerror(code)})"


def impossible(where: Address | str, attribute: str, wanted: object, found: str, advice: str) -> StepFailed:
    """The error for a change that was not even tried, or that the kernel took without doing it."""
    return StepFailed(f"{where}: {attribute}: {wanted} is not possible: {found}. {advice}")


def timed_out(where: Address | str, attribute: str, wanted: object, timeout_s: float, why: str) -> DeadlineExceeded:
    """The error for a change that did not end in time; ``why`` names who holds the device or what did not appear."""
    return DeadlineExceeded(f"{where}: {attribute}: {wanted} did not end within {timeout_s:g} s: {why}")


def permission_advice(code: int | None) -> str:
    """What to do about a refusal that is about rights, empty for any other."""
    if code in _PERMISSION:
        return AS_ROOT[0].upper() + AS_ROOT[1:]
    return SYS_READ_ONLY if code == errno.EROFS else ""


def _advice(attribute: str, code: int) -> str:
    if code == errno.EPERM and os.geteuid() == 0 and (attribute, code) in _ADVICE:
        return _ADVICE[attribute, code]  # root's rights are not what is missing
    return permission_advice(code) or _ADVICE.get((attribute, code)) or _GENERAL.get(code, "See dmesg")
