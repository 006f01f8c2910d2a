"""The writes for one node: creation, patch, condition and deletion of its node state, and the label of the Node."""

import contextlib
import logging
import time

import msgspec

from sriov_core.api import keys
from sriov_core.api.conditions import Condition, changes, merged
from sriov_core.api.nodestate import InterfaceWish, NodeStateSpec
from sriov_core.api.wire import API_VERSION
from sriov_core.kube.failures import NotFound
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.recorder import Reference
from sriov_core.kube.resource import NODE_STATES, NODES
from sriov_operator.nodestates import agents, plugins, specs
from sriov_operator.nodestates.lag import Lag
from sriov_operator.nodestates.plugins import is_told
from sriov_operator.nodestates.specs import Change
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNode, LeanNodeState

CONDITION_MANAGER = "sriov-network-operator-nodestates"
"""The field manager of our conditions: applied by one that applies other conditions too, it would take those away."""

_STATE = "SriovNetworkNodeState"
_OWN = (plugins.CONDITION, agents.CONDITION)

_log = logging.getLogger("sriov_operator.nodestates")


class _Written(msgspec.Struct, frozen=True):
    """What matters of the answer to a write."""

    metadata: LeanMeta


class Writing:
    """Carries out what was decided for a node. Raises `ApiFailure`; what has gone already needs no removal."""

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._namespace = context.settings.namespace
        self._metrics = context.metrics
        self._recorder = context.recorder
        self._now = context.now
        self._lag = Lag()

    def is_behind(self, name: str, state: LeanNodeState | None) -> bool:
        """True while the cache does not show our own last write."""
        return self._lag.is_behind(name, seen=_version(state), now=time.monotonic())

    def create(self, name: str, wish: NodeStateSpec) -> None:
        """Make the node state; Exists when there is one."""
        body = specs.creation(name, self._namespace, wish)
        made = self._client.create(NODE_STATES, body, self._namespace, type=_Written)
        self._wrote(name, None, made, "create")
        _log.info("node %s: node state created", name)

    def change(self, state: LeanNodeState, change: Change) -> bool:
        """Patch the node state; False when it is as it was: a definition that is too old drops fields."""
        name, operations = state.metadata.name, specs.operations(state, change)
        made = self._client.json_patch(NODE_STATES, name, operations, self._namespace, type=_Written)
        self._wrote(name, state, made, "patch")
        if change.spec is not None:
            _log.info("node %s: %s", name, _told(change.spec))
        if change.owners:
            _log.info("node %s: its node state no longer belongs to a SriovOperatorConfig that is gone", name)
        return made.metadata.resource_version != state.metadata.resource_version

    def delete(self, state: LeanNodeState) -> None:
        """Delete the node state if nobody has written to it in the meantime."""
        metadata = state.metadata
        with contextlib.suppress(NotFound):
            self._client.delete(
                NODE_STATES,
                metadata.name,
                self._namespace,
                uid=metadata.uid,
                resource_version=metadata.resource_version,
            )
        self._metrics.count("writes", kind=_STATE, verb="delete")
        _log.info("node %s: node state deleted, the node is not served any more", metadata.name)

    def tell(self, state: LeanNodeState, chosen: Condition | None, silence: Condition | None) -> None:
        """Have the conditions say what was chosen, and that the agent is silent.

        None of the first leaves it as it is; None of the second takes it away. All is well and nothing has ever been
        told needs no word.
        """
        before = [one for one in state.status.conditions if one.type in _OWN]
        kept = [one for one in before if silence is not None or one.type != agents.CONDITION]
        wanted = [one for one in (chosen, silence) if one is not None and not is_told(before, one)]
        after = merged(kept, wanted, self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        if list(after) == before:
            return
        name = state.metadata.name
        body = {"metadata": {"uid": state.metadata.uid}, "status": {"conditions": msgspec.to_builtins(after)}}
        made = self._client.apply(
            NODE_STATES,
            name,
            body,
            self._namespace,
            subresource="status",
            manager=CONDITION_MANAGER,
            type=_Written,
        )
        self._wrote(name, state, made, "apply")
        for change in changes(before, after):
            warns = any(one.status == "False" and change.reason.startswith(one.type) for one in wanted)
            kind = "Warning" if warns else change.event_type
            self._recorder.tell(self._about(state), kind, change.reason, change.action, change.note)

    def warn(self, state: LeanNodeState, reason: str, note: str) -> None:
        """Record an event about the node state."""
        self._recorder.tell(self._about(state), "Warning", reason, "Render", note)

    def label(self, node: LeanNode, value: str | None) -> None:
        """Set the Node's label for the device plugin, or remove it (None)."""
        if node.metadata.labels.get(keys.DEVICE_PLUGIN) == value:
            return
        metadata = {"uid": node.metadata.uid, "labels": {keys.DEVICE_PLUGIN: value}}
        with contextlib.suppress(NotFound):
            self._client.merge_patch(NODES, node.metadata.name, {"metadata": metadata}, type=_Written)
        self._metrics.count("writes", kind="Node", verb="patch")
        _log.info("node %s: label %s %s", node.metadata.name, keys.DEVICE_PLUGIN, value or "removed")

    def _about(self, state: LeanNodeState) -> Reference:
        return Reference(
            api_version=API_VERSION,
            kind=_STATE,
            name=state.metadata.name,
            namespace=self._namespace,
            uid=state.metadata.uid,
        )

    def _wrote(self, name: str, state: LeanNodeState | None, made: _Written, verb: str) -> None:
        self._lag.wrote(name, seen=_version(state), written=made.metadata.resource_version, now=time.monotonic())
        self._metrics.count("writes", kind=_STATE, verb=verb)


def _version(state: LeanNodeState | None) -> str:
    return state.metadata.resource_version if state else ""


def _told(spec: NodeStateSpec) -> str:
    if not spec.interfaces:
        return "nothing is wished of its NICs"
    named = ", ".join(f"{one.name or one.pci_address} {_counted(one)}" for one in spec.interfaces[:4])
    more = f" and {len(spec.interfaces) - 4} more" if len(spec.interfaces) > 4 else ""
    return f"wished for: {named}{more}"


def _counted(one: InterfaceWish) -> str:
    """How many VFs and what they are for: two wishes that differ read differently."""
    groups = ", ".join(f"{group.vf_range} {group.device_type or 'netdevice'}" for group in one.vf_groups)
    return f"{one.num_vfs} VFs{f' ({groups})' if groups else ''}"
