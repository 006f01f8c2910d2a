"""What the status of a pool says."""

from datetime import UTC, datetime

import msgspec
import pytest

from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_core.api.poolconfig import OvsHardwareOffload, PoolConfig, PoolConfigSpec, PoolNode
from sriov_core.api.wire import LabelRequirement, LabelSelector, ObjectMeta
from sriov_core.kube.lean import LeanMeta
from sriov_operator.draining.budget import PoolView
from sriov_operator.draining.fleet import Row
from sriov_operator.draining.poolstatus import Facts, next_late_s, offloading, status
from sriov_operator.draining.protocol import Handshake
from sriov_operator.process.lean import LeanNodeState, LeanStatus

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
EARLY, LATE = "2026-05-04T11:00:00Z", "2026-05-04T11:50:00Z"
DEADLINE_S = 1800


def config(limit=2, **spec):
    return PoolConfig(
        metadata=ObjectMeta(name="rails", generation=3), spec=PoolConfigSpec(max_unavailable=limit, **spec)
    )


def row(name, answer="Idle", *, pools=("rails",), since=None):
    hands = Handshake(request="Drain_Required", answer=answer, mirror="Drain_Required")
    return Row(node=name, pools=pools, hands=hands, known=True, since=since, stumbles=False)


def state(name, answer, since, message=""):
    held = Condition(type="Drained", status="False", reason="Blocked", message=message)
    meta = LeanMeta(name=name, annotations={keys.CURRENT_STATE: answer, keys.DRAIN_SINCE: since})
    return LeanNodeState(metadata=meta, status=LeanStatus(conditions=(held,)))


def facts(limit=2, *, pool=None, members=10, busy=(), waiting=(), overlapping=(), unknown=()):
    names = tuple(one.node for one in waiting)
    places = {"busy": tuple(one.node for one in busy), "waiting": names}
    view = PoolView(name="rails", limit=limit, members=members, unknown=unknown, **places)
    return Facts(
        pool=pool or config(limit),
        view=view,
        busy=tuple(busy),
        waiting=tuple(waiting),
        overlapping=tuple(overlapping),
    )


def ready(found, states=()):
    (condition,) = status(found, {one.metadata.name: one for one in states}.get, NOW, DEADLINE_S).conditions
    return condition


def test_members_are_the_late_ones_then_the_drained_then_those_that_wait_with_what_for():
    asked = datetime(2026, 5, 4, 9, 30, 0, tzinfo=UTC)
    busy = (row("a", "Draining"), row("b", "Draining"))
    states = {"a": state("a", "Draining", LATE, "2 pods"), "b": state("b", "Draining", EARLY, "a PDB")}
    found = status(facts(busy=busy, waiting=(row("c", since=asked),)), states.get, NOW, DEADLINE_S)
    assert (found.nodes, found.max_unavailable, found.draining, found.waiting) == (10, 2, 2, 1)
    assert found.members == (
        PoolNode(name="b", state="Draining", reason="a PDB", since=EARLY),
        PoolNode(name="a", state="Draining", reason="2 pods", since=LATE),
        PoolNode(
            name="c",
            state="Waiting",
            reason="pool rails drains 2 nodes at a time, now a, b",
            since="2026-05-04T09:30:00Z",
        ),
    )


def test_no_more_than_twenty_are_named():
    waiting = tuple(row(f"n{number:02}") for number in range(40))
    found = status(facts(waiting=waiting), lambda _: None, NOW, DEADLINE_S)
    assert (len(found.members), found.waiting) == (20, 40)


@pytest.mark.parametrize(
    ("limit", "most", "text"),
    [
        pytest.param(2, 2, "10 nodes; up to 2 may be drained at once", id="a-number"),
        pytest.param("35%", 3, "10 nodes; up to 3 may be drained at once", id="a-percentage"),
        pytest.param(None, None, "10 nodes; any number of them may be drained at once", id="no-limit"),
    ],
)
def test_a_pool_that_works_is_ready(limit, most, text):
    found = status(facts(limit), lambda _: None, NOW, DEADLINE_S)
    assert found.max_unavailable == most
    (condition,) = found.conditions
    assert (condition.status, condition.reason, condition.message) == ("True", "PoolReady", text)
    assert condition.observed_generation == 3


def test_a_pool_without_a_limit_and_with_unknown_fields_drains_one_node_at_a_time():
    found = status(facts(None, unknown=("spec.maxUnavaliable",)), lambda _: None, NOW, DEADLINE_S)
    assert found.max_unavailable == 1
    assert found.conditions[0].status == "True"
    assert found.conditions[0].message == (
        "10 nodes; up to 1 may be drained at once, because maxUnavailable is left out, and spec.maxUnavaliable is no "
        "field that anybody reads. Give maxUnavailable, or correct or remove the unknown: see Accepted"
    )


def test_a_limit_that_is_given_holds_beside_unknown_fields():
    found = status(facts(3, unknown=("spec.rdmaMod",)), lambda _: None, NOW, DEADLINE_S)
    assert found.max_unavailable == 3
    assert found.conditions[0].message == "10 nodes; up to 3 may be drained at once"


def test_a_pool_that_selects_nothing_says_so():
    assert ready(facts(members=0)).message == "0 nodes: its nodeSelector matches no node"


BAD = LabelSelector(match_expressions=(LabelRequirement(key="zone", operator="Inn", values=("x",)),))


@pytest.mark.parametrize(
    ("found", "reason", "says"),
    [
        pytest.param(facts(pool=config(node_selector=BAD)), "BadSelector", "it selects no node: ", id="selector"),
        pytest.param(facts(0), "NobodyIsDrained", "maxUnavailable is 0", id="zero"),
        pytest.param(facts("5%"), "NobodyIsDrained", "less than one", id="rounded-to-zero"),
        pytest.param(facts("many"), "NobodyIsDrained", "makes no sense: found 'many'", id="nonsense"),
        pytest.param(
            facts(overlapping=(row("a", pools=("other", "rails")), row("b", pools=("rails", "third")))),
            "Overlap",
            "because the pools other, third select them too: a, b",
            id="overlap",
        ),
        pytest.param(
            facts(overlapping=(row("a", pools=("other", "rails")),)),
            "Overlap",
            "because pool other selects it too: a",
            id="overlap-of-two",
        ),
        pytest.param(facts(busy=(row("a", "Draining"),)), "DrainDeadlineExceeded", "within 30 min", id="late"),
    ],
)
def test_what_somebody_has_to_mend_is_told(found, reason, says):
    condition = ready(found, [state("a", "Draining", EARLY)])
    assert (condition.status, condition.reason) == ("False", reason)
    assert says in condition.message


def test_several_mistakes_are_told_at_once():
    condition = ready(facts(0, overlapping=(row("a", pools=("other", "rails")),)))
    assert condition.reason == "NobodyIsDrained"
    assert "other" in condition.message


def test_the_next_look_is_when_the_next_node_is_late():
    busy = (row("a", "Draining"), row("b", "Draining"))
    states = {"a": state("a", "Draining", LATE), "b": state("b", "Draining", EARLY)}
    assert next_late_s(facts(busy=busy), states.get, NOW, DEADLINE_S) == 1200
    assert next_late_s(facts(), states.get, NOW, DEADLINE_S) is None


@pytest.mark.parametrize(("problem", "expected"), [("", "True"), ("there is no MachineConfigPool x", "False")])
def test_a_pool_for_offload_tells_whether_it_could_be_done(problem, expected):
    pool = msgspec.structs.replace(
        config(None), spec=PoolConfigSpec(ovs_hardware_offload_config=OvsHardwareOffload(name="x"))
    )
    (condition,) = offloading(pool, problem).conditions
    assert condition.status == expected
    assert (problem or "x") in condition.message
