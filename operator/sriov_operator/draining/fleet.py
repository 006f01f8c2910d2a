"""Where every node stands: its pools, what it asks for, since when; kept up to date by changes, never by lists.

A change costs what it touches: the node's row, and the views of its pools when somebody asks for them. Nothing here
does I/O.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import attrs

from sriov_core.api import keys
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.policy.pools import pool_of
from sriov_operator.draining import moments
from sriov_operator.draining.budget import BUILT_IN, PoolView
from sriov_operator.draining.protocol import Handshake, handshake
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.stored import unknown_of

Pools = frozenset[str]
_NONE: Pools = frozenset()


@attrs.frozen(kw_only=True)
class Row:
    """A Node that is there; ``pools`` are those that select it, none for the built-in one.

    ``known`` says that it has a node state. ``since`` is when it asked, while it waits.
    """

    node: str
    pools: tuple[str, ...]
    hands: Handshake
    known: bool
    since: datetime | None
    stumbles: bool

    @property
    def places(self) -> Pools:
        """The pools that it is a member of."""
        return frozenset(self.pools or (BUILT_IN,))

    @property
    def waits(self) -> bool:
        """True when it stands in the queue of its one pool."""
        return self.known and self.hands.is_waiting and len(self.pools) < 2


@attrs.define
class _Pool:
    """The members of a pool by how they stand."""

    members: set[str] = attrs.field(factory=set)
    busy: set[str] = attrs.field(factory=set)
    waiting: set[str] = attrs.field(factory=set)


class Fleet:
    """Thread-safe. Each ``..._changed`` is told as informers tell, and answers the pools in which something differs."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._nodes: dict[str, LeanNode] = {}
        self._states: dict[str, LeanNodeState] = {}
        self._configs: dict[str, PoolConfig] = {}
        self._selected: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, Row] = {}
        self._pools: dict[str, _Pool] = {}
        self._views: dict[str, PoolView] = {}
        self._first_seen: dict[str, datetime] = {}
        self._stumbling: set[str] = set()

    def node_changed(self, before: LeanNode | None, after: LeanNode | None) -> Pools:
        """A Node is new, different or gone."""
        name = _name(before, after)
        with self._lock:
            if after is None:
                self._nodes.pop(name, None)
                self._selected.pop(name, None)
            else:
                self._nodes[name] = after
                if before is None or before.metadata.labels != after.metadata.labels or name not in self._selected:
                    self._select(name)
            return self._refresh(name)

    def state_changed(self, before: LeanNodeState | None, after: LeanNodeState | None) -> Pools:
        """A node state is new, different or gone."""
        name = _name(before, after)
        with self._lock:
            if after is None:
                self._states.pop(name, None)
            else:
                self._states[name] = after
            return self._refresh(name)

    def pool_changed(self, before: PoolConfig | None, after: PoolConfig | None) -> Pools:
        """A pool is new, different or gone; its status does not count."""
        if before is not None and after is not None and before.spec == after.spec:
            return _NONE
        name = _name(before, after)
        with self._lock:
            if after is None:
                self._configs.pop(name, None)
            else:
                self._configs[name] = after
            for node in self._nodes:
                self._select(node)
            touched = {name}.union(*(self._refresh(node) for node in (*self._nodes,)))
            return self._forget(touched)

    def stumbles(self, node: str, *, stumbles: bool) -> Pools:
        """Whether beginning to drain a node failed last time: others go before it then, so that it holds nobody up."""
        with self._lock:
            if (node in self._stumbling) == stumbles:
                return _NONE
            (self._stumbling.add if stumbles else self._stumbling.discard)(node)
            return self._refresh(node)

    def row(self, node: str) -> Row | None:
        """How a node stands; None when there is no such Node."""
        with self._lock:
            return self._rows.get(node)

    def rows(self) -> tuple[Row, ...]:
        """How every node stands."""
        with self._lock:
            return tuple(self._rows.values())

    def view(self, pool: str) -> PoolView:
        """A pool as it stands; one that is not there has no members."""
        with self._lock:
            if pool not in self._views:
                self._views[pool] = self._viewed(pool)
            return self._views[pool]

    def busy(self, pool: str) -> tuple[Row, ...]:
        """The members that are drained or being drained, by name."""
        return tuple(self._of(self.view(pool).busy))

    def waiting(self, pool: str, most: int) -> tuple[Row, ...]:
        """The first of those that wait."""
        return tuple(self._of(self.view(pool).waiting[:most]))

    def overlapping(self, pool: str) -> tuple[Row, ...]:
        """The members that another pool selects too, by name."""
        with self._lock:
            members = self._pools[pool].members if pool in self._pools else ()
            return tuple(row for row in self._of(sorted(members)) if len(row.pools) > 1)

    @property
    def size(self) -> int:
        """How many Nodes there are."""
        with self._lock:
            return len(self._nodes)

    def _of(self, names: Iterable[str]) -> Iterator[Row]:
        with self._lock:
            yield from [self._rows[name] for name in names if name in self._rows]

    def _select(self, node: str) -> None:
        found = pool_of(self._nodes[node].metadata.labels, self._configs.values())
        self._selected[node] = tuple(pool.metadata.name for pool in found.pools)

    def _refresh(self, node: str) -> Pools:
        """Put a node's row where it belongs now."""
        before, after = self._rows.get(node), self._row(node)
        if before == after:
            return _NONE
        if before is not None:
            del self._rows[node]
            for place in before.places:
                pool = self._pools[place]
                for names in (pool.members, pool.busy, pool.waiting):
                    names.discard(node)
        if after is not None:
            self._rows[node] = after
            for place in after.places:
                self._put(self._pools.setdefault(place, _Pool()), after)
        return self._forget((before.places if before else _NONE) | (after.places if after else _NONE))

    def _put(self, pool: _Pool, row: Row) -> None:
        pool.members.add(row.node)
        if row.known and row.hands.is_busy:
            pool.busy.add(row.node)
        elif row.waits:
            pool.waiting.add(row.node)

    def _row(self, node: str) -> Row | None:
        found, state = self._nodes.get(node), self._states.get(node)
        if found is None:
            self._first_seen.pop(node, None)
            self._stumbling.discard(node)
            return None
        annotations = state.metadata.annotations if state else {}
        hands = handshake(found.metadata.annotations, annotations, found.metadata.uid)
        return Row(
            node=node,
            pools=self._selected[node],
            hands=hands,
            known=state is not None,
            since=self._since(node, annotations, waits=hands.is_waiting),
            stumbles=node in self._stumbling,
        )

    def _since(self, node: str, annotations: dict[str, str], *, waits: bool) -> datetime | None:
        """When it asked. An agent that does not write it, or writes nonsense, has asked when we first saw it."""
        if not waits:
            self._first_seen.pop(node, None)
            return None
        return moments.read(annotations.get(keys.REQUESTED_SINCE, "")) or self._first_seen.setdefault(node, self._now())

    def _viewed(self, name: str) -> PoolView:
        pool, config = self._pools.get(name, _Pool()), self._configs.get(name)
        queue = sorted(pool.waiting, key=self._order)
        view = PoolView(name=name, members=len(pool.members), busy=tuple(sorted(pool.busy)), waiting=tuple(queue))
        if config is None:
            return view
        return attrs.evolve(view, limit=config.spec.max_unavailable, unknown=unknown_of(config))

    def _order(self, node: str) -> tuple[bool, datetime, str]:
        row = self._rows[node]
        return row.stumbles, row.since or self._now(), node

    def _forget(self, touched: Iterable[str]) -> Pools:
        names = frozenset(touched)
        for name in names:
            self._views.pop(name, None)
        return names


def _name(*objects: LeanNode | LeanNodeState | PoolConfig | None) -> str:
    return next(one.metadata.name for one in objects if one is not None)
