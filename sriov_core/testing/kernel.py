"""A kernel in memory: both ports of a machine, refusing what the real kernel refuses, with the errno it gives.

What the rules rest on: drivers/pci/iov.c (counts), drivers/pci/pci-driver.c (probing), drivers/vfio (holders), and
measurements on QEMU's 82576. No call is recorded: look at the state, or compare `tree()` before and after.
"""

import errno
import re

from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode
from sriov_core.testing import sriov_rules as rules
from sriov_core.testing.bridge_verbs import BridgeVerbs
from sriov_core.testing.infiniband import is_infiniband
from sriov_core.testing.machine import Device
from sriov_core.testing.node_verbs import NodeVerbs
from sriov_core.testing.option_verbs import OptionVerbs
from sriov_core.testing.refusing import refused

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_ZERO_MAC = "00:00:00:00:00:00"


class FakeKernel(OptionVerbs, BridgeVerbs, NodeVerbs):
    """A `Host` made from a tree. The tree itself is never written to; `tree()` shows what has become of it."""

    def set_link(self, address: Address, *, up: bool) -> None:
        with self._verb("set_link", address):
            link = self._netdev(self._machine.device(address), "link")
            if link.up != up:
                self._must_be_root(address, "link")
                link.up = up

    def set_mtu(self, address: Address, mtu: int) -> None:
        with self._verb("set_mtu", address):
            link = self._netdev(self._machine.device(address), "mtu")
            if link.mtu == mtu:
                return
            self._must_be_root(address, "mtu")
            low, high = link.min_mtu or 68, link.max_mtu or 65535
            if not low <= mtu <= high:
                raise refused(address, "mtu", mtu, errno.EINVAL, f"The netdev takes {low} to {high}")
            link.mtu = mtu

    def set_eswitch_mode(self, address: Address, mode: EswitchMode) -> None:
        with self._verb("set_eswitch_mode", address):
            function = self._machine.device(address).function
            if function.eswitch is None or not function.kernel_driver or is_infiniband(function):
                advice = "Its kernel driver offers no devlink eswitch"
                raise refused(address, "eswitch mode", mode, errno.EOPNOTSUPP, advice)
            if function.eswitch.mode is not mode:
                self._must_be_root(address, "eswitch mode")
                rules.may_switch(function, mode, self._machine.tree.node.ovs)
                function.eswitch.mode = mode

    def set_autoprobe(self, pf: Address, *, enabled: bool) -> None:
        with self._verb("set_autoprobe", pf):
            sriov = rules.capability(self._machine.device(pf), "sriov_drivers_autoprobe", int(enabled))
            if sriov.autoprobe != enabled:
                self._sysfs_must_be_writable(pf, "sriov_drivers_autoprobe")
                sriov.autoprobe = enabled

    def set_num_vfs(self, pf: Address, count: int) -> None:
        with self._verb("set_num_vfs", pf):
            device = self._machine.device(pf)
            sriov = rules.capability(device, "sriov_numvfs", count)
            if len(sriov.vfs) == count:
                return
            self._sysfs_must_be_writable(pf, "sriov_numvfs")
            rules.may_resize(device.function, sriov, count)
            if count:
                self._machine.create_vfs(device.function, count)
            else:
                for vf in sriov.vfs:
                    rules.must_be_free(vf, "sriov_numvfs", count)
                self._machine.destroy_vfs(device.function)

    def set_vf_mac(self, pf: Address, index: int, mac: str) -> None:
        with self._verb("set_vf_mac", pf):
            device = self._machine.device(pf)
            self._netdev(device, f"vf {index} mac")
            if is_infiniband(device.function):
                # drivers/infiniband/ulp/ipoib/ipoib_main.c: ipoib_netdev_ops_pf has no ndo_set_vf_mac
                raise refused(pf, f"vf {index} mac", mac, errno.EOPNOTSUPP, "A PF on InfiniBand takes GUIDs")
            vf = next((vf for vf in device.sriov.vfs if vf.index == index), None)
            wanted = None if mac == _ZERO_MAC else mac
            if vf and vf.admin_mac == wanted:
                return
            self._must_be_root(pf, f"vf {index} mac")
            if vf is None:
                advice = f"The PF has {len(device.sriov.vfs)} VFs"
                raise refused(pf, f"vf {index} mac", mac, errno.EINVAL, advice)
            if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1:
                advice = "It must be six octets and no multicast address"
                raise refused(pf, f"vf {index} mac", mac, errno.EINVAL, advice)
            vf.admin_mac = wanted

    def bind(self, vf: Address, kernel_driver: str) -> None:
        with self._verb("bind", vf):
            device = self._machine.device(vf)
            if device.own.kernel_driver == kernel_driver:
                return
            self._sysfs_must_be_writable(vf, "driver_override")
            node = self._machine.tree.node
            rules.driver_must_exist(device, kernel_driver, node.modules)
            self._leave_driver(device)
            device.own.driver_override = kernel_driver
            # By now the device has no driver any more: a refused probe leaves it like that.
            if kernel_driver == "vfio-pci" and not (node.iommu_groups or node.noiommu):
                raise refused(vf, "drivers_probe", kernel_driver, errno.EINVAL, "vfio-pci needs an IOMMU in effect")
            self._machine.attach(device, kernel_driver)

    def bind_default(self, vf: Address) -> None:
        with self._verb("bind_default", vf):
            device = self._machine.device(vf)
            if device.own.kernel_driver and device.own.kernel_driver not in USERSPACE_DRIVERS:
                return
            self._sysfs_must_be_writable(vf, "driver_override")
            self._leave_driver(device)
            device.own.driver_override = None
            rules.default_must_probe(device)
            self._machine.attach(device, device.default_driver or "")

    def unbind(self, vf: Address) -> None:
        with self._verb("unbind", vf):
            device = self._machine.device(vf)
            if device.own.kernel_driver:
                self._sysfs_must_be_writable(vf, "driver/unbind")
                self._leave_driver(device)

    def _leave_driver(self, device: Device) -> None:
        for held in [device.own] if device.vf or device.stands_alone else device.sriov.vfs:
            rules.must_be_free(held, "unbind", device.own.kernel_driver)
        if device.own.kernel_driver:
            self._machine.detach(device)
