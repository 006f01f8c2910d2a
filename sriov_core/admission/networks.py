"""The rules for networks of all three kinds. Nothing here does I/O."""

from collections.abc import Iterator

from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Finding, warned
from sriov_core.api.fault import legible, shown
from sriov_core.api.networks import Network
from sriov_core.policy.attachment import faults, placed, target_namespace, warnings
from sriov_core.policy.selector import nearest

NO_POLICY = "no policy has the resource"
"""How the warning begins about a network whose policy is not there."""


def findings(given: Network, cluster: Cluster) -> Iterator[Finding]:
    """Everything that the rules say of a network that is created or changed.

    ``cluster`` may hold an older version of it, which is not looked at.
    """
    network = placed(given, cluster.operator_namespace)
    yield from (Finding(fault) for fault in faults(network, operator_namespace=cluster.operator_namespace))
    yield from (Finding(fault, denies=False) for fault in warnings(network))
    yield from _resource(network, cluster)
    yield from _rivals(network, cluster)


def _resource(network: Network, cluster: Cluster) -> Iterator[Finding]:
    """A resource that no policy makes; its policy may come later, so this is a warning."""
    known = sorted({policy.spec.resource_name for policy in cluster.counting_policies})
    wanted = network.spec.resource_name
    if wanted in known or not (known or cluster.is_complete):
        return
    text = f"{NO_POLICY} {shown(wanted)}, so pods with this network stay pending"
    near = nearest(wanted, known)
    remedy = f"Did you mean {' or '.join(near)}?" if near else "Create a SriovNetworkNodePolicy with this resourceName"
    yield warned("spec.resourceName", text, remedy)


def _rivals(network: Network, cluster: Cluster) -> Iterator[Finding]:
    """Another network whose attachment has the same name: the one that was there first keeps it."""
    name, namespace = network.metadata.name, target_namespace(network)
    namesakes = (placed(other, cluster.operator_namespace) for other in cluster.networks if other.metadata.name == name)
    for other in sorted(namesakes, key=_identity):
        if _identity(other) == _identity(network) or target_namespace(other) != namespace:
            continue
        rival = f"{other.kind} {legible(other.metadata.namespace)}/{legible(name)}"
        made = f"the NetworkAttachmentDefinition {legible(namespace)}/{legible(name)}"
        text = f"{rival} makes {made}, too, and only the one that was there first is ready"
        yield warned("metadata.name", text, "Rename one of them, or give it another networkNamespace")


def _identity(network: Network) -> tuple[str, str, str]:
    return (network.kind, network.metadata.namespace, network.metadata.name)
