"""The networks: has each its attachment, and does a policy offer the resource that it names. No I/O."""

from collections.abc import Iterator

from sriov_core.api.networks import Network
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.general import told
from sriov_core.clusterview.grid import LONGEST, Grid
from sriov_core.clusterview.objects import Attachment, condition_of
from sriov_core.plugin.diagnosis import Severity


def network_grid(cluster: Cluster) -> Grid:
    """A row for each network of all three kinds."""
    columns = ("NETWORK", "KIND", "ATTACHMENT", "RESOURCE", "POLICIES", "STATE")
    rows = (
        (
            network.metadata.name,
            network.kind,
            f"{target(network)}/{network.metadata.name}",
            network.spec.resource_name,
            ", ".join(offering(cluster, network.spec.resource_name)) or "-",
            told(condition_of(network.status.conditions, "Ready")) or "not told",
        )
        for network in sorted(cluster.networks.items, key=lambda one: (one.metadata.namespace, one.metadata.name))
    )
    return Grid(title="networks", columns=columns, rows=tuple(rows), longest=LONGEST, empty="no networks")


def network_findings(cluster: Cluster) -> Iterator[ClusterFinding]:
    """What keeps pods from using a network."""
    for network in cluster.networks.items:
        yield from _finding(cluster, network)


def target(network: Network) -> str:
    """The namespace of its attachment."""
    return network.spec.network_namespace or network.metadata.namespace


def offering(cluster: Cluster, resource: str) -> tuple[str, ...]:
    """The names of the policies that offer a resource, without its prefix."""
    return tuple(sorted(one.metadata.name for one in cluster.policies.items if one.spec.resource_name == resource))


def attachment_of(cluster: Cluster, namespace: str, name: str) -> Attachment | None:
    """The NetworkAttachmentDefinition of that name."""
    every = (one for one in cluster.attachments.items if one.metadata.name == name)
    return next((one for one in every if one.metadata.namespace == namespace), None)


def _finding(cluster: Cluster, network: Network) -> Iterator[ClusterFinding]:
    name, resource = network.metadata.name, network.spec.resource_name
    about = f"{network.kind} {network.metadata.namespace}/{name}"
    ready = condition_of(network.status.conditions, "Ready")
    if ready and ready.status == "False":
        fact = f"{ready.reason}: {ready.message}"
        yield found("NET-441", Severity.FAIL, about, fact, "Do what the sentence says", "status.conditions[Ready]")
    elif not cluster.attachments.refused and attachment_of(cluster, target(network), name) is None:
        fact = f"there is no NetworkAttachmentDefinition {target(network)}/{name}, so no pod can name it"
        remedy = "See whether the operator runs, and whether its controller for this kind is switched off"
        yield found("NET-442", Severity.FAIL, about, fact, remedy)
    if not cluster.policies.refused and not offering(cluster, resource):
        fact = f"no policy offers {resource}, so its pods stay Pending"
        remedy = "Write a policy with this resourceName, or correct resourceName of the network"
        yield found("NET-443", Severity.WARN, about, fact, remedy, "spec.resourceName")
