"""The Open vSwitch parts that policies and node states share. No I/O."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.wire import Wire

_ExternalIds = Annotated[
    dict[str, str], Meta(description="The column external_ids: what other programs remember there.")
]
_OtherConfig = Annotated[dict[str, str], Meta(description="The column other_config: settings that have no own column.")]


class OvsInterface(Wire, frozen=True, kw_only=True):
    """The OVS Interface row of an uplink; ``mtu_request`` None leaves the column alone, 0 does not."""

    type: Annotated[str, Meta(description="The type of the interface, such as dpdk; a plain one if left out.")] = ""
    options: Annotated[dict[str, str], Meta(description="The column options: settings of this type of interface.")] = (
        msgspec.field(default_factory=dict)
    )
    external_ids: _ExternalIds = msgspec.field(name="externalIDs", default_factory=dict)
    other_config: _OtherConfig = msgspec.field(default_factory=dict)
    mtu_request: Annotated[int, Meta(description="The MTU that Open vSwitch gives the interface.")] | None = None


class OvsBridgeConfig(Wire, frozen=True, kw_only=True):
    """The OVS Bridge row."""

    datapath_type: Annotated[
        str, Meta(description="The datapath: system is the kernel's, netdev the one in user space.")
    ] = ""
    external_ids: _ExternalIds = msgspec.field(name="externalIDs", default_factory=dict)
    other_config: _OtherConfig = msgspec.field(default_factory=dict)
    fail_mode: Annotated[
        Literal["", "secure", "standalone"],
        Meta(
            description="Without its controller, the bridge learns addresses (standalone) or keeps its flows (secure)."
        ),
    ] = ""


_Interface = Annotated[OvsInterface, Meta(description="The row of the uplink in the table Interface of Open vSwitch.")]
_Bridge = Annotated[OvsBridgeConfig, Meta(description="The row of the bridge in the table Bridge of Open vSwitch.")]


class OvsUplinkWish(Wire, frozen=True, kw_only=True):
    """How a policy wants the PF attached to the bridge."""

    interface: _Interface = msgspec.field(default_factory=OvsInterface)


class OvsWish(Wire, frozen=True, kw_only=True):
    """The bridge that a policy wants for each PF."""

    bridge: _Bridge = msgspec.field(default_factory=OvsBridgeConfig)
    uplink: Annotated[OvsUplinkWish, Meta(description="How the PF is attached to the bridge.")] = msgspec.field(
        default_factory=OvsUplinkWish
    )


class BridgeWish(Wire, frozen=True, kw_only=True):
    """``spec.bridge`` of a policy; the presence of ``ovs``, even empty, asks for a managed bridge."""

    ovs: Annotated[
        OvsWish | None,
        Meta(description="An Open vSwitch bridge for each PF; its presence asks for one, even when it is empty."),
    ] = None


class OvsUplink(Wire, frozen=True, kw_only=True):
    """The PF that is attached to a node's bridge."""

    pci_address: Annotated[str, Meta(description="The PCI address of the PF.")]
    name: Annotated[str, Meta(description="The interface name of the PF.")] = ""
    interface: _Interface = msgspec.field(default_factory=OvsInterface)


class OvsBridge(Wire, frozen=True, kw_only=True):
    """One bridge of a node, with one uplink."""

    name: Annotated[str, Meta(description="The name of the bridge.")]
    bridge: _Bridge = msgspec.field(default_factory=OvsBridgeConfig)
    uplinks: Annotated[tuple[OvsUplink, ...], Meta(description="The PF that is attached to it; there is one.")] = ()


class Bridges(Wire, frozen=True, kw_only=True):
    """The bridges of a node, sorted by name."""

    ovs: Annotated[tuple[OvsBridge, ...], Meta(description="The Open vSwitch bridges, sorted by name.")] = ()
