"""From policies, Nodes, node states, pools and the configuration to node states, labels, configs and statuses."""

import threading
import time
from collections.abc import Iterable

from sriov_core.api import keys
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.operatorconfig import NAME, OperatorConfig
from sriov_operator.nodestates.board import Board
from sriov_operator.nodestates.inputs import POOLS, SETTINGS, UNREADABLE, Input, Inputs
from sriov_operator.nodestates.nodes import NodePasses
from sriov_operator.nodestates.policies import PolicyStatuses
from sriov_operator.nodestates.unread import never_read
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNode, LeanNodeState

_ANNOTATIONS = (keys.RENDERED, keys.KEEP_STATE_UNTIL, keys.PINNED_PLUGINS)


class NodeStates:
    """The whole part. What is cached is taken up at once at the start, so that every node is rendered once."""

    def __init__(self, context: Context) -> None:
        self._caches = context.caches
        self._namespace = context.settings.namespace
        self._board = Board()
        self._policies = PolicyStatuses(context, self._board)
        self._nodes = NodePasses(context, self._board, self._policies)
        self._inputs = Inputs(
            context, self._board, reached=self._reach, changed=self._policies.changed, opened=self._open
        )

    def start(self, stop: threading.Event) -> None:
        """Take up what the caches hold, follow what changes in them, and start the workers."""
        nodes = self._caches.nodes.items()
        self._board.load(((node, self._state(node.metadata.name)) for node in nodes), never_read(self._caches))
        self._nodes.agents.start(stop)
        self._caches.nodes.subscribe(self._on_node)
        self._caches.states.subscribe(self._on_state)
        self._caches.policies.subscribe(self._on_policy, self._on_unreadable_policy)
        self._caches.pools.subscribe(
            lambda _before, _after: self._inputs.controller.add(POOLS),
            lambda _key: self._inputs.controller.add(UNREADABLE),
        )
        self._caches.configs.subscribe(self._on_config)
        self._inputs.start(stop)
        for controller in (self._nodes.controller, self._nodes.maps.controller, self._policies.controller):
            controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``; False when something is still busy."""
        end = time.monotonic() + timeout_s
        parts = (
            self._inputs,
            self._nodes.agents,
            self._nodes.controller,
            self._nodes.maps.controller,
            self._policies.controller,
        )
        ended = [part.join(max(end - time.monotonic(), 0.0)) for part in parts]
        return all(ended)

    def _state(self, node: str) -> LeanNodeState | None:
        return self._caches.states.get(f"{self._namespace}/{node}")

    def _reach(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self._nodes.controller.add(node)

    def _open(self) -> None:
        """Look at everything: the states of nodes that are gone too, and what is left in the ConfigMaps."""
        self._reach(state.metadata.name for state in self._caches.states.items())
        self._reach(node.metadata.name for node in self._caches.nodes.items())
        self._policies.changed(policy.metadata.name for policy in self._caches.policies.items())
        self._policies.changed(key.rpartition("/")[2] for key in self._caches.policies.unreadable)
        self._nodes.maps.check()

    def _on_node(self, before: LeanNode | None, after: LeanNode | None) -> None:
        if before and after and _of_node(before) == _of_node(after):
            return  # most changes of a Node are its kubelet's reports
        self._nodes.controller.add(_name(before, after))

    def _on_state(self, before: LeanNodeState | None, after: LeanNodeState | None) -> None:
        if before and after and _of_state(before) == _of_state(after):
            return
        self._nodes.controller.add(_name(before, after))

    def _on_policy(self, before: NodePolicy | None, after: NodePolicy | None) -> None:
        self._inputs.controller.add(Input("policy", _name(before, after)))

    def _on_unreadable_policy(self, key: str) -> None:
        self._policies.changed([key.rpartition("/")[2]])
        self._inputs.controller.add(UNREADABLE)

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        if _name(before, after) == NAME:
            self._inputs.controller.add(SETTINGS)


def _name(*versions: LeanNode | LeanNodeState | NodePolicy | OperatorConfig | None) -> str:
    """The name of an object of which one version at least is there."""
    return next(version.metadata.name for version in versions if version is not None)


def _of_node(node: LeanNode) -> object:
    """What a pass over the node depends on."""
    return node.metadata.uid, node.metadata.labels, node.spec.provider_id


def _of_state(state: LeanNodeState) -> object:
    metadata = state.metadata
    annotations = [metadata.annotations.get(key) for key in _ANNOTATIONS]
    return metadata.uid, annotations, metadata.owner_references, state.spec, state.status
