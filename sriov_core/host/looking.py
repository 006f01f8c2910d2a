"""The half of the host that only reads: what a driver is given to look at a machine, or at a tree of files of one."""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import attrs

from sriov_core.errors import HostError
from sriov_core.host import (
    identity,
    managers,
    netdevs,
    node,
    numvfs,
    rdma,
    sysfs,
    uses,
    vdpabus,
    vendortools,
)
from sriov_core.host.attributes import Deadlines
from sriov_core.host.cloud import Cloud
from sriov_core.host.devlink import Devlink
from sriov_core.host.holders import Holders
from sriov_core.host.offloads import Offloads
from sriov_core.host.refusals import Blocked, unanswered
from sriov_core.host.rtnetlink import RtNetlink
from sriov_core.host.writer import Writers
from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode, Function, Node, Use
from sriov_core.plugin.reader import ELSEWHERE, Answer, Firmware, HostReader, Link

T = TypeVar("T")


class LinuxReader(HostReader):
    """A Linux machine below a root path.

    ``live`` says that the root is the running machine, seen from its own network namespace, so that netlink and ioctl
    may be asked as well; by default only for "/". Limits of the MTU, alternative names and the VFs' administrative
    addresses come from there and are told of a PF's own netdev only: a thousand VFs, or as many representors, would
    cost a third of a second.
    ``platform`` is where the machine runs (``baremetal``, ``virtual``, ``openstack``, ``aws``) when somebody knows
    better than its firmware tables.
    """

    def __init__(
        self,
        root: str = "/",
        *,
        live: bool | None = None,
        deadlines: Deadlines | None = None,
        node_addresses: Sequence[str] = (),
        platform: str | None = None,
        cloud: Cloud | None = None,
    ) -> None:
        self._root = sysfs.normal_root(root)
        self._live = not self._root if live is None else live
        self._deadlines = deadlines or Deadlines()
        self._node_addresses = tuple(node_addresses)
        self._cloud = cloud or Cloud(self._root, live=self._live, platform=platform)
        self._devices = sysfs.DeviceTree(self._root)
        self._holders = Holders(self._root, self._devices)
        self._rtnetlink = RtNetlink(self._deadlines.read_s, self._deadlines.other_s)
        self._offloads = Offloads(self._deadlines.read_s, self._deadlines.other_s)
        self._writers = Writers()
        self._devlink = Devlink(self._deadlines.read_s, self._deadlines.eswitch_s)

    def node(self) -> Node:
        return node.facts(self._root)

    def functions(self) -> Sequence[Function]:
        return self._devices.network_functions(self._cloud.platform)

    def function(self, address: Address) -> Function | None:
        return self._devices.function(address, self._cloud.platform)

    def attribute(self, address: Address, name: str) -> str | None:
        if name != numvfs.NAME or not self._live:
            return self._devices.attribute(address, name)
        return numvfs.read(self._devices, self._writers, address, self._deadlines.read_s)

    def links(self, address: Address) -> Sequence[Link]:
        found = netdevs.of_device(self._devices, address)
        own = netdevs.own(found) if self._live else None
        if own is None or self._devices.pf(address) is not None:
            return found
        told = self._while_there(own.name, lambda: self._with_details(own))
        return [link for link in (told if link is own else link for link in found) if link]

    def vf_addresses(self, pf: Address) -> Mapping[int, Address]:
        function = self.function(pf) if self._cloud.platform != sysfs.BAREMETAL else None
        return {0: pf} if function and function.platform != sysfs.BAREMETAL else self._devices.vfs(pf)

    def vf_macs(self, pf: Address) -> Mapping[int, str]:
        link = netdevs.own(netdevs.of_device(self._devices, pf)) if self._live else None
        return (self._while_there(pf, lambda: self._rtnetlink.vf_macs(link.ifindex)) if link else None) or {}

    def vf_statistics(self, pf: Address) -> Mapping[int, Mapping[str, int]]:
        """VF index to its counters (`vfstatistics.COUNTERS`); none on a tree of files, and where nobody counts."""
        link = netdevs.own(netdevs.of_device(self._devices, pf)) if self._live else None
        return (self._while_there(pf, lambda: self._rtnetlink.vf_statistics(link.ifindex)) if link else None) or {}

    def vf_user(self, vf: Address) -> str | None:
        kernel_driver = self._devices.kernel_driver(vf)
        if kernel_driver is None:
            return None
        if kernel_driver in USERSPACE_DRIVERS:
            return self._holders.of(vf)
        if user := self._holders.of_nodes(vdpabus.nodes(self._devices, vf)):
            return user
        return ELSEWHERE if netdevs.is_elsewhere(self._devices, vf) else None

    def iommu_group(self, address: Address) -> int | None:
        return self._devices.iommu_group(address)

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        return self._asked(address, lambda: self._devlink.eswitch_mode(address)) if self._live else None

    def firmware(self, address: Address) -> Firmware:
        names = netdevs.names_of(self._devices, address) if self._live else []
        if names:
            return self._asked(address, lambda: self._offloads.versions(names[0]))
        module = sysfs.link_name(f"{self._devices.path(address)}/driver/module")
        version = sysfs.read(f"{self._root}/sys/module/{module}/version") if module else None
        return Firmware(driver_version=version)

    def identity_serial(self, address: Address) -> str | None:
        return identity.serial(self._devices, address)

    def slot(self, address: Address) -> str | None:
        return identity.slot(self._devices, self._root, address)

    def uses(self, address: Address) -> Sequence[Use]:
        return uses.uses_of(self._root, self._devices, address, self._node_addresses)

    def managers(self, address: Address) -> Sequence[str]:
        links = netdevs.of_device(self._devices, address)
        names = frozenset(name for link in links for name in (link.name, *link.alt_names))
        macs = frozenset(mac for link in links for mac in (link.mac, link.permanent_mac) if mac)
        return managers.managers_of(self._root, managers.Netdev(names, macs)) if names else ()

    def file(self, path: str) -> str | None:
        if not path.startswith("/") or ".." in path.split("/"):
            raise HostError(f"{path!r} is no path of a file: it must start with / and hold no '..'")
        return sysfs.read_whole(f"{self._root}{path}")

    def feature(self, address: Address, name: str) -> bool | None:
        link = netdevs.own(netdevs.of_device(self._devices, address)) if self._live else None
        return self._asked(address, lambda: self._offloads.is_on(link.name, name)) if link else None

    def devlink_parameter(self, address: Address, name: str) -> str | None:
        return self._asked(address, lambda: self._devlink.parameter(address, name)) if self._live else None

    def versions(self, address: Address) -> Mapping[str, str]:
        return self._asked(address, lambda: self._devlink.versions(address)) if self._live else {}

    def vf_guids(self, pf: Address) -> Mapping[int, str]:
        link = netdevs.own(netdevs.of_device(self._devices, pf)) if self._live else None
        return (self._while_there(pf, lambda: self._rtnetlink.vf_guids(link.ifindex)) if link else None) or {}

    def node_guid(self, address: Address) -> str | None:
        return rdma.node_guid(self._devices, address)

    def vdpa_type(self, vf: Address) -> str | None:
        return vdpabus.type_of(self._devices, vf)

    def network_ids(self) -> Mapping[str, str]:
        return self._cloud.network_ids(self._macs)

    def query(self, argv: Sequence[str]) -> Answer | None:
        return vendortools.query(argv, self._deadlines.tool_s) if self._live else None

    def close(self) -> None:
        """Close the sockets. Not needed before the process ends."""
        self._rtnetlink.close()
        self._devlink.close()
        self._offloads.close()
        self._writers.close()

    def _macs(self) -> frozenset[str]:
        """The addresses of the NICs that a hypervisor gave to this machine."""
        given = (function.address for function in self.functions() if function.platform != sysfs.BAREMETAL)
        links = (link for address in given for link in netdevs.of_device(self._devices, address))
        return frozenset(mac.lower() for link in links if (mac := link.permanent_mac or link.mac))

    def _with_details(self, link: Link) -> Link:
        details = self._rtnetlink.details(link.ifindex)
        return attrs.evolve(
            link,
            permanent_mac=link.permanent_mac or self._offloads.permanent_address(link.name),
            min_mtu=details.min_mtu,
            max_mtu=details.max_mtu,
            alt_names=details.alt_names,
        )

    def _while_there(self, what: Address | str, question: Callable[[], T]) -> T | None:
        """The answer; None when the netdev went away after sysfs had told of it."""
        try:
            return self._asked(what, question)
        except HostError as err:
            if isinstance(err.__cause__, OSError) and err.__cause__.errno == errno.ENODEV:
                return None
            raise

    def _asked(self, what: Address | str, question: Callable[[], T]) -> T:
        try:
            return question()
        except Blocked as err:
            late = "has not yet answered an earlier question" if err.earlier else "did not answer"
            raise HostError(f"{what}: the kernel {late} within {err.timeout_s:g} s. See dmesg") from None
        except OSError as err:
            raise unanswered(what, err) from err
