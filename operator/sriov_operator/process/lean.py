"""What the operator keeps of objects in its caches: only what it decides by, so VF lists never stay in memory."""

import msgspec

from sriov_core.api.bridge import Bridges
from sriov_core.api.conditions import Condition
from sriov_core.api.nodestate import NodeStateSpec, PluginReport, System, UnmanagedInterface
from sriov_core.kube.lean import LeanMeta


class LeanReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One NIC of a node state without its VFs."""

    pci_address: str
    name: str = ""
    driver: str = ""
    vendor: str = ""
    device_id: str = msgspec.field(name="deviceID", default="")
    net_filter: str = ""
    num_vfs: int = 0
    link_type: str = ""
    eswitch_mode: str = msgspec.field(name="eSwitchMode", default="")
    externally_managed: bool = False
    total_vfs: int = msgspec.field(name="totalvfs", default=0)
    alt_names: tuple[str, ...] = ()
    plugin: str = ""
    subsystem: str = ""
    pci_class: str = ""


class LeanStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of a node state, lean."""

    interfaces: tuple[LeanReport, ...] = ()
    bridges: Bridges = msgspec.field(default_factory=Bridges)
    system: System = msgspec.field(default_factory=System)
    sync_status: str = ""
    last_sync_error: str = ""
    platform: str = ""
    plugins: tuple[PluginReport, ...] = ()
    unmanaged: tuple[UnmanagedInterface, ...] = ()
    conditions: tuple[Condition, ...] = ()


class LeanNodeState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A SriovNetworkNodeState, lean."""

    metadata: LeanMeta
    spec: NodeStateSpec = msgspec.field(default_factory=NodeStateSpec)
    status: LeanStatus = msgspec.field(default_factory=LeanStatus)


class NodeSpecPart(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the operator looks at in the spec of a Node."""

    unschedulable: bool = False
    provider_id: str = msgspec.field(name="providerID", default="")


class LeanNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Node, lean."""

    metadata: LeanMeta
    spec: NodeSpecPart = msgspec.field(default_factory=NodeSpecPart)
