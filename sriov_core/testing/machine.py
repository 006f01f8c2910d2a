"""The state behind the fake kernel: a tree with an index, and what the PCI core does when VFs come, bind and go.

Nothing here refuses anything or does I/O; the rules are in `kernel`.
"""

import errno
import threading

import attrs

from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID, USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.testing import infiniband
from sriov_core.testing.modprobe import vfio_comes_up
from sriov_core.testing.plausible import plausible
from sriov_core.testing.refusing import refused
from sriov_core.testing.routing import vf_address
from sriov_core.testing.tree import EswitchFacts, FunctionFacts, LinkFacts, Quirk, SriovFacts, Tree, VfFacts, copy

_NO_SRIOV = SriovFacts(total_vfs=0, vf_device="0000")


@attrs.frozen(eq=False)
class Device:
    """Something on the bus: a function, or one of its VFs when ``vf`` is set."""

    function: FunctionFacts
    vf: VfFacts | None = None

    @property
    def own(self) -> FunctionFacts | VfFacts:
        """The facts that carry this device's own kernel driver and override."""
        return self.vf or self.function

    @property
    def link(self) -> LinkFacts | None:
        """Its netdev, wherever it is; of several (a function with ports) the first."""
        if self.vf:
            return self.vf.link
        return self.function.links[0] if self.function.links else None

    @property
    def capability(self) -> SriovFacts | None:
        """The capability of the function as the kernel found it at boot; None where the firmware hides it."""
        return self.function.sriov if self.function.sriov and not self.function.sriov.hidden else None

    @property
    def sriov(self) -> SriovFacts:
        """The capability of the function; one without VFs when there is none."""
        return self.capability or _NO_SRIOV

    @property
    def stands_alone(self) -> bool:
        """True for a VF that a hypervisor handed to this machine: it is its own VF 0."""
        return self.vf is None and self.function.is_vf and self.function.platform != "baremetal"

    @property
    def default_driver(self) -> str | None:
        """What the kernel binds by itself."""
        if self.vf:
            return self.sriov.vf_kernel_driver
        return self.function.unbound_driver or self.function.kernel_driver


class Machine:
    """A tree that lives: look-ups by address, VFs that are made, bound and destroyed. Guard it with ``lock``."""

    def __init__(self, tree: Tree) -> None:
        plausible(tree)
        self.tree = copy(tree)
        vfio_comes_up(self.tree.node)
        self.lock = threading.RLock()
        self._made = 0
        self.devices: dict[Address, Device] = {}
        for function in self.tree.functions:
            _remember_defaults(function)
            self._add(Device(function))
            for vf in function.sriov.vfs if function.sriov else ():
                self._add(Device(function, vf))

    def device(self, address: Address) -> Device:
        """The device, or the refusal that every verb gives for one that is not there."""
        if found := self.devices.get(address):
            return found
        raise refused(address, "device", "any change", errno.ENODEV, "The machine has no such device; look again")

    def create_vfs(self, function: FunctionFacts, count: int) -> None:
        """The VFs appear, bound to the kernel's default driver only while autoprobe is on."""
        sriov = function.sriov or _NO_SRIOV
        for index in range(count):
            address = vf_address(function.address, index, offset=sriov.vf_offset, stride=sriov.vf_stride)
            vf = VfFacts(index=index, address=address)
            vf.admin_mac = sriov.remembered_macs.get(index)
            sriov.vfs.append(vf)
            if Quirk.VFS_WITHOUT_DEVICES in function.quirks:
                continue
            vf.iommu_group = self._new_group()
            device = Device(function, vf)
            self._add(device)
            if sriov.autoprobe and sriov.vf_kernel_driver:
                self.attach(device, sriov.vf_kernel_driver)

    def destroy_vfs(self, function: FunctionFacts) -> None:
        """The VFs vanish with all their attributes, netdevs in other namespaces included."""
        sriov = function.sriov or _NO_SRIOV
        if Quirk.VF_MAC_SURVIVES in function.quirks:
            sriov.remembered_macs = {vf.index: vf.admin_mac for vf in sriov.vfs if vf.admin_mac}
        for vf in sriov.vfs:
            self.devices.pop(Address.parse(vf.address), None)
            if vf.iommu_group is not None:
                self.tree.node.iommu_groups -= 1
        sriov.vfs.clear()
        if function.eswitch and Quirk.ZERO_VFS_MEANS_LEGACY in function.quirks:
            function.eswitch.mode = EswitchMode.LEGACY

    def attach(self, device: Device, kernel_driver: str) -> None:
        """Bind; a VF's netdev appears with the address that its driver could read from the PF, or a random one."""
        device.own.kernel_driver = kernel_driver
        if kernel_driver in USERSPACE_DRIVERS:
            return
        if device.vf is None:
            self._return_netdevs(device.function)
            return
        device.vf.guid = infiniband.bound_guid(device.function, device.vf) if device.sriov.vf_rdma else None
        device.vf.link = self._vf_netdev(device, device.vf)

    def detach(self, device: Device) -> None:
        """Unbind; a PF takes its VFs and netdevs with it, and so does a VF with its netdev, RDMA and vDPA devices."""
        device.own.kernel_driver = None
        if device.vf:
            device.vf.link = device.vf.guid = device.vf.vdpa = None
        else:
            self.destroy_vfs(device.function)
            # What a userspace driver held has been put aside already.
            device.function.unbound_links = list(device.function.links) or device.function.unbound_links
            device.function.links.clear()

    def come_up(self, function: FunctionFacts) -> None:
        """What a boot does with a function: under its own kernel driver, whatever it was bound to before."""
        function.driver_override = function.holder = None
        if function.unbound_driver:
            self.attach(Device(function), function.unbound_driver)

    def restart(self, function: FunctionFacts, *, fails: bool = False) -> None:
        """A devlink reload: VFs go, driverinit values take effect, new netdevs come under the old names, down.

        net/devlink/dev.c: devlink_reload. One that fails half-way leaves no netdev; the next one brings them back.
        """
        self.destroy_vfs(function)
        function.unbound_links = list(function.links) or function.unbound_links
        function.links.clear()
        if fails:
            return
        for parameter in function.parameters.values():
            parameter.value, parameter.pending = parameter.pending or parameter.value, None
        self._return_netdevs(function)

    def _add(self, device: Device) -> None:
        self.devices[Address.parse(device.own.address)] = device
        for link in [device.vf.link] if device.vf else device.function.links:
            if link:
                link.ifindex = link.ifindex or self._next()

    def _return_netdevs(self, function: FunctionFacts) -> None:
        for link in function.unbound_links:
            link.ifindex, link.mtu, link.up = self._next(), infiniband.default_mtu(link.link_type), False
            link.features = dict(link.default_features)
            function.links.append(link)
        function.unbound_links.clear()

    def _vf_netdev(self, device: Device, vf: VfFacts) -> LinkFacts:
        pf = Device(device.function).link
        link = LinkFacts(
            name=self._free_name(pf.name if pf else "eth", vf.index),
            ifindex=self._next(),
            min_mtu=device.sriov.vf_min_mtu,
            max_mtu=device.sriov.vf_max_mtu,
        )
        if infiniband.is_infiniband(device.function):
            link.link_type, link.mtu = LinkType.IB, infiniband.default_mtu(LinkType.IB)
            link.mac = infiniband.ipoib_address(self._next(), vf.guid or NO_GUID)
        else:
            link.mac = (vf.admin_mac if pf and pf.up else None) or self._random_mac()
        return link

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _random_mac(self) -> str:
        # Counted, so that runs repeat, and never the same twice, which is all that "random" means to a reader.
        digits = f"{self._next():08x}"
        return "7e:00:" + ":".join(digits[place : place + 2] for place in range(0, 8, 2))

    def _new_group(self) -> int | None:
        node = self.tree.node
        if not node.iommu_groups:
            return None
        node.iommu_groups += 1
        return 1000 + self._next()

    def _free_name(self, pf: str, index: int) -> str:
        taken = {link.name for device in self.devices.values() if (link := device.link) and not link.netns}
        wanted = f"{pf}v{index}"
        if len(wanted) <= 15 and wanted not in taken:
            return wanted
        return next(name for number in range(len(taken) + 1) if (name := f"eth{number}") not in taken)


def switch_id(function: FunctionFacts) -> str | None:
    """The phys_switch_id that its netdevs show; only in switchdev mode."""
    eswitch: EswitchFacts | None = function.eswitch
    return eswitch.switch_id if eswitch and eswitch.mode is EswitchMode.SWITCHDEV else None


def _remember_defaults(function: FunctionFacts) -> None:
    if function.kernel_driver not in USERSPACE_DRIVERS:
        function.unbound_driver = function.unbound_driver or function.kernel_driver
    for link in (*function.links, *function.unbound_links):
        link.default_features = link.default_features or dict(link.features)
    for parameter in function.parameters.values():
        parameter.default = parameter.value if parameter.default is None else parameter.default
