"""Reads sysfs below a root path. Hot: a look at a thousand VFs goes through here, so paths are text, reads are bare."""

import errno
import os
import re

from sriov_core.errors import HostError
from sriov_core.host.refusals import permission_advice
from sriov_core.model.address import Address
from sriov_core.model.observed import Function

# What the kernel answers for "there is no such thing": absent, gone in between, or not offered by this driver.
ABSENT = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENODEV,
        errno.ENXIO,
        errno.ESRCH,
        errno.EINVAL,
        errno.EOPNOTSUPP,
    }
)
NETDEVSIM = "netdevsim"
"""A bus beside PCI whose devices have VFs (drivers/net/netdevsim); debugfs tells what PCI's sysfs attributes tell."""

BAREMETAL = "baremetal"
"""The platform of machines that are no virtual ones, and of what a virtual machine has like them."""

_PAGE = 4096
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*(/[A-Za-z0-9_][A-Za-z0-9_.:-]*)*")
_VIRTFN = "virtfn"
_TOTAL_VFS = "sriov_totalvfs"


def normal_root(root: str) -> str:
    """The root as a prefix of absolute paths: empty for the machine's own."""
    return root.rstrip("/")


def read(path: str, *, dir_fd: int | None = None) -> str | None:
    """The stripped text of one sysfs attribute (one page at most); None when the kernel offers no such thing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=dir_fd)
        try:
            return os.read(fd, _PAGE).decode(errors="replace").strip()
        finally:
            os.close(fd)
    except OSError as err:
        if err.errno in ABSENT:
            return None
        raise unreadable(path, err) from err


def read_whole(path: str) -> str | None:
    """The text of a file of any length, unstripped; None when it is absent."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as err:
        if err.errno in ABSENT:
            return None
        raise unreadable(path, err) from err


def names(path: str) -> list[str]:
    """The sorted names in a directory; empty when there is none."""
    try:
        return sorted(os.listdir(path))
    except OSError as err:
        if err.errno in ABSENT:
            return []
        raise unreadable(path, err) from err


def link_name(path: str) -> str | None:
    """The last part of what a symbolic link points to; None when there is no such link."""
    try:
        return os.readlink(path).rpartition("/")[2]
    except OSError as err:
        if err.errno in ABSENT:
            return None
        raise unreadable(path, err) from err


def unreadable(path: str, err: OSError) -> HostError:
    """The error for a path that is there and cannot be read."""
    advice = permission_advice(err.errno)
    return HostError(f"cannot read {path}: {err.strerror}." + (f" {advice}" if advice else ""))


class DeviceTree:
    """The devices of every bus as sysfs lists them."""

    def __init__(self, root: str) -> None:
        self.bus = f"{root}/sys/bus"
        self._debug = f"{root}/sys/kernel/debug"

    def path(self, address: Address) -> str:
        """The device's directory. HostError for a name that would lead out of it."""
        if "/" in address.name or "/" in address.bus or address.name[:1] in ("", ".") or address.bus[:1] in ("", "."):
            raise HostError(f"{str(address)!r} is no device address; one looks like 0000:3b:00.0")
        return f"{self.bus}/{address.bus}/devices/{address.name}"

    def attribute_path(self, address: Address, name: str) -> str:
        """The path of a device's attribute. HostError for a name that would lead out of the device."""
        if not _ATTRIBUTE.fullmatch(name):
            raise HostError(f"{name!r} is no attribute of a device: letters, digits, '_', '-', '.' and ':' only")
        return f"{self.path(address)}/{name}"

    def attribute(self, address: Address, name: str) -> str | None:
        """The stripped text of a device's attribute, None when it has none of that name."""
        path = self.attribute_path(address, name)
        return self._max_vfs(address) if address.bus == NETDEVSIM and name == _TOTAL_VFS else read(path)

    def exists(self, address: Address) -> bool:
        """True while the bus lists the device."""
        return os.path.lexists(self.path(address))

    def kernel_driver(self, address: Address) -> str | None:
        """The kernel driver that is bound, None for none."""
        return link_name(f"{self.path(address)}/driver")

    def pf(self, address: Address) -> Address | None:
        """The PF of a VF, None for anything else."""
        name = link_name(f"{self.path(address)}/physfn")
        return Address(name, address.bus) if name else None

    def iommu_group(self, address: Address) -> int | None:
        """The number of the IOMMU group."""
        name = link_name(f"{self.path(address)}/iommu_group")
        return int(name) if name and name.isdigit() else None

    def vfs(self, pf: Address) -> dict[int, Address]:
        """Index to address from the ``virtfn*`` links, in index order."""
        path = self.path(pf)
        found: dict[int, Address] = {}
        for name in names(path):
            if name.startswith(_VIRTFN) and (target := link_name(f"{path}/{name}")):
                found[int(name[len(_VIRTFN) :])] = Address(target, pf.bus)
        return dict(sorted(found.items()))

    def function(self, address: Address, platform: str) -> Function | None:
        """A PCI function out of its ``uevent`` file, which holds all there is to know in one read."""
        path = self.path(address)
        if address.bus == NETDEVSIM:
            return self._simulated(address) if os.path.isdir(path) else None
        text = read(f"{path}/uevent")
        if not text or "PCI_ID=" not in text:
            return None
        has_pf = os.path.lexists(f"{path}/physfn")
        where = BAREMETAL if has_pf else _platform(path, platform)
        return _function(address, text, is_vf=has_pf or where != BAREMETAL, platform=where)

    def network_functions(self, platform: str) -> list[Function]:
        """Every PCI function of base class 02 that is no VF with its PF here, in address order; then netdevsim's."""
        if not os.path.isdir(self.bus):
            raise HostError(f"{self.bus} is missing: sysfs is not mounted there. Mount it, or name another root")
        listing = f"{self.bus}/pci/devices"
        found: list[Function] = []
        for name in names(listing):
            if os.path.lexists(f"{listing}/{name}/physfn"):
                continue
            text = read(f"{listing}/{name}/uevent")
            if text and "PCI_ID=" in text:
                where = _platform(f"{listing}/{name}", platform)
                found.append(_function(Address(name), text, is_vf=where != BAREMETAL, platform=where))
        simulated = (Address(name, NETDEVSIM) for name in names(f"{self.bus}/{NETDEVSIM}/devices"))
        return [
            *(function for function in found if function.pci_class.startswith("02")),
            *(self._simulated(address) for address in simulated),
        ]

    def _simulated(self, address: Address) -> Function:
        return Function(address=address, vendor="0000", device="0000", kernel_driver=self.kernel_driver(address))

    def _max_vfs(self, address: Address) -> str | None:
        try:
            return read(f"{self._debug}/{NETDEVSIM}/{address.name}/max_vfs")
        except HostError:
            return None  # debugfs is for root alone, and its limit is not worth an error to others


def _platform(path: str, machine: str) -> str:
    """Where a function runs that is no VF of a PF here; one with VFs of its own is as it would be on a bare machine."""
    return BAREMETAL if machine == BAREMETAL or os.path.lexists(f"{path}/{_TOTAL_VFS}") else machine


def _function(address: Address, uevent: str, *, is_vf: bool, platform: str) -> Function:
    """Source of the format: drivers/pci/pci-driver.c, pci_uevent()."""
    facts = dict(line.split("=", 1) for line in uevent.splitlines() if "=" in line)
    vendor, _, device = facts["PCI_ID"].lower().partition(":")
    subsystem_vendor, _, subsystem_device = facts.get("PCI_SUBSYS_ID", ":").lower().partition(":")
    return Function(
        address=address,
        vendor=vendor,
        device=device,
        subsystem_vendor=subsystem_vendor,
        subsystem_device=subsystem_device,
        pci_class=facts.get("PCI_CLASS", "").lower().zfill(6),
        kernel_driver=facts.get("DRIVER"),
        is_vf=is_vf,
        platform=platform,
    )
