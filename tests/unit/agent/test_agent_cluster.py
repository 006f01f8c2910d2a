"""What the agent hears from a cluster and says to it: what was not read yet is not missing, no word is misplaced."""

import json
import threading
import time
from urllib.parse import urlsplit

import attrs
import pytest
from agent_machines import world

from sriov_core.agent.deviceplugin import DevicePluginPods
from sriov_core.agent.handshake import Request, Talk
from sriov_core.agent.metrics import AgentMetrics
from sriov_core.agent.publish import ClusterPublisher
from sriov_core.agent.requestlog import RequestLog
from sriov_core.agent.sources import ClusterSource, FileSource
from sriov_core.agent.switches import Given
from sriov_core.agent.wish import SeenNodeState
from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.errors import DeadlineExceeded
from sriov_core.kube.client import Answer, Client
from sriov_core.kube.failures import Away, Forbidden, Unavailable
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import NODE_STATES

PATIENCE_S = 30.0
STATES, CONFIGS, MAPS = "sriovnetworknodestates", "sriovoperatorconfigs", "configmaps"
STATE = {"metadata": {"name": "worker", "namespace": "sriov", "uid": "u1", "resourceVersion": "7", "generation": 2}}
CONFIG = {"metadata": {"name": "default", "namespace": "sriov", "uid": "c1", "resourceVersion": "7"}}


def until(what) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@attrs.define
class Server:
    """An API server in memory: a list of each kind, an answer to each write, and watches in which nothing happens.

    A kind without a list is one that nobody has defined; ``held`` are kinds whose list is not answered yet.
    """

    lists: dict[str, list] = attrs.field(factory=dict)
    held: dict[str, threading.Event] = attrs.field(factory=dict)
    written: list[tuple[str, dict]] = attrs.field(factory=list)
    answer: dict = attrs.field(factory=lambda: STATE)
    meanwhile: object = None

    def request(self, method, path, *, body, content_type, timeout_s) -> Answer:
        kind = urlsplit(path).path.rstrip("/").rsplit("/", 1)[-1]
        if method == "GET":
            if hold := self.held.get(kind):
                hold.wait(PATIENCE_S)
            return self._listed(kind)
        self.written.append((path, json.loads(body)))
        if self.meanwhile:
            self.meanwhile()
        return Answer(200, {}, json.dumps(self.answer).encode())

    def stream(self, path, *, timeout_s):
        raise Unavailable("nobody is watched here")

    def _listed(self, kind) -> Answer:
        if kind not in self.lists:
            status = {"kind": "Status", "message": "the server could not find the requested resource", "code": 404}
            return Answer(404, {}, json.dumps(status).encode())
        found = {"metadata": {"resourceVersion": "7"}, "items": self.lists[kind]}
        return Answer(200, {}, json.dumps(found).encode())


@pytest.fixture
def source():
    """Starts a source at a server, and ends it with the test."""
    stop, begun = threading.Event(), []

    def start(server, **facts) -> ClusterSource:
        client = Client(server, manager="test")
        made = ClusterSource(client, node="worker", namespace="sriov", given=Given(), **facts)
        made.start(lambda: None, stop)
        begun.append(made)
        return made

    yield start
    stop.set()
    for one in begun:
        assert one.join(PATIENCE_S)


def test_a_configuration_that_was_not_read_yet_is_not_missing(source):
    late = threading.Event()
    server = Server({STATES: [STATE], CONFIGS: [CONFIG]}, {CONFIGS: late})
    one = source(server)
    until(lambda: one.order().state is not None)
    assert not one.order().ready
    assert "waits until the API server has told" in one.order().why
    late.set()
    until(lambda: one.order().ready)
    assert one.order().switches is not None


class Arriving:
    """A cache that is filled just after somebody looked into it."""

    synced, unreadable = False, frozenset()

    def __init__(self) -> None:
        self.looked = False

    def get(self, _key):
        self.synced = True

    def join(self, _timeout_s) -> bool:
        return True


def test_a_configuration_that_arrives_between_two_looks_is_not_missing(source):
    one = source(Server({STATES: [STATE], CONFIGS: [CONFIG]}))
    until(lambda: one.order().ready)
    one._configs = Arriving()
    assert not one.order().ready


MISSING = {
    "no-config": ({STATES: [], CONFIGS: []}, {}, "there is no SriovOperatorConfig"),
    "no-node-state": (
        {STATES: [], CONFIGS: [CONFIG]},
        {},
        "there is no SriovNetworkNodeState sriov/worker, so nothing is changed on this node. The operator makes it",
    ),
    "a-config-that-cannot-be-read": (
        {STATES: [], CONFIGS: [{**CONFIG, "spec": {"logLevel": "much"}}]},
        {},
        "SriovOperatorConfig sriov/default cannot be read",
    ),
    "no-config-map": (
        {STATES: [], CONFIGS: [CONFIG], MAPS: []},
        {"config_maps": True},
        f"no ConfigMap has the label {keys.NODE_INTERFACES}=worker",
    ),
}


@pytest.mark.parametrize("row", MISSING.values(), ids=MISSING)
def test_what_is_missing_for_a_wish_is_said_with_what_to_do(source, row):
    lists, facts, words = row
    one = source(Server(lists), **facts)
    until(lambda: one.order().ready)
    order = one.order()
    assert words in order.why
    assert one.wish(order, None) is None


def test_a_wish_in_a_config_map_waits_for_the_node_state_that_it_is_drained_through(source):
    late = threading.Event()
    lists = {STATES: [STATE], CONFIGS: [], MAPS: []}
    one = source(Server(lists, {STATES: late}), config_maps=True)
    until(lambda: one._maps.synced and one._configs.synced)
    assert not one.order().ready, "without a node state it would work undrained"
    late.set()
    until(lambda: one.order().ready)
    assert one.order().state is not None


def test_a_wish_in_a_config_map_needs_no_definitions(source):
    one = source(Server({MAPS: []}), config_maps=True)
    until(lambda: one.order().ready)
    assert one.order().state is None


def state(uid="u1", version="7", **notes) -> SeenNodeState:
    meta = {"name": "worker", "namespace": "sriov", "uid": uid, "resource_version": version}
    return SeenNodeState(metadata=LeanMeta(**meta, annotations=notes))


@pytest.fixture
def publisher():
    """Starts a publisher at a server, and ends it with the test."""
    stop, threads = threading.Event(), []

    def start(server) -> ClusterPublisher:
        made = ClusterPublisher(Client(server, manager="test"), node="worker", namespace="sriov", pace_s=0.0)
        threads.append(threading.Thread(target=made.run, args=(stop,), daemon=True))
        threads[-1].start()
        return made

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)


def test_what_is_said_of_one_node_state_is_not_written_to_the_next_one(publisher):
    server = Server()
    one = publisher(server)
    one.want(NodeStateStatus(sync_status="Succeeded"), Talk(request=Request.IDLE), "")
    one.saw(state("u2"))
    assert one.flush(PATIENCE_S)
    assert server.written == []
    one.want(NodeStateStatus(sync_status="Failed"), Talk(request=Request.IDLE), "u2")
    assert one.flush(PATIENCE_S)
    assert [body["status"]["syncStatus"] for path, body in server.written if "/status" in path] == ["Failed"]


def test_what_was_seen_while_a_write_was_answered_is_newer_than_the_answer(publisher):
    server = Server()
    one = publisher(server)
    asked = state(version="9", **{keys.DESIRED_STATE: Request.DRAIN.value})
    server.meanwhile = lambda: one.saw(asked)
    one.saw(state(version="6", **{keys.DESIRED_STATE: Request.DRAIN.value}))
    one.want(NodeStateStatus(sync_status="InProgress"), Talk(), "u1")
    assert one.flush(PATIENCE_S)
    server.meanwhile = None
    server.written.clear()
    one.want(NodeStateStatus(), Talk(request=Request.DRAIN), "u1")
    assert one.flush(PATIENCE_S)
    of_state = [
        body for path, body in server.written if "nodestates" in path and "annotations" in body.get("metadata", {})
    ]
    assert of_state == [], "it is asked for already"


def test_a_request_whose_answer_was_lost_is_taken_back_at_once(publisher):
    """The Node may have it all the same, and who drains looks there."""
    server = Server()
    one = publisher(server)

    def lost() -> None:
        path, body = server.written[-1]
        if "/nodes/worker" in path and body["metadata"]["annotations"][keys.NODE_STATE] == Request.DRAIN.value:
            drained = {keys.DESIRED_STATE: Request.DRAIN.value, keys.CURRENT_STATE: "DrainComplete"}
            one.saw(state(version="9", **drained))
            one.want(NodeStateStatus(), Talk(request=Request.IDLE), "u1")
            raise Unavailable("the connection ended before the answer")

    one.saw(state())
    one.want(NodeStateStatus(), Talk(request=Request.IDLE), "u1")
    assert one.flush(PATIENCE_S)
    server.meanwhile = lost
    one.want(NodeStateStatus(), Talk(request=Request.DRAIN), "u1")
    assert one.flush(PATIENCE_S)
    said = [body["metadata"]["annotations"][keys.NODE_STATE] for path, body in server.written if "/nodes/" in path]
    assert said == [Request.IDLE.value, Request.DRAIN.value, Request.IDLE.value]


def test_what_becomes_of_a_drain_is_logged(publisher, caplog):
    caplog.set_level("INFO", logger="sriov_core.agent")
    one = publisher(Server())
    for answer in ("Idle", "Draining", "Draining", "DrainComplete", "Idle"):
        one.saw(state(**{keys.CURRENT_STATE: answer}))
    one.want(NodeStateStatus(), Talk(request=Request.DRAIN), "u1")
    assert one.flush(PATIENCE_S)
    assert [record.getMessage() for record in caplog.records] == [
        "the drain is under way (Draining)",
        "the node is drained (DrainComplete)",
        "the drain is over (Idle)",
        "asks for a drain of the pods that have devices (Drain_Required)",
    ]


def test_a_pod_that_was_told_to_end_is_waited_for_and_not_told_once_more(caplog):
    caplog.set_level("INFO", logger="sriov_core.agent")
    meta = {"name": "plugin-1", "namespace": "sriov", "uid": "p1", "resourceVersion": "7"}
    server, stop = (
        Server({"pods": [{"metadata": {**meta, "deletionTimestamp": "2026-01-01T00:00:00Z"}}]}),
        threading.Event(),
    )
    pods = DevicePluginPods(Client(server, manager="test"), namespace="sriov", node="worker", gone_within_s=0.0)
    pods.start(stop)
    until(lambda: pods.names)
    with pytest.raises(DeadlineExceeded, match="plugin-1 is still there"):
        pods.restart("the VFs that it offers have changed")
    stop.set()
    assert pods.join(PATIENCE_S)
    # That a server without watches is asked in vain is a word of its own, and comes in time.
    told = [record.getMessage() for record in caplog.records if record.name.startswith("sriov_core.agent")]
    assert (server.written, told) == ([], [])


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path):
    import os  # noqa: PLC0415  # for this alone

    path = tmp_path / "wish"
    os.mkfifo(path)
    source = FileSource(str(path), Given())
    assert "is no regular file" in source.wish(source.order(), world()).error


def test_each_request_is_a_detail_of_the_log_and_is_counted(caplog):
    caplog.set_level("DEBUG", logger="sriov_core.kube.requests")
    counted = AgentMetrics()
    client = Client(Server(), manager="test", observer=RequestLog(counted))
    client.merge_patch(NODE_STATES, "worker", {}, "sriov")
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("patch sriovnetworknodestates: HTTP 200 after ")
    assert counted.registry.get_sample_value("sriov_agent_api_request_seconds_count", {"verb": "patch"}) == 1.0


REFUSAL = Forbidden("patch Node worker: HTTP 403: an agent may change its own Node only", status=403)


@pytest.mark.parametrize(
    ("failure", "begins"),
    [
        pytest.param(None, True, id="taken"),
        pytest.param(Away("no connection"), True, id="away"),
        pytest.param(Unavailable("a webhook is down", status=503), True, id="unavailable"),
        pytest.param(REFUSAL, False, id="refused"),
    ],
)
def test_work_may_begin_when_a_first_word_was_taken_or_nobody_was_there_to_take_it(publisher, caplog, failure, begins):
    server = Server(meanwhile=lambda: _raised(failure))
    one = publisher(server)
    assert not one.may_begin(0.0), "nothing was said yet"
    one.saw(state())
    one.want(NodeStateStatus(sync_status="InProgress"), Talk(), "u1")
    assert one.may_begin(PATIENCE_S) is begins
    if failure is REFUSAL:
        until(lambda: "nothing is changed on this machine before the cluster takes" in caplog.text)
        assert "an agent may change its own Node only" in caplog.text
        server.meanwhile = None
        one.saw(state(version="8"))
        until(lambda: one.may_begin(0.1))
        server.meanwhile = lambda: _raised(REFUSAL)
        one.want(NodeStateStatus(sync_status="Succeeded"), Talk(), "u1")
        until(lambda: caplog.text.count("own Node only") == 2)
        assert one.may_begin(0.0), "it was taken once"


def _raised(failure) -> None:
    if failure:
        raise failure
