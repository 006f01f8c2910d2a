"""One pass over one node: look, take the next step of the handshake, tell what came of it.

Caches decide whether there is anything to do. What is done is decided anew by what the API server says at that moment,
and every write is tested on it. A pass that was cut off anywhere is continued by the next one.
"""

import logging

import attrs

from sriov_core.api import keys
from sriov_core.errors import SriovError
from sriov_core.kube.failures import Conflict, Forbidden, Invalid
from sriov_operator.draining import moments, verdicts
from sriov_operator.draining.eviction import Eviction, evict
from sriov_operator.draining.fleet import Fleet, Row
from sriov_operator.draining.openshift import OPENSHIFT, OpenShift, OpenShiftProblem
from sriov_operator.draining.places import Places
from sriov_operator.draining.protocol import IDLE, Next, Step, decide
from sriov_operator.draining.sight import Desk, FreshNode
from sriov_operator.draining.telling import Teller
from sriov_operator.draining.verdicts import Verdict
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNodeState

_log = logging.getLogger("sriov_operator.draining")


@attrs.frozen(kw_only=True)
class Timing:
    """Seconds between passes over a node that is drained, also when pods have just been sent away; between those over
    one that waits, which changes wake anyway; and how long a pod may take beyond its grace period.
    """

    again_s: float = 5.0
    soon_s: float = 1.0
    safety_s: float = 60.0
    margin_s: float = 60.0


class Drainer:
    """Drains nodes; `reconcile` may run for several nodes at a time, not for the same one."""

    def __init__(self, context: Context, fleet: Fleet, places: Places, timing: Timing) -> None:
        self._context = context
        self._fleet = fleet
        self._places = places
        self._timing = timing
        namespace = context.settings.namespace
        self._desk = Desk(context.client, namespace)
        self._teller = Teller(context.client, context.recorder, namespace, context.now)
        is_openshift = context.settings.cluster_type == OPENSHIFT
        self._openshift = OpenShift(context.client) if is_openshift else None

    def review(self) -> None:
        """Find what a process before this one began and did not end."""
        self._places.review(self._desk.cordoned())

    def reconcile(self, node: str) -> float | None:
        """One pass; after how many seconds to come back, None when a change will tell."""
        row, state = self._fleet.row(node), self._cached(node)
        if row is None or state is None:
            if self._places.is_noted(node):
                self._lost(node)
            return None
        found = decide(row.hands)
        match found.step:
            case Step.INTRODUCE:
                self._introduce(node, state)
                return None
            case Step.REST | Step.LEAVE:
                self._settle(node, state, found)
                return None
            case Step.REFUSE:
                self._teller.tell(state, verdicts.blocked(found.why))
                return None
            case Step.ADMIT if why := self._places.obstacle(row):
                if self._places.has_place(node):
                    self._withdraw(node)
                self._teller.tell(state, why)
                return self._timing.safety_s
            case Step.AWAIT if self._places.has_place(node):
                return self._await(node, state)
        try:
            return self._act(row)
        except Conflict:  # mostly the agent, who writes the Node first and the node state a moment later
            return self._act(row)

    def _act(self, row: Row) -> float | None:
        """Look at the node afresh, and do what that asks for."""
        sight = self._desk.look(row.node)
        node, state, hands = sight.node, sight.state, sight.hands
        if node is None or state is None or hands is None:
            return None
        found = decide(hands)
        try:
            return self._do(row, found, node, state)
        except Conflict:
            raise
        except SriovError as err:
            if found.step is Step.ADMIT:
                self._places.stumbled(row.node, stumbles=True)
            if isinstance(err, Forbidden | Invalid | OpenShiftProblem):
                self._teller.tell(state, verdicts.blocked(str(err)))
            raise

    def _do(self, row: Row, found: Next, node: FreshNode, state: LeanNodeState) -> float | None:
        match found.step:
            case Step.ADMIT:
                return self._admit(row, node, state, full=found.full)
            case Step.EVICT:
                self._places.adopt(row)
                return self._drain(node, self._dated(state), full=found.full)
            case Step.AWAIT:
                self._places.adopt(row)
                return self._await(row.node, state)
            case Step.RELEASE:
                self._release(node, state)
            case _:
                pass  # the cache is behind; what it still has to tell brings the node back
        return None

    # --- beginning

    def _introduce(self, name: str, state: LeanNodeState) -> None:
        """By the caches alone: each new node passes here, and the versions that were seen keep the writes safe."""
        node = self._context.caches.nodes.get(name)
        if node is not None:
            self._desk.introduce(node, state)

    def _admit(self, row: Row, node: FreshNode, state: LeanNodeState, *, full: bool) -> float | None:
        if why := self._places.take(row):
            self._teller.tell(state, verdicts.waiting(why))
            return self._timing.again_s
        begun = self._desk.begin(node, state, moments.written(self._context.now()))
        self._places.stumbled(row.node, stumbles=False)
        self._context.metrics.count("drains", outcome="begun")
        _log.info("node %s: its drain begins (%s)", row.node, "every pod" if full else "pods with devices")
        return self._drain(node, begun, full=full)

    def _dated(self, state: LeanNodeState) -> LeanNodeState:
        """The state with the time since when it is drained; a drain of the incumbent has none."""
        if moments.read(state.metadata.annotations.get(keys.DRAIN_SINCE, "")) is not None:
            return state
        return self._desk.date(state, moments.written(self._context.now()))

    # --- draining

    def _drain(self, node: FreshNode, state: LeanNodeState, *, full: bool) -> float | None:
        name = node.metadata.name
        if why := self._pause(name, node):
            self._progress(state, verdicts.draining(why))
            return self._timing.again_s
        # Where there is no other node, pods have nowhere to go, and a reboot ends them anyway.
        if not (full and self._fleet.size == 1):
            self._desk.cordon(node)
            found = self._evicted(name, state, full=full)
            if not found.is_done:
                tell = verdicts.blocked if found.blocked else verdicts.draining
                self._progress(state, tell(found.told))
            if not (found.is_done and self._desk.is_cordoned(name)):
                return self._timing.soon_s if found.sent else self._timing.again_s
        self._teller.tell(self._desk.complete(state), verdicts.complete())
        self._context.metrics.count("drains", outcome="complete")
        _log.info("node %s: drained", name)
        return None

    def _evicted(self, node: str, state: LeanNodeState, *, full: bool) -> Eviction:
        settings, metrics = self._context.settings, self._context.metrics
        return evict(
            self._context.client,
            node,
            full=full,
            prefix=settings.resource_prefix,
            policy=settings.eviction,
            now=self._context.now(),
            margin_s=self._timing.margin_s,
            count=lambda outcome: metrics.count("evictions", outcome=outcome),
            confirm=lambda: self._desk.confirm(state),
        )

    def _progress(self, state: LeanNodeState, verdict: Verdict) -> None:
        deadline_s = self._context.settings.drain_deadline_s
        is_late = verdicts.left_s(state, self._context.now(), deadline_s) <= 0
        self._teller.tell(state, verdicts.late(verdict.message, deadline_s) if is_late else verdict)

    def _await(self, node: str, state: LeanNodeState) -> float:
        """The agent's turn; that of a node which does not come back is told."""
        deadline_s = self._context.settings.drain_deadline_s
        left_s = verdicts.left_s(state, self._context.now(), deadline_s)
        if left_s > 0:
            self._teller.tell(state, verdicts.complete())
            return min(left_s, self._timing.safety_s)
        fresh = self._desk.node(node)
        self._teller.tell(state, verdicts.absent(deadline_s, ready=fresh is not None and fresh.is_ready))
        return self._timing.safety_s

    # --- ending

    def _release(self, node: FreshNode, state: LeanNodeState) -> None:
        name = node.metadata.name
        claim = self._places.claim(name)
        self._desk.uncordon(node, state)
        self._resume(name, node)
        rested = self._desk.rest(state)
        self._places.give_back(name, claim)
        self._teller.tell(rested, verdicts.idle())
        self._context.metrics.count("drains", outcome="ended")
        _log.info("node %s: it serves again", name)

    def _settle(self, node: str, state: LeanNodeState, found: Next) -> None:
        """Nothing is asked of us: take back what an admission left that never began, and what was told."""
        if self._places.is_noted(node):
            self._withdraw(node)
        if verdicts.told(state) is not None:
            self._teller.tell(state, verdicts.idle() if found.step is Step.REST else verdicts.external())

    def _withdraw(self, node: str) -> None:
        """Nobody drains the node, and what an earlier drain or admission left is taken away."""
        sight = self._desk.look(node)
        if sight.node is None or sight.state is None or sight.hands is None or sight.hands.is_busy:
            return
        self._desk.uncordon(sight.node, None)
        self._resume(node, sight.node)
        claim = self._places.claim(node)
        if claim is not None:
            self._desk.withdraw(sight.state, claim)
        self._places.give_back(node, claim)

    def _lost(self, node: str) -> None:
        """The Node is gone, or its node state is: nobody drains it any more, and nobody will say that it is done."""
        claim = self._places.claim(node)  # before the look: who claims afterwards may have seen a new node state
        sight = self._desk.look(node)
        if sight.node is not None and sight.state is not None:
            return
        if sight.node is not None:
            self._desk.uncordon(sight.node, None)
        self._resume(node, sight.node)
        if sight.state is not None:
            self._end(sight.state, claim)
        self._places.give_back(node, claim)

    def _end(self, state: LeanNodeState, claim: str | None) -> None:
        """End the drain of a Node that is gone, in the state that is kept for its return."""
        answer = state.metadata.annotations.get(keys.CURRENT_STATE, IDLE)
        if answer != IDLE:
            self._desk.rest(state)
        elif claim is not None:
            self._desk.withdraw(state, claim)

    # --- OpenShift

    def _pause(self, name: str, node: FreshNode) -> str:
        return self._openshift.before_drain(name, node.metadata.annotations) if self._openshift is not None else ""

    def _resume(self, name: str, node: FreshNode | None) -> None:
        if self._openshift is None:
            return
        nodes = self._context.caches.nodes.items()
        if node is None:
            self._openshift.after_loss(name, nodes)
        else:
            self._openshift.after_drain(name, node.metadata.annotations, nodes)

    def _cached(self, node: str) -> LeanNodeState | None:
        return self._context.caches.states.get(f"{self._context.settings.namespace}/{node}")
