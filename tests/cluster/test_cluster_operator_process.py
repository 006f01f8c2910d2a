"""The operator's process on a real API server: its start with and without one, its pages and log, and its ends."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from operator_runs import DEADLINE_S, Process, account, configured, holder, lease, until
from servers import Server

StartProcess = Callable[..., Process]


@pytest.fixture
def process(server: Server, namespace: str, tmp_path: Path) -> Iterator[StartProcess]:
    """Start an operator as a process; none is left after the test."""
    kubeconfig, started = account(server, namespace), list[Process]()

    def begin(*options: str, **environment: str) -> Process:
        log = tmp_path / f"operator-{len(started)}.log"
        started.append(Process.start(log, kubeconfig, namespace, *options, **environment))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def test_as_a_process_it_serves_metrics_and_probes_and_ends_at_sigterm(
    server: Server, namespace: str, process: StartProcess
) -> None:
    one = process()
    one.told("controllers: networks")
    until(lambda: one.page("/readyz") == (200, "leading\n"))
    assert one.page("/healthz") == (200, "ok\n")
    until(lambda: "\nsriov_operator_leader 1.0\n" in one.page("/metrics")[1])
    status, text = one.page("/metrics")
    assert status == 200
    assert 'sriov_operator_api_requests_total{code="200",resource="nodes",verb="list"} 1.0' in text
    assert 'sriov_operator_informer_silence_seconds{resource="nodes"}' in text
    # Those that a controller keeps for itself come with it.
    until(lambda: 'informer_silence_seconds{resource="network-attachment-definitions"}' in one.page("/metrics")[1])
    one.send(signal.SIGTERM)
    assert one.ended() == 0
    assert holder(server, namespace) == ""
    assert one.lines[-1] == f"{one.told('(operator_[0-9a-f]+) has ended')[1]} has ended"
    assert "Traceback" not in one.log.read_text()


def test_every_controller_starts_and_ends(server: Server, namespace: str, tmp_path: Path) -> None:
    one = Process.start(tmp_path / "log", server.admin_kubeconfig, namespace, DISABLED_CONTROLLERS="")
    try:
        one.told("controllers: nodestates, networks, deployment, pools, drain")
        until(lambda: one.page("/readyz") == (200, "leading\n"))
        assert one.page("/healthz") == (200, "ok\n")
        one.send(signal.SIGTERM)
        assert one.ended() == 0
    finally:
        one.end()
    assert "Traceback" not in one.log.read_text()
    assert not [line for line in one.lines if "a bug" in line or "still busy" in line]


def test_an_outage_is_two_lines_whoever_asks(server: Server, namespace: str, tmp_path: Path) -> None:
    """All controllers with all their caches; the outage is shorter than the Lease, so the process goes on."""
    one = Process.start(tmp_path / "log", server.admin_kubeconfig, namespace, DISABLED_CONTROLLERS="")
    watched = 'sriov_operator_api_requests_total{code="200",resource="%s",verb="watch"}'
    try:
        until(lambda: one.page("/readyz") == (200, "leading\n"))
        # What every part follows, whichever; the silence of each is in the metrics.
        for resource in ("validatingwebhookconfigurations", "serviceaccounts", "namespaces", "ovsnetworks"):
            until(lambda resource=resource: watched % resource in one.page("/metrics")[1])
            assert f'informer_silence_seconds{{resource="{resource}"}}' in one.page("/metrics")[1]
        for line in ("no node is touched", "no node is drained"):  # the last that parts tell when they start
            one.told(line)
        before = len(one.lines)
        server.kill()
        one.told("the API server is away: ")
        server.restart()
        one.told("the API server is back after ")
        until(lambda: re.search(re.escape(watched % "nodes") + r" ([2-9]|\d\d)", one.page("/metrics")[1]), 60)
        told = one.lines[before:]
    finally:
        one.end()
        server.revive()
    assert [line for line in told if "the API server is" not in line] == []
    assert len(told) == 2


def test_at_sigterm_another_process_goes_on_at_once(server: Server, namespace: str, process: StartProcess) -> None:
    first = process()
    first.told("controllers: networks")
    second = process()
    second.told("waits for the Lease")
    second.told("holds the Lease")
    until(lambda: second.page("/readyz") == (200, "waiting for the leadership\n"))
    first.send(signal.SIGTERM)
    assert first.ended() == 0
    second.told("controllers: networks", 10)  # the Lease itself would last for 15 s
    until(lambda: second.page("/readyz") == (200, "leading\n"))


def test_at_sigkill_another_process_goes_on_when_the_lease_has_ended(
    server: Server, namespace: str, process: StartProcess
) -> None:
    first = process()
    first.told("controllers: networks")
    killed = holder(server, namespace)
    first.send(signal.SIGKILL)
    first.ended()
    began = time.monotonic()
    second = process()
    second.told("controllers: networks", 15 + DEADLINE_S)
    assert time.monotonic() - began > 12  # renewed every 2 s, it lasts for 15 s
    assert lease(server, namespace)["leaseTransitions"] == 1
    assert holder(server, namespace) != killed


def test_a_process_that_finds_no_api_server_waits_for_it(server: Server, namespace: str, process: StartProcess) -> None:
    server.kill()
    try:
        one = process()
        one.told(f"the API server is away: .* no connection to {server.url}: Connection refused")
        assert one.page("/healthz") == (200, "ok\n")
        until(lambda: "no list of nodes yet: " in one.page("/readyz")[1])
        assert one.page("/readyz")[0] == 503
    finally:
        server.restart()
    one.told("the API server is back after", 60)
    one.told("controllers: networks", 60)
    until(lambda: one.page("/readyz") == (200, "leading\n"), 60)
    assert "Traceback" not in one.log.read_text()


def test_a_process_that_finds_no_api_server_ends_when_it_is_told_to(server: Server, process: StartProcess) -> None:
    server.kill()
    try:
        one = process()
        one.told("the API server is away")
        one.send(signal.SIGINT)
        assert one.ended() == 0
    finally:
        server.restart()


def test_a_network_is_served_by_the_process(server: Server, namespace: str, process: StartProcess) -> None:
    one = process()
    configured(server, namespace)
    path = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{namespace}/sriovnetworks"
    body = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetwork", "metadata": {"name": "net"}}
    server.admin.done("POST", path, {**body, "spec": {"resourceName": "r"}})
    nads = f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/network-attachment-definitions"
    until(lambda: server.admin.find(f"{nads}/net"))
    assert one.page("/healthz")[0] == 200


def test_a_kind_that_is_switched_off_is_left_alone(server: Server, namespace: str, process: StartProcess) -> None:
    one = process(ENABLE_SRIOVNETWORK_CONTROLLER="false")
    configured(server, namespace)
    group = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{namespace}"
    for kind, plural in (("SriovNetwork", "sriovnetworks"), ("OVSNetwork", "ovsnetworks")):
        body = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "metadata": {"name": plural}}
        server.admin.done("POST", f"{group}/{plural}", {**body, "spec": {"resourceName": "r"}})
    nads = f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/network-attachment-definitions"
    until(lambda: server.admin.find(f"{nads}/ovsnetworks"))
    one.send(signal.SIGTERM)
    assert one.ended() == 0
    assert server.admin.find(f"{nads}/sriovnetworks") is None
    assert "sriovnetworks" not in one.log.read_text()
