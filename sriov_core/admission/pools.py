"""The rules for pools of nodes. Nothing here does I/O."""

from collections.abc import Iterator

from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Finding, denied, on_nodes, warned
from sriov_core.api.fault import legible, shown
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.errors import SpecError
from sriov_core.policy.pools import pool_faults, pool_of, stuck

_LIMIT = "spec.maxUnavailable"
_SELECTOR = "spec.nodeSelector"


def findings(pool: PoolConfig, cluster: Cluster) -> Iterator[Finding]:
    """Everything that the rules say of a pool that is created or changed.

    ``cluster`` may hold an older version of it, which is not looked at.
    """
    yield from by_itself(pool)
    yield from _namespace(pool, cluster)
    if pool.spec.ovs_hardware_offload_config.name:
        return  # its nodes are those of a MachineConfigPool
    yield from _limit(pool, cluster)
    if cluster.is_own(pool.metadata.namespace):
        yield from _overlaps(pool, cluster)


def by_itself(pool: PoolConfig) -> Iterator[Finding]:
    """What makes a pool meaningless, whatever the cluster."""
    spec = pool.spec
    if spec.ovs_hardware_offload_config.name:
        for path, given in ((_LIMIT, spec.max_unavailable), (_SELECTOR, spec.node_selector)):
            if given is not None:
                named = shown(spec.ovs_hardware_offload_config.name)
                text = f"it cannot be combined with ovsHardwareOffloadConfig.name {named}, which has nodes of its own"
                yield denied(path, text, "Remove it, or the name")
    yield from map(Finding, pool_faults(pool))


def _namespace(pool: PoolConfig, cluster: Cluster) -> Iterator[Finding]:
    found, wanted = pool.metadata.namespace, cluster.operator_namespace
    if not cluster.is_own(found):
        text = f"found {shown(found)}; only pools in the operator's namespace {shown(wanted)} are acted on"
        yield warned("metadata.namespace", text, f"Create it in {wanted}")


def _limit(pool: PoolConfig, cluster: Cluster) -> Iterator[Finding]:
    limit = pool.spec.max_unavailable
    selected = sum(1 for node in cluster.nodes if node.labels is not None and pool_of(node.labels, [pool]).pool)
    try:
        why = stuck(limit, selected or (1 if isinstance(limit, int) else 0))
    except SpecError:
        return  # told by by_itself
    if why:
        yield warned(_LIMIT, why, "Leave it out for no limit")


def _overlaps(pool: PoolConfig, cluster: Cluster) -> Iterator[Finding]:
    """A node belongs to one pool at most: of several, none can count."""
    found: dict[Finding, list[str]] = {}
    for other in sorted(cluster.counting_pools, key=lambda other: other.metadata.name):
        if other.metadata.name == pool.metadata.name:
            continue
        finding = _overlap(other)
        for node in cluster.nodes:
            if node.labels is not None and pool_of(node.labels, [pool, other]).is_ambiguous:
                found.setdefault(finding, []).append(node.name)
        if not cluster.nodes and not cluster.is_complete and _same_nodes(pool, other):
            yield finding
    yield from on_nodes(found)


def _overlap(other: PoolConfig) -> Finding:
    text = f"the nodes of a pool must not be in another one, and pool {legible(other.metadata.name)} has some of these"
    return denied(_SELECTOR, text, "Give the two pools selectors that share no node")


def _same_nodes(pool: PoolConfig, other: PoolConfig) -> bool:
    """True when the two select the same nodes, whatever these are."""
    return not other.spec.ovs_hardware_offload_config.name and pool.spec.node_selector == other.spec.node_selector
