"""What a maintainer wants to know of the kernel: its arguments, its modules, its words about PCI. Reads only."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sriov_core.model.observed import Snapshot, Unknown
from sriov_core.plugin.reader import HostReader

MOST_LINES = 5000
_ARGUMENTS = (
    *("intel_iommu", "amd_iommu", "iommu", "pci=", "pcie", "vfio", "module_blacklist", "modprobe.blacklist"),
    *("lockdown", "default_hugepagesz", "hugepages", "ib_core", "nomodeset", "systemd.unified"),
)
"""What the arguments begin with that concern devices. Others may hold secrets and are left out."""
_ALWAYS = ("vfio", "vfio_pci", "vfio_iommu_type1", "ib_core", "mlx5_ib", "vdpa")
_ABOUT_MODULE = ("version", "srcversion", "taint", "initstate")
_WORDS = r"\bpci|pcieport|iommu|DMAR|AMD-Vi|SMMU|vfio|sr-?iov|\bVFs?\b|lockdown|devlink|\bBAR\b"


def kernel(host: HostReader) -> Mapping[str, Any]:
    """Release, telling arguments, taint and lockdown of the kernel."""
    node = host.node()
    return {
        "release": node.kernel,
        "architecture": node.architecture,
        "arguments": [argument for argument in node.cmdline if argument.startswith(_ARGUMENTS)],
        "tainted": (host.file("/proc/sys/kernel/tainted") or "").strip(),
        "lockdown": node.lockdown,
        "iommu_groups": node.iommu_groups,
        "rdma_mode": node.rdma_mode,
        "noiommu": node.noiommu,
    }


def modules(host: HostReader, snapshot: Snapshot) -> Mapping[str, Any]:
    """Of each module that drives a PF or a VF here, and of those that serve them all: whether it is there, and which.

    "built in" says that nothing but the name is known of it.
    """
    names = sorted({*_ALWAYS, *(driver.replace("-", "_") for driver in _drivers(snapshot))})
    return {name: _module(host, name) if name in snapshot.node.modules else "not there" for name in names}


def about_pci(lines: Iterable[str], snapshot: Snapshot) -> tuple[str, ...]:
    """The lines about PCI, the IOMMU and the drivers here, the newest `MOST_LINES` of them."""
    names = sorted({*_drivers(snapshot), *(str(nic.address) for nic in snapshot.nics)})
    wanted = re.compile("|".join([_WORDS, *(rf"\b{re.escape(name)}\b" for name in names)]), re.IGNORECASE)
    return tuple(line for line in lines if wanted.search(line))[-MOST_LINES:]


def _drivers(snapshot: Snapshot) -> set[str]:
    found = {nic.kernel_driver for nic in snapshot.nics}
    found |= {vf.kernel_driver for nic in snapshot.nics for vf in nic.vfs if not isinstance(vf.kernel_driver, Unknown)}
    return {driver for driver in found if isinstance(driver, str)}


def _module(host: HostReader, name: str) -> Mapping[str, str] | str:
    found = {what: text.strip() for what in _ABOUT_MODULE if (text := host.file(f"/sys/module/{name}/{what}"))}
    return found or "built in"
