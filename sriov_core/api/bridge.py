"""The Open vSwitch parts that policies and node states share. No I/O."""

from typing import Literal

import msgspec

from sriov_core.api.wire import Wire


class OvsInterface(Wire, frozen=True, kw_only=True):
    """The OVS Interface row of an uplink; ``mtu_request`` None leaves the column alone, 0 does not."""

    type: str = ""
    options: dict[str, str] = msgspec.field(default_factory=dict)
    external_ids: dict[str, str] = msgspec.field(name="externalIDs", default_factory=dict)
    other_config: dict[str, str] = msgspec.field(default_factory=dict)
    mtu_request: int | None = None


class OvsBridgeConfig(Wire, frozen=True, kw_only=True):
    """The OVS Bridge row."""

    datapath_type: str = ""
    external_ids: dict[str, str] = msgspec.field(name="externalIDs", default_factory=dict)
    other_config: dict[str, str] = msgspec.field(default_factory=dict)
    fail_mode: Literal["", "secure", "standalone"] = ""


class OvsUplinkWish(Wire, frozen=True, kw_only=True):
    """How a policy wants the PF attached to the bridge."""

    interface: OvsInterface = msgspec.field(default_factory=OvsInterface)


class OvsWish(Wire, frozen=True, kw_only=True):
    """The bridge that a policy wants for each PF."""

    bridge: OvsBridgeConfig = msgspec.field(default_factory=OvsBridgeConfig)
    uplink: OvsUplinkWish = msgspec.field(default_factory=OvsUplinkWish)


class BridgeWish(Wire, frozen=True, kw_only=True):
    """``spec.bridge`` of a policy; the presence of ``ovs``, even empty, asks for a managed bridge."""

    ovs: OvsWish | None = None


class OvsUplink(Wire, frozen=True, kw_only=True):
    """The PF that is attached to a node's bridge."""

    pci_address: str
    name: str = ""
    interface: OvsInterface = msgspec.field(default_factory=OvsInterface)


class OvsBridge(Wire, frozen=True, kw_only=True):
    """One bridge of a node, with one uplink."""

    name: str
    bridge: OvsBridgeConfig = msgspec.field(default_factory=OvsBridgeConfig)
    uplinks: tuple[OvsUplink, ...] = ()


class Bridges(Wire, frozen=True, kw_only=True):
    """The bridges of a node, sorted by name."""

    ovs: tuple[OvsBridge, ...] = ()
