"""One node as it is at the API server, and the writes of a drain, each tested on the version that was seen."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import msgspec

from sriov_core.api import keys
from sriov_core.api.wire import GROUP
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Conflict, NotFound
from sriov_core.kube.resource import NODE_STATES, NODES
from sriov_operator.draining.protocol import COMPLETE, DRAINING, IDLE, OF_NODE, Handshake, handshake, missing
from sriov_operator.process.lean import LeanNode, LeanNodeState

MANAGER = "sriov-network-operator"
"""The field manager of the operator's writes; that of the incumbent is called the same."""
WITHDRAWN = f"{GROUP}/drain-withdrawn"
"""Annotation of a node state: the claim of the last admission that was taken back before it began."""

TRUE, FALSE = "true", "false"


class ManagedFields(msgspec.Struct, frozen=True, rename="camel"):
    """Which fields somebody wrote."""

    manager: str = ""
    fields_v1: dict[str, Any] = msgspec.field(name="fieldsV1", default_factory=dict)


class NodeMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The metadata of a Node, with who wrote what."""

    name: str
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    managed_fields: tuple[ManagedFields, ...] = ()


class NodeSpec(msgspec.Struct, frozen=True):
    """Whether the scheduler may use it."""

    unschedulable: bool = False


class NodeCondition(msgspec.Struct, frozen=True):
    """A condition of a Node."""

    type: str
    status: str = ""


class NodeStatus(msgspec.Struct, frozen=True):
    """What the kubelet says, or is said for it."""

    conditions: tuple[NodeCondition, ...] = ()


class FreshNode(msgspec.Struct, frozen=True, kw_only=True):
    """A Node with what no cache keeps."""

    metadata: NodeMeta
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)

    @property
    def is_ready(self) -> bool:
        """What its condition Ready says."""
        return any(one.type == "Ready" and one.status == "True" for one in self.status.conditions)


@attrs.frozen(kw_only=True)
class Sight:
    """A Node and its node state; None for what is not there."""

    node: FreshNode | None
    state: LeanNodeState | None

    @property
    def hands(self) -> Handshake | None:
        """The handshake; None when either side is missing."""
        if self.node is None or self.state is None:
            return None
        meta = self.node.metadata
        return handshake(meta.annotations, self.state.metadata.annotations, meta.uid)


def cordoned_by(fields: Iterable[ManagedFields]) -> frozenset[str]:
    """Who wrote whether the scheduler may use a Node, and stands by it; none where the record was taken away.

    It outlives the node state, whose annotation says whether the node was cordoned before its drain.
    """
    return frozenset(one.manager for one in fields if "f:unschedulable" in one.fields_v1.get("f:spec", {}))


def is_ours(node: FreshNode, state: LeanNodeState | None) -> bool:
    """Whether the cordon of a Node is ours to lift.

    A drain that the incumbent began has no record of cordons before it, and is taken for ours, as the incumbent did. A
    drain of ours that found no cordon has made this one, unless somebody else has meanwhile: ours was lifted, and the
    Node cordoned anew. Where the node state is lost, or speaks of a cordon (of an earlier Node of this name, or one
    that was lifted since), the Node has to say that it was us.
    """
    writers = cordoned_by(node.metadata.managed_fields)
    match state.metadata.annotations.get(keys.CORDONED_BEFORE, "") if state is not None else TRUE:
        case "true":
            return writers == {MANAGER}
        case "false":
            return writers <= {MANAGER}
    return True


@attrs.frozen
class Desk:
    """Reads and writes what a drain reads and writes of one node. A Conflict means: look again."""

    _client: Client
    _namespace: str
    _introduced: dict[str, str] = attrs.field(factory=dict)

    def look(self, name: str) -> Sight:
        """The node as it is now."""
        return Sight(node=self.node(name), state=self._state(name))

    def node(self, name: str) -> FreshNode | None:
        """The Node as it is now."""
        try:
            return self._client.get(NODES, name, type=FreshNode)
        except NotFound:
            return None

    def cordoned(self) -> tuple[str, ...]:
        """The Nodes that are cordoned by us. It lists those that are cordoned, and is for the start of a process."""
        found = self._client.list(NODES, type=FreshNode, fields="spec.unschedulable=true").items
        return tuple(one.metadata.name for one in found if is_ours(one, None))

    def introduce(self, node: FreshNode | LeanNode, state: LeanNodeState) -> None:
        """Write the annotations that are missing. What a cache still shows without them is not written again."""
        on_node, on_state = missing(handshake(node.metadata.annotations, state.metadata.annotations))
        name, at, of = node.metadata.name, node.metadata.resource_version, state.metadata.resource_version
        if on_state and self._introduced.get(f"state {name}") != of:
            self._annotate(state, on_state)
            self._introduced[f"state {name}"] = of
        if on_node and self._introduced.get(f"node {name}") != at:
            patch = {"metadata": {"resourceVersion": at, "annotations": on_node}}
            self._client.merge_patch(NODES, name, patch, type=FreshNode)
            self._introduced[f"node {name}"] = at

    def begin(self, node: FreshNode, state: LeanNodeState, since: str) -> LeanNodeState:
        """Answer Draining, and record whether somebody else has cordoned the node."""
        cordoned = TRUE if node.spec.unschedulable and not is_ours(node, None) else FALSE
        changes = {keys.CURRENT_STATE: DRAINING, keys.DRAIN_SINCE: since, keys.CORDONED_BEFORE: cordoned}
        return self._annotate(state, {**changes, OF_NODE: node.metadata.uid})

    def date(self, state: LeanNodeState, since: str) -> LeanNodeState:
        """Record since when a node is drained."""
        return self._annotate(state, {keys.DRAIN_SINCE: since})

    def confirm(self, state: LeanNodeState) -> None:
        """Conflict when the node is no longer being drained: pods found before this may be sent away after it."""
        meta = state.metadata
        now = self._client.get(NODE_STATES, meta.name, self._namespace, type=LeanNodeState).metadata
        if now.uid != meta.uid or now.annotations.get(keys.CURRENT_STATE) != DRAINING:
            raise Conflict(f"the drain of node {meta.name} has ended while its pods were listed", status=409)

    def complete(self, state: LeanNodeState) -> LeanNodeState:
        """Answer DrainComplete."""
        return self._annotate(state, {keys.CURRENT_STATE: COMPLETE})

    def rest(self, state: LeanNodeState) -> LeanNodeState:
        """Answer Idle, and forget the drain."""
        changes = dict.fromkeys((keys.DRAIN_SINCE, keys.CORDONED_BEFORE, OF_NODE, WITHDRAWN))
        return self._annotate(state, {keys.CURRENT_STATE: IDLE, **changes})

    def withdraw(self, state: LeanNodeState, claim: str) -> None:
        """Make an admission of that claim fail if it is still under way; see `ledger`."""
        self._annotate(state, {WITHDRAWN: claim})

    def cordon(self, node: FreshNode) -> bool:
        """Keep the scheduler away; False when somebody does already."""
        if node.spec.unschedulable:
            return False
        self._schedule(node, unschedulable=True)
        return True

    def is_cordoned(self, name: str) -> bool:
        """Whether the scheduler is kept away at this moment: somebody may have let it come back."""
        node = self.node(name)
        return node is not None and node.spec.unschedulable

    def uncordon(self, node: FreshNode, state: LeanNodeState | None) -> bool:
        """Let the scheduler come back when the cordon is ours (`is_ours`); False when there is nothing to lift."""
        if not (node.spec.unschedulable and is_ours(node, state)):
            return False
        self._schedule(node, unschedulable=None)
        return True

    def _state(self, name: str) -> LeanNodeState | None:
        try:
            return self._client.get(NODE_STATES, name, self._namespace, type=LeanNodeState)
        except NotFound:
            return None

    def _annotate(self, state: LeanNodeState, annotations: Mapping[str, str | None]) -> LeanNodeState:
        meta = state.metadata
        patch = {"metadata": {"resourceVersion": meta.resource_version, "annotations": annotations}}
        return self._client.merge_patch(NODE_STATES, meta.name, patch, self._namespace, type=LeanNodeState)

    def _schedule(self, node: FreshNode, *, unschedulable: bool | None) -> None:
        version = {"resourceVersion": node.metadata.resource_version}
        patch = {"metadata": version, "spec": {"unschedulable": unschedulable}}
        self._client.merge_patch(NODES, node.metadata.name, patch, type=FreshNode)
