"""An informer at a server that misbehaves: nothing is lost, nothing is told twice, and nothing stops it."""

import logging
import queue
import threading

import msgspec
import pytest
from api_servers import PATIENCE_S, bookmark, listing, thing

from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import CONFIG_MAPS


class ConfigMap(msgspec.Struct, frozen=True):
    metadata: LeanMeta
    data: dict[str, str] = {}


class Told:
    """A handler that remembers; an object is its name and version."""

    def __init__(self):
        self._changes = queue.Queue()

    def __call__(self, before, after):
        self._changes.put((self._short(before), self._short(after)))

    @staticmethod
    def _short(value):
        return value and f"{value.metadata.name}@{value.metadata.resource_version}"

    def next(self, count=1):
        return [self._changes.get(timeout=PATIENCE_S) for _ in range(count)]

    @property
    def nothing_more(self):
        return self._changes.empty()


class Acts:
    """What the server does with the first list, the first watch, the second of each, and so on; then it is silent."""

    def __init__(self, lists, watches):
        self._left = {True: list(watches), False: list(lists)}
        self.idle = threading.Event()

    def __call__(self, request):
        left = self._left[request.watches]
        if left:
            left.pop(0)(request)
            return
        if request.watches:
            request.begin()
        self.idle.set()
        request.stay_silent()


def lists(*names, version=1, unreadable=()):
    items = [thing(*name.split("@")) for name in names]
    bad = [{**thing(*name.split("@")), "data": [1]} for name in unreadable]
    return lambda request: request.answer(listing(*items, *bad, version=version))


def watches(*events, end="end"):
    def behave(request):
        request.begin()
        for kind, document in events:
            request.event(kind, document)
        getattr(request, end)()

    return behave


MARK = ("BOOKMARK", bookmark(2))
TOO_OLD = ("ERROR", {"code": 410, "reason": "Expired", "message": "too old resource version: 2 (9)"})


@pytest.fixture
def informed(served, stop):
    """An informer that has been started, and the handler that was there before."""
    started = []

    def start(acts, **options):
        client, server = served(acts, **options)
        told = Told()
        informer = Informer(client, CONFIG_MAPS, ConfigMap, namespace="ns")
        informer.subscribe(told)
        informer.start(stop)
        started.append(informer)
        return informer, told, server

    yield start
    stop.set()
    assert all(informer.join(PATIENCE_S) for informer in started)


def asked(server):
    return [
        f"watch {query['resourceVersion']}" if query.get("watch") else "list" for _, _, query in tuple(server.asked)
    ]


def test_what_is_there_is_told_and_what_comes_too(informed):
    changes = [("ADDED", thing("b", 2)), ("MODIFIED", thing("a", 3)), ("DELETED", thing("b", 4))]
    informer, told, _ = informed(Acts([lists("a@1")], [watches(*changes, end="stay_silent")]))
    assert told.next(4) == [(None, "a@1"), (None, "b@2"), ("a@1", "a@3"), ("b@4", None)]
    assert informer.synced
    assert informer.get("ns/a").metadata.resource_version == "3"
    assert informer.get("ns/b") is None


def test_a_watch_that_was_cut_goes_on_from_its_last_version(informed):
    acts = Acts([lists("a@1")], [watches(MARK, end="cut")])
    _, told, server = informed(acts)
    assert acts.idle.wait(PATIENCE_S)
    assert asked(server) == ["list", "watch 1", "watch 2"]
    assert told.next() == [(None, "a@1")]
    assert told.nothing_more


def test_a_watch_that_ended_by_itself_goes_on_without_a_word(informed, caplog):
    acts = Acts([lists("a@1")], [watches(MARK)])
    _, _, server = informed(acts)
    assert acts.idle.wait(PATIENCE_S)
    assert asked(server) == ["list", "watch 1", "watch 2"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "too_old",
    [
        pytest.param(watches(MARK, TOO_OLD), id="as-a-line"),
        pytest.param(lambda request: request.refuse(410, "too old", "Expired"), id="as-the-answer"),
    ],
)
def test_a_version_that_is_too_old_lists_again(informed, too_old):
    acts = Acts([lists("a@1", "b@1", "c@1"), lists("a@1", "b@5", "d@6", version=7)], [too_old])
    _, told, server = informed(acts)
    assert sorted(told.next(3)) == [(None, "a@1"), (None, "b@1"), (None, "c@1")]
    assert told.next(3) == [("c@1", None), ("b@1", "b@5"), (None, "d@6")]
    assert acts.idle.wait(PATIENCE_S)
    assert asked(server) == ["list", "watch 1", "list", "watch 7"]
    assert told.nothing_more


def test_after_an_outage_the_list_is_read_again(informed):
    """An API server whose etcd came back from a backup counts from less; a watch from the old version sees nothing."""
    away = lambda request: request.refuse(503, "starting")  # noqa: E731
    acts = Acts([lists("a@100", version=100), lists("b@50", version=60)], [watches(MARK, end="cut"), away])
    _, told, server = informed(acts)
    assert told.next(3) == [(None, "a@100"), ("a@100", None), (None, "b@50")]
    assert acts.idle.wait(PATIENCE_S)
    assert asked(server) == ["list", "watch 100", "watch 2", "list", "watch 60"]


def test_a_first_list_that_fails_is_tried_until_it_works(informed, caplog):
    failures = [lambda r: r.refuse(500, "etcd"), lambda r: r.cut()]
    informer, told, _ = informed(Acts([*failures, lists("a@1")], []))
    assert not informer.synced
    assert told.next() == [(None, "a@1")]
    assert informer.wait_synced(PATIENCE_S)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


class TestGarbageByHand:
    def test_one_that_was_never_readable_is_not_there_and_stops_nothing(self, informed):
        unreadable = []
        acts = Acts([lists("a@1", unreadable=["bad@1"])], [])
        informer, told, _ = informed(acts, on_unreadable=lambda name, _: unreadable.append(name))
        assert told.next() == [(None, "a@1")]
        assert informer.wait_synced(PATIENCE_S)
        assert informer.get("ns/bad") is None
        assert unreadable == ["ConfigMap ns/bad"]

    def test_one_that_became_garbage_stays_as_it_was_and_says_so(self, informed, caplog):
        garbage = ("MODIFIED", {**thing("a", 2), "data": "garbage"})
        events = [garbage, ("ADDED", thing("b", 3))]
        informer, told, _ = informed(Acts([lists("a@1")], [watches(*events, end="stay_silent")]))
        assert told.next(2) == [(None, "a@1"), (None, "b@3")]
        assert informer.get("ns/a").metadata.resource_version == "1"
        said = " ".join(record.getMessage() for record in caplog.records)
        assert "ConfigMap ns/a cannot be read" in said
        assert "ns/a stays as it was" in said

    def test_it_stays_through_a_list_and_is_told_when_it_is_mended(self, informed):
        mended = ("MODIFIED", thing("a", 9))
        acts = Acts(
            [lists("a@1"), lists(unreadable=["a@5"], version=6)],
            [watches(MARK, TOO_OLD), watches(mended, end="stay_silent")],
        )
        _, told, _ = informed(acts)
        assert told.next(2) == [(None, "a@1"), ("a@1", "a@9")]

    def test_its_deletion_is_told(self, informed):
        gone = ("DELETED", {**thing("a", 2), "data": "garbage"})
        _, told, _ = informed(Acts([lists("a@1")], [watches(gone, end="stay_silent")]))
        assert told.next(2) == [(None, "a@1"), ("a@1", None)]


def test_who_looks_after_objects_hears_of_those_that_cannot_be_read(served, stop):
    events = [
        ("ADDED", {**thing("b", 2), "data": [1]}),
        ("MODIFIED", {**thing("b", 3), "data": 5}),
        ("MODIFIED", thing("b", 4)),
        ("DELETED", {**thing("bad", 5), "data": [1]}),
        ("ADDED", thing("last", 6)),
    ]
    client, _ = served(Acts([lists("a@1", unreadable=["bad@1", "worse@1"])], [watches(*events, end="stay_silent")]))
    heard, late, told = [], [], Told()
    informer = Informer(client, CONFIG_MAPS, ConfigMap, namespace="ns")
    informer.subscribe(told, heard.append)
    informer.start(stop)
    assert told.next(3) == [(None, "a@1"), (None, "b@4"), (None, "last@6")]
    assert heard == ["ns/bad", "ns/worse", "ns/b", "ns/b", "ns/b", "ns/bad"]
    assert informer.unreadable == {"ns/worse"}
    informer.subscribe(lambda *_: None, late.append)
    assert late == ["ns/worse"]


def test_what_could_not_be_read_and_went_during_an_outage_is_told(informed):
    heard = []
    acts = Acts([lists(unreadable=["bad@1"]), lists("a@6", version=6)], [watches(MARK, TOO_OLD)])
    informer, told, _ = informed(acts)
    informer.subscribe(lambda *_: None, heard.append)
    assert told.next() == [(None, "a@6")]
    assert acts.idle.wait(PATIENCE_S)
    assert heard[-1] == "ns/bad"
    assert informer.unreadable == frozenset()


def test_a_handler_with_a_bug_hinders_nobody(served, stop, caplog):
    client, _ = served(Acts([lists("a@1")], [watches(("ADDED", thing("b", 2)), end="stay_silent")]))
    informer, told = Informer(client, CONFIG_MAPS, ConfigMap, namespace="ns"), Told()
    informer.subscribe(lambda *_: 1 / 0)
    informer.subscribe(told)
    informer.start(stop)
    assert told.next(2) == [(None, "a@1"), (None, "b@2")]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_whoever_comes_late_hears_of_everything_once(informed):
    step = threading.Event()

    def behave(request):
        request.begin()
        step.wait(PATIENCE_S)
        request.event("ADDED", thing("c", 3))
        request.stay_silent()

    informer, first, _ = informed(Acts([lists("b@1", "a@1")], [behave]))
    first.next(2)
    late = Told()
    informer.subscribe(late)
    step.set()
    assert late.next(3) == [(None, "a@1"), (None, "b@1"), (None, "c@3")]


def test_failures_are_told_to_whoever_counts_them(served, stop):
    client, _ = served(Acts([lambda r: r.refuse(403, "User cannot list"), lists("a@1")], []))
    failures = []
    informer = Informer(client, CONFIG_MAPS, ConfigMap, namespace="ns", on_failure=failures.append)
    informer.start(stop)
    assert informer.wait_synced(PATIENCE_S)
    assert [failure.status for failure in failures] == [403]


def test_a_stop_ends_it_while_it_waits_for_a_server_that_is_away(informed, stop):
    tried = threading.Event()

    def behave(request):
        tried.set()
        request.refuse(503, "away", Retry_After="300")

    informer, _, _ = informed(behave)
    assert tried.wait(PATIENCE_S)
    stop.set()
    assert informer.join(PATIENCE_S)


def test_after_the_stop_no_thread_is_left(informed, stop):
    ended = [watches(MARK), watches(MARK, end="cut")]
    acts = Acts([lists("a@1"), lists("a@1")], ended)
    informer, _, _ = informed(acts)
    assert acts.idle.wait(PATIENCE_S)
    stop.set()
    assert informer.join(PATIENCE_S)
    left = [one for one in threading.enumerate() if one.name.startswith(("informer-", "watch-guard"))]
    for thread in left:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_signs_of_life(informed):
    acts = Acts([lists("a@1")], [])
    informer, told, _ = informed(acts)
    told.next()
    assert 0 <= informer.silent_s < PATIENCE_S
