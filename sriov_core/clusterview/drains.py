"""Drains: who is drained, who waits, what holds it up and since when; and the pools that bound them. No I/O."""

from collections.abc import Iterator

import attrs

from sriov_core.api import keys
from sriov_core.api.nodestate import NodeState
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.clusterview.cluster import Cluster, age
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import told
from sriov_core.clusterview.grid import LONGEST, Grid
from sriov_core.clusterview.objects import condition_of
from sriov_core.errors import SpecError
from sriov_core.plugin.diagnosis import Severity
from sriov_core.policy.pools import pool_of, stuck

IDLE = "Idle"


@attrs.frozen(kw_only=True)
class Drain:
    """The drain of one node: what its agent asks for, what is answered, and what the operator says of it."""

    node: str
    request: str
    answer: str
    reason: str = ""
    message: str = ""
    since: str = ""
    pool: str = ""
    cordoned: bool = False

    @property
    def rests(self) -> bool:
        """True when nobody asks and nobody drains."""
        return self.request == IDLE and self.answer == IDLE


def drain_of(cluster: Cluster, state: NodeState) -> Drain:
    """How the drain of the node with this state stands. The Node's own request counts, where it can be read."""
    meta, name = state.metadata, state.metadata.name
    node = cluster.node(name)
    mirrored = meta.annotations.get(keys.DESIRED_STATE, IDLE)
    condition = condition_of(state.status.conditions, "Drained")
    labels = node.metadata.labels if node else {}
    pools = pool_of(labels, cluster.pools.items).pools if node else ()
    return Drain(
        node=name,
        request=node.metadata.annotations.get(keys.NODE_STATE, mirrored) if node else mirrored,
        answer=meta.annotations.get(keys.CURRENT_STATE, IDLE),
        reason=condition.reason if condition else "",
        message=condition.message if condition else "",
        since=meta.annotations.get(keys.DRAIN_SINCE) or meta.annotations.get(keys.REQUESTED_SINCE, ""),
        pool=", ".join(one.metadata.name for one in pools),
        cordoned=bool(node and node.spec.unschedulable),
    )


def drains(cluster: Cluster) -> tuple[Drain, ...]:
    """Those that are under way or asked for, the longest first, and blocked ones before all others."""
    busy = [one for one in (drain_of(cluster, state) for state in cluster.states.items) if not one.rests]
    return tuple(sorted(busy, key=lambda one: (one.reason != "Blocked", one.since or "9", one.node)))


def drain_grid(cluster: Cluster) -> Grid:
    """A row for each node that is drained or asks for it."""
    columns = ("NODE", "ASKS FOR", "ANSWER", "SINCE", "POOL", "STATE", "WHAT IT WAITS FOR")
    rows = (
        (
            one.node,
            one.request,
            one.answer,
            age(one.since, cluster.now) or "-",
            one.pool or "-",
            one.reason or "not told",
            one.message or "-",
        )
        for one in drains(cluster)
    )
    return Grid(title="drains", columns=columns, rows=tuple(rows), empty="no node is drained, and none asks for it")


def pool_grid(cluster: Cluster) -> Grid:
    """A row for each pool."""
    columns = ("POOL", "NODES", "AT ONCE", "DRAINED", "WAITING", "STATE")
    rows = tuple(
        (
            one.metadata.name,
            one.status.nodes,
            "no limit" if one.spec.max_unavailable is None else one.spec.max_unavailable,
            one.status.draining,
            one.status.waiting,
            told(condition_of(one.status.conditions, "Ready")) or "not told",
        )
        for one in sorted(cluster.pools.items, key=lambda pool: pool.metadata.name)
    )
    return Grid(
        title="pools",
        columns=columns,
        rows=rows,
        longest=LONGEST,
        empty="no pools: nodes are drained one after the other",
    )


def drain_findings(cluster: Cluster) -> Iterator[ClusterFinding]:
    """What holds drains up."""
    for one in drains(cluster):
        yield from drain_finding(one, cluster)
    for pool in cluster.pools.items:
        yield from _pool(pool)


def drain_finding(one: Drain, cluster: Cluster) -> Iterator[ClusterFinding]:
    """What holds up the drain of one node, if anything does."""
    about, waits = f"Node {one.node}", age(one.since, cluster.now)
    since = f" (since {waits})" if waits else ""
    seen = f"SriovNetworkNodeState {one.node}: status.conditions[Drained]"
    if one.reason == "Blocked":
        remedy = f"Do what the sentence says{'; the node stays cordoned meanwhile' if one.cordoned else ''}"
        yield found("LIFE-721", Severity.FAIL, about, f"its drain is blocked{since}: {one.message}", remedy, seen)
    elif one.reason == "Waiting":
        remedy = "Wait, or raise maxUnavailable of its pool when it lasts too long"
        yield found("LIFE-722", Severity.ADVICE, about, f"waits to be drained{since}: {one.message}", remedy, seen)
    elif not one.reason and not one.rests and one.answer == IDLE:
        asked = f"Node {one.node}: metadata.annotations[{keys.NODE_STATE}]"
        remedy = "See whether the operator runs, and whether its controller drain is switched off"
        fact = f"asks for {one.request}{since}, and nobody says anything about it"
        yield found("LIFE-723", Severity.WARN, about, fact, remedy, asked)


def foreign_cordon(one: Drain) -> Iterator[ClusterFinding]:
    """That a Node is cordoned, where that is not for a drain of the operator."""
    if one.cordoned and one.answer == IDLE:
        fact = "is cordoned, and not for a drain of the operator, which leaves it so"
        remedy = f"When it shall take pods again: kubectl uncordon {one.node}"
        about = f"Node {one.node}"
        yield found("K8S-433", Severity.ADVICE, about, fact, remedy, f"{about}: spec.unschedulable")


def _pool(pool: PoolConfig) -> Iterator[ClusterFinding]:
    about = f"SriovNetworkPoolConfig {pool.metadata.name}"
    ready = condition_of(pool.status.conditions, "Ready")
    if ready and ready.status == "False":
        severity = Severity.FAIL if ready.reason in {"BadSelector", "Overlap", "NobodyIsDrained"} else Severity.WARN
        fact, seen = f"{ready.reason}: {ready.message}", "status.conditions[Ready]"
        yield found("LIFE-724", severity, about, fact, "Correct the pool as the sentence says", seen)
    elif ready is None:
        try:
            why = stuck(pool.spec.max_unavailable, pool.status.nodes)
        except SpecError as err:
            why = str(err)
        if why:
            yield found("LIFE-724", Severity.FAIL, about, why, "Correct maxUnavailable", "spec.maxUnavailable")
