"""What the webhook processes count, as Prometheus reads it; in a registry of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters and gauges of one process; safe from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sriov_webhook_requests",
            "Reviews by webhook, kind of the object, and verdict.",
            ("webhook", "kind", "verdict"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sriov_webhook_request_duration_seconds",
            "From the headers of a review to its answer.",
            ("webhook",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "sriov_webhook_requests_in_flight", "Reviews that are being answered.", registry=self.registry
        )
        self._expiry = Gauge(
            "sriov_webhook_certificate_expiry_timestamp_seconds",
            "When the certificate that is served ends.",
            registry=self.registry,
        )
        self._reloads = Counter(
            "sriov_webhook_certificate_reloads",
            "Certificates that were found in the files, by what became of them: served or refused.",
            ("outcome",),
            registry=self.registry,
        )
        self._refused = Gauge(
            "sriov_webhook_certificate_refused",
            "1 while the files hold a certificate that is not served.",
            registry=self.registry,
        )
        self._silence = Gauge(
            "sriov_webhook_cache_silence_seconds",
            "Since the last change or list of these objects; NaN before the first list.",
            ("resource",),
            registry=self.registry,
        )
        self._outage = Gauge(
            "sriov_webhook_cache_outage_seconds",
            "For how long these objects have not been watched; 0 while they are.",
            ("resource",),
            registry=self.registry,
        )
        self._api = Counter(
            "sriov_webhook_api_requests",
            "Requests to the API server by verb, resource and HTTP status (none: no answer).",
            ("verb", "resource", "code"),
            registry=self.registry,
        )

    @contextmanager
    def reviewing(self, webhook: str) -> Iterator[None]:
        """Around a review: counts those under way, and its time."""
        with self._in_flight.track_inprogress(), self._seconds.labels(webhook).time():
            yield

    def reviewed(self, webhook: str, kind: str, verdict: str) -> None:
        """A review was answered."""
        self._requests.labels(webhook, kind, verdict).inc()

    def certificate(self, expiry: float, *, refused: bool) -> None:
        """What is served by now: the end of its validity (seconds since 1970), and whether the files hold another."""
        self._expiry.set(expiry)
        self._refused.set(refused)

    def reloaded(self, outcome: str) -> None:
        """Another certificate was found in the files: ``served`` or ``refused``."""
        self._reloads.labels(outcome).inc()

    def cache(self, resource: str, *, silence_s: Callable[[], float], outage_s: Callable[[], float]) -> None:
        """Ask both whenever the metrics are read."""
        self._silence.labels(resource).set_function(silence_s)
        self._outage.labels(resource).set_function(outage_s)

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:  # noqa: ARG002  # the protocol
        """A request to the API server has ended (`sriov_core.kube.client.Observer`)."""
        self._api.labels(verb, resource, str(status) if status else "none").inc()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
