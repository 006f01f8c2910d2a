"""What the status of a pool says: its nodes, who is drained, who waits and what for, and what is wrong. No I/O."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import attrs

from sriov_core.api.conditions import Condition
from sriov_core.api.fault import legible
from sriov_core.api.poolconfig import PoolConfig, PoolConfigStatus, PoolNode
from sriov_core.policy.pools import selector_faults
from sriov_operator.draining import moments, verdicts
from sriov_operator.draining.budget import SHOWN, PoolView, listed, obstacle, turn
from sriov_operator.draining.fleet import Row
from sriov_operator.process.lean import LeanNodeState
from sriov_operator.stored import SEE_ACCEPTED, unread

READY = "Ready"
WAITING = "Waiting"

StateOf = Callable[[str], LeanNodeState | None]


@attrs.frozen(kw_only=True)
class Facts:
    """A pool and its nodes; ``waiting`` are the first of those that wait, ``overlapping`` those of other pools too."""

    pool: PoolConfig
    view: PoolView
    busy: tuple[Row, ...] = ()
    waiting: tuple[Row, ...] = ()
    overlapping: tuple[Row, ...] = ()


def status(facts: Facts, state_of: StateOf, now: datetime, deadline_s: float) -> PoolConfigStatus:
    """The status; of its conditions, those that are wanted, without their times."""
    late = tuple(row.node for row in facts.busy if _left_s(state_of(row.node), now, deadline_s) <= 0)
    drained = sorted(facts.busy, key=lambda row: (row.node not in late, row.node))
    members = [*(_drained(row, state_of(row.node)) for row in drained), *_waiting(facts)]
    return PoolConfigStatus(
        nodes=facts.view.members,
        max_unavailable=facts.view.most,
        draining=len(facts.busy),
        waiting=len(facts.view.waiting),
        members=tuple(members[:SHOWN]),
        conditions=(_ready(facts, late, deadline_s),),
    )


def next_late_s(facts: Facts, state_of: StateOf, now: datetime, deadline_s: float) -> float | None:
    """Seconds until the next node of the pool is late; None when none can be."""
    left = [_left_s(state_of(row.node), now, deadline_s) for row in facts.busy]
    return min((seconds for seconds in left if seconds > 0), default=None)


def offloading(pool: PoolConfig, problem: str) -> PoolConfigStatus:
    """The status of a pool for Open vSwitch offload, which is no drain pool."""
    name = pool.spec.ovs_hardware_offload_config.name
    if problem:
        return PoolConfigStatus(conditions=(_condition(pool, "OffloadFailed", problem),))
    message = f"Open vSwitch on the nodes of machine config pool {name} offloads, where there are machine config pools"
    return PoolConfigStatus(conditions=(_condition(pool, "Offloads", message, good=True),))


def _ready(facts: Facts, late: Iterable[str], deadline_s: float) -> Condition:
    wrong = tuple(_wrong(facts, tuple(late), deadline_s))
    if wrong:
        return _condition(facts.pool, wrong[0][0], "; ".join(text for _, text in wrong))
    most = "any number of them" if facts.view.most is None else f"up to {facts.view.most}"
    nodes = "1 node" if facts.view.members == 1 else f"{facts.view.members} nodes"
    told = f"{nodes}; {most} may be drained at once"
    if facts.view.is_doubtful:
        why = f"maxUnavailable is left out, and {unread(facts.view.unknown)}"
        told = f"{told}, because {why}. Give maxUnavailable, or correct or remove the unknown{SEE_ACCEPTED}"
    elif not facts.view.members:
        told = "0 nodes: its nodeSelector matches no node"
    return _condition(facts.pool, "PoolReady", told, good=True)


def _wrong(facts: Facts, late: tuple[str, ...], deadline_s: float) -> Iterator[tuple[str, str]]:
    """The reason and text of each thing that somebody has to mend, the worst first."""
    selector = facts.pool.spec.node_selector
    faults = selector_faults(selector) if selector is not None else ()
    if faults:
        yield "BadSelector", f"it selects no node: {'; '.join(map(str, faults))}"
    if reason := obstacle(facts.view):
        yield "NobodyIsDrained", reason
    if facts.overlapping:
        others = sorted({name for row in facts.overlapping for name in row.pools} - {facts.pool.metadata.name})
        names = listed(row.node for row in facts.overlapping)
        rivals = f"the pools {', '.join(others)} select" if len(others) > 1 else f"pool {others[0]} selects"
        those = "them" if len(facts.overlapping) > 1 else "it"
        told = f"never drained, because {rivals} {those} too: {names}"
        yield "Overlap", f"{told}. Change a nodeSelector, or labels of these nodes"
    if late:
        within = moments.duration(deadline_s)
        told = f"not drained, or not back, within {within}, and keeping their places: {listed(late)}"
        yield verdicts.DEADLINE, f"{told}. What each waits for is in status.members"


def _condition(pool: PoolConfig, reason: str, message: str, *, good: bool = False) -> Condition:
    return Condition(
        type=READY,
        status="True" if good else "False",
        reason=reason,
        message=message,
        observed_generation=pool.metadata.generation,
    )


def _drained(row: Row, state: LeanNodeState | None) -> PoolNode:
    held = verdicts.told(state) if state is not None else None
    since = verdicts.began(state) if state is not None else ""
    return PoolNode(name=row.node, state=legible(row.hands.answer), reason=held.message if held else "", since=since)


def _waiting(facts: Facts) -> Iterator[PoolNode]:
    for row in facts.waiting:
        since = moments.written(row.since) if row.since is not None else ""
        yield PoolNode(name=row.node, state=WAITING, reason=turn(facts.view, row.node) or "it is next", since=since)


def _left_s(state: LeanNodeState | None, now: datetime, deadline_s: float) -> float:
    return deadline_s if state is None else verdicts.left_s(state, now, deadline_s)
