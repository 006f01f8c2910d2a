"""Why the pods of a DaemonSet are not ready: what the scheduler and the kubelets say of them. Nothing here does I/O."""

from collections.abc import Iterable, Iterator

import msgspec

from sriov_core.api.fault import legible

_MOST = 160
"""Letters of what a kubelet says; the rest is in the pod."""
_PULLS = frozenset({"ErrImagePull", "ImagePullBackOff"})
_RESTARTS, _CREATING = "CrashLoopBackOff", "ContainerCreating"
_SLOW = "its containers are still being made: an image is pulled, or a Secret or volume is not there. See its events"


class PodMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What tells pods apart."""

    name: str
    deletion_timestamp: str = ""


class PodSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where it runs; empty while nobody has found a node."""

    node_name: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Why a container does not run."""

    reason: str = ""
    message: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a container has ended."""

    exit_code: int = 0
    reason: str = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Of a container: now, or before."""

    waiting: Waiting | None = None
    terminated: Ended | None = None


class Container(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of them."""

    name: str
    image: str = ""
    ready: bool = False
    state: State = msgspec.field(default_factory=State)
    last_state: State = msgspec.field(default_factory=State)


class PodCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of the pod."""

    type: str
    status: str
    message: str = ""


class PodStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of it."""

    phase: str = ""
    conditions: tuple[PodCondition, ...] = ()
    init_container_statuses: tuple[Container, ...] = ()
    container_statuses: tuple[Container, ...] = ()


class LeanPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod, as far as it tells why it is not ready."""

    metadata: PodMeta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


def reason(pods: Iterable[LeanPod]) -> str:
    """The first of the pods by name that is not ready, why, and how many more; empty when they do not tell.

    What changes with each attempt, as the length of a pause, is left out, so that the text stands still while the
    trouble does.
    """
    known = sorted(pods, key=lambda pod: pod.metadata.name)
    if not known:
        return "there is no pod of it: a quota or the pod security of the namespace may forbid them. See its events"
    staying = [pod for pod in known if not pod.metadata.deletion_timestamp]
    found = [(pod, text) for pod in staying for text in _texts(pod)]
    found = found or [(pod, _SLOW) for pod in staying if _is_being_made(pod)]
    if not found:
        return ""
    pod, text = found[0]
    place = f"pod {pod.metadata.name}" + (f" on {pod.spec.node_name}" if pod.spec.node_name else "")
    others = len({one.metadata.name for one, _ in found}) - 1
    return f"{place}: {text}" + (f", and {others} more" if others else "")


def _is_being_made(pod: LeanPod) -> bool:
    containers = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return any(one.state.waiting and one.state.waiting.reason == _CREATING for one in containers)


def _texts(pod: LeanPod) -> Iterator[str]:
    """What is in the way, the first thing first."""
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            yield f"it cannot be scheduled: {_cut(condition.message)}"
    for container in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        yield from _of_container(container)


def _of_container(container: Container) -> Iterator[str]:
    waiting, ended = container.state.waiting, container.last_state.terminated or container.state.terminated
    if waiting and waiting.reason in _PULLS:
        yield f"image {legible(container.image)} cannot be pulled"
    elif ended and ended.exit_code and not container.ready:
        why = f" ({legible(ended.reason)})" if ended.reason not in {"", "Error"} else ""
        yield f"container {container.name} ended with exit code {ended.exit_code}{why}. See its log"
    elif waiting and waiting.reason not in {"", _CREATING, "PodInitializing", _RESTARTS}:
        yield f"container {container.name}: {legible(waiting.reason)}: {_cut(waiting.message)}"


def _cut(text: str) -> str:
    found = "".join(letter if letter.isprintable() else " " for letter in text).rstrip(". ")
    return found if len(found) <= _MOST else f"{found[:_MOST]}..."
