"""The read-only port through which drivers and the engine see a machine; it has no verb that writes."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode, Function, LinkType, Node, Use

ELSEWHERE = "another network namespace (a container)"
"""Who uses a VF whose netdev is not in this network namespace, as far as sysfs tells."""


@attrs.frozen(kw_only=True)
class Link:
    """A netdev as rtnetlink and sysfs show it. Speeds in Mbit/s, None while unknown or without carrier."""

    name: str
    ifindex: int
    mac: str | None = None
    permanent_mac: str | None = None
    mtu: int | None = None
    min_mtu: int | None = None
    max_mtu: int | None = None
    up: bool | None = None
    carrier: bool | None = None
    speed_mbit: int | None = None
    link_type: LinkType | None = None
    alt_names: tuple[str, ...] = ()
    phys_port_name: str | None = None
    phys_switch_id: str | None = None


@attrs.frozen(kw_only=True)
class Firmware:
    """Versions that the kernel driver reports (ethtool -i, devlink dev info)."""

    driver_version: str | None = None
    firmware_version: str | None = None


@attrs.frozen(kw_only=True)
class Answer:
    """What a program said; ``code`` 0 is success."""

    code: int
    out: str
    err: str = ""


class HostReader(Protocol):
    """What can be asked of a machine. Every method reads afresh; nothing is cached between looks.

    "None" and empty answers mean that the kernel offers no such thing; HostError means that it could not be read.
    """

    def node(self) -> Node:
        """The facts about the machine itself."""
        ...

    def functions(self) -> Sequence[Function]:
        """Every network-class function (PCI base class 02) that is not a VF with its PF here, in address order."""
        ...

    def function(self, address: Address) -> Function | None:
        """One function, VFs included; None when the bus has none at that address."""
        ...

    def attribute(self, address: Address, name: str) -> str | None:
        """The stripped text of a sysfs attribute of the device; None when the device has no such attribute."""
        ...

    def links(self, address: Address) -> Sequence[Link]:
        """The netdevs of a device in this network namespace, by name; VF representors included."""
        ...

    def vf_addresses(self, pf: Address) -> Mapping[int, Address]:
        """VF index to address for every VF that exists (the ``virtfn*`` links)."""
        ...

    def vf_macs(self, pf: Address) -> Mapping[int, str]:
        """VF index to the address the PF was told for it (IFLA_VF_MAC); VFs without one are absent."""
        ...

    def vf_user(self, vf: Address) -> str | None:
        """Who would lose the VF: a process with its VFIO device open, another network namespace. None: nobody known."""
        ...

    def iommu_group(self, address: Address) -> int | None:
        """The IOMMU group of a device, None without an IOMMU in effect."""
        ...

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        """The devlink eswitch mode, None when devlink offers no eswitch for the device."""
        ...

    def firmware(self, address: Address) -> Firmware:
        """Driver and firmware versions of a function with a netdev or a devlink instance."""
        ...

    def identity_serial(self, address: Address) -> str | None:
        """The card's serial number (PCI device serial number or VPD), None when it has none readable."""
        ...

    def slot(self, address: Address) -> str | None:
        """The physical slot's label, None when firmware names none."""
        ...

    def uses(self, address: Address) -> Sequence[Use]:
        """Who on this host depends on the device: default route, node address, bond, bridge, storage."""
        ...

    def managers(self, address: Address) -> Sequence[str]:
        """Network managers of the host that have configuration for the device's netdev."""
        ...

    def file(self, path: str) -> str | None:
        """The text of a configuration file of the host, None when it is absent."""
        ...

    def feature(self, address: Address, name: str) -> bool | None:
        """Whether an offload of the device's netdev is on, by its ethtool name; None when it has none to switch."""
        ...

    def devlink_parameter(self, address: Address, name: str) -> str | None:
        """The value of a devlink parameter, ``true`` and ``false`` for flags; None when the device has none."""
        ...

    def versions(self, address: Address) -> Mapping[str, str]:
        """What devlink tells of the versions that the device is made of and runs (fw.mgmt, fw.app); may be empty."""
        ...

    def vf_guids(self, pf: Address) -> Mapping[int, str]:
        """VF index to the node GUID that the PF was told for it; VFs without one are absent."""
        ...

    def node_guid(self, address: Address) -> str | None:
        """The node GUID of the device's RDMA device, eight octets with colons; None when it has none here."""
        ...

    def vdpa_type(self, vf: Address) -> str | None:
        """``virtio`` or ``vhost`` when the VF has a vDPA device under one of these drivers."""
        ...

    def network_ids(self) -> Mapping[str, str]:
        """MAC to the network it is on, as the cloud of this virtual machine tells (``openstack/NetworkID:<id>``).

        Empty where there is no cloud; HostError when there is one that does not answer.
        """
        ...

    def query(self, argv: Sequence[str]) -> Answer | None:
        """Run a vendor's program that only reads (``mstconfig ... q``) to its end; None when it is not installed."""
        ...
