"""Takes our finalizers off objects that nobody will look after: with them, their namespaces could never be deleted."""

from collections.abc import Iterator
from typing import Any

import attrs

from sriov_core.api import keys, operatorconfig
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Conflict, NotFound
from sriov_core.kube.resource import ATTACHMENTS, CONFIGS, OURS
from sriov_operator.attachments import DeleteAttachment, decide, places

_TRIES = 5
_NETWORKS: tuple[tuple[str, type[Network]], ...] = (
    ("SriovNetwork", SriovNetwork),
    ("SriovIBNetwork", SriovIBNetwork),
    ("OVSNetwork", OVSNetwork),
)
_FINALIZERS = frozenset({keys.NETWORK_FINALIZER, keys.POOL_FINALIZER, keys.CONFIG_FINALIZER})


@attrs.frozen(kw_only=True)
class Released:
    """An object that has lost its finalizer; ``was_going`` says that it was being deleted."""

    kind: str
    namespace: str
    name: str
    was_going: bool


def release_all(client: Client, namespace: str) -> Iterator[Released]:
    """Networks of all namespaces, and the pools of the operator's ``namespace``. Raises `ApiFailure`.

    Attachments stay, since pods use them; those of networks that are being deleted go, too.
    """
    for kind, wire in _NETWORKS:
        for network in _held(client, kind, wire):
            yield _released(client, network, wire, namespace)
    for pool in _held(client, "SriovNetworkPoolConfig", PoolConfig, namespace):
        yield _released(client, pool, PoolConfig, namespace)


def release_config(client: Client, namespace: str) -> None:
    """Let the configuration go that no operator lets go any more. Raises `ApiFailure`; one that is gone is no error."""
    try:
        config = client.get(CONFIGS, operatorconfig.NAME, namespace, type=OperatorConfig)
    except NotFound:
        return
    _released(client, config, OperatorConfig, namespace)


def _held(client: Client, kind: str, wire: type[Any], namespace: str = "") -> list[Any]:
    try:
        found = client.list(OURS[kind], namespace, type=wire).items
    except NotFound:
        return []
    return [one for one in found if _FINALIZERS & set(one.metadata.finalizers)]


def _released(client: Client, held: Any, wire: type[Any], namespace: str) -> Released:
    place = {"kind": held.kind, "namespace": held.metadata.namespace, "name": held.metadata.name}
    was_going = bool(held.metadata.deletion_timestamp)
    for left in range(_TRIES - 1, -1, -1):
        if held.metadata.deletion_timestamp and held.kind in dict(_NETWORKS):
            _delete_attachments(client, held, namespace)
        kept = [one for one in held.metadata.finalizers if one not in _FINALIZERS]
        metadata = {"resourceVersion": held.metadata.resource_version, "finalizers": kept}
        try:
            client.merge_patch(OURS[held.kind], held.metadata.name, {"metadata": metadata}, held.metadata.namespace)
            break
        except NotFound:
            break
        except Conflict:
            if not left:
                raise
        try:
            held = client.get(OURS[held.kind], held.metadata.name, held.metadata.namespace, type=wire)
        except NotFound:
            break
    return Released(**place, was_going=was_going)


def _delete_attachments(client: Client, network: Network, namespace: str) -> None:
    looked, name = places(network), network.metadata.name

    def look(where: str) -> dict[str, Any] | None:
        try:
            return client.get(ATTACHMENTS, name, where) if where else None
        except NotFound:
            return None

    decision = decide(
        network,
        found=look(looked.target),
        former=look(looked.former),
        namespace_exists=True,
        operator_namespace=namespace,
        resource_prefix="",
    )
    for action in decision.actions:
        if isinstance(action, DeleteAttachment):
            try:
                client.delete(
                    ATTACHMENTS,
                    action.name,
                    action.namespace,
                    uid=action.uid,
                    resource_version=action.resource_version,
                )
            except NotFound:
                continue
