"""Everything that is known of nodes, policies, pools and settings, under one lock. Nothing here does I/O."""

import threading
from collections import ChainMap
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

import attrs
import msgspec

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.poolconfig import PoolConfig, PoolConfigStatus
from sriov_core.api.wire import ObjectMeta
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.nodeoutcome import NodeOutcome, Settings
from sriov_core.policy.reach import DONE, Reach, Standing, Sync
from sriov_operator.nodestates.facts import Seen, seen
from sriov_operator.nodestates.unread import NOTHING, Unread
from sriov_operator.nodestates.untold import NOT_TOLD, Untold
from sriov_operator.process.lean import LeanNode, LeanNodeState

T = TypeVar("T")

_NONE: Mapping[str, Reach] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Opening:
    """The configuration by which is worked: its uid, the plugins it disables, and whether it is being deleted."""

    uid: str
    disabled: frozenset[str] = frozenset()
    is_leaving: bool = False


@attrs.frozen(kw_only=True)
class Judged:
    """What follows for one node. ``outcome`` is None for one that is not managed, ``seen`` for one without a Node.

    ``opening`` is the one that it was judged by: without one that stays, a node without an outcome may be managed all
    the same. ``is_new`` when it was rendered since it was last asked for. ``policies`` are those whose status it
    changes. ``moment`` is for `Board.written`.
    """

    opening: Opening | None = None
    outcome: NodeOutcome | None = None
    seen: Seen | None = None
    is_new: bool = False
    policies: frozenset[str] = frozenset()
    moment: int = 0


class Board:
    """The fleet and how far its nodes are. Each change answers with the names of the nodes that it can reach.

    Without an opening nothing may be written. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fleet = Fleet()
        self._opening: Opening | None = None
        self._is_closed = False
        self._syncs: dict[str, Sync] = {}
        self._judged: dict[str, NodeOutcome] = {}
        self._reaches: dict[str, Mapping[str, Reach]] = {}
        self._counted: dict[str, frozenset[str]] = {}
        """Nodes that a change has reached and no pass has taken up, with the policies that counted them meanwhile."""
        self._untold = Untold()

    @property
    def opening(self) -> Opening | None:
        """By which configuration is worked; None while there is none."""
        with self._lock:
            return self._opening

    @property
    def is_closed(self) -> bool:
        """True when it is known that there is no configuration that stays; False before anything is known of it."""
        with self._lock:
            return self._is_closed

    @property
    def nodes(self) -> tuple[str, ...]:
        """The managed nodes by name."""
        with self._lock:
            return self._fleet.nodes

    def open(self, opening: Opening, settings: Settings) -> frozenset[str]:
        """Work by that configuration from now on; all nodes are reached when it did not before."""
        with self._lock:
            known, self._opening, self._is_closed = self._opening, opening, False
            reached = self._fleet.put_settings(settings)
            if known == opening:
                return self._reached(reached)
            for policy in filter(self._is_open, self._fleet.policies):
                self._untold.add(policy, self._fleet.selected(policy))
            return self._reached(frozenset({*reached, *self._syncs}))

    def close(self, opening: Opening | None = None) -> None:
        """Write nothing from now on; with an ``opening`` that is leaving, only what has to be done before."""
        with self._lock:
            self._opening, self._is_closed = opening, True

    def load(self, nodes: Iterable[tuple[LeanNode, LeanNodeState | None]], unread: Unread = NOTHING) -> None:
        """Take up many nodes at once, at the start."""
        found = [seen(node, state, unread) for node, state in nodes]
        with self._lock:
            for one in found:
                self._fleet.put_node(one.facts)
                self._syncs[one.facts.name] = one.sync

    def put_policies(self, policies: Iterable[NodePolicy]) -> frozenset[str]:
        """Add or replace policies."""
        put = tuple(policies)
        with self._lock:
            reached = self._fleet.put_policies(put)
            for name in {policy.metadata.name for policy in put}:
                if self.works and self._is_open(name):
                    self._untold.add(name, reached & self._fleet.selected(name))
            return self._reached(reached)

    def drop_policy(self, name: str) -> frozenset[str]:
        """Forget a policy."""
        with self._lock:
            return self._reached(self._fleet.drop_policy(name))

    def put_pools(self, pools: Iterable[PoolConfig]) -> frozenset[str]:
        """Replace all pools; their status and metadata matter to no node."""
        bare = [
            msgspec.structs.replace(pool, metadata=ObjectMeta(name=pool.metadata.name), status=PoolConfigStatus())
            for pool in pools
        ]
        with self._lock:
            return self._reached(self._fleet.put_pools(bare))

    def judge(
        self,
        name: str,
        node: LeanNode | None,
        state: LeanNodeState | None,
        unread: Unread = NOTHING,
        trouble: str = "",
    ) -> Judged:
        """Take up a node as it is now, None when it has gone, and say what follows for it.

        While nothing may be written, nothing follows; what is known of the node is kept up to date all the same.
        ``trouble`` is what is wrong with its agent.
        """
        now = seen(node, state, unread, trouble) if node else None
        with self._lock:
            if now is None:
                self._fleet.drop_node(name)
            else:
                self._fleet.put_node(now.facts)
            outcome = self._fleet.outcome(name) if self.works and self._fleet.manages(name) else None
            before = self._judged.get(name)
            policies = self._noted(name, before, outcome, now.sync if now else None)
            policies |= self._counted.pop(name, frozenset())
            if outcome is None:
                self._untold.drop(name)
            return Judged(
                opening=self._opening,
                outcome=outcome,
                seen=now,
                is_new=outcome is not before,
                policies=policies,
                moment=self._untold.moment,
            )

    def written(self, name: str, moment: int) -> frozenset[str]:
        """The node state has the wish that was judged then; answers with the policies whose status that changes."""
        with self._lock:
            return self._untold.told(name, moment)

    def standing(self, policy: str, generation: int | None = None) -> Standing | None:
        """What has become of a policy; None when it is not known, at that generation, or nothing may be written."""
        with self._lock:
            if not self.works or policy not in self._fleet.policies:
                return None
            if generation not in (None, self._fleet.policy(policy).metadata.generation):
                return None
            reached = self._counted.keys() & self._fleet.selected(policy)
            untold = self._untold.nodes(policy) | {node for node in reached if self._is_other(policy, node)}
            # One that is not done says more itself.
            waiting = {node: NOT_TOLD for node in untold if self._syncs.get(node) == DONE}
            found = self._fleet.standing(policy, ChainMap(waiting, self._syncs))
            for node in reached:
                self._counted[node] |= {policy}
            return found

    @property
    def works(self) -> bool:
        """True while there is a configuration by which is worked, and it stays."""
        opening = self._opening
        return opening is not None and not opening.is_leaving

    def _is_other(self, policy: str, node: str) -> bool:
        """True when the policy has become something else of a node than what it was judged by."""
        known = self._reaches.get(node)
        return (
            known is not None
            and self._fleet.manages(node)
            and known.get(policy) != self._fleet.reaches(node).get(policy)
        )

    def _is_open(self, policy: str) -> bool:
        """False when its stored status says that the policy as it is now is in place: a restart does not doubt that."""
        found = self._fleet.policy(policy)
        return not any(
            one.type == "Ready" and one.status == "True" and one.observed_generation == found.metadata.generation
            for one in found.status.conditions
        )

    def _reached(self, nodes: frozenset[str]) -> frozenset[str]:
        for node in nodes:
            self._counted.setdefault(node, frozenset())
        return nodes

    def _noted(
        self, name: str, before: NodeOutcome | None, outcome: NodeOutcome | None, sync: Sync | None
    ) -> frozenset[str]:
        """Note how a node is now, and answer with the policies whose status that changes."""
        is_other_sync = sync != self._syncs.get(name)
        if outcome is before and not is_other_sync:
            return frozenset()
        known, reaches = self._reaches.get(name, _NONE), self._fleet.reaches(name) if outcome else _NONE
        _put(self._judged, name, outcome)
        _put(self._syncs, name, sync)
        _put(self._reaches, name, reaches or None)
        if outcome is not None and outcome is not before:
            # Of a node that is looked at for the first time, after a restart say, what was told of it is believed.
            for policy in _differing(known, reaches) & reaches.keys():
                if before is not None or self._is_open(policy):
                    self._untold.add(policy, (name,))
        if is_other_sync:
            waiting = {policy for policy, one in reaches.items() if one.waits}
            return frozenset(waiting | _differing(known, reaches))
        return frozenset(_differing(known, reaches))


def _put(table: dict[str, T], name: str, value: T | None) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


def _differing(known: Mapping[str, Reach], now: Mapping[str, Reach]) -> set[str]:
    """The policies that became something else of a node: most that select it do not care for a change of another."""
    if known is now:
        return set()
    return {policy for policy in {*known, *now} if known.get(policy) != now.get(policy)}
