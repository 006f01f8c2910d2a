"""What around a NIC keeps VFs from coming or working: memory, bus numbers, modules. `read` reads, the rest is pure."""

from collections import Counter
from collections.abc import Callable, Iterator

import attrs

from sriov_core.errors import HostError
from sriov_core.plugin import USERSPACE_DRIVERS, Finding, HostReader, LinkType, Nic, Severity

_VF_MODULES = {
    # The modules of VFs that are not their PF's own (drivers/net/ethernet, Linux 6.12).
    "igb": "igbvf",
    "ixgbe": "ixgbevf",
    "i40e": "iavf",
    "ice": "iavf",
    "octeon_ep": "octeon_ep_vf",
    "rvu_nicpf": "rvu_nicvf",
    "cxgb4": "cxgb4vf",
}
_OWN_BARS, _VF_BARS = 7, 6
"""Lines of ``resource`` (drivers/pci/pci-sysfs.c, include/linux/pci.h): six BARs and the ROM, then those of the VFs."""
_UNSET = 0x20000000
"""include/linux/ioport.h: IORESOURCE_UNSET."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """What was read around a NIC; None where the kernel tells nothing.

    ``windows`` are (start, flags) of the VFs' BARs. ``last_bus`` is the highest bus number behind the port that the NIC
    is plugged into, ``ari`` whether that port forwards to more than eight functions. ``modules`` are the kernel's.
    """

    windows: tuple[tuple[int, int], ...] = ()
    offset: int | None = None
    stride: int | None = None
    last_bus: int | None = None
    ari: bool | None = None
    modules: frozenset[str] | None = None


def read(nic: Nic, host: HostReader) -> Surroundings:
    """Look around a NIC; only what could matter to it is read."""
    if nic.address.bus != "pci" or not nic.total_vfs or nic.platform != "baremetal":
        return Surroundings()
    address = nic.address
    bus = f"/sys/class/pci_bus/{address.name.rpartition(':')[0]}/device"
    ari = _told(lambda: host.attribute(address, "ari_enabled"))
    return Surroundings(
        windows=_windows(_told(lambda: host.attribute(address, "resource")) or ""),
        offset=_number(_told(lambda: host.attribute(address, "sriov_offset"))),
        stride=_number(_told(lambda: host.attribute(address, "sriov_stride"))),
        last_bus=_number(_told(lambda: host.file(f"{bus}/subordinate_bus_number"))),
        ari=None if ari is None else ari != "0",
        modules=host.node().modules if _lacks_drivers(nic) else None,
    )


def findings(nic: Nic, around: Surroundings) -> Iterator[Finding]:
    """Every finding, the worst kind first."""
    yield from _memory(nic, around)
    yield from _buses(nic, around)
    yield from _modules(nic, around)
    yield from _netdevs(nic)
    yield from _groups(nic)


def reachable(nic: Nic, around: Surroundings) -> int | None:
    """How many VFs the bus numbers behind the port suffice for; None when that cannot be told.

    A VF's routing id is the PF's plus offset plus index times stride; its upper byte is the bus (drivers/pci/iov.c:
    pci_iov_virtfn_bus).
    """
    if not (nic.total_vfs and around.offset and around.stride) or around.last_bus is None:
        return None
    _, bus, rest = nic.address.name.split(":")
    slot, _, function = rest.partition(".")
    first = (int(bus, 16) << 8 | int(slot, 16) << 3 | int(function, 16)) + around.offset
    beyond = (around.last_bus + 1) << 8
    return min(nic.total_vfs, max(0, -(-(beyond - first) // around.stride)))


def _memory(nic: Nic, around: Surroundings) -> Iterator[Finding]:
    given = [window for window in around.windows if window[1]]
    unset = [window for window in given if not window[0] or window[1] & _UNSET]
    if nic.num_vfs or not around.windows or (given and not unset):
        return
    yield Finding(
        code="HW-112",
        severity=Severity.WARN,
        nic=nic.address,
        fact="the VFs have no memory: the machine's firmware left no room for their BARs, so sriov_numvfs will answer "
        "ENOMEM (Cannot allocate memory)",
        evidence=(f"/sys/bus/pci/devices/{nic.address}/resource", "dmesg (VF BAR ... can't assign; not enough MMIO)"),
        remedy="Enable SR-IOV and 'Above 4G Decoding' (64-bit MMIO) in the machine's firmware set-up, or boot with "
        "pci=realloc",
    )


def _buses(nic: Nic, around: Surroundings) -> Iterator[Finding]:
    most = reachable(nic, around)
    if most is None or most >= (nic.total_vfs or 0):
        return
    ari = " and has ARI off" if around.ari is False else ""
    yield Finding(
        code="HW-113",
        severity=Severity.WARN,
        nic=nic.address,
        fact=f"there are bus numbers for {most} of {nic.total_vfs} VFs: the port above ends at bus "
        f"{around.last_bus:02x}{ari}",
        evidence=(
            f"/sys/class/pci_bus/{nic.address.name.rpartition(':')[0]}/device/subordinate_bus_number",
            f"/sys/bus/pci/devices/{nic.address}/sriov_offset",
        ),
        remedy=f"Ask for {most} VFs or fewer, or enable SR-IOV and ARI in the machine's firmware set-up, or boot with "
        "pci=assign-busses",
    )


def _modules(nic: Nic, around: Surroundings) -> Iterator[Finding]:
    module = _VF_MODULES.get(nic.kernel_driver or "")
    if module is None or around.modules is None or module in around.modules:
        return
    yield Finding(
        code="VF-204",
        severity=Severity.WARN,
        nic=nic.address,
        fact=f"module {module}, which drives the VFs of {nic.kernel_driver}, is not loaded",
        evidence=("/proc/modules", f"/lib/modules/$(uname -r)/**/{module}.ko"),
        remedy=f"modprobe {module}; where it is not found, install the kernel package that holds it or take it off "
        "the blacklist in /etc/modprobe.d",
    )


def _netdevs(nic: Nic) -> Iterator[Finding]:
    bound = [vf for vf in nic.vfs if isinstance(vf.kernel_driver, str) and vf.kernel_driver not in USERSPACE_DRIVERS]
    lacking = [vf.index for vf in bound if vf.name is None and not vf.used_by and not vf.vdpa_type and not vf.guid]
    if not lacking or nic.address.bus != "pci" or nic.platform != "baremetal" or nic.link_type is not LinkType.ETH:
        return
    yield Finding(
        code="VF-205",
        severity=Severity.WARN,
        nic=nic.address,
        fact=f"{len(lacking)} of {len(nic.vfs)} VFs have a kernel driver and no netdev (vf{lacking[0]} is the first)",
        evidence=(f"/sys/bus/pci/devices/{nic.address}/virtfn{lacking[0]}/net", "dmesg"),
        remedy="Look again in a while if they were made just now; else bind them anew (driver/unbind, then "
        "drivers_probe) and read what their driver says in dmesg",
    )


def _groups(nic: Nic) -> Iterator[Finding]:
    members = Counter([nic.iommu_group, *(vf.iommu_group for vf in nic.vfs)])
    shared = {group for group, count in members.items() if group is not None and count > 1}
    caught = [vf.index for vf in nic.vfs if vf.kernel_driver in USERSPACE_DRIVERS and vf.iommu_group in shared]
    if not caught:
        return
    yield Finding(
        code="PLT-105",
        severity=Severity.WARN,
        nic=nic.address,
        fact=f"{len(caught)} VFs under a userspace driver share their IOMMU group with another function "
        f"(vf{caught[0]} is the first): such VFs can only be given away together",
        evidence=(f"/sys/bus/pci/devices/{nic.address}/virtfn{caught[0]}/iommu_group/devices",),
        remedy="Enable ACS in the machine's firmware set-up, or plug the card into a slot whose port offers it",
    )


def _lacks_drivers(nic: Nic) -> bool:
    return nic.autoprobe and nic.kernel_driver in _VF_MODULES and any(vf.kernel_driver is None for vf in nic.vfs)


def _windows(resource: str) -> tuple[tuple[int, int], ...]:
    """Start and flags of the VFs' BARs; none from a kernel that lists no such lines."""
    lines = [line.split() for line in resource.splitlines()]
    own = lines[_OWN_BARS : _OWN_BARS + _VF_BARS]
    if len(own) < _VF_BARS or any(len(line) != 3 for line in own):
        return ()
    return tuple((_hex(start), _hex(flags)) for start, _, flags in own)


def _hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def _told(question: Callable[[], str | None]) -> str | None:
    try:
        return question()
    except HostError:
        return None  # what cannot be read gives no finding of its own: the NIC as a whole was looked at


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
