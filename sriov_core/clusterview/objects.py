"""Objects of Kubernetes and of Multus, as far as they are looked at here; unknown fields are left out. No I/O."""

from typing import Any

import msgspec

from sriov_core.api.conditions import Condition
from sriov_core.api.wire import Wire


class Meta(Wire, frozen=True, kw_only=True):
    """Names, labels and annotations."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    deletion_timestamp: str | None = None


class Taint(Wire, frozen=True, kw_only=True):
    """What keeps pods off a node, unless they tolerate it."""

    key: str
    value: str = ""
    effect: str = ""


class NodeSpec(Wire, frozen=True, kw_only=True):
    """Whether pods may be placed."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class StateCondition(Wire, frozen=True, kw_only=True):
    """A condition of a Node or Pod: some have no reason and no generation."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class NodeStatus(Wire, frozen=True, kw_only=True):
    """Amounts are texts, as in 4 or 16Gi."""

    allocatable: dict[str, str] = msgspec.field(default_factory=dict)
    conditions: tuple[StateCondition, ...] = ()


class Node(Wire, frozen=True, kw_only=True):
    """A node of the cluster."""

    metadata: Meta
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class Toleration(Wire, frozen=True, kw_only=True):
    """An empty key tolerates all taints, an empty effect all effects."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class Resources(Wire, frozen=True, kw_only=True):
    """What a container asks for."""

    requests: dict[str, Any] = msgspec.field(default_factory=dict)
    limits: dict[str, Any] = msgspec.field(default_factory=dict)


class Container(Wire, frozen=True, kw_only=True):
    """``restart_policy`` Always makes an init container one that stays."""

    name: str
    resources: Resources = msgspec.field(default_factory=Resources)
    restart_policy: str = ""


class PodSpec(Wire, frozen=True, kw_only=True):
    """Where a pod may run, and what it asks for; ``affinity`` is as parsed from JSON."""

    node_name: str = ""
    node_selector: dict[str, str] = msgspec.field(default_factory=dict)
    affinity: dict[str, Any] = msgspec.field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()


class ContainerStatus(Wire, frozen=True, kw_only=True):
    """``state`` is as parsed from JSON."""

    name: str = ""
    state: dict[str, Any] = msgspec.field(default_factory=dict)


class PodStatus(Wire, frozen=True, kw_only=True):
    """How far a pod is."""

    phase: str = ""
    conditions: tuple[StateCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Wire, frozen=True, kw_only=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def is_ready(self) -> bool:
        """True when its condition Ready is True."""
        return status_of(self.status.conditions, "Ready") == "True"

    @property
    def waits_because(self) -> str:
        """What its first waiting container says, as in ImagePullBackOff; else empty."""
        for one in (*self.status.init_container_statuses, *self.status.container_statuses):
            waiting = one.state.get("waiting")
            if isinstance(waiting, dict) and waiting.get("reason"):
                return ": ".join(str(waiting[key]) for key in ("reason", "message") if waiting.get(key))
        return ""


class Attachment(Wire, frozen=True, kw_only=True):
    """A NetworkAttachmentDefinition."""

    metadata: Meta


def status_of(conditions: tuple[StateCondition, ...], name: str) -> str:
    """The status of the condition of that type; empty without one."""
    return next((one.status for one in conditions if one.type == name), "")


def condition_of(conditions: tuple[Condition, ...], name: str) -> Condition | None:
    """The condition of that type."""
    return next((one for one in conditions if one.type == name), None)
