"""SriovNetworkNodePolicy on the wire: which NICs get how many VFs, and what the VFs are for. No I/O."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.bridge import BridgeWish
from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire, rules

_GIVEN = "(has(self.{0}) && size(self.{0}) > 0)"
_SELECTOR_RULES = rules(
    (
        " || ".join(_GIVEN.format(field) for field in ("vendor", "deviceID", "rootDevices", "pfNames", "netFilter")),
        "the selector is empty, and an empty selector takes no NIC: give at least one field",
    ),
    (
        f"!{_GIVEN.format('netFilter')} || !("
        + " || ".join(_GIVEN.format(field) for field in ("vendor", "deviceID", "rootDevices", "pfNames"))
        + ")",
        "netFilter cannot be combined with other fields of the selector: keep one of the two",
    ),
)
_SWITCHDEV = "(has(self.eSwitchMode) && self.eSwitchMode == 'switchdev')"
_VDPA = "has(self.vdpaType)"
_BRIDGE = "has(self.bridge) && has(self.bridge.ovs)"
_SPEC_RULES = rules(
    (
        "!(has(self.deviceType) && self.deviceType == 'vfio-pci' && has(self.isRdma) && self.isRdma)",
        "deviceType vfio-pci takes the VF from the RDMA driver: use netdevice, or drop isRdma",
    ),
    (
        f"!(has(self.linkType) && self.linkType.lowerAscii() == 'ib' && {_SWITCHDEV})",
        "eSwitchMode switchdev needs linkType eth",
    ),
    (
        f"!({_VDPA} && has(self.deviceType) && self.deviceType != 'netdevice')",
        "vdpaType needs deviceType netdevice",
    ),
    (f"!({_VDPA}) || {_SWITCHDEV}", "vdpaType needs eSwitchMode switchdev"),
    (f"!({_BRIDGE}) || {_SWITCHDEV}", "bridge needs eSwitchMode switchdev"),
    (
        f"!({_BRIDGE} && has(self.externallyManaged) && self.externallyManaged)",
        "an externally managed PF cannot be attached to a managed bridge: drop bridge or externallyManaged",
    ),
)


class NicSelector(Wire, frozen=True, kw_only=True):
    """Which NICs: the given fields must all agree. ``pf_names`` may carry a range of VFs, ``ens1f0#0-3``."""

    vendor: Annotated[str, Meta(description="PCI vendor of the PF: four lower-case hex digits, as in 8086.")] = ""
    device_id: Annotated[str, Meta(description="PCI device of the PF, not of its VFs, as in 1583.")] = msgspec.field(
        name="deviceID", default=""
    )
    root_devices: Annotated[tuple[str, ...], Meta(description="PCI addresses of PFs, as in 0000:86:00.0.")] = ()
    pf_names: Annotated[
        tuple[str, ...],
        Meta(description="Names or alternative names of PFs; ens1f0#0-3 claims the VFs 0 to 3 of the port only."),
    ] = ()
    net_filter: Annotated[
        str, Meta(description="In a cloud's VM, the NIC's network: openstack/NetworkID:<id> or aws/NetworkID:<id>.")
    ] = ""


class PolicySpec(Wire, frozen=True, kw_only=True):
    """The wish. ``priority`` 0 is the strongest; ``mtu`` 0 and empty texts stand for "not given"."""

    resource_name: Annotated[
        str, Meta(description="The name, without prefix, under which pods ask for these VFs: letters, digits, - and _.")
    ]
    node_selector: Annotated[
        dict[str, str], Meta(description="Labels that a node must have, all of them; an empty map selects every node.")
    ]
    nic_selector: Annotated[
        NicSelector,
        Meta(description="Which PFs: all given fields must agree.", extra_json_schema=_SELECTOR_RULES),
    ]
    num_vfs: Annotated[int, Meta(ge=0, description="How many VFs each selected PF shall have, over all policies.")]
    priority: Annotated[
        int,
        Meta(ge=0, le=99, description="Who wins VFs that several policies claim; 0 is the strongest, 99 the weakest."),
    ] = 0
    mtu: Annotated[int, Meta(ge=1, description="MTU of the PF and of these VFs; left alone when it is left out.")] = 0
    device_type: Annotated[
        Literal["", "netdevice", "vfio-pci"],
        Meta(
            description="Whether the VFs get a kernel network driver or vfio-pci for drivers in user space.",
            extra_json_schema={"default": "netdevice"},
        ),
    ] = ""
    is_rdma: Annotated[bool, Meta(description="Whether pods get the RDMA devices of the VFs too.")] = False
    need_vhost_net: Annotated[bool, Meta(description="Whether pods get /dev/vhost-net and /dev/net/tun too.")] = False
    link_type: Annotated[
        Literal["", "eth", "ETH", "ib", "IB"],
        Meta(description="The link of the port; left alone when it is left out."),
    ] = ""
    eswitch_mode: Annotated[
        Literal["", "legacy", "switchdev"],
        Meta(description="The mode of the NIC's embedded switch; legacy when it is left out."),
    ] = msgspec.field(name="eSwitchMode", default="")
    vdpa_type: Annotated[
        Literal["", "virtio", "vhost"], Meta(description="The kind of vDPA device that is made of each VF.")
    ] = ""
    exclude_topology: Annotated[bool, Meta(description="Do not tell the kubelet on which NUMA node the VFs are.")] = (
        False
    )
    externally_managed: Annotated[
        bool, Meta(description="Somebody else creates the VFs and configures the PF; only the VFs' drivers are bound.")
    ] = False
    bridge: Annotated[BridgeWish, Meta(description="A software bridge to attach each PF to, in switchdev mode.")] = (
        msgspec.field(default_factory=BridgeWish)
    )


class PolicyDetail(Wire, frozen=True, kw_only=True):
    """What became of the policy on one node, where that is not what was asked for."""

    node: Annotated[str, Meta(description="The node.")]
    outcome: Annotated[str, Meta(description="displaced, cut, failed, waiting or unmatched.")]
    reason: Annotated[str, Meta(description="Why, and on which NIC.")] = ""


class PolicyStatus(Wire, frozen=True, kw_only=True):
    """What has become of the policy: how many nodes and NICs it reaches, and the condition Ready.

    ``details`` names the first few nodes on which it is not in place, failures first. ``priority`` None stands for one
    that cannot be read.
    """

    priority: Annotated[
        int | None, Meta(description="The priority that counts: that of the wish, and 0 where it is left out.")
    ] = None
    matched_nodes: Annotated[int, Meta(ge=0, description="Nodes that nodeSelector selects.")] = 0
    applied_nodes: Annotated[int, Meta(ge=0, description="Nodes on which the VFs of the policy are in place.")] = 0
    applied_nics: Annotated[int, Meta(ge=0, description="PFs, over these nodes, of which the policy holds VFs.")] = 0
    applied_vfs: Annotated[int, Meta(ge=0, description="VFs, over these nodes, that the policy holds.")] = 0
    displaced_nodes: Annotated[
        int, Meta(ge=0, description="Nodes on which stronger policies took VFs that this one asked for.")
    ] = 0
    failed_nodes: Annotated[
        int, Meta(ge=0, description="Nodes on which the policy holds VFs, and that could not be configured.")
    ] = 0
    pending_nodes: Annotated[
        int, Meta(ge=0, description="Nodes on which the policy holds VFs, and that are not done yet.")
    ] = 0
    details: Annotated[
        tuple[PolicyDetail, ...], Meta(description="The first nodes on which it is not in place, and why.")
    ] = ()
    conditions: tuple[Condition, ...] = ()


class NodePolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = "SriovNetworkNodePolicy"
    metadata: ObjectMeta
    spec: Annotated[PolicySpec, Meta(extra_json_schema=_SPEC_RULES)]
    status: PolicyStatus = msgspec.field(default_factory=PolicyStatus)
