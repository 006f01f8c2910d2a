"""The cluster on one screen: counts first, then findings, worst first, then tables. No I/O."""

from collections import Counter

from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.drains import drain_findings, drains
from sriov_core.clusterview.finding import ClusterFinding, worst_first
from sriov_core.clusterview.folding import folded
from sriov_core.clusterview.general import general_findings
from sriov_core.clusterview.networks import network_findings
from sriov_core.clusterview.nodes import made_and_wished, node_findings
from sriov_core.clusterview.policies import is_applied, policy_findings
from sriov_core.planning.render import counted


def every_finding(cluster: Cluster) -> tuple[ClusterFinding, ...]:
    """All that is wrong, worst first; each thing once."""
    every = (
        *general_findings(cluster),
        *node_findings(cluster),
        *policy_findings(cluster),
        *drain_findings(cluster),
        *network_findings(cluster),
    )
    return worst_first(folded(every, cluster.policies.items))


def summary(cluster: Cluster) -> tuple[str, ...]:
    """A line of figures for each subject."""
    states = cluster.states.items
    syncs = Counter(one.status.sync_status or "not told" for one in states)
    made, wished = (sum(column) for column in zip(*map(made_and_wished, states), strict=True)) if states else (0, 0)
    applied = sum(map(is_applied, cluster.policies.items))
    busy = Counter(one.reason or "not told" for one in drains(cluster))
    return (
        f"nodes     {_counts(len(states), syncs)}; {counted(made, 'VF')} made, {wished} wished",
        f"policies  {len(cluster.policies.items)}: {applied} in place",
        f"drains    {_counts(sum(busy.values()), busy)}; {counted(len(cluster.pools.items), 'pool')}",
        f"networks  {len(cluster.networks.items)}",
    )


def _counts(total: int, counts: Counter[str]) -> str:
    told = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    return f"{total}: {told}" if told else str(total)
