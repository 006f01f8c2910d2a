"""One pass over one node: from what the caches show to what has to be written for it."""

import logging

import attrs

from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateSpec
from sriov_core.api.pluginconfig import encode
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import Exists
from sriov_core.kube.resource import NODE_STATES
from sriov_core.policy.deviceplugin import node_label
from sriov_core.policy.nodeoutcome import NodeOutcome
from sriov_operator import staleness
from sriov_operator.nodestates import agents, plugins, specs
from sriov_operator.nodestates.agents import PATIENCE_S, Agents
from sriov_operator.nodestates.board import Board, Opening
from sriov_operator.nodestates.configmaps import ConfigMaps
from sriov_operator.nodestates.facts import Seen, has_reported, listed, platform
from sriov_operator.nodestates.gauges import Gauges, NodeTally
from sriov_operator.nodestates.plugins import Chosen, Reason, Remark
from sriov_operator.nodestates.policies import PolicyStatuses
from sriov_operator.nodestates.remarks import Remarks
from sriov_operator.nodestates.specs import Change
from sriov_operator.nodestates.unread import never_read, told
from sriov_operator.nodestates.writing import Writing
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNode, LeanNodeState

WORKERS = 8
BEHIND_S = 0.1

_log = logging.getLogger("sriov_operator.nodestates")


@attrs.frozen(kw_only=True)
class _Served:
    """A managed node that has a node state, as it was ``seen`` at that moment of the board.

    ``wish`` is what is rendered for it, if anything.
    """

    node: LeanNode
    state: LeanNodeState
    seen: Seen
    outcome: NodeOutcome
    wish: NodeStateSpec | None
    opening: Opening
    moment: int


class NodePasses:
    """The workers that bring nodes up to date, by their names."""

    def __init__(self, context: Context, board: Board, policies: PolicyStatuses) -> None:
        self._context = context
        self._board = board
        self._policies = policies
        self._writing = Writing(context)
        self._gauges = Gauges(context.metrics)
        self._remarks = Remarks()
        self.controller: Controller[str] = Controller(
            "nodestates", self._reconcile, workers=WORKERS, watcher=context.metrics
        )
        self.maps = ConfigMaps(context, board, self.controller.add)
        self.agents = Agents(context, self.controller.add)

    def _reconcile(self, name: str) -> float | None:
        node = self._context.caches.nodes.get(name)
        state = self._context.caches.states.get(f"{self._context.settings.namespace}/{name}")
        unread = never_read(self._context.caches)
        judged = self._board.judge(name, node, state, unread, self.agents.trouble(name))
        self._policies.changed(judged.policies)
        if judged.outcome and judged.is_new:
            self._context.metrics.count("renders")
            self._remarks.tell(judged.outcome)
        opening = judged.opening
        if opening is None or opening.is_leaving:
            if opening and state:
                self._disown(state)
            return None
        if self._writing.is_behind(name, state):
            return BEHIND_S
        if node is None or judged.seen is None or judged.outcome is None:
            return self._leave(name, node, state)
        if state is None:
            return self._create(judged.outcome)
        wish = unread.kept(judged.outcome.wish, state.spec)
        return self._serve(
            _Served(
                node=node,
                state=state,
                seen=judged.seen,
                outcome=judged.outcome,
                wish=wish,
                opening=opening,
                moment=judged.moment,
            )
        )

    def _serve(self, one: _Served) -> float | None:
        chosen = _chosen(one)
        self._tally(one.outcome.node, chosen)
        if one.seen.held:
            self._remarks.say(one.outcome.node, told(one.seen.held))
        is_offered = not (one.seen.faults or one.seen.held) and self._offer(one.state, one.outcome)
        change = specs.change(one.state, chosen.wish, owner=one.opening.uid)
        is_changed = bool(change) and self._writing.change(one.state, change)
        if not (is_changed and change.spec) and not one.seen.held:
            self._policies.changed(self._board.written(one.outcome.node, one.moment))
        if is_offered:
            self._label(one.node, one.outcome)
        if change:
            return None  # the next pass tells: by then the cache shows what is there
        return self._tell(one, chosen)

    def _tell(self, one: _Served, chosen: Chosen) -> float | None:
        """Write the conditions; the seconds after which a silent agent is to be told."""
        name, generation = one.outcome.node, one.state.metadata.generation
        wrong, reported = self.agents.trouble(name), has_reported(one.state)
        is_silent = bool(wrong) or not reported
        left = PATIENCE_S - self.agents.silent_s(name, is_silent=is_silent)
        is_due = is_silent and (left <= 0 or agents.is_told(one.state.status.conditions))
        silence = agents.condition(wrong, generation, has_reported=reported) if is_due else None
        self._writing.tell(
            one.state, plugins.condition(chosen.remarks, generation) if chosen.is_judged else None, silence
        )
        return left if is_silent and left > 0 else None

    def _create(self, outcome: NodeOutcome) -> float | None:
        if outcome.wish is None:
            return None
        try:
            self._writing.create(outcome.node, outcome.wish)
        except Exists:
            # Either the cache is behind, or the one that is there cannot be read: then this says why.
            namespace = self._context.settings.namespace
            self._context.client.get(NODE_STATES, outcome.node, namespace, type=LeanNodeState)
            return 1.0
        return None

    def _offer(self, state: LeanNodeState, outcome: NodeOutcome) -> bool:
        """Have the node's device plugin config written; False when that cannot be."""
        text = encode(outcome.plugin.config)
        if self.maps.put(outcome.node, text):
            return True
        why = (
            f"its device plugin config has {len(text)} bytes, more than a ConfigMap takes. Its policies list too many "
            "single VFs: give them whole PFs, or ranges"
        )
        _log.error("node %s: %s", outcome.node, why)
        self._writing.warn(state, "PluginConfigTooLarge", why)
        return False

    def _label(self, node: LeanNode, outcome: NodeOutcome) -> None:
        """The plugin starts where the label says so, and then wants its config to be there."""
        value = node_label(outcome.plugin.config)
        if value == "Disabled" or self.maps.is_written(outcome.node):
            self._writing.label(node, value)

    def _tally(self, name: str, chosen: Chosen) -> None:
        tally = NodeTally(
            managed_nodes=1,
            unmanaged_interfaces=chosen.count(Reason.UNMANAGED) + chosen.count(Reason.CONFLICT),
            plugin_conflicts=chosen.count(Reason.CONFLICT),
        )
        self._gauges.note(name, tally)

    def _leave(self, name: str, node: LeanNode | None, state: LeanNodeState | None) -> float | None:
        """The node is gone, or not managed any more: its state is kept for a while."""
        self.maps.drop(name)
        self.agents.silent_s(name, is_silent=False)
        if node is not None:
            self._writing.label(node, None)
        if state is None:
            self._gauges.note(name)
            return None
        self._gauges.note(name, NodeTally(node_states_stale=1))
        now = self._context.now()
        match staleness.stale(state.metadata.annotations, now, self._context.settings.stale_delay_minutes):
            case staleness.Delete():
                self._writing.delete(state)
                return None
            case staleness.Mark() as mark:
                self._writing.change(state, Change(annotations={keys.KEEP_STATE_UNTIL: mark.value}))
                _log.info("node %s is not served any more; its state is kept until %s", name, mark.value)
                return max((mark.until - now).total_seconds(), BEHIND_S)
            case staleness.Keep(until):
                return max((until - now).total_seconds(), BEHIND_S)

    def _disown(self, state: LeanNodeState) -> None:
        """While the configuration is being deleted: the node state shall not be collected with it."""
        owners = specs.doomed_owners(state, "")
        if owners:
            self._writing.change(state, Change(owners=owners))


def _chosen(one: _Served) -> Chosen:
    if one.seen.held:
        return Chosen(wish=None)
    if one.seen.faults:
        why = f"the report of the node cannot be understood, so its wish stays: {listed(one.seen.faults)}"
        return Chosen(wish=None, remarks=(Remark(Reason.UNREADABLE, why),), is_judged=True)
    return plugins.chosen(
        one.wish,
        one.state.status,
        platform=platform(one.node, one.state),
        annotations=one.state.metadata.annotations,
        disabled=one.opening.disabled,
    )
