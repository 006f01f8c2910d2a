"""SriovNetwork, SriovIBNetwork and OVSNetwork on the wire: what a pod's interface on a VF shall be like. No I/O."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire, rules

ResourceName = Annotated[
    str, Meta(description="The device plugin's resource, as policies name it (resourceName), without the prefix.")
]
NetworkNamespace = Annotated[
    str,
    Meta(
        description="The namespace of the NetworkAttachmentDefinition; this object's own when it is left out. "
        "It may be given in the operator's namespace only.",
    ),
]
Capabilities = Annotated[
    str, Meta(description='A JSON object of CNI capabilities, such as {"mac": true, "ips": true}.')
]
Ipam = Annotated[str, Meta(description="A JSON object: the configuration of the IPAM plugin.")]
MetaPlugins = Annotated[
    str, Meta(description="JSON objects, separated by commas: CNI plugins that are chained after this one.")
]
LinkState = Annotated[
    Literal["", "auto", "enable", "disable"], Meta(description="The link of the VF as the PF administers it.")
]
_TAG = "(has(self.vlan) && self.vlan > 0)"
_RATES = (
    "!has(self.minTxRate) || !has(self.maxTxRate) || self.maxTxRate == 0 || self.minTxRate <= self.maxTxRate",
    "minTxRate is above maxTxRate: lower it, or raise maxTxRate",
)
_QOS = (
    f"!has(self.vlanQoS) || self.vlanQoS == 0 || {_TAG}",
    "vlanQoS needs a vlan other than 0, or the CNI plugin refuses to start the pod: give one, or drop vlanQoS",
)
_PROTO = (
    f"!has(self.vlanProto) || !self.vlanProto.matches('(?i)^802.1ad$') || {_TAG}",
    "vlanProto 802.1ad needs a vlan other than 0, or the CNI plugin refuses to start the pod: give one",
)
_TRUNK = (
    "!has(self.minID) || !has(self.maxID) || self.minID <= self.maxID",
    "minID is above maxID: swap them",
)


class NetworkStatus(Wire, frozen=True, kw_only=True):
    """What has become of a network: one condition, Ready."""

    conditions: tuple[Condition, ...] = ()


class SriovNetworkSpec(Wire, frozen=True, kw_only=True):
    """An Ethernet VF in a pod. Rates are in Mbit/s; None leaves them alone, 0 switches a limit off."""

    resource_name: ResourceName
    network_namespace: NetworkNamespace = ""
    capabilities: Capabilities = ""
    ipam: Ipam = ""
    vlan: Annotated[
        int, Meta(ge=0, le=4094, description="The VLAN that the PF tags frames of the VF with; 0: none.")
    ] = 0
    vlan_qos: Annotated[int, Meta(ge=0, le=7, description="The 802.1p priority of the tag.")] = msgspec.field(
        name="vlanQoS", default=0
    )
    vlan_proto: Annotated[
        Literal["", "802.1q", "802.1Q", "802.1ad", "802.1AD"], Meta(description="The kind of tag; 802.1q if left out.")
    ] = ""
    spoof_chk: Annotated[
        Literal["", "on", "off"], Meta(description="Whether the PF drops frames with a foreign source MAC.")
    ] = ""
    trust: Annotated[
        Literal["", "on", "off"], Meta(description="Whether the VF may change its MAC and be promiscuous.")
    ] = ""
    link_state: LinkState = ""
    min_tx_rate: Annotated[int, Meta(ge=0, description="Guaranteed rate in Mbit/s; 0 switches it off.")] | None = None
    max_tx_rate: Annotated[int, Meta(ge=0, description="Largest rate in Mbit/s; 0 switches it off.")] | None = None
    log_level: Annotated[
        Literal["panic", "error", "warning", "info", "debug", ""],
        Meta(
            description="How much the CNI plugin logs.",
            extra_json_schema={"enum": ["panic", "error", "warning", "info", "debug", ""]},
        ),
    ] = "info"
    log_file: Annotated[str, Meta(description="The node's file that the CNI plugin logs to.")] = ""
    meta_plugins: MetaPlugins = ""


class SriovIBNetworkSpec(Wire, frozen=True, kw_only=True):
    """An InfiniBand VF in a pod."""

    resource_name: ResourceName
    network_namespace: NetworkNamespace = ""
    capabilities: Capabilities = ""
    ipam: Ipam = ""
    link_state: LinkState = ""
    meta_plugins: MetaPlugins = ""


_VlanId = Annotated[int, Meta(ge=0, le=4095)]


class Trunk(Wire, frozen=True, kw_only=True):
    """VLANs that a trunk port carries: one, or all from ``min_id`` to ``max_id``."""

    min_id: Annotated[_VlanId, Meta(description="The first VLAN of a range.")] | None = msgspec.field(
        name="minID", default=None
    )
    max_id: Annotated[_VlanId, Meta(description="The last VLAN of a range.")] | None = msgspec.field(
        name="maxID", default=None
    )
    id: Annotated[_VlanId, Meta(description="One VLAN.")] | None = None


class OVSNetworkSpec(Wire, frozen=True, kw_only=True):
    """A VF of a switchdev PF in a pod, its representor in an Open vSwitch bridge."""

    resource_name: ResourceName
    network_namespace: NetworkNamespace = ""
    capabilities: Capabilities = ""
    ipam: Ipam = ""
    bridge: Annotated[
        str, Meta(description="The Open vSwitch bridge; that of the VF's uplink when it is left out.")
    ] = ""
    vlan: Annotated[int, Meta(ge=0, le=4095, description="The VLAN of an access port; 0: none.")] = 0
    mtu: Annotated[int, Meta(ge=0, description="The MTU of the interface; 0 leaves it alone.")] = 0
    trunk: Annotated[
        tuple[Annotated[Trunk, Meta(extra_json_schema=rules(_TRUNK))], ...],
        Meta(description="The VLANs of a trunk port; every VLAN when neither vlan nor trunk is given."),
    ] = ()
    interface_type: Annotated[str, Meta(description="The type of the Open vSwitch interface, such as dpdk.")] = ""
    meta_plugins: MetaPlugins = ""


class SriovNetwork(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object for Ethernet VFs."""

    api_version: str = API_VERSION
    kind: str = "SriovNetwork"
    metadata: ObjectMeta
    spec: Annotated[SriovNetworkSpec, Meta(extra_json_schema=rules(_RATES, _QOS, _PROTO))]
    status: NetworkStatus = msgspec.field(default_factory=NetworkStatus)


class SriovIBNetwork(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object for InfiniBand VFs."""

    api_version: str = API_VERSION
    kind: str = "SriovIBNetwork"
    metadata: ObjectMeta
    spec: SriovIBNetworkSpec
    status: NetworkStatus = msgspec.field(default_factory=NetworkStatus)


class OVSNetwork(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object for VFs behind Open vSwitch."""

    api_version: str = API_VERSION
    kind: str = "OVSNetwork"
    metadata: ObjectMeta
    spec: OVSNetworkSpec
    status: NetworkStatus = msgspec.field(default_factory=NetworkStatus)


Network = SriovNetwork | SriovIBNetwork | OVSNetwork
