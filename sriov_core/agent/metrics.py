"""The agent's metrics for Prometheus, in a registry of their own, and the pages that show them.

Names are ``sriov_agent_...``; the series of VFs have the names of the exporter that they replace (`vfstats`).
"""

from collections import Counter as Tally
from collections.abc import Sequence
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from sriov_core.agent.seams import Outcome, Waiting
from sriov_core.engine.execute import Event, Moment
from sriov_core.kube.endpoints import PROMETHEUS, Page, Pages
from sriov_core.model.observed import Nic, Snapshot, Vf

_PASS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 45)
_NO_ANSWER = "none"


class AgentMetrics:
    """Implements `seams.Meter`, and the observers of requests and queues. Thread-safe."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._nics: Sequence[Nic] = ()
        self._passes = Histogram(
            "sriov_agent_pass_seconds",
            "Passes of the loop: look, decide, do.",
            ["outcome"],
            buckets=_PASS_SECONDS,
            registry=registry,
        )
        self._steps = Counter("sriov_agent_steps", "Steps of plans.", ["kind", "outcome"], registry=registry)
        self._step_seconds = Histogram(
            "sriov_agent_step_seconds", "Steps that were done.", ["kind"], buckets=_PASS_SECONDS, registry=registry
        )
        self._drift = Counter("sriov_agent_drift", "Times that drift was found.", registry=registry)
        self._drift_steps = Counter("sriov_agent_drift_steps", "Steps that drift has cost.", registry=registry)
        self._pfs = Gauge("sriov_agent_nics", "NICs that plugins serve.", ["plugin"], registry=registry)
        self._unmanaged = Gauge("sriov_agent_nics_unmanaged", "NICs that no plugin serves.", registry=registry)
        self._vfs = Gauge(
            "sriov_agent_vfs",
            "VFs by kernel driver, and whether somebody uses them.",
            ["driver", "used"],
            registry=registry,
        )
        self._waiting = Gauge("sriov_agent_waiting", "1 while the node waits for this.", ["what"], registry=registry)
        self._requests = Counter(
            "sriov_agent_api_requests", "Requests to the API server.", ["verb", "resource", "code"], registry=registry
        )
        self._request_seconds = Histogram(
            "sriov_agent_api_request_seconds",
            "How long they took.",
            ["verb"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )

    @property
    def registry(self) -> CollectorRegistry:
        """What is served."""
        return self._registry

    @property
    def nics(self) -> Sequence[Nic]:
        """The NICs of the last look."""
        return self._nics

    def register(self, collector: Collector) -> None:
        """Serve series of somebody else, too."""
        self._registry.register(collector)

    def passed(self, outcome: Outcome, seconds: float) -> None:
        """A pass of the loop has ended."""
        self._passes.labels(outcome).observe(seconds)

    def stepped(self, event: Event) -> None:
        """A step of a plan has begun, is done or has failed."""
        if event.moment is Moment.STARTED:
            return
        self._steps.labels(event.step.kind, event.moment.value).inc()
        if event.moment is Moment.DONE:
            self._step_seconds.labels(event.step.kind).observe(event.seconds)

    def healed(self, steps: int) -> None:
        """Drift was found, and cost so many steps."""
        self._drift.inc()
        self._drift_steps.inc(steps)

    def standing(self, snapshot: Snapshot, waiting: Waiting) -> None:
        """What the last look saw, and what the node waits for."""
        self._nics = snapshot.nics
        _set(self._pfs, Tally((owner.plugin,) for owner in snapshot.owners.values()))
        self._unmanaged.set(len(snapshot.unmanaged))
        _set(self._vfs, Tally(_of_vf(vf) for nic in snapshot.nics for vf in nic.vfs))
        for what in ("drain", "reboot"):
            self._waiting.labels(what).set(waiting == what)

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:
        """A request to the API server has ended."""
        self._requests.labels(verb, resource, str(status) if status else _NO_ANSWER).inc()
        self._request_seconds.labels(verb).observe(seconds)


def pages(metrics: AgentMetrics) -> Pages:
    """What a scrape reads."""
    return {"/metrics": lambda: Page(HTTPStatus.OK, generate_latest(metrics.registry), PROMETHEUS)}


def _of_vf(vf: Vf) -> tuple[str, str]:
    kernel_driver = vf.kernel_driver if isinstance(vf.kernel_driver, str) else ""
    return kernel_driver or "none", "yes" if vf.used_by else "no"


def _set(gauge: Gauge, tally: Tally[tuple[str, ...]]) -> None:
    gauge.clear()
    for labels, count in tally.items():
        gauge.labels(*labels).set(count)
