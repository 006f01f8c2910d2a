"""Nodes that ask for drains, pods that stand in the way, and operators that drain, on a real API server.

The agents are played: a node asks when the test says so. Pods have no kubelet: one that has no finalizer and gets no
time to end is gone as soon as it is evicted.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
from deployments import account, settings
from draining_history import ANSWER, CORDON, History
from kube_clients import admin
from operator_runs import Running, until
from servers import Server
from servers_admin import MERGE

from sriov_core.api import keys
from sriov_core.kube import election
from sriov_operator.draining.controller import Drain
from sriov_operator.draining.drainer import Timing
from sriov_operator.draining.pools import Pools

GROUP = "sriovnetwork.openshift.io"
PATIENCE_S = 90.0
"""Longer than any pause after failures that these tests bring about; only a failure takes that long."""
LEDGER = "sriov-drain-ledger"
JSON_PATCH = "application/json-patch+json"
DEVICE = "openshift.io/nic"
FAST = Timing(again_s=0.2, soon_s=0.05, safety_s=2.0, margin_s=0.5)
"""The pauses of the product are for people; these are for tests, which wait for states and not for times."""
MAKE = {"drain": partial(Drain, timing=FAST), "pools": partial(Pools, gathering_s=0.05)}
IDLE, DRAIN, REBOOT = "Idle", "Drain_Required", "Reboot_Required"
DRAINING, COMPLETE = "Draining", "DrainComplete"

Document = dict[str, Any]


@attrs.define
class Stage:
    """A namespace of an operator. Names of nodes are short; in the cluster they begin with that of the namespace."""

    server: Server
    namespace: str
    history: History
    operators: list[Running] = attrs.field(factory=list)
    _paths: list[str] = attrs.field(factory=list)

    # --- what there is

    def node(
        self, name: str, request: str = IDLE, answer: str = IDLE, *, cordoned: bool = False, **labels: str
    ) -> None:
        """A Node and its node state; an empty annotation is one that is missing."""
        spec = {"unschedulable": True} if cordoned else {}
        head = {"name": self.full(name), "labels": {"of": self.namespace, **labels}}
        annotations = {keys.NODE_STATE: request} if request else {}
        self._create(
            {"apiVersion": "v1", "kind": "Node", "metadata": {**head, "annotations": annotations}, "spec": spec}
        )
        self.state(name, request, answer)

    def node_alone(self, name: str) -> None:
        """A Node without a node state, and without annotations."""
        meta = {"name": self.full(name), "labels": {"of": self.namespace}}
        self._create({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {}})

    def remove_nodes(self, *names: str) -> None:
        """Nodes and their states, at once."""
        for name in names:
            self.remove(self.node_path(name))
            self.remove(self.state_path(name))

    def state(self, name: str, request: str = "", answer: str = "") -> None:
        """The node state alone."""
        notes = {keys.DESIRED_STATE: request, keys.CURRENT_STATE: answer}
        meta = {"name": self.full(name), "namespace": self.namespace}
        annotations = {key: value for key, value in notes.items() if value}
        self._create(_ours("SriovNetworkNodeState", {**meta, "annotations": annotations}))

    def pool(self, name: str = "pool", limit: int | str | None = 1, **selector: Any) -> None:
        """A pool, of the nodes with these labels or of all here."""
        spec = {"nodeSelector": {"matchLabels": selector or {"of": self.namespace}}}
        limited = {} if limit is None else {"maxUnavailable": limit}
        self._create(_ours("SriovNetworkPoolConfig", {"name": name, "namespace": self.namespace}, {**spec, **limited}))

    def put_pool(self, spec: Document, name: str = "pool") -> None:
        """A pool with that spec, made or changed."""
        found = self.server.admin.find(self.pool_path(name))
        if found is None:
            self._create(_ours("SriovNetworkPoolConfig", {"name": name, "namespace": self.namespace}, spec))
        else:
            change = [{"op": "replace", "path": "/spec", "value": spec}]  # others write its status meanwhile
            self.server.admin.done("PATCH", self.pool_path(name), change, content_type=JSON_PATCH)

    def finalize(self, *finalizers: str) -> None:
        """Put finalizers on the pool."""
        self._patch(self.pool_path(), {"metadata": {"finalizers": list(finalizers)}})

    def pod(
        self, name: str, node: str, *, device: bool = True, grace_s: int = 0, finalizer: str = "", **more: Any
    ) -> None:
        """A running pod on a node."""
        amount = {"resources": {"requests": {DEVICE: "1"}, "limits": {DEVICE: "1"}}} if device else {}
        meta = {"name": name, "namespace": self.namespace, "labels": {"app": name}}
        spec = {
            "nodeName": self.full(node),
            "terminationGracePeriodSeconds": grace_s,
            "containers": [{"name": "main", "image": "registry.example/user:1", **amount}],
            **more.pop("spec", {}),
        }
        held = {"finalizers": [finalizer]} if finalizer else {}
        self._create({"apiVersion": "v1", "kind": "Pod", "metadata": {**meta, **held, **more}, "spec": spec})
        runs = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self._patch(f"{self._pod(name)}/status", {"status": runs})

    def budget(self, name: str, app: str, allowed: int = 0) -> None:
        """A PodDisruptionBudget as its controller would have it, which does not run here."""
        meta = {"name": name, "namespace": self.namespace}
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": app}}}
        self._create({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec})
        self.allow(name, allowed)

    def allow(self, budget: str, allowed: int) -> None:
        """So many pods may be disrupted now."""
        path = f"/apis/policy/v1/namespaces/{self.namespace}/poddisruptionbudgets/{budget}"
        generation = self.server.admin.done("GET", path)["metadata"]["generation"]
        status = {
            "disruptionsAllowed": allowed,
            "currentHealthy": 1,
            "desiredHealthy": 1,
            "expectedPods": 1,
            "observedGeneration": generation,
        }
        self._patch(f"{path}/status", {"status": status})

    def configure(self) -> None:
        """The operator's configuration; without it nothing is touched."""
        self._create(_ours("SriovOperatorConfig", {"name": "default", "namespace": self.namespace}))

    def switch_off(self, *, off: bool = True) -> None:
        """What disableDrain says."""
        self._patch(self.config_path, {"spec": {"disableDrain": off}})

    # --- what happens

    def operate(
        self, *, rights: Mapping[str, str] | None = None, lease: election.Timing | None = None, **environment: str
    ) -> Running:
        """An operator with its real roles, which leads; with ``rights``, the roles for another environment."""
        given = settings(self.namespace, environment if rights is None else rights)
        kubeconfig, paths = account(self.server, given)
        self._paths += [path for path in paths if "/namespaces/" not in path and path not in self._paths]
        running = Running.start(kubeconfig, self.namespace, make=MAKE, timing=lease, environment=environment)
        self.operators.append(running)
        until(lambda: running.leads)
        return running

    def ask(self, name: str, request: str, since: str = "") -> None:
        """The agent asks, in the order in which agents write."""
        dated = {keys.REQUESTED_SINCE: since} if since else {}
        self._patch(self.node_path(name), {"metadata": {"annotations": {keys.NODE_STATE: request}}})
        self.annotate(name, {keys.DESIRED_STATE: request, **dated})

    def annotate(self, name: str, annotations: Mapping[str, str | None]) -> None:
        """Annotations of a node state."""
        self._patch(self.state_path(name), {"metadata": {"annotations": annotations}})

    def label(self, name: str, **labels: str | None) -> None:
        """Change labels of a Node."""
        self._patch(self.node_path(name), {"metadata": {"labels": labels}})

    def cordon(self, name: str, *, on: bool = True) -> None:
        """What an administrator does."""
        self._patch(self.node_path(name), {"spec": {"unschedulable": on or None}})

    def release(self, name: str) -> None:
        """Take the finalizers off a pod."""
        self._patch(self._pod(name), {"metadata": {"finalizers": None}})

    def remove(self, path: str) -> None:
        """Delete an object at once."""
        self.server.admin.remove(path)

    def serve(self, *names: str) -> None:
        """The agents of these nodes do their work, until each has been drained and is done."""
        left = set(names)

        def done() -> bool:
            for name in tuple(left):
                if self.answer(name) == COMPLETE:
                    self.ask(name, IDLE)
                elif self.hands(name) == (IDLE, IDLE):
                    left.discard(name)
            return not left

        self.until(done)

    def seen(self, *names: str) -> None:
        """Wait until the history has seen these nodes and states anew: during an outage it sees nothing."""
        mark = {"metadata": {"annotations": {"test.example/seen": str(time.monotonic_ns())}}}
        for path in (path for name in names for path in (self.node_path(name), self.state_path(name))):
            self._patch(path, mark)
        self.followed(*names)

    def followed(self, *names: str) -> None:
        """Wait until the history, which a watch tells, has all that has happened to these nodes and states by now."""
        for name in names:
            for path, what in ((self.node_path(name), CORDON), (self.state_path(name), ANSWER)):
                version = self.server.admin.done("GET", path)["metadata"]["resourceVersion"]
                self.until(
                    lambda name=name, what=what, version=version: self.history.knows(self.full(name), what, version)
                )

    # --- how it stands

    def until(self, what: Callable[[], Any]) -> Any:
        """What it gives as soon as that is something; a failure shows how everything stands."""
        try:
            return until(what, PATIENCE_S)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{self.picture()}") from None

    def picture(self) -> str:
        """Every node, the ledger and the pods."""
        nodes = self.server.admin.done("GET", f"/api/v1/nodes?labelSelector=of%3D{self.namespace}")["items"]
        names = [one["metadata"]["name"].removeprefix(f"{self.namespace}-") for one in nodes]
        lines = [f"{name}: {self.hands(name)} cordoned {self.is_cordoned(name)} {self.told(name)}" for name in names]
        return "\n".join([*lines, f"ledger {self.ledger()}", f"pods {self.pods()}"])

    def hands(self, name: str) -> tuple[str, str]:
        """Request and answer; empty for what is not there."""
        node = self.server.admin.find(self.node_path(name)) or {"metadata": {}}
        return node["metadata"].get("annotations", {}).get(keys.NODE_STATE, ""), self.answer(name)

    def answer(self, name: str) -> str:
        """What the operator says; empty when it says nothing."""
        return self.notes(name).get(keys.CURRENT_STATE, "")

    def notes(self, name: str) -> dict[str, str]:
        """The annotations of a node state."""
        state = self.server.admin.find(self.state_path(name)) or {"metadata": {}}
        found: dict[str, str] = state["metadata"].get("annotations", {})
        return found

    def is_cordoned(self, name: str) -> bool:
        node = self.server.admin.find(self.node_path(name)) or {"spec": {}}
        return bool(node["spec"].get("unschedulable"))

    def condition(self, name: str) -> Document:
        """The condition Drained; empty when there is none."""
        state = self.server.admin.find(self.state_path(name)) or {}
        return next((one for one in state.get("status", {}).get("conditions", []) if one["type"] == "Drained"), {})

    def told(self, name: str) -> tuple[str, str]:
        """Reason and message of the condition."""
        found = self.condition(name)
        return found.get("reason", ""), found.get("message", "")

    def pool_status(self, name: str = "pool") -> Document:
        """The status of a pool."""
        found: Document = self.server.admin.done("GET", self.pool_path(name)).get("status", {})
        return found

    def pool_meta(self) -> Document:
        """The metadata of the pool."""
        found: Document = self.server.admin.done("GET", self.pool_path())["metadata"]
        return found

    def events(self, name: str = "") -> list[tuple[str, str, str]]:
        """Type, reason and note of the events about a node state or pool, by their time."""
        listed = self.server.admin.done("GET", f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")["items"]
        ours = [one for one in listed if one["regarding"]["name"] in {name, self.full(name)}]
        return [(one["type"], one["reason"], one["note"]) for one in sorted(ours, key=lambda one: one["eventTime"])]

    def ledger(self) -> dict[str, str]:
        """The entries of the ledger."""
        found = self.server.admin.find(f"/api/v1/namespaces/{self.namespace}/configmaps/{LEDGER}") or {}
        return dict(found.get("data") or {})

    def pods(self) -> list[str]:
        listed = self.server.admin.done("GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        return [one["metadata"]["name"] for one in listed]

    def evicted(self) -> Counter[str]:
        """How many evictions of each pod here the API server has granted."""
        granted = (one for one in self.server.audited() if one["responseStatus"].get("code", 0) < 300)
        about = (one["objectRef"] for one in granted if one["verb"] == "create" and "objectRef" in one)
        place = {"namespace": self.namespace, "resource": "pods", "subresource": "eviction"}
        return Counter(one["name"] for one in about if place.items() <= one.items())

    def full(self, name: str) -> str:
        return f"{self.namespace}-{name}"

    def node_path(self, name: str) -> str:
        return f"/api/v1/nodes/{self.full(name)}"

    def state_path(self, name: str) -> str:
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sriovnetworknodestates/{self.full(name)}"

    @property
    def config_path(self) -> str:
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sriovoperatorconfigs/default"

    def pool_path(self, name: str = "pool") -> str:
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sriovnetworkpoolconfigs/{name}"

    def end(self) -> None:
        """End the operators, and take away what stands outside of the namespace."""
        for one in self.operators:
            one.stop()
        self.history.stop()
        for path in reversed(self._paths):
            self.server.admin.remove(path)

    def _pod(self, name: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{name}"

    def _create(self, document: Document) -> None:
        stored = self.server.admin.create(document)
        if not stored["metadata"].get("namespace"):
            self._paths.append(self.server.admin.path(document))

    def _patch(self, path: str, patch: Document) -> None:
        self.server.admin.done("PATCH", path, patch, content_type=MERGE)


def _ours(kind: str, metadata: Document, spec: Document | None = None) -> Document:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec or {}}


@contextmanager
def stage(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage without nodes; its configuration is there."""
    history = History(admin(server), namespace)
    history.start()
    made = Stage(server, namespace, history)
    try:
        made.configure()
        yield made
    finally:
        made.end()


def stays(what: Callable[[], Any], seconds: float = 1.0) -> bool:
    """True when it holds all that time. For what must not happen; only the length of a try, never of a wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not what():
            return False
        time.sleep(0.02)
    return True


def quiet(running: Running) -> bool:
    """True when an operator writes nothing for a while: all is as it should be."""
    writes = running.writes
    return stays(lambda: running.writes == writes)
