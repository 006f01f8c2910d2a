"""sriov_numvfs: creates and takes away VFs with one write, and the look that they are really there."""

import os

from sriov_core.errors import HostError
from sriov_core.host.attributes import Attributes
from sriov_core.host.refusals import Blocked, impossible, timed_out
from sriov_core.host.sysfs import ABSENT, DeviceTree, unreadable
from sriov_core.host.waiting import until
from sriov_core.host.writer import Writers
from sriov_core.model.address import Address

NAME = "sriov_numvfs"


def read(devices: DeviceTree, writers: Writers, pf: Address, timeout_s: float) -> str | None:
    """The text of sriov_numvfs, None without SR-IOV. HostError when the kernel does not answer in time.

    The kernel makes a reader wait for a writer (drivers/pci/iov.c: sriov_numvfs_show), and a writer may wait without
    end for a process that holds a VF.
    """
    path = devices.attribute_path(pf, NAME)
    if not os.path.exists(path):
        return None
    try:
        return writers.read(path, timeout_s).strip()
    except Blocked as err:
        text = f"{pf}: sriov_numvfs could not be read within {err.timeout_s:g} s: somebody is changing it"
        raise HostError(f"{text}, and the kernel waits. Stop whoever holds one of its VFs (see dmesg)") from None
    except OSError as err:
        if err.errno in ABSENT:
            return None
        raise unreadable(path, err) from err


def set_num_vfs(sysfs: Attributes, pf: Address, count: int) -> None:
    """Write sriov_numvfs; returns when exactly that many VFs exist."""
    found = read(sysfs.devices, sysfs.writers, pf, sysfs.deadlines.read_s)
    if found is None:
        advice = "Enable SR-IOV in the card's firmware, or look again with probe"
        raise impossible(pf, NAME, f"{count} VFs", "the device offers no SR-IOV, or is gone", advice)
    before = int(found)
    if before != count:
        wanted = f"{before} -> {count} VFs"
        stakes = sysfs.must_be_free(pf, NAME, wanted) if count < before else None
        sysfs.write(pf, NAME, str(count), timeout_s=sysfs.deadlines.num_vfs_s, wanted=wanted, stakes=stakes)
    if not until(lambda: _existing(sysfs, pf) == count, sysfs.deadlines.other_s, live=sysfs.live):
        why = f"the kernel took the number, yet {_existing(sysfs, pf)} VFs exist (virtfn links). See dmesg"
        raise timed_out(pf, NAME, f"{count} VFs", sysfs.deadlines.other_s, why)


def set_autoprobe(sysfs: Attributes, pf: Address, *, enabled: bool) -> None:
    """Write sriov_drivers_autoprobe."""
    name, value = "sriov_drivers_autoprobe", str(int(enabled))
    found = sysfs.devices.attribute(pf, name)
    if found is None:
        raise impossible(pf, name, value, "the device offers no SR-IOV, or is gone", "Look again with probe")
    if found != value:
        sysfs.write(pf, name, value, timeout_s=sysfs.deadlines.other_s)


def _existing(sysfs: Attributes, pf: Address) -> int:
    # Off the PCI bus (netdevsim) VFs are no devices of their own; there the number itself is all there is.
    if pf.bus != "pci":
        return int(sysfs.devices.attribute(pf, NAME) or 0)
    return len(sysfs.devices.vfs(pf))
