"""The rules for policies: what is wrong with one by itself, on the nodes it selects, and beside others. No I/O."""

from collections.abc import Iterable, Iterator

from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Finding, denied, named, on_nodes, warned
from sriov_core.admission.policynodes import Place, Seen, certain_pairs, hint, look, places
from sriov_core.api.fault import legible, shown
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.judging import DEPRECATED_NAME
from sriov_core.policy.validation import validate

_SELECTOR = "spec.nicSelector"
_MOST_HINTS = 10


def findings(policy: NodePolicy, cluster: Cluster) -> Iterator[Finding]:
    """Everything that the rules say of a policy that is created or changed.

    ``cluster`` may hold an older version of it, which is not looked at.
    """
    yield from _namespace(policy, cluster)
    if policy.metadata.name == DEPRECATED_NAME:
        return
    by_itself = tuple(_by_itself(policy, cluster))
    yield from by_itself
    if any(finding.denies for finding in by_itself):
        return  # an invalid policy claims nothing, so nothing can be said of it on a node
    if not cluster.nodes and not cluster.is_complete:
        yield from certain_pairs(policy, cluster)
        return
    chosen = places(policy, cluster)
    if not chosen:
        yield _no_node(policy)
        return
    seen = [look(policy, place, cluster) for place in chosen]
    yield from _everywhere(seen)
    yield from _reach(policy, seen, cluster)
    yield from _unreadable(chosen)


def _namespace(policy: NodePolicy, cluster: Cluster) -> Iterator[Finding]:
    found, wanted = policy.metadata.namespace, cluster.operator_namespace
    if not cluster.is_own(found):
        text = f"found {shown(found)}; only policies in the operator's namespace {shown(wanted)} are acted on"
        yield warned("metadata.namespace", text, f"Create it in {wanted}")


def _by_itself(policy: NodePolicy, cluster: Cluster) -> Iterator[Finding]:
    yield from (Finding(fault) for fault in validate(policy))
    yield from _listed(policy, cluster)
    spec = policy.spec
    if not spec.num_vfs:
        remedy = "Write 1 or more; to give the VFs back, delete the policy"
        yield denied("spec.numVfs", "found 0, and a policy that asks for no VFs has no effect", remedy)
    if spec.is_rdma and spec.vdpa_type:
        text = f"isRdma beside vdpaType {spec.vdpa_type} stops the device plugin of every node that it comes to"
        yield denied("spec.isRdma", text, "Drop isRdma or vdpaType")
    for field, entries in (
        ("pfNames", spec.nic_selector.pf_names),
        ("rootDevices", tuple(entry.lower() for entry in spec.nic_selector.root_devices)),
    ):
        yield from _repeated(f"{_SELECTOR}.{field}", entries)


def _listed(policy: NodePolicy, cluster: Cluster) -> Iterator[Finding]:
    """The ids that the selector names have to be in the table of supported NICs."""
    ids, vendor, device = cluster.nic_ids, policy.spec.nic_selector.vendor, policy.spec.nic_selector.device_id
    if cluster.dev_mode:
        return
    remedy = "Correct it (`lspci -n` shows both ids), or add the NIC to the ConfigMap supported-nic-ids"
    if vendor and not ids.has_vendor(vendor):
        yield denied(f"{_SELECTOR}.vendor", f"vendor {shown(vendor)} is not among the supported NICs", remedy)
    elif device and not ids.has_device(device):
        text = f"no supported NIC has the PF device id {shown(device)}"
        yield denied(f"{_SELECTOR}.deviceID", text, remedy)
    elif vendor and device and not ids.has_model(vendor, device):
        text = f"vendor {shown(vendor)} has no supported NIC with the PF device id {shown(device)}"
        yield denied(f"{_SELECTOR}.deviceID", text, remedy)


def _repeated(path: str, entries: Iterable[str]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for position, entry in enumerate(entries):
        earlier = first.setdefault(entry, position)
        if earlier != position:
            text = f"{shown(entry)} is given in {path.rpartition('.')[2]}[{earlier}] already"
            yield warned(f"{path}[{position}]", text, "Remove one of the two")


def _no_node(policy: NodePolicy) -> Finding:
    labels = ", ".join(f"{legible(key)}={legible(value)}" for key, value in sorted(policy.spec.node_selector.items()))
    text = (
        f"no matched node is selected: no node has {labels}" if labels else "no matched node is selected: none exists"
    )
    return denied("spec.nodeSelector", text, "Label the nodes first, or correct the selector")


def _everywhere(seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """What is found anywhere, once, with the nodes."""
    found: dict[Finding, list[str]] = {}
    for one in seen:
        for finding, nodes in one.findings:
            found.setdefault(finding, []).extend(nodes)
    return on_nodes(found)


def _reach(policy: NodePolicy, seen: Iterable[Seen], cluster: Cluster) -> Iterator[Finding]:
    """Some NIC of some node has to be selected; where files tell of no NIC at all, that cannot be judged."""
    judged = [one for one in seen if one.place.node.is_known or cluster.is_complete]
    if not judged or any(one.selects for one in judged):
        return
    nearest = next(filter(None, (hint(policy, one.place) for one in judged[:_MOST_HINTS])), "")
    silent = [name for one in judged if not one.place.node.is_known for name in one.place.names]
    text = f"no supported NIC is selected on {named([name for one in judged for name in one.place.names])}"
    if nearest:
        text = f"{text}; nearest: {nearest}"
    remedy = "Correct the selector; `kubectl get sriovnetworknodestates -o yaml` shows the NICs"
    if silent:
        remedy = f"No NICs are reported yet by {named(silent)}: wait for that, or correct the selector"
    yield denied(_SELECTOR, text, remedy)


def _unreadable(chosen: Iterable[Place]) -> Iterator[Finding]:
    for place in chosen:
        if why := place.node.unreadable:
            text = f"the report of {named(place.names)} cannot be understood: {why}"
            yield warned("spec.nodeSelector", text, "The policy is not judged there; see the log of the agent")
