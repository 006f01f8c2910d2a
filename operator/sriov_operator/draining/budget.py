"""How many nodes of a pool may be drained at once, whose turn it is, and why the others wait. Nothing here does I/O."""

from collections.abc import Iterable, Set

import attrs

from sriov_core.errors import SpecError
from sriov_core.policy.pools import max_unavailable, stuck

SHOWN = 20
"""So many of those that wait are told exactly what for; all would be written anew each time that one is done."""

_NAMED = 5

BUILT_IN = ""
"""The name of the pool of all nodes that are in no other; no pool can be called so."""
BUILT_IN_LIMIT = 1


@attrs.frozen(kw_only=True)
class PoolView:
    """A pool as it stands: ``limit`` as its spec says, ``busy`` the nodes that are drained or being drained.

    ``waiting`` begins with the node that waits longest. ``unknown`` are the paths of fields of its spec that nobody
    reads.
    """

    name: str = BUILT_IN
    limit: int | str | None = BUILT_IN_LIMIT
    members: int = 0
    busy: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """The pool in a sentence."""
        return f"pool {self.name}" if self.name else "the built-in pool"

    @property
    def is_doubtful(self) -> bool:
        """True when a limit is left out beside fields that nobody reads: one of them may be the limit, misspelled."""
        return self.limit is None and bool(self.unknown)

    @property
    def most(self) -> int | None:
        """How many may be drained at once; None is no limit, and 0 stands for a limit that makes no sense too."""
        if self.is_doubtful:
            return BUILT_IN_LIMIT
        return 0 if obstacle(self) else max_unavailable(self.limit, self.members)

    @property
    def next_in_line(self) -> int:
        """How many of those that wait a change concerns: who may begin now, and who is told what for he waits."""
        most = self.most
        return SHOWN + (0 if most is None else max(0, most - len(self.busy)))


def obstacle(pool: PoolView) -> str:
    """Why no node of a pool is drained, whoever waits; empty when some may be."""
    try:
        reason = stuck(pool.limit, pool.members)
    except SpecError as err:
        return f"maxUnavailable of {pool.called} makes no sense: {err}"
    return f"{pool.called}: {reason}. Raise maxUnavailable of SriovNetworkPoolConfig {pool.name}" if reason else ""


def turn(pool: PoolView, node: str, held: Set[str] = frozenset()) -> str:
    """Why a node of a pool has to wait; empty when it may be drained now.

    ``held`` are the nodes that have a place already, whether or not ``pool`` knows it; so one of them may go on.
    """
    if reason := obstacle(pool):
        return reason
    most = pool.most
    if most is None or node in held:
        return ""
    taken = sorted({*pool.busy, *held} - {node})
    queue = [one for one in pool.waiting if one not in held]
    free = max(0, most - len(taken))
    before = queue.index(node) if node in queue else 0
    return "" if before < free else _told(pool, most, taken, free, before)


def overlap(pools: Iterable[str]) -> str:
    """Why a node that several pools select is never drained."""
    names = " and ".join(pools)
    return f"the pools {names} select the node, and none counts: change a nodeSelector, or the node's labels"


def listed(names: Iterable[str], most: int = _NAMED) -> str:
    """Names in a sentence: the first few, and how many there are beside them."""
    every = tuple(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return f"{', '.join(every[:most])}{more}"


def _told(pool: PoolView, most: int, taken: list[str], free: int, before: int) -> str:
    drains = f"{pool.called} drains {most} {'node' if most == 1 else 'nodes'} at a time"
    if before >= free + SHOWN:
        return f"{drains}, and more than {SHOWN} wait longer than this one"
    now = f", now {listed(taken)}" if taken else ""
    wait = f"; {before} {'waits' if before == 1 else 'wait'} longer" if before else ""
    return f"{drains}{now}{wait}"
