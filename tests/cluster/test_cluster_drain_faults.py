"""Drains when things go wrong: killed operators, two at once, a server that refuses, objects that vanish."""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import servers_install
from deployments import account, settings
from draining_faults import Spoilt, Worker
from draining_stage import COMPLETE, DRAIN, DRAINING, IDLE, Stage, stage, stays
from kube_clients import admin
from servers import Server

from sriov_core.api import keys
from sriov_core.kube.client import Client
from sriov_core.kube.election import Timing
from sriov_core.kube.failures import ApiFailure
from sriov_core.kube.resource import CONFIG_MAPS, NODE_STATES, NODES, PODS

sys.path.append(str(Path(__file__).resolve().parent.parent / "sriov_operator"))
from draining_in_memory import Api, MemoryClient

MOST_WRITES = 60
PATIENT = Timing(lease_s=90.0, renew_s=60.0)
"""Who has its Lease so long leads on after an outage, however slowly the server starts."""


@attrs.frozen
class Drained:
    """A stage with operators that only drain."""

    stage: Stage
    kubeconfig: Path
    workers: list[Worker] = attrs.field(factory=list)

    def start(self, way: Any = Spoilt, *, workers: int = 10) -> Worker:
        made = Worker.start(self.stage, self.kubeconfig, way, workers=workers)
        self.workers.append(made)
        return made


@pytest.fixture
def drained(server: Server, recent: object, namespace: str) -> Iterator[Drained]:
    kubeconfig, paths = account(server, settings(namespace))
    with stage(server, namespace) as made:
        found = Drained(made, kubeconfig)
        try:
            yield found
        finally:
            for worker in found.workers:
                worker.end()
            for path in paths:
                server.admin.remove(path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # that is how the killed end
def test_a_drain_survives_a_kill_at_every_write(drained):
    """Two nodes of which one may be drained at a time, each with a pod; for each write, a kill before and after it."""
    made, kills, pods = drained.stage, 0, list[str]()
    made.pool(limit=1)
    for number in range(1, MOST_WRITES):
        for moment in ("killed before", "killed after"):
            names = [f"{number}-{moment.partition(' ')[2]}-{letter}" for letter in "ab"]
            for name in names:
                made.node(name, DRAIN)
                made.pod(f"pod-{name}", name)
            fault = partial(_at, number, moment)
            first = drained.start(lambda inner, fault=fault: Spoilt(inner, fault), workers=1)
            made.until(lambda first=first, names=names: first.is_dead or _is_over(made, names))
            second = drained.start() if first.is_dead else first
            kills += first.is_dead
            made.until(lambda names=names: _is_over(made, names))
            assert not any(made.is_cordoned(name) for name in names)
            second.end()
            made.followed(*names)
            for name in names:
                assert made.history.answers(made.full(name)) == [IDLE, DRAINING, COMPLETE, IDLE]
                pods.append(f"pod-{name}")
            assert made.history.most_out([made.full(name) for name in names]) == 1
            made.remove_nodes(*names)
        if not first.is_dead:
            break
    assert not first.is_dead
    assert kills > 30
    assert made.evicted() == Counter(pods)


def _at(number: int, moment: str, write: int, method: str, path: str) -> str:
    return moment if write == number else ""


def _is_over(made: Stage, names: list[str]) -> bool:
    """The agents do what they can; True when nothing is left to do for anybody."""
    for name in names:
        if made.answer(name) == COMPLETE:
            made.ask(name, IDLE)
    rests = all(made.hands(name) == (IDLE, IDLE) and made.told(name)[0] == "Idle" for name in names)
    return rests and made.ledger() == {}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("refused", id="writes-are-refused"),
        pytest.param("conflict", id="writes-are-conflicts"),
        pytest.param("lost", id="answers-are-lost"),
    ],
)
def test_drains_come_to_their_end_through_a_storm(drained, fault):
    """One of four writes meets it, in no order."""
    made, names, dice = drained.stage, "abcd", random.Random(7)
    made.pool(limit=2)
    for name in names:
        made.node(name, DRAIN)
        made.pod(f"pod-{name}", name)
    drained.start(lambda inner: Spoilt(inner, lambda *_: fault if dice.random() < 0.25 else ""))
    made.serve(*names)
    made.until(lambda: made.ledger() == {})
    made.until(lambda: not any(made.is_cordoned(name) for name in names))
    made.followed(*names)
    assert made.history.most_out([made.full(name) for name in names]) <= 2
    assert [made.history.drains(made.full(name)) for name in names] == [1, 1, 1, 1]
    assert made.evicted() == Counter(f"pod-{name}" for name in names)


def test_two_operators_with_stale_caches_keep_the_budget(drained):
    made, names = drained.stage, "abcdefgh"
    made.pool(limit=2)
    for name in names:
        made.node(name)
        made.pod(f"pod-{name}", name)
    for lag_s in (0.1, 0.4):
        drained.start(lambda inner, lag_s=lag_s: Spoilt(inner, lag_s=lag_s))
    for name in names:
        made.ask(name, DRAIN)
    made.serve(*names)
    made.until(lambda: made.ledger() == {})
    made.followed(*names)
    assert made.history.most_out([made.full(name) for name in names]) == 2
    assert [made.history.drains(made.full(name)) for name in names] == [1] * len(names)
    assert made.evicted() == Counter(f"pod-{name}" for name in names)
    assert not any(made.is_cordoned(name) for name in names)


def test_a_node_that_leaves_and_returns_during_its_drain_begins_anew(drained):
    made = drained.stage
    made.pool(limit=1)
    made.node("a", DRAIN)
    made.node("b", DRAIN)
    made.pod("user", "a", finalizer="test.example/held")
    made.ask("a", DRAIN, "2026-01-01T00:00:00Z")
    drained.start()
    made.until(lambda: made.answer("a") == DRAINING and made.is_cordoned("a"))
    made.remove(made.node_path("a"))
    made.until(lambda: made.answer("a") == IDLE)
    made.until(lambda: made.answer("b") == COMPLETE)
    assert list(made.ledger()) == [made.full("b")]
    made.node_alone("a")
    made.until(lambda: made.hands("a") == (DRAIN, IDLE))
    made.until(lambda: made.told("a")[0] == "Waiting")
    assert not made.is_cordoned("a")
    made.release("user")
    made.serve("a", "b")
    made.followed("a")
    assert made.history.drains(made.full("a")) == 2


@pytest.mark.parametrize("limit", [1, None], ids=["in-the-ledger", "without-a-limit"])
@pytest.mark.parametrize("goes_on", [True, False], ids=["asking-on", "and-asking-no-more"])
def test_a_node_state_that_is_deleted_and_made_again_leaves_no_cordon_behind(drained, limit, goes_on):
    made = drained.stage
    made.pool(limit=limit)
    made.node("a", DRAIN)
    made.node("b")
    drained.start()
    made.until(lambda: made.answer("a") == COMPLETE)
    made.remove(made.state_path("a"))
    if goes_on:
        made.state("a")
        made.until(lambda: made.answer("a") == COMPLETE)
        assert made.notes("a")[keys.CORDONED_BEFORE] == "false"
        made.serve("a")
    made.until(lambda: not made.is_cordoned("a"))
    made.until(lambda: made.ledger() == {})


def test_a_node_that_is_gone_for_good_frees_its_place(drained):
    made = drained.stage
    made.pool(limit=1)
    made.node("a", DRAIN)
    first = drained.start()
    made.until(lambda: made.answer("a") == COMPLETE)
    first.end()
    made.remove(made.node_path("a"))
    made.remove(made.state_path("a"))
    made.node("b", DRAIN)
    drained.start()
    made.until(lambda: made.answer("b") == COMPLETE)
    assert list(made.ledger()) == [made.full("b")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("garbage", id="no-json"),
        pytest.param('{"pool": 7}', id="a-wrong-type"),
        pytest.param('{"pool":"elsewhere","since":"","claim":"x"}', id="of-a-pool-that-is-not-there"),
    ],
)
def test_what_somebody_writes_into_the_ledger_is_cleaned_up_when_its_node_is_at_rest(drained, text):
    made = drained.stage
    made.pool(limit=1)
    made.node("a")
    made.node("b", DRAIN)
    place = {"metadata": {"name": "sriov-drain-ledger"}, "data": {made.full("a"): text, "nobody": text}}
    made.server.admin.done("POST", f"/api/v1/namespaces/{made.namespace}/configmaps", place)
    drained.start()
    made.until(lambda: list(made.ledger()) == [made.full("b")])
    made.serve("b")
    made.until(lambda: made.ledger() == {})


def test_a_ledger_that_is_deleted_does_not_break_the_budget(drained):
    made = drained.stage
    made.pool(limit=1)
    made.node("a", DRAIN)
    made.node("b")
    drained.start()
    made.until(lambda: made.answer("a") == COMPLETE)
    made.remove(f"/api/v1/namespaces/{made.namespace}/configmaps/sriov-drain-ledger")
    made.ask("b", DRAIN)
    made.until(lambda: made.told("b")[0] == "Waiting")
    assert stays(lambda: made.answer("b") == IDLE)
    made.serve("a", "b")


def test_a_right_that_is_missing_is_told_on_the_node(drained):
    made = drained.stage
    made.node("a", DRAIN)
    made.node("b")
    made.pod("web", "a")
    made.operate(rights={}, POD_EVICTION_POLICY="delete")
    made.until(lambda: made.told("a")[0] == "Blocked")
    assert 'cannot delete resource "pods"' in made.told("a")[1]
    assert made.pods() == ["web"]


@pytest.mark.filterwarnings(
    "ignore:unclosed <ssl.SSLSocket:ResourceWarning"
)  # of a connection that the kill met half made
def test_a_server_that_is_killed_delays_a_drain_and_nothing_else(binaries, recent, tmp_path):
    own = Server.start(tmp_path / "own", binaries, audit=True)
    try:
        servers_install.definitions(own.admin)
        own.admin.create_namespace("own")
        with stage(own, "own") as made:
            made.pool(limit=1)
            for name in "ab":
                made.node(name, DRAIN)
                made.pod(f"pod-{name}", name)
                made.budget(f"keep-{name}", f"pod-{name}")
            made.operate(lease=PATIENT)
            made.until(lambda: sum(made.told(name)[0] == "Blocked" for name in "ab") == 1)
            own.kill()
            own.kill_etcd()
            own.revive()
            made.seen("a", "b")
            for name in "ab":
                made.allow(f"keep-{name}", 1)
            made.serve("a", "b")
            made.until(lambda: made.ledger() == {})
            made.followed("a", "b")
            assert made.history.most_out(["own-a", "own-b"]) == 1
            assert made.evicted() == {"pod-a": 1, "pod-b": 1}
    finally:
        own.stop()


# --- the server in memory that the interleavings run on


def test_the_server_in_memory_answers_as_the_real_one(drained):
    """What the interleavings of operators are tried on (tests/sriov_operator) is held against the real server here."""
    made = drained.stage
    made.node_alone("a")
    real = _compared(admin(made.server), made, names=made.full("a"))
    memory = Api()
    memory.create(NODES, {"metadata": {"name": made.full("a")}, "spec": {}})
    assert _compared(MemoryClient(memory), made, names=made.full("a")) == real


def _compared(client: Client | Any, made: Stage, names: str) -> list[str]:
    """What comes of requests that drains make, right ones and wrong ones; and whether the version moved."""
    namespace, name, told, version = made.namespace, "compared", [], ""

    def ask(what: Any) -> None:
        nonlocal version
        try:
            found = what()
        except ApiFailure as err:
            told.append(type(err).__name__)
            return
        meta = (found or {}).get("metadata", {})
        told.append("same" if meta.get("resourceVersion") == version else "moved")
        version = meta.get("resourceVersion", version)

    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}
    ask(lambda: client.get(CONFIG_MAPS, name, namespace))
    ask(lambda: client.replace(CONFIG_MAPS, name, {**head, "data": {}}, namespace))
    ask(lambda: client.create(CONFIG_MAPS, {**head, "data": {"a": "1"}}, namespace))
    ask(lambda: client.create(CONFIG_MAPS, {**head, "data": {"a": "1"}}, namespace))
    ask(lambda: client.get(CONFIG_MAPS, name, namespace))
    for data in ({"a": "1"}, {"a": "2"}, {}):
        at = {**head["metadata"], "resourceVersion": version}
        ask(
            lambda at=at, data=data: client.replace(
                CONFIG_MAPS, name, {**head, "metadata": at, "data": data}, namespace
            )
        )
    wrong = {**head["metadata"], "resourceVersion": "1"}
    ask(lambda: client.replace(CONFIG_MAPS, name, {**head, "metadata": wrong, "data": {}}, namespace))
    state = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": NODE_STATES.kind,
        "metadata": {"name": name, "namespace": namespace},
    }
    ask(lambda: client.merge_patch(NODE_STATES, name, {"metadata": {"annotations": {"a": "1"}}}, namespace))
    ask(lambda: client.create(NODE_STATES, {**state, "spec": {}}, namespace))
    for notes in ({"a": "1"}, {"a": "1"}, {"a": None, "b": "2"}, {"a": None}):
        ask(lambda notes=notes: client.merge_patch(NODE_STATES, name, {"metadata": {"annotations": notes}}, namespace))
    for at in (version, "1"):
        patch = {"metadata": {"resourceVersion": at, "annotations": {"c": at[:1]}}}
        ask(lambda patch=patch: client.merge_patch(NODE_STATES, name, patch, namespace))
    condition = {
        "type": "Drained",
        "status": "True",
        "reason": "X",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    for reason in ("X", "X", "Y"):
        body = {"status": {"conditions": [{**condition, "reason": reason}]}}
        ask(lambda body=body: client.apply(NODE_STATES, name, body, namespace, subresource="status"))
    ask(lambda: client.apply(NODE_STATES, "nobody", body, namespace, subresource="status"))
    for value in (True, True, None, None):
        ask(lambda value=value: client.merge_patch(NODES, names, {"spec": {"unschedulable": value}}))
    ask(lambda: client.create_under(PODS, "nobody", "eviction", _eviction("nobody", namespace), namespace))
    return told


def _eviction(name: str, namespace: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": meta,
        "deleteOptions": {"preconditions": {"uid": "x"}},
    }
