"""The operator's metrics for Prometheus, in a registry of their own; every name stands in one table.

Names are ``sriov_operator_...``; counters end in ``_total``. The registry also has the process's memory and CPU time.
"""

import logging
from typing import Literal

import attrs
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from sriov_core.kube.client import Silent
from sriov_core.kube.controller import Watcher

PREFIX = "sriov_operator_"
NO_ANSWER = "none"
"""The code of a request that nobody answered."""

_PASS_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 15, 60, 300)
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45)

_log = logging.getLogger("sriov_operator.process")


@attrs.frozen
class Declared:
    """A gauge or counter that controllers set by its name, without the prefix and ``_total``."""

    kind: Literal["gauge", "counter"]
    name: str
    text: str
    labels: tuple[str, ...] = ()


DECLARED = (
    Declared("gauge", "managed_nodes", "Nodes that have a node state."),
    Declared("gauge", "config_missing", "1 while there is no SriovOperatorConfig and so nothing is touched."),
    Declared("gauge", "policies", "Policies by state.", ("state",)),
    Declared("gauge", "node_states_stale", "Node states whose node is gone, kept for a while."),
    Declared("gauge", "unmanaged_interfaces", "NICs that no plugin serves."),
    Declared("gauge", "plugin_conflicts", "NICs that several plugins claim alike."),
    Declared("gauge", "networks", "Networks by kind and readiness.", ("kind", "ready")),
    Declared("gauge", "drains_pending", "Nodes that ask for a drain and wait."),
    Declared("gauge", "drains_active", "Nodes that are being drained."),
    Declared("gauge", "drains_complete", "Nodes that are drained and being changed."),
    Declared("gauge", "drains_blocked", "Nodes whose drain something forbids, such as a PodDisruptionBudget."),
    Declared("gauge", "drains_overdue", "Nodes that are not drained after the deadline."),
    Declared("gauge", "reboots_pending", "Nodes that wait for a reboot."),
    Declared("gauge", "pool_nodes", "Members of a pool.", ("pool",)),
    Declared("gauge", "rollout_nodes", "Nodes of a DaemonSet by state.", ("daemonset", "state")),
    Declared("gauge", "certificate_expiry_seconds", "When a certificate expires, in seconds since 1970.", ("secret",)),
    Declared("counter", "writes", "Objects written by kind and verb.", ("kind", "verb")),
    Declared("counter", "renders", "Nodes whose wish was made anew."),
    Declared("counter", "attachments", "NetworkAttachmentDefinitions by what was done to them.", ("action",)),
    Declared("counter", "evictions", "Evictions by outcome.", ("outcome",)),
    Declared("counter", "drains", "Drains by what became of them.", ("outcome",)),
)
"""All that controllers may set or raise."""


class Metrics:
    """Implements `sriov_core.kube.client.Observer` and `context.Counted`, and tells ``watcher`` too. Thread-safe.

    A name that is not declared is a mistake of a controller, and must not stop it: it is logged once, or with
    ``strict``, as tests have it, a ValueError.
    """

    def __init__(self, watcher: Watcher | None = None, *, strict: bool = False) -> None:
        self._watcher = watcher
        self._strict = strict
        self._told: set[str] = set()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._declared = {one.name: (one, self._made(one)) for one in DECLARED}
        self._pass = self._histogram(
            "reconcile_seconds", "Passes of controllers.", _PASS_SECONDS, "controller", "outcome"
        )
        self._depth = Gauge(
            f"{PREFIX}queue_depth", "Keys that wait for a controller.", ["controller"], registry=self._registry
        )
        self._requests = Counter(
            f"{PREFIX}api_requests",
            "Requests to the API server.",
            ["verb", "resource", "code"],
            registry=self._registry,
        )
        self._latency = self._histogram("api_request_seconds", "Requests to the API server.", _REQUEST_SECONDS, "verb")
        self._leader = Gauge(f"{PREFIX}leader", "1 while this process is the one that works.", registry=self._registry)
        self._silence = Gauge(
            f"{PREFIX}informer_silence_seconds",
            "Seconds since the API server was last heard of for a kind.",
            ["resource"],
            registry=self._registry,
        )

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:
        """A request to the API server has ended."""
        self._requests.labels(verb, resource, str(status) if status else NO_ANSWER).inc()
        if verb != "watch":  # it lasts for minutes by intention
            self._latency.labels(verb).observe(seconds)

    def reconciled(self, controller: str, outcome: str, seconds: float) -> None:
        """A pass of a controller has ended."""
        self._pass.labels(controller, outcome).observe(seconds)
        if self._watcher is not None:
            self._watcher.reconciled(controller, outcome, seconds)

    def depth(self, controller: str, waiting: int) -> None:
        """How many keys wait for a controller."""
        self._depth.labels(controller).set(waiting)
        if self._watcher is not None:
            self._watcher.depth(controller, waiting)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge of `DECLARED`."""
        found = self._find("gauge", name, labels)
        if isinstance(found, Gauge):
            found.set(value)

    def count(self, name: str, **labels: str) -> None:
        """Raise a counter of `DECLARED` by one."""
        found = self._find("counter", name, labels)
        if isinstance(found, Counter):
            found.inc()

    def leads(self, *, leader: bool) -> None:
        """Whether this process is the leader."""
        self._leader.set(leader)

    def listens(self, resource: str, cache: Silent) -> None:
        """Ask a cache for its silence with every scrape; ``resource`` is its name, often a plural."""
        self._silence.labels(resource).set_function(lambda: cache.silent_s)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def _made(self, one: Declared) -> Gauge | Counter:
        kind = Gauge if one.kind == "gauge" else Counter
        return kind(f"{PREFIX}{one.name}", one.text, one.labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}{name}", text, labels, buckets=buckets, registry=self._registry)

    def _find(self, kind: str, name: str, labels: dict[str, str]) -> Gauge | Counter | None:
        declared, made = self._declared.get(name, (None, None))
        if declared is None or made is None or declared.kind != kind or set(declared.labels) != labels.keys():
            self._mistaken(f"the {kind} {name} with labels {sorted(labels)} is not declared in {__name__}")
            return None
        return made.labels(**labels) if labels else made

    def _mistaken(self, text: str) -> None:
        if self._strict:
            raise ValueError(text)
        if text not in self._told:
            self._told.add(text)
            _log.error("%s. This is a bug of the operator; it goes on without", text)
