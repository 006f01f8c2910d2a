"""The HTTPS server: whatever a client sends or does not send, and how many of them, each gets its own answer."""

import asyncio
import gzip
import http.client
import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
import urllib3
from aiohttp import web
from serving_world import DEADLINE_S, Issuer, Raw, Served, cluster, policy, review, serving, webhooks

from sriov_core.admission.review import Malformed
from sriov_core.errors import HostError
from sriov_operator.serving.admission import MUTATING_PATH, VALIDATING_PATH
from sriov_operator.serving.answering import Hook
from sriov_operator.serving.listener import Listener
from sriov_operator.serving.server import Limits

PATH = "/hook"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    issuer = Issuer(tmp_path_factory.mktemp("tls"))
    issuer.write()
    return issuer


@pytest.fixture(scope="module")
def served(issuer: Issuer) -> Iterator[Served]:
    with serving(webhooks(), issuer, limits=Limits(body_bytes=1 << 20, body_s=0.1)) as served:
        yield served


@attrs.frozen
class Gate:
    """A judge that answers when it is let, and tells when it was asked."""

    asked: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    let: threading.Event = attrs.field(factory=threading.Event)

    def judge(self, given: Any) -> dict[str, Any] | Malformed:
        self.asked.release()
        assert self.let.wait(DEADLINE_S)
        return webhooks()[MUTATING_PATH].judge(given)

    @property
    def hooks(self) -> dict[str, Hook]:
        return {PATH: Hook(name="gate", judge=self.judge)}


def sent(given: object) -> bytes:
    return json.dumps(given).encode()


def raw(served: Served, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """A connection without HTTP on it."""
    context = context or ssl.create_default_context(cafile=served.issuer.ca_file)
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S)
    return context.wrap_socket(connection, server_hostname="127.0.0.1")


def status_line(connection: ssl.SSLSocket) -> str:
    """The first line of the answer; everything to the end of the connection is read."""
    whole = b""
    while part := connection.recv(4096):
        whole += part
    return whole.partition(b"\r\n")[0].decode()


def test_an_object_that_is_good_is_allowed_and_a_bad_one_denied_with_its_reason(served: Served) -> None:
    assert served.ask(VALIDATING_PATH, review(policy()))["allowed"]
    denied = served.ask(VALIDATING_PATH, review(policy(numVfs=65)))
    assert not denied["allowed"]
    assert "65" in denied["status"]["message"]


def test_defaults_are_a_patch(served: Served) -> None:
    assert served.ask(MUTATING_PATH, review(policy()))["patchType"] == "JSONPatch"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", sent(policy())])
def test_garbage_is_refused_with_a_text(served: Served, body: bytes) -> None:
    reply = served.send(VALIDATING_PATH, body)
    assert reply.status == 400
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert b"AdmissionReview" in reply.data


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/yaml", "application/jsonx", "\xe9"])
def test_another_content_type_is_refused_with_a_text(served: Served, content_type: str) -> None:
    reply = served.send(VALIDATING_PATH, sent(review(policy())), content_type)
    assert reply.status == 415
    assert b"wanted application/json" in reply.data


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_content_type_may_have_parameters_and_any_case(served: Served, content_type: str) -> None:
    assert served.send(VALIDATING_PATH, sent(review(policy())), content_type).status == 200


def test_a_body_as_large_as_two_objects_may_be_is_read(issuer: Issuer) -> None:
    text = "x" * (3 << 20)
    given = review(policy(description=text), operation="UPDATE", oldObject=policy(description=text))
    with serving(webhooks(), issuer) as served:
        assert served.ask(VALIDATING_PATH, given)["allowed"]


def test_a_body_that_is_too_large_is_refused_with_a_text(served: Served) -> None:
    reply = served.send(VALIDATING_PATH, b" " * ((1 << 20) + 1))
    assert reply.status == 413
    assert b"more than 1048576 bytes" in reply.data


def test_a_body_without_end_is_refused_too(served: Served) -> None:
    with raw(served) as connection:
        head = f"POST {VALIDATING_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(17):
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_grows_when_it_is_unpacked_is_refused_too(served: Served) -> None:
    packed = gzip.compress(bytes(64 << 20))
    with served.pool() as pool:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert pool.request("POST", VALIDATING_PATH, body=packed, headers=headers).status == 413


def test_a_body_that_does_not_arrive_is_not_waited_for(served: Served) -> None:
    with raw(served) as connection:
        head = f"POST {VALIDATING_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert status_line(connection) == "HTTP/1.1 408 Request Timeout"
    assert served.counted("sriov_webhook_requests_total", webhook="validating", kind="other", verdict="too-slow")


def test_a_client_that_goes_away_in_the_middle_harms_nobody(served: Served) -> None:
    for _ in range(20):
        connection = raw(served)
        head = f"POST {VALIDATING_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        connection.close()
    assert served.ask(VALIDATING_PATH, review(policy()))["allowed"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="other-protocol"),
        pytest.param(b"\x00\x01\x02\r\n\r\n", id="no-http"),
        pytest.param(b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="bad-length"),
        # In one record of TLS: what the server has not read when it closes can cost its answer.
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 12_000 + b"\r\n\r\n", id="huge-header"),
    ],
)
def test_what_is_no_http_is_refused_and_told_in_a_line(
    served: Served, words: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with raw(served) as connection:
        connection.sendall(words)
        assert " 400 " in status_line(connection)
    assert all(record.exc_info is None and record.levelno <= logging.WARNING for record in caplog.records)
    assert served.page("/healthz") == (200, "ok")


def test_what_is_no_tls_is_dropped(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in connection.recv(100)
    assert served.page("/healthz") == (200, "ok")


def test_other_paths_and_methods_are_refused(served: Served) -> None:
    assert served.page("/")[0] == 404
    assert served.page(VALIDATING_PATH)[0] == 405


def test_only_http_1_is_spoken(served: Served) -> None:
    context = ssl.create_default_context(cafile=served.issuer.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with raw(served, context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_probes_tell_why_reviews_are_not_to_be_sent(issuer: Issuer) -> None:
    why = ["no list of nodes yet"]
    with serving(webhooks(), issuer, unready=lambda: why[0]) as served:
        assert served.page("/readyz") == (503, "not ready: no list of nodes yet")
        assert served.page("/healthz") == (200, "ok")
        why[0] = ""
        assert served.page("/readyz") == (200, "ok")


def test_nothing_is_judged_before_the_cluster_is_known_and_defaults_need_not_wait(issuer: Issuer) -> None:
    with serving(webhooks(waiting="no list of nodes yet"), issuer) as served:
        reply = served.send(VALIDATING_PATH, sent(review(policy())))
        assert (reply.status, b"no list of nodes yet" in reply.data) == (503, True)
        assert served.ask(MUTATING_PATH, review(policy()))["allowed"]


def test_reviews_at_the_same_time_are_never_mixed(issuer: Issuer) -> None:
    """Each object has its own name, mistake and id, and the answers are compared with those of one at a time."""
    known = cluster(policy("taken", resourceName="taken", nicSelector={"pfNames": ["ens803f0"]}))

    def given(number: int) -> Raw:
        changes = (
            {"numVfs": 65 + number},
            {"numVfs": 1 + number % 60, "resourceName": f"r{number}"},
            {"nicSelector": {"pfNames": [f"no{number}"]}},
            {"nicSelector": {"pfNames": ["ens803f0"]}, "resourceName": f"r{number}"},
            {"nodeSelector": {f"label{number}": ""}},
        )
        return review(policy(f"p{number}", **changes[number % len(changes)]), uid=f"uid-{number}")

    def asked(number: int) -> tuple[int, Raw]:
        reply = pool.request(
            "POST", VALIDATING_PATH, body=sent(given(number)), headers={"Content-Type": "application/json"}
        )
        return number, json.loads(reply.data)["response"]

    judge = webhooks(known)[VALIDATING_PATH].judge
    with serving(webhooks(known), issuer) as served, served.pool() as pool, ThreadPoolExecutor(16) as threads:
        for number, response in threads.map(asked, range(400)):
            alone = judge(given(number))
            assert not isinstance(alone, Malformed)
            assert response == alone["response"]
            assert response["uid"] == f"uid-{number}"


def test_more_reviews_than_are_answered_at_once_wait_and_in_the_end_are_told(issuer: Issuer) -> None:
    gate = Gate()
    with serving(gate.hooks, issuer, limits=Limits(at_once=1, longest_s=0.2)) as served:
        with ThreadPoolExecutor(2) as threads:
            both = [threads.submit(served.send, PATH, sent(review(policy()))) for _ in range(2)]
            replies = [one.result(DEADLINE_S) for one in both]
            gate.let.set()
        assert [reply.status for reply in replies] == [503, 503]
        assert b"1 reviews are answered at a time" in replies[0].data
        assert served.counted("sriov_webhook_requests_total", webhook="gate", kind="other", verdict="too-late") == 2


def test_a_server_waits_a_little_less_than_the_api_server_does(issuer: Issuer) -> None:
    gate = Gate()
    with serving(gate.hooks, issuer) as served:
        reply = served.send(f"{PATH}?timeout=1s", sent(review(policy())))
        gate.let.set()
    assert (reply.status, b"no answer within 0.9 s" in reply.data) == (503, True)


def test_a_bug_in_the_rules_is_a_failure_that_the_sender_judges_by_its_policy(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    def judge(_given: Any) -> dict[str, Any]:
        raise ZeroDivisionError("by nothing")

    with serving({PATH: Hook(name="broken", judge=judge)}, issuer) as served:
        reply = served.send(PATH, sent(review(policy())))
        assert served.page("/healthz") == (200, "ok")
    assert reply.status == 500
    assert reply.data == b"internal error: ZeroDivisionError: by nothing. Report it"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_the_end_is_told_first_and_who_is_being_served_gets_the_answer(issuer: Issuer) -> None:
    gate = Gate()
    with serving(gate.hooks, issuer) as served, ThreadPoolExecutor(1) as threads, served.pool() as idle:
        idle.request("GET", "/healthz")
        asked = threads.submit(served.send, PATH, sent(review(policy())))
        assert gate.asked.acquire(timeout=DEADLINE_S)
        ended = served.close(pause_s=1.0)
        reply = idle.request("GET", "/readyz")
        assert (reply.status, reply.data) == (503, b"not ready: it is shutting down")
        gate.let.set()
        answer = asked.result(DEADLINE_S)
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        ended.result(DEADLINE_S)
        with pytest.raises(urllib3.exceptions.HTTPError):
            served.send(PATH, sent(review(policy())))


def test_a_connection_is_used_again(served: Served) -> None:
    context = ssl.create_default_context(cafile=served.issuer.ca_file)
    connection = http.client.HTTPSConnection("127.0.0.1", served.port, context=context, timeout=DEADLINE_S)
    connection.connect()
    first = connection.sock
    for number in range(3):
        body = sent(review(policy(), uid=f"u{number}"))
        connection.request("POST", VALIDATING_PATH, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert json.loads(reply.read())["response"]["uid"] == f"u{number}"
        assert connection.sock is first
    connection.close()


def test_a_port_that_is_taken_is_told_with_what_to_do(served: Served) -> None:
    with pytest.raises(HostError, match=f"cannot listen on 127.0.0.1, port {served.port}: .*Give another port"):
        asyncio.run(Listener.open(web.Application(), "127.0.0.1", served.port))


def test_requests_are_counted_by_kind_and_verdict_and_timed(issuer: Issuer) -> None:
    with serving(webhooks(), issuer) as served:
        for given in (policy(), policy(numVfs=65), policy(numVfs=66)):
            served.ask(VALIDATING_PATH, review(given))
        served.send(VALIDATING_PATH, b"{")
        named = {"webhook": "validating", "kind": "SriovNetworkNodePolicy"}
        assert served.counted("sriov_webhook_requests_total", **named, verdict="denied") == 2
        assert served.counted("sriov_webhook_requests_total", **named, verdict="allowed") == 1
        malformed = {"webhook": "validating", "kind": "other", "verdict": "malformed"}
        assert served.counted("sriov_webhook_requests_total", **malformed) == 1
        assert served.counted("sriov_webhook_request_duration_seconds_count", webhook="validating") == 4
        assert served.counted("sriov_webhook_requests_in_flight") == 0
