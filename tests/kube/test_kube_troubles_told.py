"""Many informers and an API server on loopback that is away, hangs, refuses and comes back: what the log says of it."""

import re
import threading

import pytest
from api_servers import PATIENCE_S, bookmark, listing

from sriov_core.kube import informer as informers
from sriov_core.kube.client import Object
from sriov_core.kube.failures import Away
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import CONFIG_MAPS, NODES, PODS, SECRETS, SERVICES, Resource

KINDS = (CONFIG_MAPS, NODES, PODS, SECRETS, SERVICES)


class Behaviour:
    """A server that is well until it is told otherwise; ``reached`` is set after so many requests of that kind."""

    def __init__(self):
        self.how = self.well
        self.seen = 0
        self.enough = threading.Event()
        self.wanted = 0

    def __call__(self, request):
        self.seen += 1
        if self.wanted and self.seen >= self.wanted:
            self.enough.set()
        self.how(request)

    def becomes(self, how, requests):
        """Behave like that from now on, and wait until it was asked so often."""
        self.how, self.seen, self.wanted = how, 0, requests
        self.enough.clear()
        assert self.enough.wait(PATIENCE_S)

    @staticmethod
    def well(request):
        if not request.watches:
            request.answer(listing())
            return
        request.begin()
        request.event("BOOKMARK", bookmark(2))
        request.server.let_go.wait(0.2)
        request.end()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries within a tenth of a second: a test has no time for more."""
    monkeypatch.setattr(informers, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(informers, "LONGEST_RETRY_S", 0.3)


@pytest.fixture
def behaviour():
    return Behaviour()


@pytest.fixture
def following(served, stop, behaviour):
    """A client with an informer for each kind, all of them filled."""
    client, _ = served(behaviour, timeout_s=0.3)
    started = [Informer(client, kind, dict[str, LeanMeta]) for kind in KINDS]
    for one in started:
        one.start(stop)
    assert all(one.wait_synced(PATIENCE_S) for one in started)
    yield client, started
    stop.set()
    assert all(one.join(PATIENCE_S) for one in started)


def told(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"]


def wait_for(words, caplog):
    end = threading.Event()
    for _ in range(PATIENCE_S * 50):
        if any(words in line for line in told(caplog)):
            return
        end.wait(0.02)
    raise AssertionError(told(caplog))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        pytest.param(lambda r: r.cut(), "connection to http://127.0.0.1:", id="cut-off"),
        pytest.param(lambda r: r.refuse(503, "no healthy upstream"), "HTTP 503: no healthy upstream", id="a-balancer"),
    ],
)
def test_an_outage_is_one_line_and_its_end_another(following, behaviour, caplog, how, why):
    behaviour.becomes(how, 4 * len(KINDS))
    behaviour.becomes(behaviour.well, 2 * len(KINDS))
    wait_for("is back after", caplog)
    first, *others = told(caplog)
    assert first.startswith("the API server is away: ")
    assert why in first
    assert len(others) == 1, others


def test_what_a_server_refuses_for_a_moment_when_it_comes_up_is_not_told(following, behaviour, caplog):
    """Roles and definitions are known to it a little later than it answers."""
    refused = set()

    def hesitates(request):
        kind = request.path.partition("?")[0]
        if kind in refused:
            behaviour.well(request)
        else:
            refused.add(kind)
            request.refuse(403, 'User "x" cannot list resource')

    behaviour.becomes(lambda request: request.cut(), 6 * len(KINDS))
    behaviour.becomes(hesitates, 4 * len(KINDS))
    assert [line.partition(" after")[0] for line in told(caplog)][1:] == ["the API server is back"]


def test_without_rights_there_is_one_line_with_the_remedy(following, behaviour, caplog):
    client, _ = following
    behaviour.becomes(lambda r: r.refuse(403, 'User "x" cannot list resource'), 5 * len(KINDS))
    wait_for("not watched: configmaps, nodes, pods, secrets, services: ", caplog)
    (line,) = told(caplog)
    assert "Apply the roles and their bindings" in line
    assert client.troubles.lacking == (line,)
    behaviour.how = behaviour.well
    wait_for("HTTP 403 is over after", caplog)
    assert client.troubles.lacking == ()


def test_a_server_that_takes_requests_and_does_not_answer_is_told(served, behaviour, caplog):
    client, _ = served(behaviour, timeout_s=0.2)
    behaviour.how = lambda request: request.stay_silent()
    for kind in KINDS:
        with pytest.raises(Away):
            client.list(kind)
    behaviour.how = behaviour.well
    client.list(NODES)
    first, last = told(caplog)
    assert "no answer from http://127.0.0.1:" in first
    assert re.fullmatch(r"the API server is back after \d+ s", last)


def test_a_watch_that_falls_silent_is_told(served, stop, caplog):
    def behave(request):
        request.begin()
        request.stay_silent()

    client, _ = served(behave)
    with pytest.raises(Away):
        next(client.watch(CONFIG_MAPS, resource_version="1", stop=stop, type=Object, timeout_s=0.2 - 30.0))
    (line,) = told(caplog)
    assert line.startswith("the API server is away: watch ConfigMap: no answer from http://127.0.0.1:")


def test_every_informer_is_made_known_by_its_name(served, stop, behaviour):
    known = {}
    client, _ = served(behaviour, followed=known.__setitem__)
    one = Informer(client, CONFIG_MAPS, dict[str, LeanMeta], namespace="ns", fields="metadata.name=supported-nic-ids")
    all_of_them = Informer(client, Resource("", "v1", "pods", "Pod"), dict[str, LeanMeta])
    for informer in (one, all_of_them):
        informer.start(stop)
    assert known == {"configmaps/supported-nic-ids": one, "pods": all_of_them}
    stop.set()
    assert one.join(PATIENCE_S)
    assert all_of_them.join(PATIENCE_S)
