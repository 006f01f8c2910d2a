"""Whether the agent of each node runs, by its pod, and what is told of one that does not report."""

import threading
import time
from collections.abc import Callable, Iterable

import msgspec

from sriov_core.api.conditions import Condition
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import PODS
from sriov_operator.process.context import Context

DAEMON_SET = "sriov-network-config-daemon"
CONDITION = "AgentReporting"
"""The condition of a node state whose agent is silent: False, and absent otherwise."""
PATIENCE_S = 60.0
"""How long an agent may be silent before that is told: an update restarts all of them."""


SYNC_S = 2.0
"""How long is waited for the pods at the start: without them, nobody is told of any trouble."""


class PodMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What names a pod."""

    name: str
    namespace: str = ""
    resource_version: str = ""


class Sign(msgspec.Struct, frozen=True, gc=False):
    """A condition of a pod."""

    type: str = ""
    status: str = ""


class PodSpec(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Where a pod runs."""

    node_name: str = ""


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a pod is."""

    conditions: tuple[Sign, ...] = ()


class AgentPod(msgspec.Struct, frozen=True):
    """The pod of an agent, lean."""

    metadata: PodMeta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    @property
    def is_ready(self) -> bool:
        """True when it serves."""
        return any(sign.type == "Ready" and sign.status == "True" for sign in self.status.conditions)


class Agents:
    """The agents' pods by node. ``changed`` is told a node whose agent starts or stops to be well. Thread-safe."""

    def __init__(
        self, context: Context, changed: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._pods: dict[str, dict[str, AgentPod]] = {}
        self._silent: dict[str, float] = {}
        namespace, labels = context.settings.namespace, f"app={DAEMON_SET}"
        self._informer = Informer(context.client, PODS, AgentPod, namespace=namespace, labels=labels)

    def start(self, stop: threading.Event) -> None:
        """Follow the pods, and wait a moment until they are known."""
        self._informer.subscribe(self._on_pod)
        self._informer.start(stop)
        self._informer.wait_synced(SYNC_S)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        return self._informer.join(timeout_s)

    def trouble(self, node: str) -> str:
        """What is wrong with the agent of a node; empty when it runs, or when agents run in other ways than by pods."""
        with self._lock:
            if not self._pods or not self._informer.synced:
                return ""
            return trouble(self._pods.get(node, {}).values())

    def silent_s(self, node: str, *, is_silent: bool) -> float:
        """For how many seconds a node has been found silent without a break, this time included."""
        now = self._clock()
        with self._lock:
            if is_silent:
                return now - self._silent.setdefault(node, now)
            self._silent.pop(node, None)
            return 0.0

    def _on_pod(self, before: AgentPod | None, after: AgentPod | None) -> None:
        for pod in filter(None, (before, after)):
            self._put(pod, is_there=pod is after)
        if not (before and after and (before.spec, before.is_ready) == (after.spec, after.is_ready)):
            for node in {pod.spec.node_name for pod in (before, after) if pod and pod.spec.node_name}:
                self._changed(node)

    def _put(self, pod: AgentPod, *, is_there: bool) -> None:
        node, name = pod.spec.node_name, pod.metadata.name
        with self._lock:
            held = self._pods.setdefault(node, {})
            if is_there:
                held[name] = pod
            else:
                held.pop(name, None)
            if not held:
                del self._pods[node]


def trouble(pods: Iterable[AgentPod]) -> str:
    """What is wrong with the agent of a node that has these pods of it; empty when nothing is."""
    found = sorted(pods, key=lambda pod: pod.metadata.name)
    if any(pod.is_ready for pod in found):
        return ""
    if not found:
        return f"no pod of the DaemonSet {DAEMON_SET} is on it"
    name, namespace = found[0].metadata.name, found[0].metadata.namespace
    return f"the pod {name} of its agent is not ready: see kubectl describe pod {name} --namespace {namespace}"


def is_told(conditions: Iterable[Condition]) -> bool:
    """True when a node state says of its agent that it is silent, by a process before this one perhaps."""
    return any(one.type == CONDITION for one in conditions)


def condition(wrong: str, generation: int, *, has_reported: bool) -> Condition:
    """What is told of a silent agent; ``wrong`` is its trouble, empty when nobody knows of any."""
    what = "the report may be an old one" if has_reported else "no agent has reported from this node yet"
    return Condition(
        type=CONDITION,
        status="False",
        reason="AgentNotReady" if wrong else "NotReported",
        message="; ".join(filter(None, (what, wrong))),
        observed_generation=generation,
    )
