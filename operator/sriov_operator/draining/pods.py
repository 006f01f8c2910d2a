"""Which pods of a node have to go before it is changed, and which of them hold the drain up. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import msgspec

from sriov_operator.draining import moments

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of a mirror pod (k8s.io/api/core/v1, MirrorPodAnnotationKey): the kubelet runs it from a file."""
FINISHED = ("Succeeded", "Failed")


class Controller(msgspec.Struct, frozen=True):
    """An owner of a pod, as far as it matters."""

    kind: str = ""
    controller: bool = False


class PodMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The metadata of a pod; the time of deletion includes the grace period."""

    name: str
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[Controller, ...] = ()
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] = ()


class Resources(msgspec.Struct, frozen=True):
    """What a container asks for; only the names matter. A limit alone counts as a request too."""

    requests: dict[str, Any] = msgspec.field(default_factory=dict)
    limits: dict[str, Any] = msgspec.field(default_factory=dict)


class Container(msgspec.Struct, frozen=True):
    """A container of a pod."""

    resources: Resources = msgspec.field(default_factory=Resources)


class PodSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a pod asks for. ``resource_claims`` are those of dynamic resource allocation."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    resource_claims: tuple[dict[str, Any], ...] = ()
    node_name: str = ""


class PodStatus(msgspec.Struct, frozen=True):
    """How far a pod has come."""

    phase: str = ""


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod of the node."""

    metadata: PodMeta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


@attrs.frozen(kw_only=True)
class Choice:
    """The pods that have to go, by key: those to evict now, those that end already, and why some of these do not."""

    evict: tuple[Pod, ...] = ()
    ending: tuple[Pod, ...] = ()
    overdue: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when no pod is in the way any more."""
        return not (self.evict or self.ending)


def choose(pods: Iterable[Pod], *, full: bool, prefix: str, now: datetime, margin_s: float) -> Choice:
    """What a drain does about the pods of a node.

    A ``full`` one takes every pod, a partial one those that ask for a resource ``prefix/...`` or for a resource claim.
    Pods of DaemonSets and static ones stay, they would come back at once. Finished pods hold no device. A pod that ends
    is overdue ``margin_s`` after the end of its grace period.
    """
    going = sorted((pod for pod in pods if _must_go(pod, full=full, prefix=prefix)), key=lambda pod: pod.key)
    ending = tuple(pod for pod in going if pod.metadata.deletion_timestamp)
    late = ((pod, moments.read(pod.metadata.deletion_timestamp or "")) for pod in ending)
    margin = timedelta(seconds=margin_s)
    overdue = {pod.key: _stuck(pod) for pod, end in late if end is not None and now > end + margin}
    return Choice(evict=tuple(pod for pod in going if pod not in ending), ending=ending, overdue=overdue)


def why_it_goes(pod: Pod, *, full: bool, prefix: str) -> str:
    """Why a drain sends a pod away, for people; empty when it does not."""
    if full:
        return "every pod goes before a reboot"
    ours = next((name for name in _resources(pod) if name.startswith(f"{prefix}/")), "")
    return f"it asks for {ours}" if ours else "it has a resource claim" if pod.spec.resource_claims else ""


def _must_go(pod: Pod, *, full: bool, prefix: str) -> bool:
    if MIRROR in pod.metadata.annotations or pod.status.phase in FINISHED:
        return False
    if any(owner.controller and owner.kind == "DaemonSet" for owner in pod.metadata.owner_references):
        return False
    return bool(why_it_goes(pod, full=full, prefix=prefix))


def _resources(pod: Pod) -> Iterator[str]:
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        yield from container.resources.requests
        yield from container.resources.limits


def _stuck(pod: Pod) -> str:
    late = f"pod {pod.key} should have ended at {pod.metadata.deletion_timestamp}"
    if pod.metadata.finalizers:
        held = ", ".join(pod.metadata.finalizers)
        return f"{late} and is held by finalizers: {held}. Whoever set them has to take them off"
    return f"{late} and is still there. See whether the kubelet of its node runs"
