"""How drains end: nodes serve again, and what is left of drains and admissions that nobody ends is taken away."""

import logging
from collections.abc import Callable, Iterator

import attrs

from sriov_operator.draining import verdicts
from sriov_operator.draining.fleet import Fleet, Row
from sriov_operator.draining.openshift import OpenShift
from sriov_operator.draining.places import Places
from sriov_operator.draining.protocol import Terms, handshake
from sriov_operator.draining.sight import Desk, FreshNode
from sriov_operator.draining.telling import Teller
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNodeState

_log = logging.getLogger("sriov_operator.draining")


@attrs.frozen(kw_only=True)
class Endings:
    """Ends drains; safe for several nodes at a time, not for the same one. ``terms`` is what counts at the moment."""

    _context: Context
    _fleet: Fleet
    _places: Places
    _desk: Desk
    _teller: Teller
    _openshift: OpenShift | None
    _terms: Callable[[], Terms]

    def review(self) -> bool:
        """Find what a process before this one began and did not end; True when that is to be done once more."""
        self._places.review((*self._desk.cordoned(), *self._orphans()))
        self._resume("")
        return self._terms() is not Terms.DRAIN and any(row.hands.is_busy for row in self._fleet.rows())

    def release(self, node: FreshNode, state: LeanNodeState) -> None:
        """Let a node serve again: the agent is done, or nobody wants the drain any more."""
        name = node.metadata.name
        claim = self._places.claim(name)
        lifted = self._uncordon(node, state)
        self._resume(name)
        rested = self._desk.rest(state)
        self._places.give_back(name, claim)
        self._context.metrics.count("drains", outcome="ended")
        kept = ", and somebody else's cordon stays" if node.spec.unschedulable and not lifted else ""
        _log.info("node %s: its drain is over, after %s in all%s", name, verdicts.age(state, self._context.now()), kept)
        self._teller.tell(rested, verdicts.idle())

    def settle(self, row: Row, state: LeanNodeState, *, is_left: bool) -> None:
        """Nothing is asked of us: take back what an admission left that never began, and what was told.

        ``is_left`` says that somebody else drains the node.
        """
        if self._places.is_noted(row.node):
            self.withdraw(row.node)
        if verdicts.told(state) is not None or (is_left and row.hands.asks):
            self._teller.tell(state, verdicts.external() if is_left else verdicts.idle())

    def withdraw(self, node: str) -> None:
        """Nobody drains the node, and what an earlier drain or admission left is taken away."""
        sight = self._desk.look(node)
        if sight.node is None or sight.state is None or sight.hands is None or sight.hands.is_busy:
            return
        self._uncordon(sight.node, None)
        self._resume(node)
        claim = self._places.claim(node)
        if claim is not None:
            self._desk.withdraw(sight.state, claim)
        self._places.give_back(node, claim)

    def lost(self, node: str) -> None:
        """The Node is gone, or its node state is: nobody drains it any more, and nobody will say that it is done."""
        claim = self._places.claim(node)  # before the look: who claims afterwards may have seen a new node state
        sight = self._desk.look(node)
        if sight.node is not None and sight.state is not None:
            return
        if sight.node is not None:
            self._uncordon(sight.node, None)
        self._resume(node)
        if sight.state is not None:
            self._end(sight.state, claim)
        self._places.give_back(node, claim)

    def _uncordon(self, node: FreshNode, state: LeanNodeState | None) -> bool:
        lifted = self._desk.uncordon(node, state)
        if lifted:
            _log.info("node %s: uncordoned", node.metadata.name)
        return lifted

    def _end(self, state: LeanNodeState, claim: str | None) -> None:
        """End the drain of a Node that is gone, in the state that is kept for its return."""
        if handshake({}, state.metadata.annotations).is_busy:
            self._teller.tell(self._desk.rest(state), verdicts.idle())
        elif claim is not None:
            self._desk.withdraw(state, claim)

    def _resume(self, name: str) -> None:
        if self._openshift is None:
            return
        all_count = self._terms() is Terms.DRAIN  # who asks, else who is drained still
        rows = (row for row in self._fleet.rows() if row.hands.asks and (all_count or row.hands.is_busy))
        nodes = (self._context.caches.nodes.get(row.node) for row in rows)
        self._openshift.after_drain(name, (node for node in nodes if node is not None))

    def _orphans(self) -> Iterator[str]:
        """Nodes that are gone, and were being drained."""
        for state in self._context.caches.states.items():
            hands = handshake({}, state.metadata.annotations)
            if hands.is_busy and not hands.external and self._fleet.row(state.metadata.name) is None:
                yield state.metadata.name
