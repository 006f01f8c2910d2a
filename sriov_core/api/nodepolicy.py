"""SriovNetworkNodePolicy on the wire: which NICs get how many VFs, and what the VFs are for."""

from typing import Annotated, Literal

import msgspec

from sriov_core.api.bridge import BridgeWish
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire


class NicSelector(Wire, frozen=True, kw_only=True):
    """Which NICs: the given fields must all agree. ``pf_names`` may carry a range of VFs, ``ens1f0#0-3``."""

    vendor: str = ""
    device_id: str = msgspec.field(name="deviceID", default="")
    root_devices: tuple[str, ...] = ()
    pf_names: tuple[str, ...] = ()
    net_filter: str = ""


class PolicySpec(Wire, frozen=True, kw_only=True):
    """The wish. ``priority`` 0 is the strongest; ``mtu`` 0 and empty texts stand for "not given"."""

    resource_name: str
    node_selector: dict[str, str]
    nic_selector: NicSelector
    num_vfs: Annotated[int, msgspec.Meta(ge=0)]
    priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    mtu: Annotated[int, msgspec.Meta(ge=1)] = 0
    device_type: Literal["", "netdevice", "vfio-pci"] = ""
    is_rdma: bool = False
    need_vhost_net: bool = False
    link_type: Literal["", "eth", "ETH", "ib", "IB"] = ""
    eswitch_mode: Literal["", "legacy", "switchdev"] = msgspec.field(name="eSwitchMode", default="")
    vdpa_type: Literal["", "virtio", "vhost"] = ""
    exclude_topology: bool = False
    externally_managed: bool = False
    bridge: BridgeWish = msgspec.field(default_factory=BridgeWish)


class PolicyStatus(Wire, frozen=True, kw_only=True):
    """Empty in version 1."""


class NodePolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = "SriovNetworkNodePolicy"
    metadata: ObjectMeta
    spec: PolicySpec
    status: PolicyStatus = msgspec.field(default_factory=PolicyStatus)
