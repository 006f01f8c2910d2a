"""One pass over one node: look, take the next step of the handshake, tell what came of it.

Caches decide whether there is anything to do. What is done is decided anew by what the API server says at that moment,
and every write is tested on it. A pass that was cut off anywhere is continued by the next one.
"""

import logging
from collections.abc import Callable

import attrs

from sriov_core.api import keys
from sriov_core.errors import SriovError
from sriov_core.kube.failures import Conflict, Forbidden, Invalid
from sriov_operator.draining import moments, verdicts
from sriov_operator.draining.endings import Endings
from sriov_operator.draining.eviction import Eviction, evict
from sriov_operator.draining.fleet import Fleet, Row
from sriov_operator.draining.openshift import OPENSHIFT, OpenShift, OpenShiftProblem
from sriov_operator.draining.places import Places
from sriov_operator.draining.protocol import Next, Step, Terms, decide
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

    def __init__(
        self, context: Context, fleet: Fleet, places: Places, timing: Timing, terms: Callable[[], Terms]
    ) -> None:
        self._context = context
        self._terms = terms
        self._fleet = fleet
        self._places = places
        self._timing = timing
        namespace = context.settings.namespace
        self._desk = Desk(context.client, namespace)
        self._teller = Teller(context.client, context.recorder, namespace, context.now)
        is_openshift = context.settings.cluster_type == OPENSHIFT
        self._openshift = OpenShift(context.client) if is_openshift else None
        self._endings = Endings(
            context=context,
            fleet=fleet,
            places=places,
            desk=self._desk,
            teller=self._teller,
            openshift=self._openshift,
            terms=terms,
        )

    def review(self) -> float | None:
        """Find what a process before this one began and did not end; after how many seconds to do so again."""
        return self._timing.again_s if self._endings.review() else None

    def reconcile(self, node: str) -> float | None:
        """One pass; after how many seconds to come back, None when a change will tell."""
        row, state = self._fleet.row(node), self._cached(node)
        if row is None or state is None:
            if self._places.is_noted(node):
                self._endings.lost(node)
            return None
        found = decide(row.hands, self._terms())
        match found.step:
            case Step.INTRODUCE:
                self._introduce(node, state)
                return None
            case Step.REST | Step.LEAVE:
                self._endings.settle(row, state, is_left=found.step is Step.LEAVE)
                return None
            case Step.REFUSE:
                self._teller.tell(state, verdicts.blocked(found.why))
                return self._timing.safety_s
            case Step.ADMIT if why := self._places.obstacle(row):
                if self._places.has_place(node):
                    self._endings.withdraw(node)
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
        try:
            return self._do(row, decide(hands, self._terms()), node, state)
        except (Forbidden, Invalid, OpenShiftProblem) as err:  # somebody has to mend it: no use to hurry
            self._teller.tell(state, verdicts.blocked(str(err)))
            return self._timing.safety_s

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
                self._endings.release(node, state)
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
        begun = self._begun(row, node, state)
        if begun is None:
            return self._timing.again_s
        self._context.metrics.count("drains", outcome="begun")
        waited = f", after {moments.so_far(row.since, self._context.now())} of waiting" if row.since is not None else ""
        whom = "every pod, for a reboot" if full else "pods with devices"
        _log.info(
            "node %s: its drain begins in %s (%s)%s", row.node, self._fleet.view(min(row.places)).called, whom, waited
        )
        return self._drain(node, begun, full=full)

    def _begun(self, row: Row, node: FreshNode, state: LeanNodeState) -> LeanNodeState | None:
        """The state of a node whose drain has begun; None when it has to wait. Who cannot begin holds up nobody."""
        claim = None
        try:
            taken = self._places.take(row)
            if taken.why:
                self._teller.tell(state, verdicts.waiting(taken.why))
                return None
            claim = taken.claim
            begun = self._desk.begin(node, state, moments.written(self._context.now()))
        except Conflict:
            raise
        except SriovError as err:
            self._places.stumbled(row.node, stumbles=True)
            if isinstance(err, Forbidden | Invalid):  # nothing of this admission is on its way any more
                self._places.give_back(row.node, claim)
            raise
        self._places.stumbled(row.node, stumbles=False)
        return begun

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
            is_new = self._desk.cordon(node)
            if is_new:
                _log.info("node %s: cordoned", name)
            found = self._evicted(name, state, full=full)
            if not found.is_done:
                tell = verdicts.blocked if found.blocked else verdicts.draining
                self._progress(state, tell(found.told))
            # A scheduler that has not heard of the cordon yet sends pods still: after that one more look.
            if is_new or not (found.is_done and self._desk.is_cordoned(name)):
                return self._timing.soon_s if found.sent or is_new else self._timing.again_s
        complete = self._desk.complete(state)
        self._context.metrics.count("drains", outcome="complete")
        _log.info("node %s: drained, after %s", name, verdicts.age(state, self._context.now()))
        self._teller.tell(complete, verdicts.complete())
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
        now = verdicts.late(verdict.message, deadline_s) if is_late else verdict
        self._teller.tell(state, now, begun=verdicts.draining("pods are asked to go"))

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

    # --- looking

    def _pause(self, name: str, node: FreshNode) -> str:
        return self._openshift.before_drain(name, node.metadata.annotations) if self._openshift is not None else ""

    def _cached(self, node: str) -> LeanNodeState | None:
        return self._context.caches.states.get(f"{self._context.settings.namespace}/{node}")
