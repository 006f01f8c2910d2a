"""Reads what a command needs, with plain LISTs and GETs; what may not be read is left out and told."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import yaml

from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.cli.kubectl.options import Where
from sriov_core.clusterview.cluster import Cluster, Part, Stray
from sriov_core.clusterview.objects import Attachment, Node, Pod
from sriov_core.clusterview.policies import no_such_policy
from sriov_core.errors import SpecError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import HOME_CONFIG, connect
from sriov_core.kube.failures import ApiFailure, Forbidden, NotFound
from sriov_core.kube.resource import ATTACHMENTS, NODES, OURS, PODS, Resource

T = TypeVar("T")

_AT_HOME: dict[str, tuple[Resource, type[Any]]] = {
    "configs": (OURS["SriovOperatorConfig"], OperatorConfig),
    "policies": (OURS["SriovNetworkNodePolicy"], NodePolicy),
    "pools": (OURS["SriovNetworkPoolConfig"], PoolConfig),
}
"""What people write, and the operator reads in its own namespace only."""
_KINDS: dict[str, tuple[Resource, type[Any]]] = {
    "states": (OURS["SriovNetworkNodeState"], NodeState),
    "nodes": (NODES, Node),
    "own_pods": (PODS, Pod),
}
_NETWORKS = (("SriovNetwork", SriovNetwork), ("SriovIBNetwork", SriovIBNetwork), ("OVSNetwork", OVSNetwork))
_UNAUTHORIZED = 401
_LIVING = "status.phase!=Succeeded,status.phase!=Failed"


def open_cluster(where: Where) -> Client:
    """The connection. HostError when there is no kubeconfig, or no such context in it."""
    transport = connect(where.kubeconfig, context=where.context, user_agent="kubectl-sriov", connections=4)
    return Client(transport, manager="kubectl-sriov", on_unreadable=lambda *_: None, timeout_s=where.timeout_s)


def read(client: Client, where: Where, parts: Iterable[str]) -> Cluster:
    """These parts of a `Cluster`, by the names of its fields; the configuration always.

    What this identity may not read is told in the part. Raises ApiFailure when nothing at all may be read, when the API
    server does not answer or does not know who asks, and NotFound when our kinds are not defined.
    """
    found: dict[str, Any] = {}
    strays: list[Part[Stray]] = []
    for name in ("configs", *parts):
        if name in _AT_HOME:
            found[name], stray = _at_home(client, *_AT_HOME[name], where.namespace)
            strays.append(stray)
        else:
            found[name] = _read(client, name, where)
    if all(part.refused for part in found.values()):
        raise Forbidden(next(part.refused for part in found.values()))
    others = Part(
        kind=f"{', '.join(part.kind for part in strays)} of other namespaces",
        items=tuple(one for part in strays for one in part.items),
        refused=next((part.refused for part in strays if part.refused), ""),
    )
    return Cluster(namespace=where.namespace, now=datetime.now(UTC), strays=others, **found)


def one(get: Callable[[], T], what: str) -> T:
    """A single object; NotFound with what to do."""
    try:
        return get()
    except NotFound as err:
        raise NotFound(f"there is no {what}. Correct the name, or the namespace", status=err.status) from err


def _read(client: Client, name: str, where: Where) -> Part[Any]:
    if name == "networks":
        return _networks(client)
    if name == "pods":
        return _part(client, PODS, Pod, "", fields=_LIVING)
    if name == "attachments":
        return _optional(client)
    resource, kind = _KINDS[name]
    return _part(client, resource, kind, where.namespace)


def policy_named(cluster: Cluster, name: str) -> NodePolicy:
    """The policy; SpecError, with those that there are, when the operator's namespace has none of that name."""
    found = next((one for one in cluster.policies.items if one.metadata.name == name), None)
    if found is None:
        raise SpecError(no_such_policy(name, cluster))
    return found


def _part(client: Client, resource: Resource, kind: type[T], namespace: str, fields: str = "") -> Part[T]:
    try:
        listed = client.list(resource, namespace if resource.namespaced else "", type=kind, fields=fields)
    except Forbidden as err:
        if err.status == _UNAUTHORIZED:
            raise
        return Part(kind=resource.kind, refused=str(err))
    except NotFound as err:
        raise _undefined(resource, err) from err
    return Part(kind=resource.kind, items=listed.items, unreadable=listed.unreadable)


def _at_home(client: Client, resource: Resource, kind: type[Any], home: str) -> tuple[Part[Any], Part[Stray]]:
    """The objects of the operator's namespace, and those of all others where this identity may look there."""
    every: Part[Any] = _part(client, resource, kind, "")
    if every.refused:
        own: Part[Any] = _part(client, resource, kind, home)
        return own, Part(kind=resource.kind, refused="" if own.refused else every.refused)
    keys = [(one.metadata.namespace, one.metadata.name) for one in every.items]
    keys += [(key.partition("/")[0], key.partition("/")[2]) for key in every.unreadable]
    own = Part(
        kind=resource.kind,
        items=tuple(one for one in every.items if one.metadata.namespace == home),
        unreadable=tuple(key for key in every.unreadable if key.partition("/")[0] == home),
    )
    strays = (Stray(resource.kind, namespace, name) for namespace, name in sorted(keys) if namespace != home)
    return own, Part(kind=resource.kind, items=tuple(strays))


def _networks(client: Client) -> Part[Any]:
    every = [_part(client, OURS[name], kind, "") for name, kind in _NETWORKS]
    return Part(
        kind="SriovNetwork, SriovIBNetwork, OVSNetwork",
        items=tuple(network for part in every for network in part.items),
        unreadable=tuple(key for part in every for key in part.unreadable),
        refused="; ".join(part.refused for part in every if part.refused),
    )


def _optional(client: Client) -> Part[Attachment]:
    """A cluster may be without Multus: then there is no attachment that could be looked at."""
    try:
        return _part(client, ATTACHMENTS, Attachment, "")
    except NotFound:
        why = "this API server has no NetworkAttachmentDefinition: install Multus, whose kind it is"
        return Part(kind=ATTACHMENTS.kind, refused=why)


def _undefined(resource: Resource, err: ApiFailure) -> NotFound:
    if resource.kind not in OURS:
        return NotFound(str(err), status=err.status)
    text = (
        f"this API server has no {resource.kind}: SR-IOV is not installed in this cluster, or the context is another's"
    )
    return NotFound(
        f"{text}. The definitions come with: sriov-core crds | kubectl apply --server-side -f -", status=404
    )


def namespace_of(where: Where) -> str:
    """The namespace of the context, as kubectl takes it; ``default`` where the kubeconfig names none."""
    for path in filter(None, (where.kubeconfig or os.environ.get("KUBECONFIG") or HOME_CONFIG).split(os.pathsep)):
        found = _namespace_in(os.path.expanduser(path), where.context)
        if found:
            return found
    return "default"


def _namespace_in(path: str, context: str | None) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        wanted = context or config.get("current-context")
        contexts = {each["name"]: each.get("context") or {} for each in config.get("contexts") or []}
        return str(contexts.get(wanted, {}).get("namespace") or "")
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return ""  # whether it can be used is told by who connects
