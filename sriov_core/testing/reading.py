"""The read-only half of the fake kernel: everything a `HostReader` tells, taken from the machine's state."""

from collections.abc import Mapping, Sequence

from sriov_core.errors import HostError
from sriov_core.model import predecessor
from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode, Function, Node, Use
from sriov_core.plugin.reader import Answer, Firmware, Link
from sriov_core.testing import mstconfig, shown, users
from sriov_core.testing.infiniband import is_infiniband
from sriov_core.testing.machine import Machine
from sriov_core.testing.tree import FunctionFacts, NodeFacts, Quirk, Tree, VfFacts, copy

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
                files={**_notes(node), **node.files},
                rdma_mode=node.rdma_mode,
                other_net_namespaces=node.other_net_namespaces,
                noiommu=node.noiommu,
            )

    def functions(self) -> Sequence[Function]:
        with self._machine.lock:
            own = [device for device in self._machine.devices.values() if device.vf is None]
            found = [shown.function(device) for device in own if device.function.pci_class.startswith(_NETWORK_CLASS)]
            return sorted(found, key=lambda function: function.address)

    def function(self, address: Address) -> Function | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return shown.function(device) if device else None

    def attribute(self, address: Address, name: str) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None:
                return None
            if computed := shown.COMPUTED.get(name):
                return computed(device)
            return None if device.vf else device.function.attributes.get(name)

    def links(self, address: Address) -> Sequence[Link]:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None:
                return ()
            own = [device.vf.link] if device.vf else device.function.links
            here = [shown.netdev(device, link) for link in own if link and not link.netns]
            return sorted([*here, *shown.representors(device)], key=lambda link: link.name)

    def vf_addresses(self, pf: Address) -> Mapping[int, Address]:
        with self._machine.lock:
            device = self._machine.devices.get(pf)
            if device and device.stands_alone:
                return {0: pf}
            if device is None or Quirk.VFS_WITHOUT_DEVICES in device.function.quirks:
                return {}
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
            if device is None or not (device.vf or device.stands_alone):
                return None
            if device.own.holder and not device.own.holder_hidden:
                return device.own.holder
            netns = device.link.netns if device.link else None
            return users.in_words(netns) if netns else None

    def iommu_group(self, address: Address) -> int | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            return device.own.iommu_group if device else None

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None or device.vf or not device.function.kernel_driver or is_infiniband(device.function):
                return None  # on InfiniBand mlx5 has no eswitch to offer (eswitch_offloads.c: mlx5_eswitch_check)
            return device.function.eswitch.mode if device.function.eswitch else None

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

    def feature(self, address: Address, name: str) -> bool | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            link = device.link if device else None
            return None if link is None or link.netns else link.features.get(name)

    def devlink_parameter(self, address: Address, name: str) -> str | None:
        with self._machine.lock:
            function = self._bound(address)
            found = function.parameters.get(name) if function else None
            return (found.pending or found.value) if found else None

    def versions(self, address: Address) -> Mapping[str, str]:
        with self._machine.lock:
            function = self._bound(address)
            return dict(function.versions) if function else {}

    def vf_guids(self, pf: Address) -> Mapping[int, str]:
        with self._machine.lock:
            device = self._machine.devices.get(pf)
            if device is None or device.link is None or device.link.netns:
                return {}
            return {vf.index: vf.admin_guid for vf in self._vfs(pf) if vf.admin_guid}

    def node_guid(self, address: Address) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(address)
            if device is None or device.own.kernel_driver in (None, *USERSPACE_DRIVERS):
                return None
            return device.vf.guid if device.vf else device.function.node_guid

    def vdpa_type(self, vf: Address) -> str | None:
        with self._machine.lock:
            device = self._machine.devices.get(vf)
            return device.vf.vdpa if device and device.vf else None

    def network_ids(self) -> Mapping[str, str]:
        with self._machine.lock:
            node = self._machine.tree.node
            if node.network_ids_error:
                raise HostError(node.network_ids_error)
            return dict(node.network_ids)

    def query(self, argv: Sequence[str]) -> Answer | None:
        with self._machine.lock:
            return mstconfig.run(self._machine.tree, argv)

    def _bound(self, address: Address) -> FunctionFacts | None:
        device = self._machine.devices.get(address)
        return device.function if device and device.vf is None and device.function.kernel_driver else None

    def _vfs(self, pf: Address) -> Sequence[VfFacts]:
        device = self._machine.devices.get(pf)
        return device.sriov.vfs if device and not device.vf else ()


def _notes(node: NodeFacts) -> dict[str, str]:
    return {path: text for path, text in node.other_files.items() if predecessor.is_note(path)}
