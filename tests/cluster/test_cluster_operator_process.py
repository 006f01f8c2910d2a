"""The operator's process on a real API server: its start with and without one, its leadership, and its ends."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers_install
from operator_runs import ACCOUNT, DEADLINE_S, Process, Running, account, until
from servers import Binaries, Server
from servers_admin import MERGE

from sriov_core.kube.client import Answer, Stream, Transport
from sriov_core.kube.election import Timing
from sriov_operator.process.context import Context
from sriov_operator.process.run import Patience

QUICK = Timing(lease_s=3.0, renew_s=2.0, retry_s=0.3)
NAME = "sriov-network-operator"
Start = Callable[..., Running]
StartProcess = Callable[..., Process]


def lease(server: Server, namespace: str) -> dict[str, Any]:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
    return (server.admin.find(path) or {}).get("spec") or {}


def holder(server: Server, namespace: str) -> str:
    return str(lease(server, namespace).get("holderIdentity") or "")


@pytest.fixture
def start(server: Server, namespace: str) -> Iterator[Start]:
    """Start an operator in this process; all are told to end after the test."""
    kubeconfig, started = account(server, namespace), list[Running]()

    def begin(**more: Any) -> Running:
        started.append(Running.start(kubeconfig, namespace, **{"make": {}, "timing": QUICK, **more}))
        return started[-1]

    yield begin
    for one in started:
        one.tell()
    for one in started:
        one.ended()


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


class Part:
    """A controller that notes what it is told, and ends when it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.free = threading.Event()
        self.caches_were_filled: list[bool] = []

    def make(self, context: Context) -> "Part":
        self.caches_were_filled = [cache.synced for cache in context.caches.all]
        return self

    def start(self, stop: Any) -> None:
        self.stop = stop
        self.started.set()

    def join(self, timeout_s: float) -> bool:
        return self.free.wait(timeout_s)


def test_it_takes_the_lease_and_gives_it_back_at_its_end(server: Server, namespace: str, start: Start) -> None:
    one = start()
    until(lambda: one.leads)
    assert holder(server, namespace) == one.operator.identity
    assert one.operator.identity.startswith("operator_")
    assert one.counted("leader") == 1
    assert one.stop() == 0
    assert holder(server, namespace) == ""
    assert one.counted("leader") == 0
    assert not one.health.ready().good


def test_controllers_start_with_filled_caches_and_are_told_to_stop(start: Start) -> None:
    part = Part()
    part.free.set()
    one = start(make={"part": part.make})
    assert part.started.wait(DEADLINE_S)
    assert part.caches_were_filled == [True] * 5
    assert not part.stop.is_set()
    assert one.stop() == 0
    assert part.stop.is_set()


def test_a_second_one_waits_with_warm_caches_and_goes_on_at_once(server: Server, namespace: str, start: Start) -> None:
    first = start()
    until(lambda: first.leads)
    part = Part()
    part.free.set()
    second = start(make={"part": part.make}, timing=Timing(lease_s=60.0, renew_s=40.0, retry_s=0.3))
    until(lambda: second.health.ready().text == "waiting for the leadership")
    assert second.health.ready().good
    until(lambda: second.counted("api_requests_total", verb="get", resource="leases") >= 3)
    assert not part.started.is_set()
    assert first.stop() == 0
    # Far sooner than its Lease would have ended.
    assert part.started.wait(10)
    assert holder(server, namespace) == second.operator.identity
    assert second.counted("api_requests_total", verb="list", resource="nodes") == 1


def test_who_is_told_to_end_while_waiting_ends(server: Server, namespace: str, start: Start) -> None:
    first, second = start(), start()
    leading, waiting = until(lambda: {first.leads: (first, second), second.leads: (second, first)}.get(True))
    assert waiting.stop() == 0
    assert holder(server, namespace) == leading.operator.identity


def test_a_lost_lease_ends_everything_with_an_error(server: Server, namespace: str, start: Start) -> None:
    part = Part()
    part.free.set()
    one = start(make={"part": part.make})
    assert part.started.wait(DEADLINE_S)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
    server.admin.done("PATCH", path, {"spec": {"holderIdentity": "somebody-else"}}, content_type=MERGE)
    assert one.ended() == 1
    assert part.stop.is_set()
    assert holder(server, namespace) == "somebody-else"


def test_a_controller_that_does_not_end_in_time_keeps_the_lease_from_others(
    server: Server, namespace: str, start: Start
) -> None:
    part = Part()
    one = start(make={"part": part.make}, patience=Patience(passes_s=0.1))
    assert part.started.wait(DEADLINE_S)
    assert one.stop() == 0
    assert holder(server, namespace) == one.operator.identity


def test_the_level_of_the_log_follows_the_configuration(server: Server, namespace: str, start: Start) -> None:
    one = start()
    until(lambda: one.leads)
    assert one.levels == []
    assert one.counted("config_missing") == 1
    body = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovOperatorConfig",
        "metadata": {"name": "default"},
    }
    path = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{namespace}/sriovoperatorconfigs"
    server.admin.done("POST", path, {**body, "spec": {"logLevel": 2}})
    until(lambda: one.levels == [2])
    assert one.counted("config_missing") == 0
    server.admin.done("PATCH", f"{path}/default", {"spec": {"disableDrain": True}}, content_type=MERGE)
    server.admin.done("PATCH", f"{path}/default", {"spec": {"logLevel": 0}}, content_type=MERGE)
    until(lambda: one.levels == [2, 0])
    server.admin.done("DELETE", f"{path}/default")
    until(lambda: one.counted("config_missing") == 1)


def test_without_rights_it_says_which_and_goes_on_when_it_has_them(
    server: Server, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.token(namespace, ACCOUNT)
    one = Running.start(server.kubeconfig("nobody", credentials=token), namespace, make={}, timing=QUICK)
    try:
        until(lambda: 'must allow "get" on "leases"' in caplog.text)
        until(lambda: "Apply its roles and their bindings" in caplog.text)
        assert one.health.alive().good
        account(server, namespace)
        until(lambda: one.leads)
        assert one.counted("informer_silence_seconds", resource="nodes") < DEADLINE_S
    finally:
        assert one.stop() == 0


@pytest.fixture
def bare(binaries: Binaries, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own that does not know the kinds of this project."""
    started = Server.start(tmp_path / "bare", binaries)
    yield started
    started.stop()


def test_without_definitions_it_says_what_to_apply_and_goes_on_when_they_are_there(
    bare: Server, caplog: pytest.LogCaptureFixture
) -> None:
    bare.admin.create_namespace("operators")
    one = Running.start(account(bare, "operators"), "operators", make={}, timing=QUICK)
    try:
        until(lambda: "sriov-core crds | kubectl apply" in caplog.text)
        until(lambda: "no list of sriovnetworknodestates yet: " in one.health.ready().text)
        assert not one.health.ready().good
        assert one.health.alive().good
        servers_install.definitions(bare.admin)
        until(lambda: one.leads)
    finally:
        assert one.stop() == 0
    assert caplog.text.count("sriov-core crds") == 1


def test_it_works_through_an_outage_that_is_shorter_than_its_lease(
    server: Server, namespace: str, start: Start
) -> None:
    one = start(timing=Timing(lease_s=60.0, renew_s=40.0, retry_s=0.3))
    until(lambda: one.leads)
    server.kill()
    until(lambda: one.counted("api_requests_total", code="none") >= 2)
    server.restart()
    before = one.counted("api_requests_total", verb="update", resource="leases", code="200")
    until(lambda: one.counted("api_requests_total", verb="update", resource="leases", code="200") > before)
    assert one.leads
    assert holder(server, namespace) == one.operator.identity


def test_in_an_outage_that_is_longer_it_ends_before_another_may_lead(server: Server, start: Start) -> None:
    one = start()
    until(lambda: one.leads)
    server.kill()
    try:
        assert one.ended(QUICK.lease_s + 3) == 1
    finally:
        server.restart()


class Stuck:
    """A way to the API server on which no renewal of a Lease comes back, once it is told so."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.is_stuck, self.free = threading.Event(), threading.Event()

    def request(self, method: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float) -> Answer:
        if method == "PUT" and self.is_stuck.is_set():
            self.free.wait(DEADLINE_S)
        return self._transport.request(method, path, body=body, content_type=content_type, timeout_s=timeout_s)

    def stream(self, path: str, *, timeout_s: float) -> tuple[Answer, Stream]:
        return self._transport.stream(path, timeout_s=timeout_s)


def test_a_renewal_that_does_not_come_back_ends_it_before_another_may_lead(server: Server, start: Start) -> None:
    """As when the name of the API server cannot be resolved, for which a request has no deadline."""
    ways: list[Stuck] = []

    def way(transport: Transport) -> Stuck:
        ways.append(Stuck(transport))
        return ways[-1]

    one = start(way=way)
    until(lambda: one.leads)
    ways[0].is_stuck.set()
    try:
        assert one.ended(QUICK.lease_s + 3) == 1
    finally:
        ways[0].free.set()


def test_as_a_process_it_serves_metrics_and_probes_and_ends_at_sigterm(
    server: Server, namespace: str, process: StartProcess
) -> None:
    one = process()
    one.told("controllers: networks")
    until(lambda: one.page("/readyz") == (200, "leading\n"))
    assert one.page("/healthz") == (200, "ok\n")
    status, text = one.page("/metrics")
    assert status == 200
    assert "\nsriov_operator_leader 1.0\n" in text
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


def test_at_sigterm_another_process_goes_on_at_once(server: Server, namespace: str, process: StartProcess) -> None:
    first = process()
    first.told("controllers: networks")
    second = process()
    second.told("waits for the Lease")
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
        one.told("cannot stand for election")
        assert one.page("/healthz") == (200, "ok\n")
        assert one.page("/readyz")[0] == 200
    finally:
        server.restart()
    one.told("controllers: networks", 60)
    until(lambda: one.page("/readyz") == (200, "leading\n"), 60)
    assert "Traceback" not in one.log.read_text()


def test_a_process_that_finds_no_api_server_ends_when_it_is_told_to(server: Server, process: StartProcess) -> None:
    server.kill()
    try:
        one = process()
        one.told("cannot stand for election")
        one.send(signal.SIGINT)
        assert one.ended(10) == 0
    finally:
        server.restart()


def test_a_network_is_served_by_the_process(server: Server, namespace: str, process: StartProcess) -> None:
    one = process()
    path = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{namespace}/sriovnetworks"
    body = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetwork", "metadata": {"name": "net"}}
    server.admin.done("POST", path, {**body, "spec": {"resourceName": "r"}})
    nads = f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/network-attachment-definitions"
    until(lambda: server.admin.find(f"{nads}/net"))
    assert one.page("/healthz")[0] == 200


def test_a_kind_that_is_switched_off_is_left_alone(server: Server, namespace: str, process: StartProcess) -> None:
    one = process(ENABLE_SRIOVNETWORK_CONTROLLER="false")
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
