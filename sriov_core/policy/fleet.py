"""All nodes of a cluster with what follows for each. Nothing here does I/O.

A node is rendered again only when something changed that it can depend on, so that a change costs what it touches.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import attrs

from sriov_core.api.fault import Fault
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.model.observed import Nic
from sriov_core.policy.claims import strength
from sriov_core.policy.judging import DEPRECATED_NAME, Candidate, candidates, selects
from sriov_core.policy.nodeindex import NodeIndex
from sriov_core.policy.nodeoutcome import (
    NodeFacts,
    NodeOutcome,
    Settings,
    likeness,
    rdma_mode,
    relevant,
    rendered,
)
from sriov_core.policy.reach import Reach, Standing, Sync, reach, standing
from sriov_core.policy.verdict import Unmatched


@attrs.define
class Fleet:
    """The nodes, the policies and the pools. Each change answers with the names of the nodes that it can reach.

    Nodes that the settings do not manage are kept, and have no outcome. Nodes with the same cards that the same
    policies select share one rendering; what nothing depends on, such as a MAC, is not kept.
    """

    _settings: Settings = attrs.field(factory=Settings)
    _pools: tuple[PoolConfig, ...] = ()
    _candidates: dict[str, Candidate] = attrs.field(factory=dict)
    _ordered: tuple[Candidate, ...] = ()
    _nodes: dict[str, NodeFacts] = attrs.field(factory=dict)
    _index: NodeIndex = attrs.field(factory=NodeIndex)
    _outcomes: dict[str, NodeOutcome] = attrs.field(factory=dict)
    _shared: dict[Hashable, tuple[NodeOutcome, dict[str, Reach]]] = attrs.field(factory=dict)
    _reaches: dict[str, dict[str, Reach]] = attrs.field(factory=dict)
    _cards: dict[Hashable, tuple[Nic, ...]] = attrs.field(factory=dict)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The managed nodes by name."""
        return tuple(sorted(filter(self._is_managed, self._nodes)))

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies by name."""
        return tuple(sorted(self._candidates))

    def policy(self, name: str) -> NodePolicy:
        """The policy as it was put last; KeyError for one that is not there."""
        return self._candidates[name].policy

    def put_policies(self, policies: Iterable[NodePolicy]) -> frozenset[str]:
        """Add or replace policies; different ones of one name, given together, are invalid."""
        touched: set[str] = set()
        changed = False
        for candidate in candidates(policies):
            name = candidate.policy.metadata.name
            known = self._candidates.get(name)
            if known and known.policy.spec == candidate.policy.spec and known.faults == candidate.faults:
                self._candidates[name] = candidate
                continue
            touched |= self._selected(known) | self._selected(candidate)
            self._candidates[name] = candidate
            changed = True
        return self._policies_changed(touched) if changed else frozenset()

    def drop_policy(self, name: str) -> frozenset[str]:
        """Forget a policy; one that is not there reaches nothing."""
        known = self._candidates.pop(name, None)
        return self._policies_changed(self._selected(known)) if known else frozenset()

    def put_node(self, facts: NodeFacts) -> frozenset[str]:
        """Add a node or replace what is known of it."""
        facts = attrs.evolve(facts, nics=self._interned(tuple(relevant(nic) for nic in facts.nics)))
        known = self._nodes.get(facts.name)
        if known == facts:
            return frozenset()
        if known is None or known.labels != facts.labels:
            self._index.put(facts.name, facts.labels)
        self._nodes[facts.name] = facts
        return self._forget({facts.name})

    def drop_node(self, name: str) -> frozenset[str]:
        """Forget a node."""
        if self._nodes.pop(name, None) is None:
            return frozenset()
        self._index.drop(name)
        return self._forget({name})

    def put_pools(self, pools: Sequence[PoolConfig]) -> frozenset[str]:
        """Replace all pools."""
        if tuple(pools) == self._pools:
            return frozenset()
        self._pools = tuple(pools)
        return self._forget(set(self._nodes))

    def put_settings(self, settings: Settings) -> frozenset[str]:
        """Replace the settings."""
        if settings == self._settings:
            return frozenset()
        self._settings = settings
        self._shared.clear()
        return self._forget(set(self._nodes))

    def outcome(self, node: str) -> NodeOutcome:
        """What follows for a managed node; KeyError for any other."""
        found = self._outcomes.get(node)
        return found or self._render(self._nodes[node])

    def selected(self, policy: str) -> frozenset[str]:
        """The nodes that have the labels of a policy, whether or not they are managed."""
        return self._selected(self._candidates[policy])

    def faults(self, policy: str) -> tuple[Fault, ...]:
        """What is wrong with a policy by itself."""
        return self._candidates[policy].faults

    def standing(self, policy: str, syncs: Mapping[str, Sync] | None = None) -> Standing:
        """What has become of a policy over all managed nodes, rendering those that a change has reached.

        ``syncs`` is how far each node is; without it every node counts as done.
        """
        candidate = self._candidates[policy]
        managed = self._index.selected(self._settings.selector)
        reaches = {node: self._reach(policy, node) for node in self._selected(candidate) & managed}
        return standing(candidate, reaches, syncs)

    def reaches(self, node: str) -> Mapping[str, Reach]:
        """What became of each policy on a managed node that it selects; KeyError for any other node."""
        self.outcome(node)
        return self._reaches[node]

    def manages(self, node: str) -> bool:
        """True for a node that is known and managed, which has an outcome."""
        return node in self._nodes and self._is_managed(node)

    def nowhere(self, policy: str) -> tuple[Unmatched, ...]:
        """The PFs that a policy names and that no managed node which it selects has; none without such a node."""
        nodes = [node for node in self._selected(self._candidates[policy]) if self._is_managed(node)]
        missing: dict[str, list[Unmatched]] = {}
        for node in nodes:
            for entry in self.outcome(node).rendering.unmatched:
                if entry.policy == policy:
                    missing.setdefault(entry.path, []).append(entry)
        return tuple(found[0] for _, found in sorted(missing.items()) if len(found) == len(nodes))

    def _interned(self, nics: tuple[Nic, ...]) -> tuple[Nic, ...]:
        """The NICs of another node where these are equal: of thousands of nodes, most have the same cards."""
        if len(self._cards) > 2 * len(self._nodes) + 2:
            self._cards.clear()  # most of it is of nodes as they were
        return self._cards.setdefault(likeness(nics), nics) if nics else ()

    def _is_managed(self, node: str) -> bool:
        return self._settings.manages(self._nodes[node].labels)

    def _reach(self, policy: str, node: str) -> Reach:
        self.outcome(node)
        return self._reaches[node][policy]

    def _selected(self, candidate: Candidate | None) -> frozenset[str]:
        if candidate is None or candidate.policy.metadata.name == DEPRECATED_NAME:
            return frozenset()
        return self._index.selected(candidate.policy.spec.node_selector)

    def _policies_changed(self, touched: Iterable[str]) -> frozenset[str]:
        self._ordered = tuple(sorted(self._candidates.values(), key=lambda candidate: strength(candidate.policy)))
        self._shared.clear()
        return self._forget(set(touched))

    def _forget(self, nodes: set[str]) -> frozenset[str]:
        for node in nodes:
            self._outcomes.pop(node, None)
            self._reaches.pop(node, None)
        return frozenset(nodes)

    def _render(self, facts: NodeFacts) -> NodeOutcome:
        if not self._settings.manages(facts.labels):
            raise KeyError(facts.name)
        own = tuple(one for one in self._ordered if facts.labels is None or selects(one.policy, facts.labels))
        mode, remarks = rdma_mode(facts, self._pools)
        alike = (likeness(facts.nics), own, mode, facts.has_state)
        if len(self._shared) > 2 * len(self._nodes):
            self._shared.clear()  # most of it is of nodes as they were
        if alike not in self._shared:
            new = rendered(facts, own, mode, self._settings)
            self._shared[alike] = new, {summary.policy: reach(summary) for summary in new.rendering.summaries}
        shared, self._reaches[facts.name] = self._shared[alike]
        self._outcomes[facts.name] = attrs.evolve(shared, node=facts.name, remarks=remarks)
        return self._outcomes[facts.name]
