"""What the admission rules look at of objects in the cluster; nothing else of them is kept. Nothing here does I/O."""

import sys

import msgspec

from sriov_core.api import nodestate as wire
from sriov_core.api.foreign import Node, NodeObjectSpec
from sriov_core.api.networks import (
    Network,
    OVSNetwork,
    OVSNetworkSpec,
    SriovIBNetwork,
    SriovIBNetworkSpec,
    SriovNetwork,
    SriovNetworkSpec,
)
from sriov_core.api.wire import ObjectMeta


class Meta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What tells objects apart."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class LabelledMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The same, and labels."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class LeanNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Node: its labels and its cloud."""

    metadata: LabelledMeta
    spec: NodeObjectSpec = msgspec.field(default_factory=NodeObjectSpec)

    def whole(self) -> Node:
        """As the rules take it."""
        return Node(metadata=ObjectMeta(name=self.metadata.name, labels=self.metadata.labels), spec=self.spec)


class LeanVf(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A VF, and who holds it."""

    pci_address: str
    vf_id: int = msgspec.field(name="vfID")
    assigned: str = ""


class LeanReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A NIC of a node state, with those VFs that somebody holds."""

    pci_address: str
    name: str = ""
    vendor: str = ""
    device_id: str = msgspec.field(name="deviceID", default="")
    net_filter: str = ""
    mtu: int = 0
    num_vfs: int = 0
    link_type: str = ""
    total_vfs: int = msgspec.field(name="totalvfs", default=0)
    vfs: tuple[LeanVf, ...] = msgspec.field(name="Vfs", default=())
    alt_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Called by the decoder: the VFs that nobody holds go at once, and texts that all nodes have are kept once."""
        change = msgspec.structs.force_setattr
        change(self, "vfs", tuple(vf for vf in self.vfs if vf.assigned))
        for field in ("pci_address", "name", "vendor", "device_id", "net_filter", "link_type"):
            change(self, field, sys.intern(getattr(self, field)))

    def whole(self) -> wire.InterfaceReport:
        """As the rules take it."""
        vfs = (wire.VfReport(pci_address=vf.pci_address, vf_id=vf.vf_id, assigned=vf.assigned) for vf in self.vfs)
        return wire.InterfaceReport(
            pci_address=self.pci_address,
            name=self.name,
            vendor=self.vendor,
            device_id=self.device_id,
            net_filter=self.net_filter,
            mtu=self.mtu,
            num_vfs=self.num_vfs,
            link_type=self.link_type,
            total_vfs=self.total_vfs,
            vfs=tuple(vfs),
            alt_names=self.alt_names,
        )


class LeanStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node reports."""

    interfaces: tuple[LeanReport, ...] = ()
    sync_status: str = ""


class LeanState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A SriovNetworkNodeState: its report."""

    metadata: Meta
    status: LeanStatus = msgspec.field(default_factory=LeanStatus)

    def whole(self) -> wire.NodeState:
        """As the rules take it."""
        interfaces = tuple(report.whole() for report in self.status.interfaces)
        status = wire.NodeStateStatus(interfaces=interfaces, sync_status=self.status.sync_status)
        return wire.NodeState(metadata=ObjectMeta(name=self.metadata.name), status=status)


class NetworkPart(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of a network's spec that says where its attachment is."""

    network_namespace: str = ""


class LeanNetwork(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A network of any kind: its attachment's name and namespace."""

    metadata: Meta
    spec: NetworkPart = msgspec.field(default_factory=NetworkPart)

    def whole(self, kind: str) -> Network:
        """As the rules take it, but for its resource, which they never ask of a network that is there."""
        metadata = ObjectMeta(name=self.metadata.name, namespace=self.metadata.namespace)
        place = self.spec.network_namespace
        match kind:
            case "SriovIBNetwork":
                spec = SriovIBNetworkSpec(resource_name="", network_namespace=place)
                return SriovIBNetwork(metadata=metadata, spec=spec)
            case "OVSNetwork":
                return OVSNetwork(metadata=metadata, spec=OVSNetworkSpec(resource_name="", network_namespace=place))
            case _:
                return SriovNetwork(metadata=metadata, spec=SriovNetworkSpec(resource_name="", network_namespace=place))
