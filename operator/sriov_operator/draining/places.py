"""The places of pools: who may have one now, who has one, and who is looked at when one becomes free."""

from collections.abc import Callable, Iterable
from datetime import datetime

import attrs

from sriov_operator.draining import verdicts
from sriov_operator.draining.budget import PoolView, overlap, turn
from sriov_operator.draining.fleet import Fleet, Row
from sriov_operator.draining.ledger import Entries, Ledger
from sriov_operator.draining.verdicts import Verdict


@attrs.frozen(kw_only=True)
class Taken:
    """What came of asking for a place: ``why`` not, or empty, and the claim; None in a pool without a limit."""

    why: str = ""
    claim: str | None = None


Wake = Callable[[Iterable[str]], None]
"""Called with the names of nodes that should be looked at soon."""


class Places:
    """The ledger together with what the caches say. Thread-safe for different nodes."""

    def __init__(self, ledger: Ledger, fleet: Fleet, now: Callable[[], datetime], wake: Wake) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._now = now
        self._wake = wake
        self._noted: set[str] = set()
        self._placed: set[str] = set()

    def note(self, nodes: Iterable[str]) -> None:
        """Have nodes looked at where a place or a cordon of ours may be left though nothing is drained any more."""
        fresh = set(nodes) - self._noted
        self._noted.update(fresh)
        self._wake(fresh)

    def review(self, left: Iterable[str]) -> None:
        """Note what a process before this one left: the places in the ledger, and these nodes."""
        self._see(self._ledger.read())
        self.note(left)

    def is_noted(self, node: str) -> bool:
        """Whether there may be something of ours to take away from a node at rest."""
        return node in self._noted

    @property
    def noted(self) -> tuple[str, ...]:
        """The nodes that `is_noted`."""
        return tuple(self._noted)

    def has_place(self, node: str) -> bool:
        """Whether a node is in the ledger, as far as this process knows, or in a pool that needs none."""
        return node in self._placed

    def obstacle(self, row: Row) -> Verdict | None:
        """What the caches say against beginning now; no request is made for it. Who has a place already goes on."""
        if len(row.pools) > 1:
            return verdicts.blocked(overlap(row.pools))
        pool = self._pool(row)
        why = turn(pool, row.node, frozenset({row.node} & self._placed))
        if not why:
            return None
        return verdicts.waiting(why) if pool.most else verdicts.blocked(why, pool.called)

    def take(self, row: Row) -> Taken:
        """Take a place for a node, by what the ledger says at this moment.

        Whoever calls this has read the node state before, and writes it at that version afterwards: see `ledger`.
        """
        self._noted.add(row.node)  # before the write, because its answer may be lost
        if self._pool(row).most is None:
            return Taken()
        held = self._ledger.hold(row.node, self._pool(row).name, self._now(), self._judge(row))
        self._placed.discard(row.node)
        self._see(held.entries, by=row.node)
        entry = held.entries.get(row.node)
        return Taken(why=held.why, claim=entry.claim if entry is not None else None)

    def adopt(self, row: Row) -> None:
        """Give a node its place that is being drained without one: the incumbent knows no ledger."""
        pool = self._pool(row)
        if row.node in self._placed:
            return
        self._noted.add(row.node)
        if pool.most is not None:
            self._ledger.hold(row.node, pool.name, self._now(), lambda _: "")
        self._placed.add(row.node)

    def claim(self, node: str) -> str | None:
        """The claim of a node's place as it is now; None when it has none."""
        entry = self._ledger.read().get(node)
        return None if entry is None else entry.claim

    def give_back(self, node: str, claim: str | None) -> None:
        """Give back the place of that claim, and let those look who wait for it."""
        if claim is not None:
            self._ledger.drop(node, claim)
        self._noted.discard(node)
        self._placed.discard(node)
        row = self._fleet.row(node)
        for pool in row.places if row is not None else ():
            self.wake_waiting(pool)

    def stumbled(self, node: str, *, stumbles: bool) -> None:
        """Whether beginning to drain a node failed: others go before it then, so that it holds nobody up."""
        for pool in self._fleet.stumbles(node, stumbles=stumbles):
            self.wake_waiting(pool)

    def wake_waiting(self, pool: str) -> None:
        """Have those of a pool looked at that may begin now, and those behind them that are told why not."""
        self._wake(row.node for row in self._fleet.waiting(pool, self._fleet.view(pool).next_in_line))

    def _see(self, entries: Entries, by: str = "") -> None:
        """Who has a place without knowing it, because the answer to its write was lost, is to go on at once."""
        found = entries.keys() - self._placed - {by}
        self._placed.update(entries)
        self.note(entries)
        self._wake(found)

    def _judge(self, row: Row) -> Callable[[Entries], str]:
        def judge(entries: Entries) -> str:
            pool = self._pool(row)
            rows = (self._fleet.row(name) for name in entries)
            members = {one.node for one in rows if one is not None and pool.name in one.places}
            recorded = {name for name, entry in entries.items() if entry.pool == pool.name}
            return turn(pool, row.node, members | recorded)

        return judge

    def _pool(self, row: Row) -> PoolView:
        return self._fleet.view(min(row.places))
