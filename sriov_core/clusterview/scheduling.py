"""Whether the scheduler would put a pod on a node: selectors, affinity, taints, cordons; and what pods ask for. No I/O.

As the plugins NodeAffinity, NodeUnschedulable and TaintToleration of kube-scheduler have it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sriov_core.clusterview.objects import Container, Node, Pod, Taint, Toleration
from sriov_core.injection.fields import Refused
from sriov_core.injection.quantity import amount

_CORDON = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
_KEEPS_OFF = ("NoSchedule", "NoExecute")
_AILMENTS = {
    "node.kubernetes.io/not-ready": "is not Ready",
    "node.kubernetes.io/unreachable": "is not Ready: its kubelet does not report",
    "node.kubernetes.io/network-unavailable": "is not Ready: it has no network",
    "node.kubernetes.io/disk-pressure": "is short of disk space",
    "node.kubernetes.io/memory-pressure": "is short of memory",
    "node.kubernetes.io/pid-pressure": "is short of process ids",
}
"""Taints that Kubernetes sets by conditions of a Node (its documentation, Taint Nodes by Condition)."""
CORDONED = "the Node is cordoned (spec.unschedulable)"


def unwanted(pod: Pod, node: Node) -> str:
    """Why the pod wants another node, with the field; empty when it may be this one."""
    labels = node.metadata.labels
    for key, value in pod.spec.node_selector.items():
        if labels.get(key) != value:
            return f"spec.nodeSelector wants {key}={value}, the Node has {_has(labels, key)}"
    terms = _required(pod)
    if terms and not any(_meets(term, node) for term in terms):
        return "spec.affinity.nodeAffinity: no required term takes the Node"
    return ""


def unfit(pod: Pod, node: Node) -> tuple[str, str]:
    """Why the pod cannot be placed there, with the field, and what to do; two empty texts when it can."""
    if why := unwanted(pod, node):
        return why, "Change the pod, in its owner, or the labels of the Node"
    if node.spec.unschedulable and not _tolerated(_CORDON, pod.spec.tolerations):
        return CORDONED, f"`kubectl uncordon {node.metadata.name}` lifts the cordon, when what it was for is over"
    for taint in node.spec.taints:
        if taint.effect in _KEEPS_OFF and not _tolerated(taint, pod.spec.tolerations):
            return _kept_off(taint, node.metadata.name)
    return "", ""


def asked_for(pod: Pod) -> dict[str, int]:
    """How many of each resource the pod takes: what its containers want together, or one init container alone.

    As resource.PodRequests (k8s.io/component-helpers) has it; init containers that stay count with the containers.
    Whole numbers only: others are no devices.
    """
    stays = [one for one in pod.spec.init_containers if one.restart_policy == "Always"]
    total: dict[str, int] = {}
    for container in (*stays, *pod.spec.containers):
        for name, number in _requests(container).items():
            total[name] = total.get(name, 0) + number
    for container in pod.spec.init_containers:
        for name, number in _requests(container).items():
            total[name] = max(total.get(name, 0), number)
    return total


def used(pods: Iterable[Pod], resource: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """Who takes a resource on each node: pods with their number; finished pods take nothing."""
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for pod in pods:
        number = asked_for(pod).get(resource, 0)
        if number and pod.spec.node_name and pod.status.phase not in {"Succeeded", "Failed"}:
            found[pod.spec.node_name] = (*found.get(pod.spec.node_name, ()), (pod.key, number))
    return found


def allocatable(node: Node, resource: str) -> int | None:
    """How many of a resource the kubelet offers; None when it does not know the resource."""
    value = node.status.allocatable.get(resource)
    return None if value is None else _whole(value)


def offered(node: Node) -> dict[str, int]:
    """What the kubelet offers some of, by the name without its prefix."""
    every = ((key.rpartition("/")[2], _whole(value)) for key, value in node.status.allocatable.items())
    return {name: number for name, number in every if number}


def _requests(container: Container) -> dict[str, int]:
    named = {**container.resources.limits, **container.resources.requests}
    return {name: _whole(value) for name, value in named.items() if "/" in name}


def _whole(value: Any) -> int:
    try:
        return int(amount(value, ""))
    except Refused:
        return 0


def _required(pod: Pod) -> list[dict[str, Any]]:
    wanted = (pod.spec.affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return list(wanted.get("nodeSelectorTerms") or [])


def _meets(term: Mapping[str, Any], node: Node) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False  # an empty term takes no node
    own = {"metadata.name": node.metadata.name}
    return all(_holds(one, node.metadata.labels) for one in expressions) and all(_holds(one, own) for one in fields)


def _holds(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    held, values = labels.get(one.get("key", "")), list(one.get("values") or [])
    match one.get("operator"):
        case "In":
            return held in values
        case "NotIn":
            return held not in values
        case "Exists":
            return held is not None
        case "DoesNotExist":
            return held is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, held, values)
        case _:
            return False


def _compares(operator: str, held: str | None, values: list[str]) -> bool:
    try:
        left, right = int(held or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right


def _kept_off(taint: Taint, node: str) -> tuple[str, str]:
    if taint.key in _AILMENTS:
        why = f"the Node {_AILMENTS[taint.key]} (taint {_taint(taint)})"
        return why, f"Mend the Node: `kubectl describe node {node}` has its conditions, its kubelet's log the reason"
    why = f"the Node has the taint {_taint(taint)}, which the pod does not tolerate"
    return why, "Have the pod tolerate it, in its owner, or take the taint off the Node"


def _tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    return any(_tolerates(one, taint) for one in tolerations)


def _tolerates(one: Toleration, taint: Taint) -> bool:
    if one.effect and one.effect != taint.effect:
        return False
    if one.key and one.key != taint.key:
        return False
    return one.operator == "Exists" or (bool(one.key) and one.value == taint.value)


def _taint(taint: Taint) -> str:
    value = f"={taint.value}" if taint.value else ""
    return f"{taint.key}{value}:{taint.effect}"


def _has(labels: Mapping[str, str], key: str) -> str:
    return f"{key}={labels[key]}" if key in labels else "no such label"
