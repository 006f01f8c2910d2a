"""What stays in a cluster after the clean-up, and what that means for whoever wants it gone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec

from sriov_core.api import keys
from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure, Forbidden, NotFound
from sriov_core.kube.resource import (
    ADMISSION_POLICIES,
    ATTACHMENTS,
    CONFIG_MAPS,
    LEASES,
    MACHINE_CONFIGS,
    NODE_STATES,
    NODES,
    OURS,
    POLICIES,
    POOLS,
    Resource,
)
from sriov_core.policy.judging import DEPRECATED_NAME
from sriov_operator.deployment.names import CONFIG_DAEMON, MACHINE_CONFIG, MANAGER
from sriov_operator.deployment.names import OURS as LABELLED
from sriov_operator.deployment.undone import undone
from sriov_operator.draining import ledger
from sriov_operator.process.lean import LeanNodeState

_SHOWN = 5
_NETWORKS = ("SriovNetwork", "SriovIBNetwork", "OVSNetwork")
_DRAINED = frozenset({"Draining", "DrainComplete"})


class _Meta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    namespace: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    deletion_timestamp: str = ""


class _Offload(msgspec.Struct, frozen=True):
    name: str = ""


class _Spec(msgspec.Struct, frozen=True, kw_only=True):
    offload: _Offload = msgspec.field(name="ovsHardwareOffloadConfig", default_factory=_Offload)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    metadata: _Meta
    spec: _Spec = msgspec.field(default_factory=_Spec)


def leftovers(client: Client, namespace: str) -> Iterator[str]:
    """A line for each thing that is left, with what it means and what to do; also for what cannot be looked at."""
    for look in (_policies, _undone, _states, _networks, _pools, _machines, on_nodes, _records, _installation):
        yield from _looked(look, client, namespace)


def undone_nodes(client: Client, namespace: str) -> Iterator[str]:
    """The line of `leftovers` that names the nodes which were not done, if there are any."""
    yield from _looked(_undone, client, namespace)


def _looked(look: Callable[[Client, str], Iterator[str]], client: Client, namespace: str) -> Iterator[str]:
    try:
        yield from look(client, namespace)
    except ApiFailure as err:
        yield f"it cannot be looked whether more is left: {err}"


def policies(client: Client, namespace: str) -> str:
    """Those that somebody has to keep on the nodes, as in ``1 SriovNetworkNodePolicy (ns/a)``; empty without any."""
    found = [one for one in _found(client, POLICIES, namespace) if one.metadata.name != DEPRECATED_NAME]
    return _counted(found, "SriovNetworkNodePolicy") if found else ""


def _policies(client: Client, namespace: str) -> Iterator[str]:
    if found := policies(client, namespace):
        yield (
            f"{found}: the nodes keep the VFs that they have, and nobody looks "
            "after them. To have the NICs given back, apply the SriovOperatorConfig again, delete the policies while "
            "operator and agents run, wait until the node states are Ready, and clean up again"
        )


def _undone(client: Client, namespace: str) -> Iterator[str]:
    with suppress(NotFound):
        states = client.list(NODE_STATES, namespace, type=LeanNodeState).items
        # One that is kept for a while has no agent any more: nobody can have it done.
        there = [one for one in states if keys.KEEP_STATE_UNTIL not in one.metadata.annotations]
        there = [one for one in there if not one.metadata.deletion_timestamp]
        if line := undone(there, wished=bool(policies(client, namespace))):
            yield line


def _states(client: Client, namespace: str) -> Iterator[str]:
    found = _found(client, NODE_STATES, namespace)
    for one in found:
        name, annotations = one.metadata.name, one.metadata.annotations
        if annotations.get(keys.CURRENT_STATE) in _DRAINED and annotations.get(keys.CORDONED_BEFORE) != "true":
            yield f"node {name} is cordoned, since its drain was not over: kubectl uncordon {name}"
    if found:
        yield f"{_counted(found, 'SriovNetworkNodeState')}: what the nodes last reported. They go with their definition"


def _networks(client: Client, _namespace: str) -> Iterator[str]:
    for kind in _NETWORKS:
        if found := _found(client, OURS[kind]):
            yield f"{_counted(found, kind)}: nothing of ours is in the way of their deletion"
    attachments = [one for one in _found(client, ATTACHMENTS) if keys.OWNER in one.metadata.annotations]
    if attachments:
        yield (
            f"{_counted(attachments, 'NetworkAttachmentDefinition')}: pods may use them. Delete those of no use any "
            "more by hand; one in the namespace of its network goes with that"
        )


def _pools(client: Client, namespace: str) -> Iterator[str]:
    found = _found(client, POOLS, namespace)
    if found:
        yield f"{_counted(found, 'SriovNetworkPoolConfig')}: without effect now, they can be deleted"
    for pool in found:
        if machines := pool.spec.offload.name:
            name = f"00-{machines}-ovs-hw-offload"
            yield f"on OpenShift MachineConfig {name}, of pool {pool.metadata.name}: deleting it reboots these nodes"


def _machines(client: Client, _namespace: str) -> Iterator[str]:
    """Elsewhere than on OpenShift nobody may be allowed to ask for it."""
    with suppress(NotFound, Forbidden):
        client.get(MACHINE_CONFIGS, MACHINE_CONFIG, type=_Seen)
        yield f"MachineConfig {MACHINE_CONFIG}: deleting it reboots the workers"


def on_nodes(client: Client, _namespace: str = "") -> Iterator[str]:
    """What Nodes still bear of ours, and how it is taken off. Raises `ApiFailure`."""
    nodes = [one for one in _found(client, NODES) if _is_marked(one.metadata)]
    if nodes:
        remedy = f"kubectl label nodes --all {keys.DEVICE_PLUGIN}-; kubectl annotate nodes --all {keys.NODE_STATE}-"
        yield f"a label, an annotation or both on {_counted(nodes, 'Node')}: {remedy}"


def _is_marked(node: _Meta) -> bool:
    return keys.DEVICE_PLUGIN in node.labels or keys.NODE_STATE in node.annotations


def _records(client: Client, namespace: str) -> Iterator[str]:
    """What the operator wrote down for itself, or for its successor."""
    named = {"Lease": (LEASES, MANAGER), "ConfigMap": (CONFIG_MAPS, ledger.NAME)}
    there = [(kind, name) for kind, (of, name) in named.items() if _is_there(client, of, name, namespace)]
    if there:
        objects = " and ".join(f"{kind} {namespace}/{name}" for kind, name in there)
        asked = " ".join(f"{kind.lower()}/{name}" for kind, name in there)
        yield (
            f"{objects}, notes of the operator that nobody else reads: kubectl delete --namespace {namespace} {asked}, "
            "once it is gone"
        )


def _is_there(client: Client, resource: Resource, name: str, namespace: str) -> bool:
    try:
        client.get(resource, name, namespace, type=_Seen)
    except NotFound:
        return False
    return True


def _installation(client: Client, namespace: str) -> Iterator[str]:
    """The restrictions are kept until the accounts go that they restrict."""
    found = _found(client, ADMISSION_POLICIES, labels=LABELLED)
    if found:
        yield (
            f"{_counted(found, 'ValidatingAdmissionPolicy')}, and the Deployment, accounts and roles beside them: pipe "
            f"what `sriov-operator manifests --namespace {namespace}` prints to kubectl delete --ignore-not-found "
            f"-f -. That deletes the namespace {namespace} with everything in it, too. To keep the namespace: "
            + "; ".join(without_the_namespace(namespace))
        )


def without_the_namespace(namespace: str) -> tuple[str, ...]:
    """The commands that delete what `sriov-operator manifests` prints, but for the namespace."""
    kinds = "deployment,rolebinding,clusterrolebinding,role,clusterrole,serviceaccount"
    return (
        f"kubectl delete --namespace {namespace} --ignore-not-found {kinds} {MANAGER} {CONFIG_DAEMON}",
        f"kubectl delete validatingadmissionpolicybinding,validatingadmissionpolicy --selector {LABELLED}",
    )


def _found(client: Client, resource: Resource, namespace: str = "", labels: str = "") -> Sequence[_Seen]:
    """Those that are not about to go; none where there is no such kind."""
    try:
        listed = client.list(resource, namespace, type=_Seen, labels=labels).items
    except NotFound:
        return ()
    return [one for one in listed if not one.metadata.deletion_timestamp]


def _counted(found: Sequence[_Seen], kind: str) -> str:
    """As in ``2 SriovNetworks (ns/a, ns/b)``."""
    called = ["/".join(filter(None, (one.metadata.namespace, one.metadata.name))) for one in found]
    more = f", and {len(called) - _SHOWN} more" if len(called) > _SHOWN else ""
    several = kind if len(found) == 1 else f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{len(found)} {several} ({', '.join(sorted(called)[:_SHOWN])}{more})"
