"""The nodes: is each as it is wished, what is wrong with it first. No I/O."""

from collections.abc import Iterator

from sriov_core.api.conditions import Condition, outdated
from sriov_core.api.nodestate import InterfaceReport, NodeState
from sriov_core.clusterview.cluster import AGENT, DEVICE_PLUGIN, Cluster
from sriov_core.clusterview.drains import drain_of, foreign_cordon
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import config_of
from sriov_core.clusterview.grid import LONGEST, Cell, Grid
from sriov_core.clusterview.objects import condition_of, status_of
from sriov_core.clusterview.scheduling import offered
from sriov_core.planning.render import counted
from sriov_core.plugin.diagnosis import Severity

_IMAGE = "SRIOV_DEVICE_PLUGIN_IMAGE"
_RANK = {"Failed": 0, "": 1, "InProgress": 2, "Succeeded": 3}


def node_grid(cluster: Cluster) -> Grid:
    """A row for each node state, those with trouble first."""
    columns = ("NODE", "SYNC", "DRAIN", "NICS", "VFS", "WISHED", "WHAT IS WRONG")
    states = sorted(cluster.states.items, key=lambda one: (_RANK.get(one.status.sync_status, 1), one.metadata.name))
    rows = tuple(_row(cluster, state) for state in states)
    return Grid(title="nodes", columns=columns, rows=rows, longest=LONGEST, empty="no node has a SriovNetworkNodeState")


def nic_grid(state: NodeState) -> Grid:
    """A row for each NIC of a node, those with a wish first."""
    columns = ("NIC", "NAME", "DRIVER", "PLUGIN", "VFS", "WISHED", "AT MOST", "USED", "RESOURCES", "STATE")
    wishes = {one.pci_address: one for one in state.spec.interfaces}
    reported = {one.pci_address for one in state.status.interfaces}
    nics = sorted(state.status.interfaces, key=lambda one: (one.pci_address not in wishes, one.pci_address))
    rows = [_nic_row(one, state) for one in nics]
    for address, wish in wishes.items():
        if address not in reported:
            groups = ", ".join(sorted({group.resource_name for group in wish.vf_groups})) or "-"
            missing = ("-", wish.plugin or "-", "-", wish.num_vfs, "-", "-", groups)
            rows.append((address, wish.name or "-", *missing, "wished, and not reported by the node"))
    title = f"NICs of {state.metadata.name}"
    return Grid(title=title, columns=columns, rows=tuple(rows), longest=LONGEST, empty="the node reports no NIC")


def node_findings(cluster: Cluster) -> Iterator[ClusterFinding]:
    """What is wrong with each node; what is one thing for all of them is told once."""
    yield from dict.fromkeys(one for state in cluster.states.items for one in state_findings(cluster, state))


def state_findings(cluster: Cluster, state: NodeState) -> Iterator[ClusterFinding]:
    """What is wrong with one node, what explains most first."""
    name = state.metadata.name
    node, about = cluster.node(name), f"Node {name}"
    if node is None and not cluster.nodes.refused:
        remedy = "Nothing, if the node was removed: the node state goes by itself after a while"
        yield found("K8S-424", Severity.ADVICE, about, "there is a node state and no Node", remedy)
        return
    if node and status_of(node.status.conditions, "Ready") not in {"True", ""}:
        remedy = "See what its kubelet says; nothing is configured while it is away"
        yield found("K8S-425", Severity.WARN, about, "the Node is not Ready", remedy, "status.conditions[Ready]")
    yield from foreign_cordon(drain_of(cluster, state))
    yield from _conditions(cluster, state, about)
    yield from _device_plugin(cluster, state, about)
    yield from _links(state, about)


def _conditions(cluster: Cluster, state: NodeState, about: str) -> Iterator[ClusterFinding]:
    conditions, name = state.status.conditions, state.metadata.name
    agent = condition_of(conditions, "AgentReporting")
    if agent and agent.status == "False":
        remedy = f"kubectl get pods -n {cluster.namespace} -l app={AGENT} -o wide tells whether it runs there"
        yield found("K8S-422", Severity.FAIL, about, _said(agent), remedy, _field(name, agent))
    if state.status.sync_status == "Failed":
        degraded = condition_of(conditions, "Degraded")
        fact = state.status.last_sync_error or (_said(degraded) if degraded else "it could not be configured")
        remedy = f"Do what the sentence says. kubectl sriov nodes {name} shows each NIC"
        seen = f"SriovNetworkNodeState {name}: status.lastSyncError"
        yield found("K8S-421", Severity.FAIL, about, " ".join(fact.split()), remedy, seen)
    for kind, code, remedy in (
        ("PluginsChosen", "K8S-423", "Pin a plugin (docs/operator.md, The driver of a NIC)"),
        ("BootConfigured", "K8S-426", "Read what the units say on the node: journalctl -u 'sriov-*'"),
    ):
        one = condition_of(conditions, kind)
        if one and one.status == "False":
            yield found(code, Severity.WARN, about, _said(one), remedy, _field(name, one))


def _device_plugin(cluster: Cluster, state: NodeState, about: str) -> Iterator[ClusterFinding]:
    if cluster.own_pods.refused or _offers_all(cluster, state):
        return
    if _is_undeployed(cluster):
        about = f"DaemonSet {DEVICE_PLUGIN}"
    why, remedy = plugin_trouble(cluster, state.metadata.name)
    if why:
        yield found("K8S-427", Severity.WARN, about, why, remedy, f"Pods with app={DEVICE_PLUGIN}")


def _links(state: NodeState, about: str) -> Iterator[ClusterFinding]:
    """NICs whose VFs reach nobody; one whose speed is told has a carrier."""
    for nic in state.status.interfaces:
        name = nic.name or nic.pci_address
        if not nic.num_vfs or nic.link_admin_state not in {"up", "down"}:
            continue
        seen = f"SriovNetworkNodeState {state.metadata.name}: status.interfaces[].linkAdminState, linkSpeed"
        vfs = counted(nic.num_vfs, "VF")
        if nic.link_admin_state == "down":
            fact, remedy = f"{name} is down, and so are its {vfs}", f"On the node: ip link set {name} up"
            yield found("K8S-432", Severity.WARN, about, fact, remedy, seen)
        elif nic.vfs and (not nic.link_speed or nic.link_speed.startswith("-")):
            fact = f"{name} shows no speed, as without a carrier: its {vfs} may reach nobody outside the node"
            remedy = f"Check cable, transceiver and switch port; `sriov-core probe {name}` on the node tells more"
            yield found("K8S-432", Severity.ADVICE, about, fact, remedy, seen)


def _offers_all(cluster: Cluster, state: NodeState) -> bool:
    """True when the Node offers some of each resource that is wished there, whoever's device plugin does it."""
    node = cluster.node(state.metadata.name)
    return wished_resources(state) <= (offered(node) if node else {}).keys()


def wished_resources(state: NodeState) -> set[str]:
    """The resources that get VFs of the node."""
    return {group.resource_name for nic in state.spec.interfaces for group in nic.vf_groups}


def plugin_trouble(cluster: Cluster, node: str) -> tuple[str, str]:
    """Why the device plugin offers nothing on a node, and what to do; empty when its pod is Ready there."""
    if _is_undeployed(cluster):
        why = (
            f"there is no DaemonSet {DEVICE_PLUGIN}: its image is not named ({_IMAGE}), so VFs are not offered to pods"
        )
        return why, f"Set {_IMAGE} in the operator's Deployment (docs/operator.md), or run a device plugin yourself"
    remedy = f"kubectl describe pods -n {cluster.namespace} -l app={DEVICE_PLUGIN}"
    pod = cluster.own_pod(DEVICE_PLUGIN, node)
    if pod is None:
        return "no pod of the device plugin runs there, so VFs are not offered to pods", remedy
    if pod.is_ready:
        return "", ""
    why = f"the device plugin's pod {pod.metadata.name} is not Ready: {pod.waits_because or pod.status.phase}"
    return why, remedy


def _is_undeployed(cluster: Cluster) -> bool:
    """True when the operator tells what it has deployed, the device plugin is not among it, and has no pod anywhere.

    What else keeps it from being deployed, the operator tells as Degraded.
    """
    config = config_of(cluster)
    if config is None or any(one.name == DEVICE_PLUGIN for one in config.status.rollouts):
        return False
    ready, degraded = (condition_of(config.status.conditions, name) for name in ("Ready", "Degraded"))
    if ready is None or ready.status != "True" or ready.observed_generation < config.metadata.generation:
        return False
    has_pod = any(one.metadata.labels.get("app") == DEVICE_PLUGIN for one in cluster.own_pods.items)
    return not has_pod and not (degraded and degraded.status == "True")


def not_taken_up(state: NodeState) -> str:
    """What to say where all that the agent reports is of an older wish; empty where it has taken up this one."""
    wish = state.metadata.generation
    if seen := outdated(state.status.conditions, wish):
        return f"its agent has not taken up the wish as it is now: it reports of generation {seen}, not {wish}"
    return ""


def trouble_of(state: NodeState) -> str:
    """What keeps a node from being as it is wished, in the words of its conditions; empty when nothing does."""
    conditions = {one.type: one for one in state.status.conditions}
    agent, degraded, progressing = (conditions.get(kind) for kind in ("AgentReporting", "Degraded", "Progressing"))
    if agent and agent.status == "False":
        return _said(agent)
    if behind := not_taken_up(state):
        return behind
    if state.status.sync_status == "Failed" or (degraded and degraded.status == "True"):
        return state.status.last_sync_error or (_said(degraded) if degraded else "Failed")
    if progressing and progressing.status == "True":
        return _said(progressing)
    chosen = conditions.get("PluginsChosen")
    if chosen and chosen.status == "False":
        return _said(chosen)
    if state.status.sync_status == "":
        return "no agent has reported from the node"
    return "InProgress" if state.status.sync_status == "InProgress" else ""


def made_and_wished(state: NodeState) -> tuple[int, int]:
    """How many VFs the node has, and how many it shall have."""
    return sum(one.num_vfs for one in state.status.interfaces), sum(one.num_vfs for one in state.spec.interfaces)


def _row(cluster: Cluster, state: NodeState) -> tuple[Cell, ...]:
    drain = drain_of(cluster, state)
    made, wished = made_and_wished(state)
    return (
        state.metadata.name,
        state.status.sync_status or "not told",
        "-" if drain.rests else drain.reason or drain.answer,
        len(state.status.interfaces),
        made,
        wished,
        trouble_of(state) or ("" if drain.rests else drain.message) or "-",
    )


def _nic_row(nic: InterfaceReport, state: NodeState) -> tuple[Cell, ...]:
    wish = next((one for one in state.spec.interfaces if one.pci_address == nic.pci_address), None)
    groups = [f"{one.resource_name} {one.vf_range}" for one in wish.vf_groups] if wish else []
    return (
        nic.pci_address,
        nic.name or "-",
        nic.driver or "none",
        nic.plugin or "-",
        nic.num_vfs,
        wish.num_vfs if wish else "-",
        nic.total_vfs,
        sum(bool(vf.assigned) for vf in nic.vfs),
        ", ".join(groups) or "-",
        _nic_state(nic),
    )


def _nic_state(nic: InterfaceReport) -> str:
    for kind in ("Degraded", "Progressing"):
        one = condition_of(nic.conditions, kind)
        if one and one.status == "True":
            return _said(one)
    ready = condition_of(nic.conditions, "Ready")
    return ready.reason if ready else "-"


def _said(condition: Condition) -> str:
    return f"{condition.reason}: {' '.join(condition.message.split())}".rstrip(": ")


def _field(node: str, condition: Condition) -> str:
    return f"SriovNetworkNodeState {node}: status.conditions[{condition.type}]"
