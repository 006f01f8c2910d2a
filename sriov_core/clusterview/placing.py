"""Where a pod's devices could come from: node by node, how far each gets and what it lacks. No I/O."""

import enum
from collections.abc import Mapping

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import InterfaceWish, NodeState
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.drains import IDLE, drain_of
from sriov_core.clusterview.finding import found
from sriov_core.clusterview.grid import Grid, shortened
from sriov_core.clusterview.nodes import plugin_trouble, trouble_of
from sriov_core.clusterview.objects import Node, Pod
from sriov_core.clusterview.passedover import passed_over
from sriov_core.clusterview.policies import selects
from sriov_core.clusterview.scheduling import CORDONED, allocatable, unfit, unwanted, used
from sriov_core.clusterview.story import Chain, Story
from sriov_core.plugin.diagnosis import Severity

_MOST_USERS = 5
_MORE = "`kubectl sriov explain node {}` and `explain policy` tell more"


class Step(enum.IntEnum):
    """What a node has to pass, in the order in which one follows from another."""

    SELECTED = 0
    FIT = 1
    MADE = 2
    PLUGIN = 3
    OFFERED = 4
    FREE = 5
    PASSED = 6


_STEPS = {
    Step.SELECTED: ("the policy selects a node", "POD-466"),
    Step.FIT: ("the pod may run there", "POD-467"),
    Step.MADE: ("VFs are made there", "POD-468"),
    Step.PLUGIN: ("the device plugin runs there", "POD-469"),
    Step.OFFERED: ("the kubelet offers them", "POD-470"),
    Step.FREE: ("enough are free", "POD-471"),
}


@attrs.frozen(kw_only=True)
class Stop:
    """How far a node gets: the step that it does not pass, why, where that was read, and what to do."""

    node: str
    step: Step
    why: str = ""
    evidence: str = ""
    remedy: str = ""


@attrs.frozen(kw_only=True)
class Need:
    """A resource that the pod asks for. ``policies`` offer it, None where they are not known; ``users`` by node."""

    resource: str
    number: int
    policies: tuple[NodePolicy, ...] | None
    users: Mapping[str, tuple[tuple[str, int], ...]]


def place(
    pod: Pod,
    asks: Mapping[str, int],
    offers: Mapping[str, tuple[NodePolicy, ...]],
    cluster: Cluster,
    chain: Chain,
) -> Story:
    """The rest of the chain. ``offers`` are the policies of each resource, without any where they are not known."""
    if cluster.nodes.refused:
        chain.unknown("nodes", cluster.nodes.refused)
        return chain.ends("without the Nodes nothing more can be said")
    if cluster.pods.refused:
        chain.unknown("users of the devices", cluster.pods.refused)
    needs = [
        Need(resource=name, number=number, policies=offers.get(name), users=used(cluster.pods.items, name))
        for name, number in asks.items()
    ]
    stops = sorted(_stops(pod, needs, cluster), key=lambda one: (-one.step, one.node))
    furthest = stops[0].step if stops else Step.SELECTED
    for step, (what, _) in _STEPS.items():
        if step is furthest:
            return _broken(pod, chain, step, stops)
        chain.holds(what, _names([one.node for one in stops if one.step > step]))
    verdict = f"node {stops[0].node} has what the pod wants: it is something else. {_scheduler(pod)}"
    return chain.ends(verdict, _grid(stops))


def _broken(pod: Pod, chain: Chain, step: Step, stops: list[Stop]) -> Story:
    (what, code), about = _STEPS[step], f"Pod {pod.key}"
    here = [one for one in stops if one.step is step]
    if not here:
        return chain.breaks(what, found(code, Severity.FAIL, about, "the cluster has no Node", "Add a node"))
    first = here[0]
    more = f" ({len(here) - 1} more below)" if len(here) > 1 else ""
    finding = found(code, Severity.FAIL, about, f"{first.node}: {first.why}{more}", first.remedy, first.evidence)
    return chain.breaks(what, finding, _grid(stops))


def _grid(stops: list[Stop]) -> Grid:
    rows = ((one.node, *((_STEPS[one.step][0], one.why) if one.why else ("-", "it has all"))) for one in stops)
    title, columns = "nodes, the one that comes closest first", ("NODE", "FAILS AT", "WHY")
    return Grid(title=title, columns=columns, rows=tuple(rows), empty="no Nodes")


def _stops(pod: Pod, needs: list[Need], cluster: Cluster) -> list[Stop]:
    """How far each node gets. One of which no NIC is taken counts as not selected, if another could take the pod."""
    nodes = {one.metadata.name: one for one in cluster.nodes.items}
    early = {name: _unselected(needs, one) for name, one in nodes.items()}
    bare = {name: _passed_by(needs, one, cluster) for name, one in nodes.items()}
    if all(early[name] or bare[name] or unwanted(pod, one) for name, one in nodes.items()):
        bare = {}
    return [early[name] or bare.get(name) or _stop(pod, needs, one, cluster) for name, one in nodes.items()]


def _unselected(needs: list[Need], node: Node) -> Stop | None:
    """That the policies of a resource select other nodes."""
    for need in needs:
        if need.policies is not None and not any(selects(one, node.metadata.labels) for one in need.policies):
            names = ", ".join(one.metadata.name for one in need.policies)
            remedy = f"Change spec.nodeSelector of {names}, or label the node"
            why, name = f"no policy for {need.resource} selects it ({names})", node.metadata.name
            return Stop(node=name, step=Step.SELECTED, why=why, evidence="spec.nodeSelector", remedy=remedy)
    return None


def _passed_by(needs: list[Need], node: Node, cluster: Cluster) -> Stop | None:
    """That no NIC of the node is taken for a resource, as far as its node state may be looked at."""
    name = node.metadata.name
    lacking = () if cluster.states.refused else (one for one in needs if not allocatable(node, one.resource))
    stops = (_unwished(one.resource.rpartition("/")[2], name, cluster.state(name)) for one in lacking)
    return next((attrs.evolve(one, step=Step.SELECTED) for one in stops if one), None)


def _stop(pod: Pod, needs: list[Need], node: Node, cluster: Cluster) -> Stop:
    """How far one node gets that is selected: the first step that one of the resources does not pass."""
    name, (why, remedy) = node.metadata.name, unfit(pod, node)
    if why:
        return _unfit(name, why, remedy, cluster)
    stops = [_resource(need.resource, need.number, need.users.get(name, ()), node, cluster) for need in needs]
    return min(stops, key=lambda one: one.step)


def _unfit(node: str, why: str, remedy: str, cluster: Cluster) -> Stop:
    """With the drain that the cordon is for, if there is one."""
    seen, state = f"Node {node}: spec, metadata.labels", cluster.state(node)
    drain = drain_of(cluster, state) if state and why == CORDONED else None
    if drain and drain.answer != IDLE:
        why = f"{why}: it is drained, {drain.answer}{f', {drain.reason}' if drain.reason else ''}"
        remedy = "Wait for the end of the drain: `kubectl sriov drains` says what holds it up"
    return Stop(node=node, step=Step.FIT, why=why, evidence=seen, remedy=remedy)


def _resource(resource: str, wanted: int, holders: tuple[tuple[str, int], ...], node: Node, cluster: Cluster) -> Stop:
    """How far a node gets with one resource."""
    name, offered = node.metadata.name, allocatable(node, resource)
    taken = sum(number for _, number in holders)
    if offered and offered - taken >= wanted:
        return Stop(node=name, step=Step.PASSED)
    if offered:
        who = ", ".join(key for key, _ in holders[:_MOST_USERS])
        users = f" by {who}{', ...' if len(holders) > _MOST_USERS else ''}" if who else ""
        if offered >= wanted:
            why = f"{resource}: {taken} of {offered} are taken{users}; the pod wants {wanted}"
        else:
            why = f"{resource}: there are {offered}, and the pod wants {wanted}"
        remedy = "Raise numVfs of the policy, have it select more nodes, or end a pod that has some"
        seen = f"Node {name}: status.allocatable[{resource}]"
        return Stop(node=name, step=Step.FREE, why=why, evidence=seen, remedy=remedy)
    return _unoffered(resource, offered, node, cluster)


def _unoffered(resource: str, offered: int | None, node: Node, cluster: Cluster) -> Stop:
    """Why the kubelet of a node offers none: what comes before that, else that it does not."""
    name, short = node.metadata.name, resource.rpartition("/")[2]
    state = cluster.state(name)
    if not cluster.states.refused and (stop := _unwished(short, name, state)):
        return stop
    if state and (stop := _unmade(short, name, state)):
        return stop
    trouble, remedy = ("", "") if cluster.own_pods.refused else plugin_trouble(cluster, name)
    if trouble:
        seen = f"Pods of namespace {cluster.namespace} with app=sriov-device-plugin"
        return Stop(node=name, step=Step.PLUGIN, why=trouble, evidence=seen, remedy=remedy)
    bare, mend = passed_over(short, state) if state else ("", "")
    if bare:
        seen = f"SriovNetworkNodeState {name}: status.interfaces[].Vfs[].driver"
        return Stop(node=name, step=Step.OFFERED, why=bare, evidence=seen, remedy=mend)
    says = "does not know" if offered is None else "has 0 of"
    why = f"the VFs are there, the device plugin is Ready, and the kubelet {says} {resource}"
    seen = f"Node {name}: status.allocatable[{resource}]"
    remedy = f"Read the log of the device plugin's pod on {name}: its drivers or link have to match the ConfigMap"
    return Stop(node=name, step=Step.OFFERED, why=why, evidence=seen, remedy=remedy)


def _unwished(resource: str, node: str, state: NodeState | None) -> Stop | None:
    """That no VFs of a resource are wished on a node; None when some are."""
    if state is None:
        remedy = f"`kubectl sriov explain node {node}` says why it is not managed"
        return Stop(node=node, step=Step.MADE, why="it has no SriovNetworkNodeState", evidence="", remedy=remedy)
    if _wishes(resource, state):
        return None
    trouble, seen = shortened(trouble_of(state), 300), f"SriovNetworkNodeState {node}: spec.interfaces"
    why = f"no VFs of {resource} are wished there: the policy takes no NIC of it"
    text = f"{why} ({trouble})" if trouble else why
    return Stop(node=node, step=Step.MADE, why=text, evidence=seen, remedy=_MORE.format(node))


def _unmade(resource: str, node: str, state: NodeState) -> Stop | None:
    """Why a node on which VFs of a resource are wished has none; None when it has some."""
    nics = _wishes(resource, state)
    made = {one.pci_address: one.num_vfs for one in state.status.interfaces}
    if any(made.get(nic.pci_address, 0) for nic in nics):
        return None
    names = ", ".join(nic.name or nic.pci_address for nic in nics)
    because = shortened(trouble_of(state), 300) or "the agent has not said why"
    why = f"{names} {'has' if len(nics) == 1 else 'have'} no VFs yet: {because}"
    seen = f"SriovNetworkNodeState {node}: status.interfaces[].numVfs"
    return Stop(node=node, step=Step.MADE, why=why, evidence=seen, remedy=_MORE.format(node))


def _wishes(resource: str, state: NodeState) -> list[InterfaceWish]:
    return [nic for nic in state.spec.interfaces if any(one.resource_name == resource for one in nic.vf_groups)]


def _names(nodes: list[str]) -> str:
    first = sorted(nodes)[:_MOST_USERS]
    return ", ".join(first) + (f" and {len(nodes) - len(first)} more" if len(nodes) > len(first) else "")


def _scheduler(pod: Pod) -> str:
    said = next((one.message for one in pod.status.conditions if one.type == "PodScheduled" and one.message), "")
    return f"The scheduler says: {' '.join(said.split())}" if said else "The scheduler has not said anything"
