"""SriovNetworkNodeState on the wire: what is wished of a node's NICs, and what the node reports of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.bridge import Bridges
from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire

_Address = Annotated[str, Meta(description="The PCI address, as in 0000:3b:00.0.")]
_InterfaceName = Annotated[str, Meta(description="The name of the network interface.")]
_Mac = Annotated[str, Meta(description="The MAC address.")]
_KernelDriver = Annotated[str, Meta(description="The kernel driver that is bound.")]
_Vendor = Annotated[str, Meta(description="The PCI vendor: four hexadecimal digits.")]
_Device = Annotated[str, Meta(description="The PCI device: four hexadecimal digits.")]
_Mtu = Annotated[int, Meta(description="The MTU.")]
_Link = Annotated[str, Meta(description="The kind of link: ETH or IB.")]
_Eswitch = Annotated[str, Meta(description="The mode of the embedded switch: legacy or switchdev.")]
_Vdpa = Annotated[str, Meta(description="The kind of vDPA device of a VF: virtio or vhost; none when it is left out.")]
_Bridges = Annotated[Bridges, Meta(description="The bridges of the node.")]


class VfGroup(Wire, frozen=True, kw_only=True):
    """VFs of one NIC that serve one resource; ``vf_range`` is ``first-last``, both included."""

    resource_name: Annotated[
        str, Meta(description="The resource, without prefix, under which pods ask for these VFs.")
    ] = ""
    device_type: Annotated[str, Meta(description="netdevice or vfio-pci.")] = ""
    vf_range: Annotated[str, Meta(description="The first and the last VF, as in 0-3.")] = ""
    policy_name: Annotated[str, Meta(description="The policy that asks for them.")] = ""
    mtu: Annotated[int, Meta(ge=0, description="MTU of these VFs; 0 leaves it alone.")] = 0
    is_rdma: Annotated[bool, Meta(description="Whether pods get the RDMA devices of the VFs too.")] = False
    vdpa_type: _Vdpa = ""


class InterfaceWish(Wire, frozen=True, kw_only=True):
    """The wish for one NIC. ``plugin`` is this project's addition: the driver that shall serve it."""

    pci_address: Annotated[str, Meta(description="The PCI address of the PF, as in 0000:3b:00.0.")]
    num_vfs: Annotated[int, Meta(ge=0, description="How many VFs the PF shall have.")] = 0
    mtu: Annotated[int, Meta(ge=0, description="MTU of the PF; 0 leaves it alone.")] = 0
    name: _InterfaceName = ""
    link_type: _Link = ""
    eswitch_mode: _Eswitch = msgspec.field(name="eSwitchMode", default="")
    vf_groups: Annotated[tuple[VfGroup, ...], Meta(description="Which VFs serve which resource.")] = ()
    externally_managed: Annotated[bool, Meta(description="Somebody else creates the VFs and configures the PF.")] = (
        False
    )
    plugin: Annotated[str, Meta(description="The driver of the agent that shall serve the NIC.")] = ""


class VfReport(Wire, frozen=True, kw_only=True):
    """One VF as found. ``vf_id`` is written even when it is 0."""

    pci_address: _Address
    vf_id: Annotated[int, Meta(description="The number of the VF, from 0.")] = msgspec.field(name="vfID")
    name: _InterfaceName = ""
    mac: _Mac = ""
    assigned: Annotated[str, Meta(description="Who holds the VF, where that is known.")] = ""
    driver: _KernelDriver = ""
    vendor: _Vendor = ""
    device_id: _Device = msgspec.field(name="deviceID", default="")
    vlan: Annotated[int, Meta(description="The VLAN that the PF tags frames of the VF with; 0: none.")] = msgspec.field(
        name="Vlan", default=0
    )
    mtu: _Mtu = 0
    vdpa_type: _Vdpa = ""
    representor_name: Annotated[str, Meta(description="The interface that stands for the VF in switchdev mode.")] = ""
    guid: Annotated[str, Meta(description="The GUID of an InfiniBand VF.")] = ""


class InterfaceReport(Wire, frozen=True, kw_only=True):
    """One NIC as found.

    This project's additions: ``plugin``, the driver that did the work; what a plugin is chosen by (``subsystem``,
    ``pci_class``); ``plan`` and the conditions Ready, Progressing and Degraded.
    """

    pci_address: _Address
    name: _InterfaceName = ""
    mac: _Mac = ""
    driver: _KernelDriver = ""
    vendor: _Vendor = ""
    device_id: _Device = msgspec.field(name="deviceID", default="")
    net_filter: Annotated[str, Meta(description="In a VM of a cloud, the network that the NIC is attached to.")] = ""
    mtu: _Mtu = 0
    num_vfs: Annotated[int, Meta(ge=0, description="How many VFs there are.")] = 0
    link_speed: Annotated[str, Meta(description="The speed of the link, as in 25000 Mb/s.")] = ""
    link_type: _Link = ""
    link_admin_state: Annotated[str, Meta(description="up or down, as the administrator set it.")] = ""
    eswitch_mode: _Eswitch = msgspec.field(name="eSwitchMode", default="")
    externally_managed: Annotated[bool, Meta(description="Somebody else creates the VFs and configures the PF.")] = (
        False
    )
    total_vfs: Annotated[int, Meta(ge=0, description="How many VFs there can be.")] = msgspec.field(
        name="totalvfs", default=0
    )
    vfs: Annotated[tuple[VfReport, ...], Meta(description="The VFs that there are.")] = msgspec.field(
        name="Vfs", default=()
    )
    alt_names: Annotated[tuple[str, ...], Meta(description="Alternative names of the network interface.")] = ()
    plugin: Annotated[str, Meta(description="The driver of the agent that served the NIC.")] = ""
    subsystem: Annotated[str, Meta(description="The PCI subsystem, as in 8086:0001.")] = ""
    pci_class: Annotated[str, Meta(description="The PCI class: six hexadecimal digits.")] = ""
    plan: Annotated[
        tuple[str, ...], Meta(description="The steps that are under way or wait for a drain, as people read them.")
    ] = ()
    conditions: tuple[Condition, ...] = ()


class UnmanagedInterface(Wire, frozen=True, kw_only=True):
    """A network function that no plugin serves, and why."""

    pci_address: _Address
    vendor: _Vendor = ""
    device_id: _Device = msgspec.field(name="deviceID", default="")
    subsystem: Annotated[str, Meta(description="The PCI subsystem, as in 8086:0001.")] = ""
    pci_class: Annotated[str, Meta(description="The PCI class: six hexadecimal digits.")] = ""
    driver: _KernelDriver = ""
    reason: Annotated[str, Meta(description="Why no plugin serves it.")] = ""


class PluginMatch(Wire, frozen=True, kw_only=True):
    """Which functions a plugin drives; what is left out matches anything."""

    vendor: _Vendor = ""
    device: _Device = ""
    subsystem: Annotated[str, Meta(description="The PCI subsystem, as in 8086:0001.")] = ""
    kernel_driver: _KernelDriver = ""
    pci_class: Annotated[str, Meta(description="The first digits of the PCI class.")] = ""
    platform: Annotated[str, Meta(description="baremetal, or the cloud that the machine runs in.")] = ""


class PluginReport(Wire, frozen=True, kw_only=True):
    """A plugin of the node's agent, as data: the control plane chooses by it and never imports it."""

    name: Annotated[str, Meta(description="The plugin's name.")]
    version: Annotated[str, Meta(description="The distribution that it comes from, with its version.")] = ""
    api: Annotated[str, Meta(description="The version of the plugin contract that it was written for.")] = ""
    matches: Annotated[tuple[PluginMatch, ...], Meta(description="What it drives.")] = ()
    capabilities: Annotated[tuple[str, ...], Meta(description="What it can do.")] = ()
    base: Annotated[bool, Meta(description="It stands below every other and serves what nobody else does.")] = False
    refused: Annotated[str, Meta(description="Why it is installed and cannot serve; empty when it can.")] = ""


class System(Wire, frozen=True, kw_only=True):
    """What concerns the node as a whole."""

    rdma_mode: Annotated[
        Literal["", "shared", "exclusive"], Meta(description="The network namespace mode of the RDMA subsystem.")
    ] = ""


_System = Annotated[System, Meta(description="What concerns the node as a whole.")]


class NodeStateSpec(Wire, frozen=True, kw_only=True):
    """The wish for a node."""

    interfaces: Annotated[tuple[InterfaceWish, ...], Meta(description="The NICs that something is wished of.")] = ()
    bridges: _Bridges = msgspec.field(default_factory=Bridges)
    system: _System = msgspec.field(default_factory=System)


class NodeStateStatus(Wire, frozen=True, kw_only=True):
    """What a node reports; ``sync_status`` is Succeeded, Failed or InProgress."""

    interfaces: Annotated[tuple[InterfaceReport, ...], Meta(description="The NICs that were found.")] = ()
    bridges: _Bridges = msgspec.field(default_factory=Bridges)
    system: _System = msgspec.field(default_factory=System)
    sync_status: Annotated[str, Meta(description="Succeeded, Failed or InProgress.")] = ""
    last_sync_error: Annotated[str, Meta(description="What went wrong last.")] = ""
    platform: Annotated[str, Meta(description="baremetal, or the cloud that the machine runs in.")] = ""
    plugins: Annotated[tuple[PluginReport, ...], Meta(description="The plugins of the node's agent.")] = ()
    unmanaged: Annotated[
        tuple[UnmanagedInterface, ...], Meta(description="Network functions that no plugin serves, and why.")
    ] = ()
    conditions: tuple[Condition, ...] = ()


class NodeState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object; its name is the node's."""

    api_version: str = API_VERSION
    kind: str = "SriovNetworkNodeState"
    metadata: ObjectMeta
    spec: NodeStateSpec = msgspec.field(default_factory=NodeStateSpec)
    status: NodeStateStatus = msgspec.field(default_factory=NodeStateStatus)
