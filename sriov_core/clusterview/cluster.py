"""One look at a cluster: the objects that were read, and what could not be read. No I/O."""

import functools
from datetime import datetime
from typing import Generic, TypeVar

import attrs

from sriov_core.api.networks import Network
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.operatorconfig import NAME, OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.clusterview.objects import Attachment, Node, Pod

T = TypeVar("T")

AGENT = "sriov-network-config-daemon"
DEVICE_PLUGIN = "sriov-device-plugin"


@attrs.frozen(kw_only=True)
class Part(Generic[T]):
    """All objects of a kind; without ``kind``, nobody has asked for them.

    ``unreadable`` are keys of those that cannot be understood; ``refused`` says why none was read.
    """

    kind: str = ""
    items: tuple[T, ...] = ()
    unreadable: tuple[str, ...] = ()
    refused: str = ""


@attrs.frozen
class Stray:
    """An object of a kind that the operator reads in its own namespace only, and that stands in another."""

    kind: str
    namespace: str
    name: str


@attrs.frozen(kw_only=True)
class Cluster:
    """What was read, at ``now``; parts that a command has no use for are empty.

    ``own_pods`` are those of the operator's namespace, ``pods`` those of all namespaces that are not finished.
    ``strays`` are configurations, policies and pools of other namespaces, as far as such kinds were asked for.
    """

    namespace: str
    now: datetime
    configs: Part[OperatorConfig] = attrs.field(factory=Part)
    policies: Part[NodePolicy] = attrs.field(factory=Part)
    states: Part[NodeState] = attrs.field(factory=Part)
    pools: Part[PoolConfig] = attrs.field(factory=Part)
    networks: Part[Network] = attrs.field(factory=Part)
    attachments: Part[Attachment] = attrs.field(factory=Part)
    nodes: Part[Node] = attrs.field(factory=Part)
    own_pods: Part[Pod] = attrs.field(factory=Part)
    pods: Part[Pod] = attrs.field(factory=Part)
    strays: Part[Stray] = attrs.field(factory=Part)

    def parts(self) -> tuple[Part[object], ...]:
        """All parts that were asked for, in the order of their fields."""
        return tuple(one for one in attrs.astuple(self, recurse=False) if isinstance(one, Part) and one.kind)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Other namespaces with a configuration, where another operator may be."""
        configs = (one for one in self.strays.items if (one.kind, one.name) == ("SriovOperatorConfig", NAME))
        return tuple(sorted(one.namespace for one in configs))

    def state(self, node: str) -> NodeState | None:
        """The node state of a node."""
        return self._states.get(node)

    def node(self, name: str) -> Node | None:
        """The Node of that name."""
        return self._nodes.get(name)

    def own_pod(self, app: str, node: str) -> Pod | None:
        """The pod of a DaemonSet of the operator on a node; of several, one that is Ready."""
        return self._own_pods.get((app, node))

    @functools.cached_property
    def _states(self) -> dict[str, NodeState]:
        return {one.metadata.name: one for one in self.states.items}

    @functools.cached_property
    def _nodes(self) -> dict[str, Node]:
        return {one.metadata.name: one for one in self.nodes.items}

    @functools.cached_property
    def _own_pods(self) -> dict[tuple[str, str], Pod]:
        ready_last = sorted(self.own_pods.items, key=lambda one: one.is_ready)
        return {(one.metadata.labels.get("app", ""), one.spec.node_name): one for one in ready_last}


def age(since: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was, as in 5s, 12m, 3h or 8d; empty when it is none."""
    try:
        seconds = int((now - datetime.fromisoformat(since or "")).total_seconds())
    except (ValueError, TypeError):
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"
