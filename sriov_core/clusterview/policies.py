"""The policies: which are in place, and which are not, on which node and why. No I/O."""

from collections.abc import Iterator

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import told
from sriov_core.clusterview.grid import LONGEST, Cell, Grid
from sriov_core.clusterview.objects import condition_of
from sriov_core.planning.render import counted
from sriov_core.plugin.diagnosis import Severity

_UNMATCHED = "unmatched"
_NODES = "`kubectl sriov nodes` shows what is wrong on these nodes"
_BACK = "VFs that the policy had are given back"
_MEANING: dict[str, tuple[str, Severity, str]] = {
    "Failed": ("POL-501", Severity.FAIL, _NODES),
    "Invalid": ("POL-502", Severity.FAIL, "Correct the fields that the sentence names"),
    "NoNodeMatched": ("POL-503", Severity.FAIL, f"Compare nodeSelector with kubectl get nodes --show-labels. {_BACK}"),
    "NoNicMatched": ("POL-504", Severity.FAIL, f"Compare spec.nicSelector with `kubectl sriov nodes NAME`. {_BACK}"),
    "Displaced": ("POL-505", Severity.FAIL, "Give it a lower priority number, or claim other VFs with pfNames #a-b"),
    "PartlyDisplaced": ("POL-505", Severity.WARN, "Claim other VFs with pfNames #a-b, or lower its priority number"),
    "NotReported": ("POL-506", Severity.WARN, "See whether agents run: `kubectl sriov status`"),
    "Progressing": ("POL-507", Severity.ADVICE, "Wait; where a drain is blocked, do what the sentence says"),
    "NoVfs": ("POL-508", Severity.ADVICE, "Raise spec.numVfs if VFs are wanted"),
    "Ignored": ("POL-509", Severity.WARN, "Create it under another name"),
    "NoConfiguration": ("POL-510", Severity.WARN, "Create the SriovOperatorConfig default"),
}
_UNTOLD = "See whether the operator runs, and whether its controller nodestates is switched off"


def policy_grid(cluster: Cluster) -> Grid:
    """A row for each policy, those that are not in place first."""
    columns = ("POLICY", "RESOURCE", "PRIORITY", "NODES", "APPLIED", "VFS", "PENDING", "FAILED", "STATE")
    ordered = sorted(cluster.policies.items, key=lambda one: (is_applied(one), one.metadata.name))
    rows = tuple(map(_row, ordered))
    return Grid(title="policies", columns=columns, rows=rows, longest=LONGEST, empty="no policies")


def detail_grid(policy: NodePolicy) -> Grid:
    """A row for each selected node on which the policy is not in place or takes no NIC, as its status tells it."""
    rows = tuple((one.node, one.outcome, one.reason) for one in policy.status.details)
    unmatched = [one.outcome == _UNMATCHED for one in policy.status.details]
    is_not = " or ".join(["is not in place"] * (not all(unmatched) or not rows) + ["takes no NIC"] * any(unmatched))
    everywhere = f"nowhere: it is in place on {counted(policy.status.matched_nodes, 'node')}, all that it selects"
    return Grid(
        title=f"where {policy.metadata.name} {is_not}",
        columns=("NODE", "OUTCOME", "WHY"),
        rows=rows,
        empty=everywhere if is_applied(policy) and _is_current(policy) else "its status names no such node",
    )


def no_such_policy(name: str, cluster: Cluster) -> str:
    """What to tell who asks for a policy that is not there."""
    known = ", ".join(sorted(one.metadata.name for one in cluster.policies.items)) or "none"
    refused = f" ({cluster.policies.refused})" if cluster.policies.refused else ""
    text = f"there is no policy {name} in namespace {cluster.namespace}{refused}. There are: {known}"
    for one in cluster.strays.items:
        if (one.kind, one.name) == ("SriovNetworkNodePolicy", name):
            there = f"There is one of that name in namespace {one.namespace}, which the operator does not read"
            text = f"{text}. {there}: create it in namespace {cluster.namespace}, and delete the other"
    return text


def policy_findings(cluster: Cluster) -> Iterator[ClusterFinding]:
    """One for each policy that is not in place."""
    for one in cluster.policies.items:
        yield from policy_finding(one, cluster)


def policy_finding(policy: NodePolicy, cluster: Cluster) -> Iterator[ClusterFinding]:
    """What keeps a policy from being in place, if anything does."""
    about = f"SriovNetworkNodePolicy {policy.metadata.name}"
    ready = condition_of(policy.status.conditions, "Ready")
    if ready is None:
        fact = "nobody has written its status"
        yield found("POL-511", Severity.WARN, about, fact, _UNTOLD, "status.conditions")
    elif ready.observed_generation < policy.metadata.generation:
        fact = "its last change has not been looked at yet"
        yield found("POL-511", Severity.WARN, about, fact, _UNTOLD, "status.conditions[Ready].observedGeneration")
    elif ready.reason in _MEANING:
        code, severity, remedy = _MEANING[ready.reason]
        near = _nearest(policy, cluster) if ready.reason == "NoNodeMatched" else ""
        fact = f"{ready.reason}: {ready.message}{near}"
        yield found(code, severity, about, fact, remedy, "status.conditions[Ready]")
    elif ready.status != "True":
        yield found("POL-511", Severity.WARN, about, f"{ready.reason}: {ready.message}", _UNTOLD, "status.conditions")


def is_applied(policy: NodePolicy) -> bool:
    """True when its condition Ready is True, and it took all that it asks for."""
    ready = condition_of(policy.status.conditions, "Ready")
    return bool(ready and ready.status == "True" and ready.reason == "Applied")


def _is_current(policy: NodePolicy) -> bool:
    """True when its condition Ready is about the policy as it is now."""
    ready = condition_of(policy.status.conditions, "Ready")
    return bool(ready and ready.observed_generation == policy.metadata.generation)


def selects(policy: NodePolicy, labels: dict[str, str]) -> bool:
    """True when the node selector of the policy takes a node with these labels."""
    return all(labels.get(key) == value for key, value in policy.spec.node_selector.items())


def _nearest(policy: NodePolicy, cluster: Cluster) -> str:
    """The node that lacks least of the wanted labels, a managed one first; empty where no Node may be looked at."""
    wanted = policy.spec.node_selector.items()
    lacks = {
        one.metadata.name: [f"{key}={value}" for key, value in wanted if one.metadata.labels.get(key) != value]
        for one in cluster.nodes.items
    }
    if not lacks:
        return ""
    name = min(lacks, key=lambda node: (len(lacks[node]), cluster.state(node) is None, node))
    if lacks[name]:
        return f"; nearest: {name} lacks {', '.join(lacks[name])}"
    if cluster.state(name):
        return ""  # the status is older than the labels
    return f"; {name} has them and is not managed (`kubectl sriov explain node {name}` says why)"


def _row(policy: NodePolicy) -> tuple[Cell, ...]:
    status = policy.status
    return (
        policy.metadata.name,
        policy.spec.resource_name,
        policy.spec.priority,
        status.matched_nodes,
        status.applied_nodes,
        status.applied_vfs,
        status.pending_nodes,
        status.failed_nodes,
        told(condition_of(status.conditions, "Ready")) or "not told",
    )
