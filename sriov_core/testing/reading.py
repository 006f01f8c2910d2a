"""The read-only half of the fake kernel: everything a `HostReader` tells, taken from the machine's state."""

from collections.abc import Callable, Mapping, Sequence

from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode, Function, LinkType, Node, Use
from sriov_core.plugin.reader import Firmware, Link
from sriov_core.testing.machine import Device, Machine, switch_id
from sriov_core.testing.tree import LinkFacts, Tree, VfFacts, copy

_NETWORK_CLASS = "02"


class FakeReader:
    """A machine to look at. Every answer is a fresh value; nothing handed out is part of the state."""

    def __init__(self, tree: Tree) -> None:
        self._machine = Machine(tree)

    def tree(self) -> Tree:
        """The whole state as a tree: two of them are equal when nothing changed in between."""
        with self._machine.lock:
            return copy(self._machine.tree)

    def node(self) -> Node:
        with self._machine.lock:
            node = self._machine.tree.node
            return Node(
                hostname=node.hostname,
                kernel=node.kernel,
                os_name=node.os_name,
                architecture=node.architecture,
                cpu_vendor=node.cpu_vendor,
                boot_id=node.boot_id,
                cmdline=tuple(node.cmdline),
                iommu_groups=node.iommu_groups,
                lockdown=node.lockdown,
                boot_manager=node.boot_manager,
                modules=frozenset(node.modules),
                network_managers=tuple(node.network_managers),
                files=dict(node.files),
            )

    def functions(self) -> Sequence[Function]:
        with self._machine.lock:
            own = [device for device in self._machine.devices.values() if device.vf is None]
            found = [_function(device) for device in own if device.function.pci_class.startswith(_NETWORK_CLASS)]
            return sorted(found, key=lambda function: function.address)

    def function(self, address: Address) -> Function | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return _function(device) if device else None

    def attribute(self, address: Address, name: str) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None:
                return None
            if computed := _COMPUTED.get(name):
                return computed(device)
            return None if device.vf else device.function.attributes.get(name)

    def links(self, address: Address) -> Sequence[Link]:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None:
                return ()
            own = [device.vf.link] if device.vf else device.function.links
            here = [_link(device, link) for link in own if link and not link.netns]
            return sorted([*here, *_representors(device)], key=lambda link: link.name)

    def vf_addresses(self, pf: Address) -> Mapping[int, Address]:
        with self._machine.lock:
            return {vf.index: Address.parse(vf.address) for vf in self._vfs(pf)}

    def vf_macs(self, pf: Address) -> Mapping[int, str]:
        with self._machine.lock:
            device = self._machine.devices.get(pf)
            if device is None or device.link is None or device.link.netns:
                return {}
            return {vf.index: vf.admin_mac for vf in self._vfs(pf) if vf.admin_mac}

    def vf_user(self, vf: Address) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(vf)
            if device is None or device.vf is None:
                return None
            if device.vf.holder and not device.vf.holder_hidden:
                return device.vf.holder
            netns = device.vf.link.netns if device.vf.link else None
            return f"network namespace {netns}" if netns else None

    def iommu_group(self, address: Address) -> int | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return device.own.iommu_group if device else None

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None or device.vf or device.function.eswitch is None or not device.function.kernel_driver:
                return None
            return device.function.eswitch.mode

    def firmware(self, address: Address) -> Firmware:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None or device.vf or not device.function.kernel_driver:
                return Firmware()
            function = device.function
            return Firmware(driver_version=function.driver_version, firmware_version=function.firmware_version)

    def identity_serial(self, address: Address) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return device.function.serial if device and not device.vf else None

    def slot(self, address: Address) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return device.function.slot if device and not device.vf else None

    def uses(self, address: Address) -> Sequence[Use]:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            uses = device.function.uses if device and not device.vf else ()
            return [Use(kind=use.kind, detail=use.detail) for use in uses]

    def managers(self, address: Address) -> Sequence[str]:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return list(device.function.managers) if device and not device.vf else []

    def file(self, path: str) -> str | None:
        with self._machine.lock:
            node = self._machine.tree.node
            return node.files.get(path, node.other_files.get(path))

    def _vfs(self, pf: Address) -> Sequence[VfFacts]:
        device = self._machine.devices.get(pf)
        return device.sriov.vfs if device and not device.vf else ()


def _function(device: Device) -> Function:
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


def _link(device: Device, link: LinkFacts) -> Link:
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


def _representors(device: Device) -> list[Link]:
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


def _of_pf(read: Callable[[Device], str]) -> Callable[[Device], str | None]:
    return lambda device: read(device) if device.function.sriov and device.vf is None else None


_COMPUTED: dict[str, Callable[[Device], str | None]] = {
    "vendor": lambda device: f"0x{device.function.vendor}",
    "device": lambda device: f"0x{_function(device).device}",
    "subsystem_vendor": lambda device: f"0x{device.function.subsystem_vendor}",
    "subsystem_device": lambda device: f"0x{device.function.subsystem_device}",
    "class": lambda device: f"0x{device.function.pci_class}",
    "numa_node": lambda device: _number(device.function.numa_node),
    "driver_override": lambda device: device.own.driver_override or "(null)",
    "sriov_totalvfs": _of_pf(lambda device: str(device.sriov.total_vfs)),
    "sriov_numvfs": _of_pf(lambda device: str(len(device.sriov.vfs))),
    "sriov_drivers_autoprobe": _of_pf(lambda device: "1" if device.sriov.autoprobe else "0"),
    "sriov_vf_device": _of_pf(lambda device: device.sriov.vf_device),
    "sriov_offset": _of_pf(lambda device: str(device.sriov.vf_offset)),
    "sriov_stride": _of_pf(lambda device: str(device.sriov.vf_stride)),
}
