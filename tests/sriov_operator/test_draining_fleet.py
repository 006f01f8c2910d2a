"""Where nodes stand, kept by changes: equal to what a look at everything gives, whatever changes and in which order."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import keys
from sriov_core.api.poolconfig import OvsHardwareOffload, PoolConfig, PoolConfigSpec
from sriov_core.api.wire import LabelSelector, ObjectMeta
from sriov_core.kube.lean import LeanMeta
from sriov_operator.draining.budget import PoolView
from sriov_operator.draining.fleet import Fleet
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.stored import ReadPool

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def node(name, request="Idle", **labels):
    return LeanNode(metadata=LeanMeta(name=name, labels=labels, annotations={keys.NODE_STATE: request}))


def state(name, answer="Idle", since="", **more):
    annotations = {keys.CURRENT_STATE: answer, keys.DESIRED_STATE: "Idle", **more}
    return LeanNodeState(
        metadata=LeanMeta(name=name, annotations=annotations | ({keys.REQUESTED_SINCE: since} if since else {}))
    )


def pool(name, limit=1, *, offload="", **labels):
    spec = PoolConfigSpec(
        max_unavailable=limit,
        node_selector=LabelSelector(match_labels=labels) if labels else None,
        ovs_hardware_offload_config=OvsHardwareOffload(name=offload),
    )
    return PoolConfig(metadata=ObjectMeta(name=name), spec=spec)


def fleet(*objects, now=lambda: NOW):
    made = Fleet(now)
    for one in objects:
        told(made, None, one)
    return made


def told(made, before, after):
    kinds = {LeanNode: made.node_changed, LeanNodeState: made.state_changed, PoolConfig: made.pool_changed}
    return kinds[type(before or after)](before, after)


def test_nodes_of_no_pool_are_in_the_built_in_one_that_drains_one_at_a_time():
    made = fleet(pool("rails", 3, zone="x"), node("a", zone="x"), node("b"), node("c"))
    assert made.view("rails") == PoolView(name="rails", limit=3, members=1)
    assert made.view("") == PoolView(name="", limit=1, members=2)
    assert made.size == 3


def test_a_misspelled_limit_is_not_taken_for_none():
    spec = {"maxUnavaliable": 3, "nodeSelector": {"matchLabels": {"zone": "x"}}}
    text = msgspec.json.encode({"metadata": {"name": "rails"}, "spec": spec})
    made = Fleet(lambda: NOW)
    made.pool_changed(None, msgspec.json.decode(text, type=ReadPool))
    for one in (node("a", zone="x"), node("b", zone="x")):
        told(made, None, one)
    assert (made.view("rails").members, made.view("rails").most) == (2, 1)


def test_the_longest_wait_is_first_and_names_decide_between_equals():
    made = fleet(
        *(node(name, "Drain_Required") for name in "abcd"),
        state("a", since="2026-05-04T03:00:00Z"),
        state("b", since="2026-05-04T01:00:00+00:00"),
        state("c", since="2026-05-04T03:00:00Z"),
        state("d", since="2026-05-04T03:30:00+02:00"),
    )
    assert made.view("").waiting == ("b", "d", "a", "c")
    assert [row.node for row in made.waiting("", 2)] == ["b", "d"]


@pytest.mark.parametrize("since", ["", "yesterday", "2026-05-04T03:00:00"], ids=["missing", "nonsense", "no-zone"])
def test_an_agent_that_does_not_say_since_when_has_asked_when_it_was_first_seen(since):
    times = iter(NOW + timedelta(minutes=minute) for minute in range(99))
    made = fleet(now=lambda: next(times))
    for name in "cab":
        told(made, None, node(name, "Drain_Required"))
        told(made, None, state(name, since=since))
    assert made.view("").waiting == ("c", "a", "b")
    told(made, state("c", since=since), state("c", since=since, other="changed"))
    assert made.view("").waiting == ("c", "a", "b")


@pytest.mark.parametrize(
    ("objects", "busy", "waiting"),
    [
        pytest.param((node("a", "Drain_Required"), state("a")), (), ("a",), id="waits"),
        pytest.param((node("a", "Drain_Required"), state("a", "Draining")), ("a",), (), id="is-drained"),
        pytest.param((node("a"), state("a", "DrainComplete")), ("a",), (), id="is-done-and-not-released"),
        pytest.param((node("a"), state("a", "what?")), ("a",), (), id="nonsense-takes-a-place"),
        pytest.param((node("a", "Drain_Required"),), (), (), id="no-node-state"),
        pytest.param((state("a", "Draining"),), (), (), id="no-node"),
        pytest.param(
            (node("a", "Drain_Required"), state("a", **{keys.EXTERNAL_DRAINER: "true"})), (), (), id="somebody-elses"
        ),
        pytest.param(
            (node("a", "Drain_Required"), state("a", "Draining", **{keys.EXTERNAL_DRAINER: "true"})),
            ("a",),
            (),
            id="drained-by-somebody-else-takes-a-place",
        ),
    ],
)
def test_who_waits_and_who_takes_a_place(objects, busy, waiting):
    found = fleet(*objects).view("")
    assert (found.busy, found.waiting) == (busy, waiting)


def test_a_node_of_two_pools_is_a_member_of_both_and_waits_in_neither():
    made = fleet(pool("x", zone="z"), pool("y", rack="r"), node("a", "Drain_Required", zone="z", rack="r"), state("a"))
    assert [made.view(name).members for name in "xy"] == [1, 1]
    assert [made.view(name).waiting for name in "xy"] == [(), ()]
    assert made.row("a").pools == ("x", "y")
    assert [row.node for row in made.overlapping("x")] == ["a"]


def test_a_pool_for_offload_is_no_drain_pool():
    assert fleet(pool("ovs", offload="worker"), node("a")).view("").members == 1


def test_only_what_differs_is_said_to_differ():
    made = fleet(pool("rails", zone="x"), node("a", zone="x"), state("a"), node("b"))
    assert told(made, state("a"), state("a", other="changed")) == frozenset()
    assert told(made, node("a", zone="x"), node("a", zone="x", other="label")) == frozenset()
    assert told(made, node("a", zone="x"), node("a", "Drain_Required", zone="x")) == {"rails"}
    assert told(made, node("a", "Drain_Required", zone="x"), node("a", zone="y")) == {"rails", ""}


def test_a_status_is_no_change_of_a_pool():
    made = fleet(pool("rails", zone="x"), node("a", zone="x"))
    before = pool("rails", zone="x")
    after = PoolConfig(metadata=ObjectMeta(name="rails", resource_version="2"), spec=before.spec)
    assert told(made, before, after) == frozenset()
    assert "rails" in told(made, before, pool("rails", 2, zone="x"))


def test_who_stumbles_lets_others_go_first():
    made = fleet(node("a", "Drain_Required"), state("a"), node("b", "Drain_Required"), state("b"))
    assert made.stumbles("a", stumbles=True) == {""}
    assert made.view("").waiting == ("b", "a")
    assert made.stumbles("a", stumbles=True) == frozenset()
    made.stumbles("a", stumbles=False)
    assert made.view("").waiting == ("a", "b")


NAMES = st.sampled_from("abc")
NODES = st.builds(
    lambda name, request, labels: node(name, request, **dict.fromkeys(labels, "1")),
    NAMES,
    st.sampled_from(["Idle", "Drain_Required", "?"]),
    st.sets(st.sampled_from(["x", "y"])),
)
STATES = st.builds(
    state, NAMES, st.sampled_from(["Idle", "Draining", "DrainComplete", ""]), st.just("2026-05-04T03:00:00Z")
)
POOLS = st.builds(
    lambda name, limit, labels: pool(name, limit, **dict.fromkeys(labels, "1")),
    st.sampled_from(["p", "q"]),
    st.sampled_from([0, 1, "50%", None]),
    st.sets(st.sampled_from(["x", "y"])),
)


@given(st.lists(st.tuples(st.one_of(NODES, STATES, POOLS), st.booleans()), max_size=40))
def test_changes_lead_to_the_same_as_a_look_at_everything(events):
    made, there = fleet(), {}
    for one, leaves in events:
        key = (type(one), one.metadata.name)
        before, after = there.pop(key, None), None if leaves else one
        if before is None and after is None:
            continue
        told(made, before, after)
        if after is not None:
            there[key] = after
    again = fleet(*there.values())
    for name in ("", "p", "q"):
        assert made.view(name) == again.view(name)
    assert {row.node: row for row in made.rows()} == {row.node: row for row in again.rows()}
