"""What a SriovNetworkNodeState reports, NICs and bridges, to and from the model. Nothing here does I/O."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import attrs

from sriov_core.api import nodestate as wire
from sriov_core.api.bridge import Bridges
from sriov_core.api.fault import Fault, shown
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
from sriov_core.model.observed import EswitchMode, LinkType, Nic, Vf
from sriov_core.policy import bridgespec
from sriov_core.policy.bridgespec import bridge_faults
from sriov_core.policy.wirevalues import address_faults, refuse, repeated_addresses, word, word_faults

_SPEED = re.compile(r"(-?[0-9]{1,9}) Mb/s")
_PATH = "status.interfaces"


class PortReport(Protocol):
    """What a wish depends on of a reported NIC: an `api.nodestate.InterfaceReport`, or less of one."""

    @property
    def pci_address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def driver(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def device_id(self) -> str: ...
    @property
    def net_filter(self) -> str: ...
    @property
    def num_vfs(self) -> int: ...
    @property
    def link_type(self) -> str: ...
    @property
    def eswitch_mode(self) -> str: ...
    @property
    def externally_managed(self) -> bool: ...
    @property
    def total_vfs(self) -> int: ...
    @property
    def alt_names(self) -> tuple[str, ...]: ...


def port_faults(reports: Sequence[PortReport]) -> tuple[Fault, ...]:
    """What cannot be understood in reported NICs, as far as `to_ports` reads them."""
    faults = [fault for at, report in enumerate(reports) for fault in _port_faults(report, f"{_PATH}[{at}]")]
    return (*faults, *repeated_addresses([report.pci_address for report in reports], _PATH))


def to_ports(reports: Iterable[PortReport]) -> tuple[Nic, ...]:
    """The reported NICs without their VFs, in address order, of reports in which `port_faults` finds nothing."""
    return tuple(sorted((_port(report) for report in reports), key=lambda nic: nic.address))


def to_nics(state: wire.NodeState) -> tuple[Nic, ...]:
    """The NICs that ``state.status`` reports, in address order; what a report does not carry is unknown or absent.

    Raises SpecError with a line for every value that cannot be understood.
    """
    reports = state.status.interfaces
    faults = [fault for at, report in enumerate(reports) for fault in _faults(report, f"{_PATH}[{at}]")]
    repeated = repeated_addresses([report.pci_address for report in reports], _PATH)
    refuse(state, (*faults, *repeated))
    return tuple(sorted((_nic(report) for report in reports), key=lambda nic: nic.address))


def to_bridges(state: wire.NodeState) -> tuple[Bridge, ...]:
    """The bridges that ``state.status`` reports, sorted by name. Raises SpecError as `to_nics` does."""
    refuse(state, bridge_faults(state.status.bridges, "status.bridges", wished=False))
    return tuple(sorted(bridgespec.to_bridges(state.status.bridges), key=lambda bridge: bridge.name))


def from_open_vswitch(ovs: OpenVSwitch | None) -> Bridges:
    """The bridges as a node state reports them: those that we made and that exist."""
    return bridgespec.from_bridges(ovs.bridges if ovs else ())


def from_nic(nic: Nic, *, plugin: str = "") -> wire.InterfaceReport:
    """The NIC as a node state reports it. VFs without an address are left out: they do not exist yet.

    "No eswitch" is reported as legacy, as other agents do; ``plugin`` names the driver that serves the NIC.
    """
    return wire.InterfaceReport(
        pci_address=str(nic.address),
        name=nic.name or "",
        mac=nic.mac or "",
        driver=nic.kernel_driver or "",
        vendor=nic.vendor,
        device_id=nic.device,
        net_filter=nic.net_filter or "",
        mtu=nic.mtu if isinstance(nic.mtu, int) else 0,
        num_vfs=nic.num_vfs,
        link_speed=f"{nic.speed_mbit} Mb/s" if nic.speed_mbit is not None else "",
        link_type=nic.link_type.value if nic.link_type else "",
        link_admin_state={True: "up", False: "down", None: ""}[nic.link_up],
        eswitch_mode=nic.effective_mode.value,
        externally_managed=nic.externally_managed,
        total_vfs=nic.total_vfs or 0,
        vfs=tuple(_vf_report(vf, vf.address) for vf in nic.vfs if vf.address),
        alt_names=nic.alt_names,
        plugin=plugin,
    )


def _port_faults(report: PortReport, path: str) -> Iterator[Fault]:
    yield from address_faults(report.pci_address, f"{path}.pciAddress")
    yield from word_faults(report.link_type, LinkType, f"{path}.linkType")
    yield from word_faults(report.eswitch_mode, EswitchMode, f"{path}.eSwitchMode")


def _faults(report: wire.InterfaceReport, path: str) -> Iterator[Fault]:
    yield from _port_faults(report, path)
    if report.link_admin_state not in {"", "up", "down"}:
        text = f"found {shown(report.link_admin_state)}, wanted one of up, down"
        yield Fault(f"{path}.linkAdminState", text, "Write one of them")
    if report.link_speed and not _SPEED.fullmatch(report.link_speed):
        text = f"found {shown(report.link_speed)}, which is no speed"
        yield Fault(f"{path}.linkSpeed", text, "Write it as in 25000 Mb/s")
    seen: set[int] = set()
    for position, vf in enumerate(report.vfs):
        place = f"{path}.Vfs[{position}]"
        yield from address_faults(vf.pci_address, f"{place}.pciAddress")
        if vf.vf_id < 0 or vf.vf_id in seen:
            text = f"found {vf.vf_id}, which is {'given twice' if vf.vf_id in seen else 'no index of a VF'}"
            yield Fault(f"{place}.vfID", text, "Number the VFs of a NIC from 0")
        seen.add(vf.vf_id)


def _port(report: PortReport) -> Nic:
    return Nic(
        address=Address.parse(report.pci_address),
        vendor=report.vendor,
        device=report.device_id,
        kernel_driver=report.driver or None,
        name=report.name or None,
        alt_names=report.alt_names,
        link_type=word(report.link_type, LinkType),
        total_vfs=report.total_vfs or None,
        num_vfs=report.num_vfs,
        eswitch_mode=word(report.eswitch_mode, EswitchMode) or EswitchMode.LEGACY,
        net_filter=report.net_filter or None,
        externally_managed=report.externally_managed,
    )


def _nic(report: wire.InterfaceReport) -> Nic:
    return attrs.evolve(
        _port(report),
        mac=report.mac or None,
        mtu=report.mtu or None,
        link_up={"up": True, "down": False}.get(report.link_admin_state),
        speed_mbit=_speed(report.link_speed),
        vfs=tuple(sorted((_vf(vf) for vf in report.vfs), key=lambda vf: vf.index)),
    )


def _vf(report: wire.VfReport) -> Vf:
    return Vf(
        index=report.vf_id,
        address=Address.parse(report.pci_address),
        vendor=report.vendor,
        device=report.device_id,
        kernel_driver=report.driver or None,
        name=report.name or None,
        mac=report.mac or None,
        mtu=report.mtu or None,
        guid=report.guid or None,
        vdpa_type=report.vdpa_type or None,
        representor=report.representor_name or None,
    )


def _vf_report(vf: Vf, address: Address) -> wire.VfReport:
    return wire.VfReport(
        pci_address=str(address),
        vf_id=vf.index,
        name=vf.name or "",
        mac=vf.mac or "",
        driver=vf.kernel_driver if isinstance(vf.kernel_driver, str) else "",
        vendor=vf.vendor,
        device_id=vf.device,
        mtu=vf.mtu if isinstance(vf.mtu, int) else 0,
        vdpa_type=vf.vdpa_type or "",
        representor_name=vf.representor or "",
        guid=vf.guid or "",
    )


def _speed(text: str) -> int | None:
    """The figure of ``25000 Mb/s``; None for -1, which drivers report while the link is down."""
    found = _SPEED.fullmatch(text)
    return int(found[1]) if found and int(found[1]) >= 0 else None
