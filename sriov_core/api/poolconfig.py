"""SriovNetworkPoolConfig on the wire: how many nodes of a group may be drained at once, and their RDMA mode. No I/O."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, LabelSelector, ObjectMeta, Wire, rules

_OFFLOAD = "self.ovsHardwareOffloadConfig"
_NAMED = f"(has({_OFFLOAD}) && has({_OFFLOAD}.name) && {_OFFLOAD}.name != '')"
_RULES = rules(
    (
        f"!{_NAMED} || !(has(self.maxUnavailable) || has(self.nodeSelector))",
        "ovsHardwareOffloadConfig.name cannot be combined with maxUnavailable and nodeSelector: keep one of the two",
    ),
)


class OvsHardwareOffload(Wire, frozen=True, kw_only=True):
    """Which nodes shall have hardware offload in Open vSwitch, on OpenShift."""

    name: Annotated[str, Meta(description="The MachineConfigPool whose nodes shall have Open vSwitch offload.")] = ""


class PoolConfigSpec(Wire, frozen=True, kw_only=True):
    """A group of nodes; ``max_unavailable`` None stands for no limit, ``node_selector`` None for every node."""

    ovs_hardware_offload_config: Annotated[
        OvsHardwareOffload, Meta(description="Open vSwitch hardware offload on OpenShift.")
    ] = msgspec.field(default_factory=OvsHardwareOffload)
    node_selector: Annotated[
        LabelSelector | None,
        Meta(
            description="The nodes of the pool; every node when it is left out. A node belongs to one pool at most.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None
    max_unavailable: Annotated[
        int | str | None,
        Meta(
            description="How many nodes of the pool may be drained at once: a number, or a percentage such as 30%, "
            "rounded down. Without a limit when left out; 0 drains none, ever.",
        ),
    ] = None
    rdma_mode: Annotated[
        Literal["", "shared", "exclusive"],
        Meta(description="The network namespace mode of the RDMA subsystem; a change needs a reboot."),
    ] = ""


class PoolNode(Wire, frozen=True, kw_only=True):
    """A node of the pool that is drained, or waits to be, and what for."""

    name: Annotated[str, Meta(description="The node.")]
    state: Annotated[str, Meta(description="Draining, DrainComplete or Waiting.")]
    reason: Annotated[str, Meta(description="What it waits for.")] = ""
    since: Annotated[str, Meta(description="Since when, as RFC 3339.")] = ""


class PoolConfigStatus(Wire, frozen=True, kw_only=True):
    """What has become of the pool: its nodes, those that are drained or wait for it, and the condition Ready."""

    nodes: Annotated[int, Meta(ge=0, description="Nodes of the pool.")] = 0
    max_unavailable: Annotated[
        int | None, Meta(description="How many of them may be drained at once; without a limit when left out.")
    ] = None
    draining: Annotated[int, Meta(ge=0, description="Nodes that are being drained, or are drained.")] = 0
    waiting: Annotated[int, Meta(ge=0, description="Nodes that wait to be drained.")] = 0
    members: Annotated[
        tuple[PoolNode, ...], Meta(description="The first nodes that are drained or wait, and what for.")
    ] = ()
    conditions: tuple[Condition, ...] = ()


class PoolConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = "SriovNetworkPoolConfig"
    metadata: ObjectMeta
    spec: Annotated[PoolConfigSpec, Meta(extra_json_schema=_RULES)] = msgspec.field(default_factory=PoolConfigSpec)
    status: PoolConfigStatus = msgspec.field(default_factory=PoolConfigStatus)
