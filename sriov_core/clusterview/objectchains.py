"""Why a node is not as it is wished, and why a policy is not in place: chains up to the first broken link. No I/O."""

from collections.abc import Iterable

from sriov_core.api import keys
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import InterfaceReport, InterfaceWish, NodeState
from sriov_core.clusterview.cluster import AGENT, DEVICE_PLUGIN, Cluster
from sriov_core.clusterview.drains import drain_finding, drain_of, foreign_cordon
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import config_of, general_findings
from sriov_core.clusterview.grid import Grid
from sriov_core.clusterview.nodes import (
    made_and_wished,
    nic_grid,
    not_taken_up,
    plugin_trouble,
    state_findings,
    wished_resources,
)
from sriov_core.clusterview.objects import Node, condition_of
from sriov_core.clusterview.passedover import passed_over
from sriov_core.clusterview.policies import detail_grid, policy_finding, selects
from sriov_core.clusterview.scheduling import offered
from sriov_core.clusterview.story import Chain, Story
from sriov_core.planning.render import counted
from sriov_core.plugin.diagnosis import Severity

_CONFIGURED = "the operator has its configuration"
_WORKERS = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}


def explain_node(name: str, cluster: Cluster) -> Story | None:
    """The chain for a node; None when there is neither a Node nor a node state of that name."""
    node, state, chain = cluster.node(name), cluster.state(name), Chain(f"is node {name} as it is wished")
    if node is None and state is None:
        return None
    about = f"Node {name}"
    wrong = _configured(cluster, chain)
    if wrong:
        return chain.breaks(_CONFIGURED, wrong)
    unmanaged = _managed(node, state, cluster, chain, about)
    if unmanaged or state is None:
        return unmanaged
    wrongs = tuple(state_findings(cluster, state))
    blocking = _first(wrongs, ("K8S-424", "K8S-425", "K8S-422"))
    if blocking:
        return chain.breaks("its agent reports", blocking)
    chain.holds("its agent reports", state.status.sync_status or "not told")
    judged = state.metadata.annotations.get(keys.RENDERED) == "true"
    chain.holds("its wish is written", _wish(state) + ("" if judged else "; the operator has not marked it as judged"))
    for what, code in (("each NIC has a driver", "K8S-423"), ("it is configured", "K8S-421")):
        failing = _first(wrongs, (code,))
        if failing:
            return chain.breaks(what, failing, nic_grid(state))
        if code == "K8S-423":
            chain.holds(what, f"{counted(len(state.status.interfaces), 'NIC')} reported")
    return _on_its_way(cluster, state, chain, wrongs)


def explain_policy(policy: NodePolicy, cluster: Cluster) -> Story:
    """The chain for a policy."""
    chain = Chain(f"is policy {policy.metadata.name} in place")
    wrong = _configured(cluster, chain)
    if wrong:
        return chain.breaks(_CONFIGURED, wrong)
    _fields(policy, cluster, chain)
    finding = next(policy_finding(policy, cluster), None)
    ready = condition_of(policy.status.conditions, "Ready")
    holds_vfs = bool(finding and finding.code == "POL-505" and ready and ready.status == "True")
    for what, code in _POLICY_LINKS:
        if finding is None or finding.code != code:
            chain.holds(what, _policy_fact(code, policy, cluster))
        elif holds_vfs:
            chain.warns(what, finding)
        else:
            return chain.breaks(what, finding, *_policy_grids(policy, cluster))
    if finding and not holds_vfs:
        return chain.breaks("it is in place", finding, *_policy_grids(policy, cluster))
    status = policy.status
    held = f"{counted(status.applied_vfs, 'VF')} of {counted(status.applied_nics, 'NIC')}"
    verdict = f"in place: {held} on {counted(status.applied_nodes, 'node')}"
    return chain.ends(verdict, *_policy_grids(policy, cluster))


def _fields(policy: NodePolicy, cluster: Cluster, chain: Chain) -> None:
    what, about = "all its fields are known", f"{policy.kind} {policy.metadata.name}"
    unknown = _first(tuple(general_findings(cluster)), ("K8S-408",), about)
    if unknown:
        chain.warns(what, unknown)
    else:
        chain.holds(what, "-")


_POLICY_LINKS = (
    ("its status is told", "POL-511"),
    ("it is valid", "POL-502"),
    ("it has a name that counts", "POL-509"),
    ("it asks for VFs", "POL-508"),
    ("it selects nodes", "POL-503"),
    ("agents report NICs there", "POL-506"),
    ("it selects NICs there", "POL-504"),
    ("no other policy won its VFs", "POL-505"),
    ("the nodes could be configured", "POL-501"),
    ("the nodes are done", "POL-507"),
)


def _policy_fact(code: str, policy: NodePolicy, cluster: Cluster) -> str:
    status = policy.status
    if code == "POL-508":
        return f"numVfs {policy.spec.num_vfs}, as {policy.spec.resource_name}"
    if code == "POL-503":
        nodes = [one.metadata.name for one in cluster.nodes.items if selects(policy, one.metadata.labels)]
        return f"{counted(status.matched_nodes, 'managed node')}; {counted(len(nodes), 'Node')} with the labels"
    if code == "POL-504":
        return _held(policy, cluster)
    if code in {"POL-501", "POL-507"}:
        return f"{status.failed_nodes if code == 'POL-501' else status.pending_nodes} are not"
    return "-"


def _held(policy: NodePolicy, cluster: Cluster) -> str:
    """Of the NICs that it takes, of how many the VFs are there; the wish of a node tells which these are."""
    status, name = policy.status, policy.metadata.name
    wishes = [
        (state, nic)
        for state in cluster.states.items
        for nic in state.spec.interfaces
        if any(group.policy_name == name for group in nic.vf_groups)
    ]
    nics = [f"{state.metadata.name}: {nic.name or nic.pci_address}" for state, nic in wishes]
    held = f"VFs of {counted(status.applied_nics, 'NIC')} are held"
    if len(nics) <= status.applied_nics:
        return held
    are = f"{counted(len(nics), 'NIC')} {'is' if len(nics) == 1 else 'are'} selected"
    if status.applied_nics:
        return f"{are}; {held}"
    its = "its" if len(nics) == 1 else "their"
    example = f"{nics[0]}{', ...' if len(nics) > 1 else ''}"
    if not status.failed_nodes:
        return f"{are} ({example}); {its} VFs are not made yet"
    there = sum(nic.num_vfs for state, wish in wishes for nic in _reported(state, wish))
    stay = f" as wished; {counted(there, 'VF')} {'is' if there == 1 else 'are'} there" if there else ""
    return f"{are} ({example}); {its} VFs could not be made{stay}"


def _reported(state: NodeState, wish: InterfaceWish) -> tuple[InterfaceReport, ...]:
    return tuple(nic for nic in state.status.interfaces if nic.pci_address == wish.pci_address)


def _policy_grids(policy: NodePolicy, cluster: Cluster) -> tuple[Grid, ...]:
    return (detail_grid(policy),) if policy.status.details and cluster else ()


def _configured(cluster: Cluster, chain: Chain) -> ClusterFinding | None:
    if cluster.configs.refused:
        chain.unknown(_CONFIGURED, cluster.configs.refused)
        return None
    wrong = _first(tuple(general_findings(cluster)), ("K8S-401",))
    if wrong is None:
        chain.holds(_CONFIGURED, f"SriovOperatorConfig default in namespace {cluster.namespace}")
    return wrong


def _managed(node: Node | None, state: NodeState | None, cluster: Cluster, chain: Chain, about: str) -> Story | None:
    """The end, where the node is not managed."""
    what, config = "it is managed", config_of(cluster)
    selector = (config.spec.config_daemon_node_selector if config else {}) or _WORKERS
    words = ", ".join(f"{key}={value}" for key, value in selector.items())
    lacks = [key for key, value in selector.items() if node and node.metadata.labels.get(key) != value]
    if node and config and lacks:
        fact = f"it lacks the label {', '.join(lacks)}; nodes are managed that have {words}"
        remedy = "Label the node, or change spec.configDaemonNodeSelector of the SriovOperatorConfig"
        return chain.breaks(what, found("K8S-428", Severity.FAIL, about, fact, remedy, f"{about}: metadata.labels"))
    if state is None:
        fact = f"there is no SriovNetworkNodeState for it in namespace {cluster.namespace}"
        remedy = "See whether the operator runs, and whether its controller nodestates is switched off"
        return chain.breaks(what, found("K8S-429", Severity.FAIL, about, fact, remedy))
    chain.holds(what, f"it has {words}" if node and config else "it has a node state")
    return None


def _on_its_way(cluster: Cluster, state: NodeState, chain: Chain, wrongs: tuple[ClusterFinding, ...]) -> Story:
    """The last links: drain, configuration, device plugin, resources."""
    drain = drain_of(cluster, state)
    held = next(drain_finding(drain, cluster), None)
    for cordon in foreign_cordon(drain):
        chain.warns("pods may be placed there", cordon)
    if held:
        return chain.breaks("no drain is waited for", held)
    chain.holds("no drain is waited for", "at rest" if drain.rests else f"{drain.request}, {drain.answer}")
    progressing = condition_of(state.status.conditions, "Progressing")
    if progressing and progressing.status == "True":
        fact, about = f"{progressing.reason}: {progressing.message}", f"Node {drain.node}"
        seen = f"SriovNetworkNodeState {drain.node}: status.conditions[Progressing]"
        finding = found("K8S-430", Severity.ADVICE, about, fact, "Wait; it is under way", seen)
        return chain.breaks("it is done", finding, nic_grid(state))
    if behind := not_taken_up(state):
        remedy = f"Wait some seconds. If it stays so: kubectl get pods -n {cluster.namespace} -l app={AGENT} -o wide"
        seen = f"SriovNetworkNodeState {drain.node}: metadata.generation, status.conditions[Ready]"
        finding = found("K8S-430", Severity.ADVICE, f"Node {drain.node}", behind, remedy, seen)
        return chain.breaks("it is done", finding, nic_grid(state))
    made, wished = made_and_wished(state)
    chain.holds("it is done", f"{counted(made, 'VF')} made, {wished} wished")
    missing = _first(wrongs, ("K8S-427",))
    if missing:
        return chain.breaks("its device plugin runs", missing, nic_grid(state))
    groups = sorted(wished_resources(state))
    if groups and not cluster.own_pods.refused:
        another = plugin_trouble(cluster, drain.node)[0]
        fact = "no Ready pod of the operator's, and the Node offers some of each resource that is wished"
        chain.holds("its device plugin runs", fact if another else f"a Ready pod with app={DEVICE_PLUGIN}")
    return _offered(cluster, state, chain, groups)


def _offered(cluster: Cluster, state: NodeState, chain: Chain, groups: list[str]) -> Story:
    node, name = cluster.node(state.metadata.name), state.metadata.name
    if node is None:
        chain.unknown("the kubelet offers its resources", cluster.nodes.refused or "there is no Node")
        return chain.ends("as far as its node state tells, it is as it is wished", nic_grid(state))
    offers = offered(node)
    for group in groups:
        if not offers.get(group):
            bare, mend = passed_over(group, state)
            fact = f"the kubelet offers none of {group}{f': {bare}' if bare else ''}"
            remedy = mend or f"Read the log of the device plugin's pod on {name}"
            seen = f"Node {name}: status.allocatable"
            finding = found("K8S-431", Severity.FAIL, f"Node {name}", fact, remedy, seen)
            return chain.breaks("the kubelet offers its resources", finding, nic_grid(state))
    told = ", ".join(f"{offers[group]} {group}" for group in groups) or "no VFs are wished"
    chain.holds("the kubelet offers its resources", told)
    return chain.ends("it is as it is wished", nic_grid(state))


def _wish(state: NodeState) -> str:
    return f"{counted(made_and_wished(state)[1], 'VF')} on {counted(len(state.spec.interfaces), 'NIC')}"


def _first(findings: Iterable[ClusterFinding], codes: tuple[str, ...], about: str = "") -> ClusterFinding | None:
    every = [one for one in findings if one.code in codes and (not about or one.about == about)]
    return min(every, key=lambda one: codes.index(one.code)) if every else None
