"""SriovNetworkNodeState on the wire: what is wished of a node's NICs, and what the node reports of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.bridge import Bridges
from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire

_Count = Annotated[int, Meta(ge=0)]


class VfGroup(Wire, frozen=True, kw_only=True):
    """VFs of one NIC that serve one resource; ``vf_range`` is ``first-last``, both included."""

    resource_name: str = ""
    device_type: str = ""
    vf_range: Annotated[str, Meta(description="The first and the last VF, as in 0-3.")] = ""
    policy_name: Annotated[str, Meta(description="The policy that asks for them.")] = ""
    mtu: _Count = 0
    is_rdma: bool = False
    vdpa_type: str = ""


class InterfaceWish(Wire, frozen=True, kw_only=True):
    """The wish for one NIC. ``plugin`` is this project's addition: the driver that shall serve it."""

    pci_address: str
    num_vfs: Annotated[int, Meta(ge=0, description="How many VFs the PF shall have.")] = 0
    mtu: Annotated[int, Meta(ge=0, description="MTU of the PF; 0 leaves it alone.")] = 0
    name: str = ""
    link_type: str = ""
    eswitch_mode: str = msgspec.field(name="eSwitchMode", default="")
    vf_groups: tuple[VfGroup, ...] = ()
    externally_managed: bool = False
    plugin: Annotated[str, Meta(description="The driver of the agent that shall serve the NIC.")] = ""


class VfReport(Wire, frozen=True, kw_only=True):
    """One VF as found. ``vf_id`` is written even when it is 0."""

    pci_address: str
    vf_id: int = msgspec.field(name="vfID")
    name: str = ""
    mac: str = ""
    assigned: str = ""
    driver: str = ""
    vendor: str = ""
    device_id: str = msgspec.field(name="deviceID", default="")
    vlan: int = msgspec.field(name="Vlan", default=0)
    mtu: int = 0
    vdpa_type: str = ""
    representor_name: str = ""
    guid: str = ""


class InterfaceReport(Wire, frozen=True, kw_only=True):
    """One NIC as found. ``plugin`` is this project's addition: the driver that did the work."""

    pci_address: str
    name: str = ""
    mac: str = ""
    driver: str = ""
    vendor: str = ""
    device_id: str = msgspec.field(name="deviceID", default="")
    net_filter: str = ""
    mtu: int = 0
    num_vfs: _Count = 0
    link_speed: str = ""
    link_type: str = ""
    link_admin_state: str = ""
    eswitch_mode: str = msgspec.field(name="eSwitchMode", default="")
    externally_managed: bool = False
    total_vfs: _Count = msgspec.field(name="totalvfs", default=0)
    vfs: tuple[VfReport, ...] = msgspec.field(name="Vfs", default=())
    alt_names: tuple[str, ...] = ()
    plugin: Annotated[str, Meta(description="The driver of the agent that served the NIC.")] = ""


class System(Wire, frozen=True, kw_only=True):
    """What concerns the node as a whole."""

    rdma_mode: Literal["", "shared", "exclusive"] = ""


class NodeStateSpec(Wire, frozen=True, kw_only=True):
    """The wish for a node."""

    interfaces: tuple[InterfaceWish, ...] = ()
    bridges: Bridges = msgspec.field(default_factory=Bridges)
    system: System = msgspec.field(default_factory=System)


class NodeStateStatus(Wire, frozen=True, kw_only=True):
    """What a node reports; ``sync_status`` is Succeeded, Failed or InProgress."""

    interfaces: tuple[InterfaceReport, ...] = ()
    bridges: Bridges = msgspec.field(default_factory=Bridges)
    system: System = msgspec.field(default_factory=System)
    sync_status: Annotated[str, Meta(description="Succeeded, Failed or InProgress.")] = ""
    last_sync_error: Annotated[str, Meta(description="What went wrong last.")] = ""
    conditions: tuple[Condition, ...] = ()


class NodeState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object; its name is the node's."""

    api_version: str = API_VERSION
    kind: str = "SriovNetworkNodeState"
    metadata: ObjectMeta
    spec: NodeStateSpec = msgspec.field(default_factory=NodeStateSpec)
    status: NodeStateStatus = msgspec.field(default_factory=NodeStateStatus)
