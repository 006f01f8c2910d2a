"""What the devices of a machine show: as functions, as netdevs, as sysfs attributes. Reads state, never changes it."""

from collections.abc import Callable

from sriov_core.model.address import Address
from sriov_core.model.observed import Function, LinkType
from sriov_core.plugin.reader import Link
from sriov_core.testing.machine import Device, switch_id
from sriov_core.testing.tree import LinkFacts, Quirk


def function(device: Device) -> Function:
    """The device as the bus lists it."""
    facts = device.function
    return Function(
        address=Address.parse(device.own.address),
        vendor=facts.vendor,
        device=device.sriov.vf_device if device.vf else facts.device,
        subsystem_vendor=facts.subsystem_vendor,
        subsystem_device=facts.subsystem_device,
        pci_class=facts.pci_class,
        kernel_driver=device.own.kernel_driver,
        is_vf=device.vf is not None or facts.is_vf,
        platform=facts.platform,
    )


def netdev(device: Device, link: LinkFacts) -> Link:
    """One of the device's netdevs; down, it has neither carrier nor speed."""
    switch = switch_id(device.function) if device.vf is None else None
    return Link(
        name=link.name,
        ifindex=link.ifindex,
        mac=link.mac,
        permanent_mac=link.permanent_mac,
        mtu=link.mtu,
        min_mtu=link.min_mtu,
        max_mtu=link.max_mtu,
        up=link.up,
        carrier=link.carrier if link.up else False,
        speed_mbit=link.speed_mbit if link.up and link.carrier else None,
        link_type=link.link_type,
        alt_names=tuple(link.alt_names),
        phys_port_name=link.phys_port_name or (f"p{_port(device)}" if switch else None),
        phys_switch_id=link.phys_switch_id or switch,
    )


def representors(device: Device) -> list[Link]:
    """The netdevs that stand for the VFs on the host side of the eswitch; only in switchdev mode."""
    switch = switch_id(device.function)
    if switch is None or device.vf or device.link is None:
        return []
    return [
        Link(
            name=f"{device.link.name}r{vf.index}"[-15:],
            ifindex=100_000 + 1_000 * device.link.ifindex + vf.index,
            mtu=device.link.mtu,
            link_type=LinkType.ETH,
            phys_port_name=f"pf{_port(device)}vf{vf.index}",
            phys_switch_id=switch,
        )
        for vf in device.sriov.vfs
    ]


def _port(device: Device) -> str:
    number = device.function.address.rpartition(".")[2]
    return number if number.isdigit() else "0"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _on_pci(read: Callable[[Device], str | None]) -> Callable[[Device], str | None]:
    return lambda device: read(device) if Address.parse(device.own.address).bus == "pci" else None


def _of_pf(read: Callable[[Device], str]) -> Callable[[Device], str | None]:
    return lambda device: read(device) if device.capability and device.vf is None else None


def _with_devices(read: Callable[[Device], str]) -> Callable[[Device], str | None]:
    shown = _of_pf(read)
    return lambda device: None if Quirk.VFS_WITHOUT_DEVICES in device.function.quirks else shown(device)


COMPUTED: dict[str, Callable[[Device], str | None]] = {
    "vendor": _on_pci(lambda device: f"0x{device.function.vendor}"),
    "device": _on_pci(lambda device: f"0x{function(device).device}"),
    "subsystem_vendor": _on_pci(lambda device: f"0x{device.function.subsystem_vendor}"),
    "subsystem_device": _on_pci(lambda device: f"0x{device.function.subsystem_device}"),
    "class": _on_pci(lambda device: f"0x{device.function.pci_class}"),
    "numa_node": lambda device: _number(device.function.numa_node),
    "driver_override": _on_pci(lambda device: device.own.driver_override or "(null)"),
    "sriov_numvfs": _of_pf(lambda device: str(len(device.sriov.vfs))),
    "sriov_totalvfs": _of_pf(lambda device: str(device.sriov.total_vfs)),
    "sriov_drivers_autoprobe": _with_devices(lambda device: "1" if device.sriov.autoprobe else "0"),
    "sriov_vf_device": _with_devices(lambda device: device.sriov.vf_device),
    "sriov_offset": _with_devices(lambda device: str(device.sriov.vf_offset)),
    "sriov_stride": _with_devices(lambda device: str(device.sriov.vf_stride)),
}
"""The attributes that follow from other facts."""
