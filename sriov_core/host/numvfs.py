"""Creates and takes away VFs: one write to sriov_numvfs, and the look that they are really there."""

from sriov_core.host.attributes import Attributes
from sriov_core.host.refusals import impossible, timed_out
from sriov_core.host.waiting import until
from sriov_core.model.address import Address

_NAME = "sriov_numvfs"


def set_num_vfs(sysfs: Attributes, pf: Address, count: int) -> None:
    """Write sriov_numvfs; returns when exactly that many VFs exist."""
    found = sysfs.devices.attribute(pf, _NAME)
    if found is None:
        advice = "Enable SR-IOV in the card's firmware, or look again with probe"
        raise impossible(pf, _NAME, f"{count} VFs", "the device offers no SR-IOV, or is gone", advice)
    before = int(found)
    if before != count:
        wanted = f"{before} -> {count} VFs"
        stakes = sysfs.must_be_free(pf, _NAME, wanted) if count < before else None
        sysfs.write(pf, _NAME, str(count), timeout_s=sysfs.deadlines.num_vfs_s, wanted=wanted, stakes=stakes)
    if not until(lambda: _existing(sysfs, pf) == count, sysfs.deadlines.other_s, live=sysfs.live):
        why = f"the kernel took the number, yet {_existing(sysfs, pf)} VFs exist (virtfn links). See dmesg"
        raise timed_out(pf, _NAME, f"{count} VFs", sysfs.deadlines.other_s, why)


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
        return int(sysfs.devices.attribute(pf, _NAME) or 0)
    return len(sysfs.devices.vfs(pf))
