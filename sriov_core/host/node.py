"""The facts about the machine around the NICs, read below a root."""

import os
import re

from sriov_core.errors import HostError
from sriov_core.host import kernelargs, modules, netnamespaces, ownfiles, rdma, sysfs
from sriov_core.model.observed import Node

# The first fifteen characters of a program's name, which is what /proc/<pid>/comm holds.
_MANAGERS = {
    "NetworkManager": "NetworkManager",
    "systemd-network": "systemd-networkd",
    "wickedd": "wicked",
    "connmand": "connman",
}
_LOCKED = re.compile(r"\[(\w+)\]")


def facts(root: str) -> Node:
    """Everything that a `Node` holds."""
    kernel = f"{root}/proc/sys/kernel"
    noiommu = _noiommu(root)
    return Node(
        hostname=_hostname(root),
        kernel=sysfs.read(f"{kernel}/osrelease") or "",
        os_name=_os_name(root),
        architecture=sysfs.read(f"{kernel}/arch") or os.uname().machine,
        cpu_vendor=_cpu_vendor(sysfs.read(f"{root}/proc/cpuinfo") or ""),
        boot_id=sysfs.read(f"{kernel}/random/boot_id") or "",
        cmdline=tuple((sysfs.read(f"{root}/proc/cmdline") or "").split()),
        iommu_groups=_iommu_groups(root, noiommu),
        lockdown=_lockdown(root),
        boot_manager=kernelargs.manager(root),
        modules=modules.present(root),
        network_managers=_running_managers(f"{root}/proc"),
        files=ownfiles.present(root),
        rdma_mode=rdma.mode(root),
        other_net_namespaces=netnamespaces.others(root),
        noiommu=noiommu,
    )


def _hostname(root: str) -> str:
    places = ["proc/sys/kernel/hostname", "etc/hostname"]
    if root:  # a container's own name is what the kernel would tell; the host's is in its file
        places.reverse()
    return next((name for place in places if (name := sysfs.read(f"{root}/{place}"))), "")


def _os_name(root: str) -> str:
    text = sysfs.read_whole(f"{root}/etc/os-release") or sysfs.read_whole(f"{root}/usr/lib/os-release") or ""
    named = (line.partition("=")[2].strip("\"'") for line in text.splitlines() if line.startswith("PRETTY_NAME="))
    return next(named, "")


def _cpu_vendor(cpuinfo: str) -> str | None:
    """Only the first page of cpuinfo is read: the whole of it takes milliseconds on a large machine."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "vendor_id":
            return value.strip()
        if name.strip() == "CPU implementer":
            return "ARM"
    return None


def _lockdown(root: str) -> str:
    try:
        match = _LOCKED.search(sysfs.read(f"{root}/sys/kernel/security/lockdown") or "")
    except HostError:
        return "none"  # securityfs closed to us: the state it would show to root also bars nothing that we read
    return match[1] if match else "none"


def _iommu_groups(root: str, noiommu: bool | None) -> int:  # noqa: FBT001  # what the kernel says of itself
    """How many groups an IOMMU made; in noiommu mode vfio makes groups of its own (drivers/vfio: vfio-noiommu)."""
    folder = f"{root}/sys/kernel/iommu_groups"
    groups = sysfs.names(folder)
    if noiommu:
        groups = [group for group in groups if sysfs.read(f"{folder}/{group}/name") != "vfio-noiommu"]
    return len(groups)


def _noiommu(root: str) -> bool | None:
    shown = sysfs.read(f"{root}/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
    return shown == "Y" if shown else None


def _running_managers(proc: str) -> tuple[str, ...]:
    found = {_MANAGERS.get(_comm(f"{proc}/{pid}/comm")) for pid in sysfs.names(proc) if pid.isdigit()}
    return tuple(sorted(name for name in found if name))


def _comm(path: str) -> str:
    try:
        return sysfs.read(path) or ""
    except HostError:
        return ""  # hidden from us
