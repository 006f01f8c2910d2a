"""Pages over HTTP on loopback: what is served, what is refused, and what becomes of those who say nothing."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sriov_core.errors import HostError, SpecError
from sriov_core.kube.endpoints import PROMETHEUS, Endpoints, Page, parsed
from sriov_operator.process.command import probes
from sriov_operator.process.health import Health
from sriov_operator.process.metrics import Metrics


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str, str]:
    line = http.client.HTTPConnection(host, port, timeout=10)
    try:
        line.request("GET", path)
        reply = line.getresponse()
        return reply.status, reply.getheader("Content-Type", ""), reply.read().decode()
    finally:
        line.close()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(strict=True)


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def endpoints(metrics: Metrics, health: Health) -> Iterator[Endpoints]:
    pages = {**probes(health), "/metrics": lambda: Page(200, metrics.text(), PROMETHEUS)}
    served = Endpoints("127.0.0.1:0", pages, option="--metrics-bind-address")
    yield served
    served.close()


def test_metrics_are_served_in_prometheus_format(endpoints: Endpoints, metrics: Metrics) -> None:
    metrics.gauge("managed_nodes", 3)
    status, kind, text = get(endpoints.port, "/metrics")
    assert (status, kind) == (200, PROMETHEUS)
    assert "\nsriov_operator_managed_nodes 3.0\n" in text


def test_probes_answer_with_their_reason(endpoints: Endpoints, health: Health) -> None:
    assert get(endpoints.port, "/healthz")[::2] == (200, "ok\n")
    assert get(endpoints.port, "/readyz")[::2] == (503, "starting\n")
    health.waits(tuple)
    assert get(endpoints.port, "/readyz?verbose")[::2] == (200, "waiting for the leadership\n")


def test_there_are_no_other_pages(endpoints: Endpoints) -> None:
    assert get(endpoints.port, "/etc/passwd")[0] == 404


def test_those_who_say_nothing_keep_nobody_else_out(endpoints: Endpoints) -> None:
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(socket.create_connection(("127.0.0.1", endpoints.port), timeout=10))
        assert get(endpoints.port, "/healthz")[0] == 200


def test_when_too_many_are_there_the_next_is_sent_away(endpoints: Endpoints) -> None:
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(socket.create_connection(("127.0.0.1", endpoints.port), timeout=10))
        with pytest.raises((http.client.HTTPException, OSError)):
            get(endpoints.port, "/healthz")


def test_an_address_in_use_is_told_with_the_option(endpoints: Endpoints) -> None:
    with pytest.raises(HostError) as told:
        Endpoints(f"127.0.0.1:{endpoints.port}", {}, option="--health-probe-bind-address")
    assert str(told.value).startswith(f"--health-probe-bind-address: cannot listen on 127.0.0.1:{endpoints.port}: ")


def test_after_closing_nobody_listens(metrics: Metrics) -> None:
    served = Endpoints("127.0.0.1:0", {}, option="--x")
    served.close()
    with pytest.raises(ConnectionRefusedError):
        get(served.port, "/")


def test_without_a_host_it_listens_on_loopback_too(health: Health) -> None:
    served = Endpoints(":0", probes(health), option="--x")
    try:
        assert get(served.port, "/healthz")[0] == 200
    finally:
        served.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(":8081", ("", 8081), id="port-alone"),
        pytest.param("127.0.0.1:80", ("127.0.0.1", 80), id="version-4"),
        pytest.param("[::1]:80", ("::1", 80), id="version-6"),
        pytest.param("localhost:0", ("localhost", 0), id="name"),
    ],
)
def test_addresses_are_read(address: str, expected: tuple[str, int]) -> None:
    assert parsed(address, "--x") == expected


@pytest.mark.parametrize("address", ["8081", ":", "a:b", "::1:80", ":70000", ":-1", ":\u0664"])
def test_what_is_no_address_is_refused_with_the_option(address: str) -> None:
    with pytest.raises(SpecError, match=r"--x: found .* wanted host:port"):
        parsed(address, "--x")
