"""Drains on a real API server: who is drained when, which pods go, and what is told of it."""

from collections.abc import Iterator

import pytest
from draining_stage import COMPLETE, DRAIN, DRAINING, IDLE, REBOOT, Stage, quiet, stage, stays
from servers import Server

from sriov_core.api import keys

LONG_AGO, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"


@pytest.fixture
def drains(server: Server, recent: object, namespace: str) -> Iterator[Stage]:
    with stage(server, namespace) as made:
        yield made


# --- the handshake


def test_missing_annotations_are_written_once(drains):
    drains.node("a", "", "")
    running = drains.operate()
    drains.until(lambda: drains.hands("a") == (IDLE, IDLE))
    assert drains.notes("a")[keys.DESIRED_STATE] == IDLE
    drains.until(lambda: quiet(running))
    assert running.writes == 2


def test_a_drain_from_the_request_to_the_end(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("user", "a")
    drains.pod("bystander", "a", device=False)
    running = drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.is_cordoned("a")
    assert drains.pods() == ["bystander"]
    drains.until(lambda: drains.told("a")[0] == "Complete")
    assert drains.condition("a")["status"] == "True"
    drains.ask("a", IDLE)
    drains.until(lambda: drains.hands("a") == (IDLE, IDLE))
    drains.until(lambda: drains.told("a")[0] == "Idle")
    assert not drains.is_cordoned("a")
    assert drains.ledger() == {}
    assert not {keys.DRAIN_SINCE, keys.CORDONED_BEFORE} & drains.notes("a").keys()
    drains.followed("a")
    assert drains.history.answers(drains.full("a")) == [IDLE, DRAINING, COMPLETE, IDLE]
    told = drains.until(lambda: len(drains.events("a")) >= 3 and drains.events("a"))
    assert [(kind, reason) for kind, reason, _ in told] == [
        ("Normal", "DrainStarted"),
        ("Normal", "DrainComplete"),
        ("Normal", "DrainEnded"),
    ]
    assert "1 pod has to go" in told[0][2]
    assert running.counted("evictions_total", outcome="evicted") == 1
    drains.until(lambda: running.counted("drains_total", outcome="ended") == 1)


@pytest.mark.parametrize(("request_", "cordoned"), [(DRAIN, True), (REBOOT, False)], ids=["a-drain", "a-reboot"])
def test_in_a_cluster_of_one_node_a_reboot_needs_no_drain(drains, request_, cordoned):
    assert not drains.server.admin.done("GET", "/api/v1/nodes")["items"], (
        "this test needs a cluster without other nodes"
    )
    drains.node("a", request_)
    drains.pod("bystander", "a", device=False)
    drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert (drains.is_cordoned("a"), drains.pods()) == (cordoned, ["bystander"])
    drains.serve("a")
    assert not drains.is_cordoned("a")


def test_a_reboot_takes_every_pod_of_the_node_but_those_that_would_come_back(drains):
    drains.node("a", REBOOT)
    drains.node("b")
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "x", "uid": "y", "controller": True}
    drains.pod("user", "a")
    drains.pod("bystander", "a", device=False)
    drains.pod("elsewhere", "b")
    drains.pod("daemon", "a", ownerReferences=[owner])
    drains.pod("static", "a", annotations={"kubernetes.io/config.mirror": "x"})
    drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.is_cordoned("a")
    assert drains.pods() == ["daemon", "elsewhere", "static"]


def test_init_containers_and_resource_claims_count_as_users_of_devices(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    amount = {"requests": {"openshift.io/nic": "1"}, "limits": {"openshift.io/nic": "1"}}
    lookalike = {"requests": {"openshift.io.example/nic": "1"}, "limits": {"openshift.io.example/nic": "1"}}
    main = {"name": "main", "image": "registry.example/user:1"}
    drains.pod("init", "a", device=False, spec={"initContainers": [{**main, "name": "init", "resources": amount}]})
    claim = {"resourceClaims": [{"name": "vf", "resourceClaimName": "vf"}]}
    drains.pod("claim", "a", device=False, spec=claim)
    drains.pod("lookalike", "a", device=False, spec={"containers": [{**main, "resources": lookalike}]})
    drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.pods() == ["lookalike"]


def test_a_node_of_an_external_drainer_is_left_alone(drains):
    drains.node("a")
    drains.annotate("a", {keys.EXTERNAL_DRAINER: "true"})
    drains.node("b", DRAIN)
    drains.ask("a", DRAIN, LONG_AGO)
    drains.operate()
    drains.until(lambda: drains.answer("b") == COMPLETE)
    drains.until(lambda: drains.told("a")[0] == "External")
    assert drains.answer("a") == IDLE
    assert not drains.is_cordoned("a")
    drains.annotate("a", {keys.CURRENT_STATE: COMPLETE})
    drains.ask("a", IDLE)
    assert stays(lambda: drains.answer("a") == COMPLETE)
    drains.annotate("a", {keys.EXTERNAL_DRAINER: None})
    drains.until(lambda: drains.answer("a") == IDLE)


def test_a_request_that_is_withdrawn_ends_the_drain(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("user", "a", finalizer="test.example/held")
    drains.operate()
    drains.until(lambda: drains.told("a")[0] in {"Draining", "Blocked"})
    drains.ask("a", IDLE)
    drains.until(lambda: drains.hands("a") == (IDLE, IDLE) and not drains.is_cordoned("a"))
    drains.until(lambda: drains.ledger() == {})
    drains.ask("a", REBOOT)
    drains.until(lambda: drains.answer("a") == DRAINING)


@pytest.mark.parametrize(
    ("request_", "answer", "says"),
    [
        pytest.param("drain me", IDLE, "'drain me'", id="a-request"),
        pytest.param(DRAIN, "Drained!", "'Drained!'", id="an-answer"),
    ],
)
def test_garbage_in_an_annotation_is_told_and_does_not_disturb_others(drains, request_, answer, says):
    drains.node("a", request_, answer)
    drains.node("b", DRAIN)
    drains.pool(limit=2)
    running = drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    assert says in drains.told("a")[1]
    drains.until(lambda: drains.answer("b") == COMPLETE)
    drains.until(lambda: any(one[:2] == ("Warning", "DrainBlocked") for one in drains.events("a")))
    assert drains.answer("a") == answer
    assert not drains.is_cordoned("a")
    failed = running.counted("reconcile_seconds_count", outcome="failed", controller="drain")
    assert stays(lambda: running.counted("reconcile_seconds_count", outcome="failed", controller="drain") == failed)
    drains.ask("a", IDLE)
    drains.until(lambda: drains.hands("a") == (IDLE, IDLE))


def test_without_a_configuration_nothing_is_touched(drains):
    drains.remove(drains.config_path)
    drains.node("a", DRAIN, "")
    running = drains.operate()
    assert stays(lambda: drains.answer("a") == "" and not running.writes)
    drains.configure()
    drains.until(lambda: drains.answer("a") == COMPLETE)


def test_drains_are_ended_when_the_configuration_is_deleted_and_begin_anew_with_the_next_one(drains):
    drains.pool(limit=3)
    for name in "abc":
        drains.node(name)
    drains.node("d", cordoned=True)
    for name in "ad":
        drains.ask(name, DRAIN, LONG_AGO)
        drains.pod(f"pod-{name}", name, finalizer="test.example/held")
    drains.ask("b", DRAIN, LONG_AGO)
    drains.operate()
    drains.until(lambda: [drains.answer(name) for name in "abd"] == [DRAINING, COMPLETE, DRAINING])
    drains.remove(drains.config_path)
    drains.until(
        lambda: [drains.hands(name) for name in "abcd"] == [(DRAIN, IDLE), (DRAIN, IDLE), (IDLE, IDLE), (DRAIN, IDLE)]
    )
    drains.until(lambda: [drains.is_cordoned(name) for name in "abcd"] == [False, False, False, True])
    drains.until(lambda: drains.ledger() == {})
    drains.ask("c", DRAIN, LATER)  # so it is behind the three others, and takes none of their places
    assert stays(lambda: drains.answer("c") == IDLE)
    drains.configure()
    drains.until(lambda: drains.answer("b") == COMPLETE)


def test_drains_that_are_switched_off_are_not_begun_and_ended_where_pods_are_still_there(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("web", "a")
    drains.budget("keep-web", "web")
    drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    drains.switch_off()
    drains.until(lambda: (drains.hands("a"), drains.is_cordoned("a")) == ((DRAIN, IDLE), False))
    drains.until(lambda: drains.told("a")[0] == "Idle")
    drains.ask("b", DRAIN)
    drains.allow("keep-web", 1)
    assert stays(lambda: (drains.answer("a"), drains.answer("b"), drains.pods()) == (IDLE, IDLE, ["web"]))
    drains.switch_off(off=False)
    drains.serve("a", "b")


# --- cordons


def test_a_cordon_of_an_administrator_stays(drains):
    drains.node("a", DRAIN, cordoned=True)
    drains.node("b", DRAIN)
    drains.pool(limit=2)
    drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.notes("a")[keys.CORDONED_BEFORE] == "true"
    drains.serve("a", "b")
    assert drains.is_cordoned("a")
    assert not drains.is_cordoned("b")


def test_a_cordon_that_is_lifted_during_the_drain_comes_back(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("user", "a", finalizer="test.example/held")
    drains.operate()
    drains.until(lambda: drains.is_cordoned("a"))
    drains.cordon("a", on=False)
    drains.until(lambda: drains.is_cordoned("a"))
    drains.release("user")
    drains.until(lambda: drains.answer("a") == COMPLETE)


def test_a_drain_that_the_incumbent_began_is_continued_and_counted(drains):
    drains.node("a", DRAIN, DRAINING, cordoned=True)
    drains.node("b", DRAIN)
    drains.pod("user", "a", finalizer="test.example/held")
    drains.operate()
    drains.until(lambda: drains.full("a") in drains.ledger())
    drains.until(lambda: drains.told("b")[0] == "Waiting")
    drains.until(lambda: keys.DRAIN_SINCE in drains.notes("a"))
    drains.release("user")
    drains.until(lambda: drains.answer("a") == COMPLETE)
    drains.serve("a", "b")
    assert not drains.is_cordoned("a")


# --- what stands in the way


def test_a_budget_of_pods_holds_the_drain_up_and_is_told(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("web", "a")
    drains.pod("other", "a")
    drains.budget("keep-web", "web")
    drains.pool()
    running = drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    told = f"pod {drains.namespace}/web may not be evicted: PodDisruptionBudget keep-web allows 0 disruptions now"
    assert told in drains.told("a")[1]
    assert "observedGeneration" not in drains.condition("a")
    assert (drains.pods(), drains.is_cordoned("a")) == (["web"], True)
    drains.until(lambda: "keep-web" in drains.pool_status().get("members", [{}])[0].get("reason", ""))
    drains.until(lambda: any(kind == "Warning" and "keep-web" in note for kind, _, note in drains.events("a")))
    told_of = [reason for _, reason, _ in drains.events("a")]
    assert told_of.index("DrainStarted") < told_of.index("DrainBlocked")
    drains.until(lambda: running.counted("drains_blocked") == 1)
    writes = drains.condition("a")
    assert stays(lambda: drains.condition("a") == writes)
    drains.allow("keep-web", 1)
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.pods() == []


def test_a_pod_of_two_budgets_is_told(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("web", "a")
    drains.budget("one", "web", allowed=1)
    drains.budget("two", "web", allowed=1)
    drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    assert "more than one PodDisruptionBudget" in drains.told("a")[1]
    assert drains.told("a")[1].endswith(". Leave one of them")
    drains.remove(f"/apis/policy/v1/namespaces/{drains.namespace}/poddisruptionbudgets/two")
    drains.until(lambda: drains.answer("a") == COMPLETE)


def test_pods_are_deleted_where_the_settings_say_so(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("web", "a")
    drains.budget("keep-web", "web")
    running = drains.operate(POD_EVICTION_POLICY="delete")
    drains.until(lambda: drains.answer("a") == COMPLETE)
    assert drains.pods() == []
    assert running.counted("evictions_total", outcome="deleted") == 1


def test_a_finalizer_that_is_not_taken_off_is_told(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("user", "a", finalizer="test.example/held")
    drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    assert "finalizers: test.example/held" in drains.told("a")[1]
    assert drains.evicted() == {"user": 1}
    drains.release("user")
    drains.until(lambda: drains.answer("a") == COMPLETE)


def test_a_pod_that_takes_its_time_is_waited_for(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pod("slow", "a", grace_s=600)
    drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Draining")
    assert stays(lambda: drains.told("a") == ("Draining", f"1 pod has to go: {drains.namespace}/slow"))
    drains.remove(f"/api/v1/namespaces/{drains.namespace}/pods/slow")
    drains.until(lambda: drains.answer("a") == COMPLETE)


def test_a_drain_beyond_its_deadline_is_told_and_nothing_is_forced(drains):
    drains.node("a", DRAIN)
    drains.node("b", DRAIN)
    drains.pod("web", "a")
    drains.budget("keep-web", "web")
    drains.pool()
    drains.ask("a", DRAIN, LONG_AGO)
    running = drains.operate(DRAIN_DEADLINE_SECONDS="1")
    drains.until(lambda: "not drained within 1 s" in drains.told("a")[1])
    assert drains.told("a")[0] == "Blocked"
    assert "keep-web" in drains.told("a")[1]
    assert (drains.answer("a"), drains.answer("b"), drains.pods()) == (DRAINING, IDLE, ["web"])
    drains.until(lambda: any(one[:2] == ("Warning", "DrainDeadlineExceeded") for one in drains.events("a")))
    drains.until(lambda: running.counted("drains_overdue") == 1)
    ready = drains.until(lambda: _ready(drains.pool_status(), "DrainDeadlineExceeded"))
    assert drains.full("a") in ready["message"]
    drains.allow("keep-web", 1)
    drains.serve("a", "b")


def test_a_drained_node_that_does_not_return_keeps_its_place_and_is_told(drains):
    drains.node("a", DRAIN)
    drains.node("b")
    drains.pool()
    drains.operate(DRAIN_DEADLINE_SECONDS="1")
    drains.until(lambda: "not back within 1 s" in drains.told("a")[1])
    assert "the Node is not Ready" in drains.told("a")[1]
    drains.ask("b", DRAIN)
    drains.until(lambda: drains.told("b")[0] == "Waiting")
    assert drains.full("a") in drains.told("b")[1]
    drains.until(lambda: any(one[:2] == ("Warning", "DrainDeadlineExceeded") for one in drains.events("a")))
    drains.until(lambda: _ready(drains.pool_status(), "DrainDeadlineExceeded"))
    drains.serve("a", "b")


def _ready(status, reason):
    found = [one for one in status.get("conditions", []) if one["type"] == "Ready" and one["reason"] == reason]
    return found[0] if found else None
