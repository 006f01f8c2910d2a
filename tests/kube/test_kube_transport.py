"""Requests and watches over real connections: deadlines, cuts, garbage, and ends from another thread."""

import socket
import threading

import pytest
from api_servers import PATIENCE_S, bookmark, kubeconfig, listing, thing

from sriov_core.kube import transport
from sriov_core.kube.client import PAGE, SILENCE_S, Client, Object
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Forbidden, Gone, Invalid, Throttled, Unavailable
from sriov_core.kube.resource import CONFIG_MAPS


class Counting:
    """An observer."""

    def __init__(self):
        self.seen = []

    def requested(self, verb, resource, status, seconds):
        assert seconds >= 0
        self.seen.append((verb, resource, status))


def test_a_request_carries_who_asks(served):
    heads = []

    def behave(request):
        heads.append(request.headers)
        request.answer(thing("a"))

    client, _ = served(behave)
    client.get(CONFIG_MAPS, "a", "ns")
    assert heads[0]["Authorization"] == "Bearer t0ken"
    assert heads[0]["User-Agent"] == "sriov-test/1"
    assert heads[0]["Accept"] == "application/json"


def test_silence_ends_by_the_deadline(served):
    counting = Counting()
    client, server = served(lambda request: request.stay_silent(), observer=counting)
    with pytest.raises(Unavailable, match=r"get ConfigMap ns/a: no answer from http://127.0.0.1:\d+ within 0.2 s"):
        client.within(0.2).get(CONFIG_MAPS, "a", "ns")
    assert counting.seen == [("get", "configmaps", 0)]
    assert len(server.asked) == 1, "nothing is retried here"


def test_a_handshake_that_nobody_answers_is_told_with_the_time_for_connecting(tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        way = connect(kubeconfig(tmp_path, f"https://127.0.0.1:{port}", token="t0ken"), user_agent="sriov-test/1")
        client = Client(way, manager="test")
        with pytest.raises(Unavailable, match=rf"no answer from https://127.0.0.1:{port} within 0.2 s"):
            client.within(45.0).get(CONFIG_MAPS, "a", "ns")


def test_an_answer_that_dribbles_ends_by_the_deadline(served):
    def behave(request):
        request.begin()
        while not request.server.let_go.wait(0.01):
            request.chunk(b" ")

    client, _ = served(behave)
    with pytest.raises(Unavailable, match=r"within 0\.3 s"):
        client.within(0.3).get(CONFIG_MAPS, "a", "ns")


def test_nobody_there(served):
    client, server = served(lambda request: request.answer(thing("a")))
    server.shutdown()
    server.server_close()
    with pytest.raises(Unavailable, match=r"no connection to .*: Connection refused. Is it up"):
        client.get(CONFIG_MAPS, "a", "ns")


def test_a_kept_connection_that_the_server_closed_is_not_used_again(served):
    def behave(request):
        request.answer(thing("a"))
        request.close_connection = True

    client, server = served(behave)
    for _ in range(3):
        assert client.get(CONFIG_MAPS, "a", "ns")["metadata"]["name"] == "a"
        assert server.closed.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("behave", "kind", "words"),
    [
        pytest.param(lambda r: r.cut(), Unavailable, "broke|cut", id="cut-before-the-answer"),
        pytest.param(
            lambda r: (r.begin(), r.chunk(b'{"metadata": {'), r.cut()), Unavailable, "cut short", id="cut-in-the-middle"
        ),
        pytest.param(lambda r: r.answer(b"<html>hello</html>"), Unavailable, "not JSON", id="a-page-of-a-proxy"),
        pytest.param(lambda r: r.answer([1, 2]), Invalid, "form that is read here", id="json-of-another-shape"),
        pytest.param(lambda r: r.refuse(500, "etcd is away"), Unavailable, "etcd is away", id="internal-error"),
        pytest.param(lambda r: r.refuse(429, "slow down", Retry_After="7"), Throttled, "slow down", id="throttled"),
        pytest.param(lambda r: r.refuse(401, "Unauthorized"), Forbidden, "renew it", id="unknown-caller"),
        pytest.param(lambda r: r.answer(b"", 302, Location="http://127.0.0.1:1/"), Unavailable, "302", id="redirected"),
    ],
)
def test_whatever_goes_wrong_is_a_failure_in_words(served, behave, kind, words):
    client, server = served(behave)
    with pytest.raises(kind, match=words) as caught:
        client.get(CONFIG_MAPS, "a", "ns")
    assert str(caught.value).startswith("get ConfigMap ns/a: ")
    assert len(server.asked) == 1


def test_the_server_says_when_to_come_back(served):
    client, _ = served(lambda request: request.refuse(503, "starting", Retry_After="7"))
    with pytest.raises(Unavailable) as caught:
        client.get(CONFIG_MAPS, "a", "ns")
    assert (caught.value.status, caught.value.retry_after_s) == (503, 7.0)


class TestLists:
    @staticmethod
    def pages(request):
        token = int(request.query.get("continue", "0"))
        meta = {"continue": str(token + 1)} if token < 2 else {}
        request.answer(listing(thing(f"item-{token}"), version=5, **meta))

    def test_all_pages_are_read(self, served):
        client, server = served(self.pages)
        read = client.list(CONFIG_MAPS, "ns")
        assert [item["metadata"]["name"] for item in read.items] == ["item-0", "item-1", "item-2"]
        assert read.resource_version == "5"
        assert [query["limit"] for _, _, query in server.asked] == [str(PAGE)] * 3

    def test_a_token_that_is_too_old_reads_all_at_once(self, served):
        def behave(request):
            if "limit" not in request.query:
                request.answer(listing(thing("a"), thing("b"), version=9))
            elif "continue" in request.query:
                request.refuse(410, "The provided continue parameter is too old", "Expired")
            else:
                request.answer(listing(thing("stale"), version=5, **{"continue": "x"}))

        client, _ = served(behave)
        read = client.list(CONFIG_MAPS, "ns")
        assert [item["metadata"]["name"] for item in read.items] == ["a", "b"]
        assert read.resource_version == "9"

    def test_a_list_that_is_gone_from_the_start_is_told(self, served):
        client, _ = served(lambda request: request.refuse(410, "too old", "Expired"))
        with pytest.raises(Gone):
            client.list(CONFIG_MAPS, "ns")

    def test_selectors_are_sent(self, served):
        client, server = served(lambda request: request.answer(listing()))
        client.list(CONFIG_MAPS, labels="a in (b,c)", fields="metadata.name=x")
        ((_, path, query),) = server.asked
        assert path == "/api/v1/configmaps"
        assert (query["labelSelector"], query["fieldSelector"]) == ("a in (b,c)", "metadata.name=x")


class TestWatches:
    @staticmethod
    def watch(client, stop, **options):
        return client.watch(CONFIG_MAPS, "ns", resource_version="1", stop=stop, type=Object, **options)

    def test_lines_become_events_however_they_are_cut(self, served, stop):
        def behave(request):
            request.begin()
            request.event("ADDED", thing("a", 2))
            request.chunk(b'{"type": "MODIFIED", "object": {"metadata": {"name": "a",')
            request.chunk(b' "resourceVersion": "3"}}}\n{"type": "BOOKMARK", "object": {"metadata": ')
            request.chunk(b'{"resourceVersion": "4"}}}\n\n')
            request.end()

        client, server = served(behave)
        events = list(self.watch(client, stop))
        assert [(event.type, event.key, event.resource_version) for event in events] == [
            ("ADDED", "ns/a", "2"),
            ("MODIFIED", "a", "3"),
            ("BOOKMARK", "", "4"),
        ]
        ((_, _, query),) = server.asked
        assert (query["resourceVersion"], query["allowWatchBookmarks"], query["timeoutSeconds"]) == ("1", "true", "300")

    @pytest.mark.parametrize(
        ("last", "kind", "words"),
        [
            pytest.param(lambda r: r.cut(), Unavailable, "cut short", id="cut"),
            pytest.param(lambda r: (r.chunk(b'{"type"'), r.end()), Unavailable, "middle of a line", id="half-a-line"),
            pytest.param(lambda r: r.chunk(b"<html>\n"), Unavailable, "is no event", id="garbage"),
            pytest.param(
                lambda r: r.event("ERROR", {"code": 410, "message": "too old resource version", "reason": "Expired"}),
                Gone,
                "too old",
                id="too-old-as-an-error-line",
            ),
            pytest.param(
                lambda r: r.event("ERROR", {"code": 500, "message": "etcd"}), Unavailable, "etcd", id="error-line"
            ),
        ],
    )
    def test_a_watch_that_breaks_tells_how(self, served, stop, last, kind, words):
        def behave(request):
            request.begin()
            request.event("BOOKMARK", bookmark(2))
            last(request)

        client, _ = served(behave)
        events = self.watch(client, stop)
        assert next(events).resource_version == "2"
        with pytest.raises(kind, match=words) as caught:
            next(events)
        assert str(caught.value).startswith("watch ConfigMap in namespace ns: ")

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            pytest.param(410, Gone, id="too-old"),
            pytest.param(403, Forbidden, id="forbidden"),
            pytest.param(503, Unavailable, id="starting"),
        ],
    )
    def test_a_watch_that_is_refused_tells_why(self, served, stop, status, kind):
        counting = Counting()
        client, _ = served(lambda request: request.refuse(status, "no"), observer=counting)
        with pytest.raises(kind):
            next(self.watch(client, stop))
        assert counting.seen == [("watch", "configmaps", status)]

    def test_silence_breaks_a_watch(self, served, stop):
        def behave(request):
            request.begin()
            request.stay_silent()

        client, _ = served(behave)
        with pytest.raises(Unavailable, match=r"no answer from .* within 0.2 s"):
            # A watch may be silent for as long as it lasts and SILENCE_S more; this one was to end in the past.
            next(self.watch(client, stop, timeout_s=0.2 - SILENCE_S))

    def test_a_stop_from_another_thread_ends_the_watch(self, served, stop):
        reading = threading.Event()

        def behave(request):
            request.begin()
            request.event("BOOKMARK", bookmark(2))
            request.stay_silent()

        client, _ = served(behave)
        seen = []

        def read():
            for event in self.watch(client, stop):
                seen.append(event)
                reading.set()

        thread = threading.Thread(target=read)
        thread.start()
        assert reading.wait(PATIENCE_S)
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert len(seen) == 1

    def test_a_stop_before_the_first_event_reads_nothing(self, served, stop):
        stop.set()

        def behave(request):
            request.begin()
            request.event("BOOKMARK", bookmark(2))
            request.stay_silent()

        client, _ = served(behave)
        assert list(self.watch(client, stop)) == []

    def test_an_object_that_cannot_be_read_is_told_and_passed_over(self, served, stop):
        def behave(request):
            request.begin()
            request.event("MODIFIED", {**thing("bad", 2), "data": 3})
            request.event("MODIFIED", thing("good", 3))
            request.end()

        told = []
        client, _ = served(behave, on_unreadable=lambda name, why: told.append((name, why)))
        events = list(client.watch(CONFIG_MAPS, resource_version="1", stop=stop, type=dict[str, dict[str, str]]))
        assert [(event.object is None, event.key) for event in events] == [(True, "ns/bad"), (False, "ns/good")]
        assert [name for name, _ in told] == ["ConfigMap ns/bad"]
