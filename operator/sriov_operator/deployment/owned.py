"""Caches of what the operator has deployed, and of what decides about it: metadata and rollouts, nothing else.

An object is watched by the label that all of ours have, so one that loses the label is told as deleted.
"""

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from sriov_core.api import keys
from sriov_core.injection.switches import CONFIG_MAP as SWITCHES
from sriov_core.kube import resource
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import Resource
from sriov_operator.deployment.manifests import Place
from sriov_operator.deployment.names import OURS

_WATCHED = (
    resource.SERVICES,
    resource.SERVICE_ACCOUNTS,
    resource.ROLES,
    resource.ROLE_BINDINGS,
    resource.NETWORK_POLICIES,
    resource.CLUSTER_ROLES,
    resource.CLUSTER_ROLE_BINDINGS,
    resource.MUTATING_WEBHOOKS,
    resource.VALIDATING_WEBHOOKS,
    resource.ADMISSION_POLICIES,
    resource.ADMISSION_POLICY_BINDINGS,
)

T = TypeVar("T")


class LeanObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Any object, of which only the metadata matter."""

    metadata: LeanMeta


class LeanRollout(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a DaemonSet has come."""

    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    observed_generation: int = 0


class LeanDaemonSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A DaemonSet, lean."""

    metadata: LeanMeta
    status: LeanRollout = msgspec.field(default_factory=LeanRollout)


class Owned:
    """All of them. ``secrets`` are the names of those that hold our own certificates; others are never looked at."""

    def __init__(self, client: Client, namespace: str, secrets: tuple[str, ...]) -> None:
        self._client, self._namespace = client, namespace
        self._failures: dict[str, Exception] = {}
        self.daemon_sets: Informer[LeanDaemonSet] = self._informer(resource.DAEMON_SETS, LeanDaemonSet, labels=OURS)
        # The ConfigMaps of single nodes are many, and nothing here depends on them.
        self.config_maps = self._informer(resource.CONFIG_MAPS, LeanObject, labels=f"!{keys.NODE_INTERFACES}")
        self._secrets = {
            name: self._informer(resource.SECRETS, LeanObject, fields=f"metadata.name={name}") for name in secrets
        }
        self._kinds: Mapping[str, Informer[Any]] = {
            resource.DAEMON_SETS.kind: self.daemon_sets,
            resource.CONFIG_MAPS.kind: self.config_maps,
            **{one.kind: self._informer(one, LeanObject, labels=OURS) for one in _WATCHED},
        }

    def start(self, stop: threading.Event, changed: Callable[[], None]) -> None:
        """Fill and keep the caches; ``changed`` is called after each change that may matter."""

        def handle(before: Any, after: Any) -> None:
            if before is None or after is None or _facts(before) != _facts(after):
                changed()

        def handle_config_map(before: LeanObject | None, after: LeanObject | None) -> None:
            # Of the others it counts only whether they are there, and some of them change all the time.
            if before is None or after is None or after.metadata.name == SWITCHES:
                changed()

        for informer in self._all:
            informer.subscribe(handle_config_map if informer is self.config_maps else handle)
            informer.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        end = time.monotonic() + timeout_s
        return all(informer.join(max(0.0, end - time.monotonic())) for informer in self._all)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The kinds that have not been listed yet; those that the API server does not have are not waited for."""
        return tuple(
            kind
            for kind, informer in self._kinds.items()
            if not informer.synced and not isinstance(self._failures.get(kind), NotFound)
        )

    def serves(self, kind: str) -> bool:
        """False for a kind that is watched and that the API server does not have."""
        return not isinstance(self._failures.get(kind), NotFound) or self._kinds[kind].synced

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why kinds that are waited for cannot be listed."""
        return tuple(str(self._failures[kind]) for kind in self.waits_for if kind in self._failures)

    def mark(self, place: Place) -> str | None:
        """Changes whenever the object does, its status aside; empty when it is not there, None when nobody watches."""
        informer = self._kinds.get(place.kind)
        if informer is None or not informer.synced:
            return None
        found = informer.get(place.key)
        return mark_of(msgspec.to_builtins(found.metadata)) if found else ""

    def secret_version(self, name: str) -> str:
        """The version of a Secret; empty when it is not there."""
        found = self._secrets[name].get(f"{self._namespace}/{name}")
        return found.metadata.resource_version if found else ""

    @property
    def _all(self) -> tuple[Informer[Any], ...]:
        return (*self._kinds.values(), *self._secrets.values())

    def _informer(self, one: Resource, lean: type[T], *, labels: str = "", fields: str = "") -> Informer[T]:
        def failed(failure: Exception) -> None:
            self._failures[one.kind] = failure

        where = self._namespace if one.namespaced else ""
        return Informer(self._client, one, lean, namespace=where, labels=labels, fields=fields, on_failure=failed)


def mark_of(metadata: Mapping[str, Any]) -> str:
    """What changes whenever an object does, its status aside, from its metadata as in JSON."""
    generation = metadata.get("generation") or 0
    if not generation:
        return f"{metadata.get('uid')}/{metadata.get('resourceVersion')}"
    texts = [sorted((metadata.get(name) or {}).items()) for name in ("labels", "annotations")]
    gone = metadata.get("deletionTimestamp") or ""
    return f"{metadata.get('uid')}/{generation}/{gone}/{zlib.crc32(repr(texts).encode())}"


def _facts(seen: LeanObject | LeanDaemonSet) -> tuple[str, LeanRollout | None]:
    status = seen.status if isinstance(seen, LeanDaemonSet) else None
    return mark_of(msgspec.to_builtins(seen.metadata)), status
