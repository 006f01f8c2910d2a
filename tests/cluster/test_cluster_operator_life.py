"""The operator in this process on a real API server: its leadership, what it lacks, outages, and its ends."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import servers_install
from kube_clients import Gate, Way
from operator_runs import ACCOUNT, DEADLINE_S, Running, account, configured, holder, until
from servers import Binaries, Server
from servers_admin import MERGE

from sriov_core.kube.client import Answer, Transport
from sriov_core.kube.election import Timing
from sriov_operator.process.context import Context
from sriov_operator.process.run import Patience

LASTING = Timing(lease_s=60.0, renew_s=40.0, retry_s=0.3)
"""For whom nothing is to take the leadership from, also where a thread stands still for a while."""
LOSING = Timing(lease_s=30.0, renew_s=4.0, retry_s=0.3)
"""For whom an outage is to cost the leadership."""
BEFORE_OTHERS_S = LOSING.lease_s - LOSING.renew_s
"""Until when it has to have ended: when the outage begins, its last renewal may be as old as it may get."""
Start = Callable[..., Running]


@pytest.fixture
def start(server: Server, namespace: str) -> Iterator[Start]:
    """Start an operator in this process; all are told to end after the test."""
    kubeconfig, started = account(server, namespace), list[Running]()

    def begin(**more: Any) -> Running:
        started.append(Running.start(kubeconfig, namespace, **{"make": {}, "timing": LASTING, **more}))
        return started[-1]

    yield begin
    for one in started:
        one.tell()
    for one in started:
        one.ended()


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
    until(lambda: one.counted("leader") == 1)
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
    second = start(make={"part": part.make})
    until(lambda: second.health.ready().text == "waiting for the leadership")
    assert second.health.ready().good  # with filled caches: an update may go on
    until(lambda: second.counted("api_requests_total", verb="get", resource="leases") >= 3)
    assert not part.started.is_set()
    assert first.stop() == 0
    assert part.started.wait(DEADLINE_S)  # far sooner than its Lease would have ended
    assert holder(server, namespace) == second.operator.identity
    assert second.counted("api_requests_total", verb="list", resource="nodes", code="200") == 1


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
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{ACCOUNT}"
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
    path = configured(server, namespace, logLevel=2)
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
    one = Running.start(server.kubeconfig("nobody", credentials=token), namespace, make={}, timing=LASTING)
    try:
        until(lambda: 'must allow "get" on "leases"' in caplog.text)
        until(lambda: "Apply the roles and their bindings" in caplog.text)
        assert one.health.alive().good
        assert not one.health.ready().good
        until(lambda: "sriovoperatorconfigs: list Node: HTTP 403: " in one.health.ready().text)
        lines = one.health.ready().text.splitlines()
        assert lines[0].startswith("no leadership: get Lease ")
        assert "sriovoperatorconfigs: list Node: HTTP 403: " in lines[1]
        assert [record for record in caplog.records if "not watched: " in record.getMessage()][1:] == []
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
    one = Running.start(account(bare, "operators"), "operators", make={}, timing=LASTING)
    try:
        until(lambda: "sriov-core crds | kubectl apply" in caplog.text)
        until(lambda: "no list of sriovnetworknodestates yet: " in one.health.ready().text)
        until(lambda: "sriov-core crds | kubectl apply" in one.health.ready().text)
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
    one = start()
    until(lambda: one.leads)
    server.kill()
    until(lambda: one.counted("api_requests_total", code="none") >= 2)
    server.restart()
    before = one.counted("api_requests_total", verb="update", resource="leases", code="200")
    until(lambda: one.counted("api_requests_total", verb="update", resource="leases", code="200") > before)
    until(lambda: one.leads)  # a server that has just come up may refuse some watch for a moment
    assert holder(server, namespace) == one.operator.identity


def test_in_an_outage_that_is_longer_it_ends_before_another_may_lead(server: Server, start: Start) -> None:
    one = start(timing=LOSING)
    until(lambda: one.leads)
    server.kill()
    try:
        assert one.ended(BEFORE_OTHERS_S) == 1
    finally:
        server.restart()


def test_when_the_server_hangs_it_ends_before_another_may_lead(
    server: Server, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Connections are taken and nothing is answered: no request fails before its deadline."""
    gate = Gate(server.url)
    kubeconfig = server.kubeconfig("hanging", ["system:masters"], url=gate.url)
    part = Part()
    part.free.set()
    one = Running.start(kubeconfig, namespace, make={"part": part.make}, timing=LOSING)
    try:
        assert part.started.wait(DEADLINE_S)
        gate.freeze()
        assert one.ended(BEFORE_OTHERS_S) == 1
        assert part.stop.is_set()
    finally:
        gate.shut()
        one.tell()
    assert caplog.text.count("the API server is away: update Lease") == 1


@attrs.define
class Stuck(Way):
    """A way to the API server on which no renewal of a Lease comes back, once it is told so."""

    is_stuck: threading.Event = attrs.field(factory=threading.Event)
    free: threading.Event = attrs.field(factory=threading.Event)

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        if method == "PUT" and self.is_stuck.is_set():
            self.free.wait(DEADLINE_S)
        return super().request(method, path, **facts)


def test_a_renewal_that_does_not_come_back_ends_it_before_another_may_lead(server: Server, start: Start) -> None:
    """As when the name of the API server cannot be resolved, for which a request has no deadline."""
    ways: list[Stuck] = []

    def way(transport: Transport) -> Stuck:
        ways.append(Stuck(transport))
        return ways[-1]

    one = start(way=way, timing=LOSING)
    until(lambda: one.leads)
    ways[0].is_stuck.set()
    try:
        assert one.ended(BEFORE_OTHERS_S) == 1
    finally:
        ways[0].free.set()
