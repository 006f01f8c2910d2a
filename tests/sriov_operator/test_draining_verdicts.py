"""What is told of a drain, when it is news, when it is late, and what the metrics make of it."""

from datetime import UTC, datetime, timedelta

import pytest

from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_core.kube.lean import LeanMeta
from sriov_operator.draining import moments, verdicts
from sriov_operator.draining.fleet import Row
from sriov_operator.draining.gauges import measured
from sriov_operator.draining.protocol import Handshake
from sriov_operator.process.lean import LeanNodeState, LeanStatus

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
DEADLINE_S = 1800


def ago(minutes):
    return moments.written(NOW - timedelta(minutes=minutes))


def state(answer, *, since="", status="False", changed="", reason="Draining"):
    annotations = {keys.CURRENT_STATE: answer} | ({keys.DRAIN_SINCE: since} if since else {})
    held = Condition(type="Drained", status=status, reason=reason, last_transition_time=changed)
    return LeanNodeState(metadata=LeanMeta(name="a", annotations=annotations), status=LeanStatus(conditions=(held,)))


@pytest.mark.parametrize(
    ("seen", "minutes"),
    [
        pytest.param(state("Draining", since=ago(20)), 10, id="draining"),
        pytest.param(state("Draining", since=ago(31)), -1, id="draining-for-too-long"),
        pytest.param(state("Draining"), 30, id="draining-since-nobody-knows-when"),
        pytest.param(state("Draining", since="yesterday"), 30, id="since-nonsense"),
        pytest.param(state("Draining", since=ago(-60)), 30, id="since-the-future"),
        pytest.param(state("DrainComplete", since=ago(90), status="True", changed=ago(5)), 25, id="drained-just-now"),
        pytest.param(state("DrainComplete", since=ago(90), status="True", changed=ago(40)), -10, id="does-not-return"),
        pytest.param(state("DrainComplete", since=ago(10)), 20, id="drained-and-not-told-yet"),
        pytest.param(state("Idle", since=ago(90)), 30, id="idle"),
    ],
)
def test_a_drain_and_the_return_from_it_have_a_deadline_each(seen, minutes):
    assert verdicts.left_s(seen, NOW, DEADLINE_S) == minutes * 60


@pytest.mark.parametrize(
    ("before", "verdict", "news"),
    [
        pytest.param(None, verdicts.waiting("x"), True, id="the-first"),
        pytest.param(verdicts.draining("2 pods"), verdicts.draining("1 pod"), False, id="a-pod-less"),
        pytest.param(verdicts.waiting("2 wait"), verdicts.waiting("1 waits"), False, id="nearer-to-its-turn"),
        pytest.param(verdicts.blocked("by x"), verdicts.blocked("by y"), True, id="another-obstacle"),
        pytest.param(verdicts.blocked("by x"), verdicts.late("by x", 60), True, id="the-deadline"),
        pytest.param(verdicts.complete(), verdicts.absent(60, ready=False), True, id="it-does-not-return"),
        pytest.param(verdicts.draining("x"), verdicts.complete(), True, id="drained"),
        pytest.param(verdicts.complete(), verdicts.complete(), False, id="the-same"),
    ],
)
def test_an_event_tells_what_is_news(before, verdict, news):
    assert verdict.is_news(before.condition if before else None) == news


@pytest.mark.parametrize(
    ("verdict", "event", "warns", "status", "says"),
    [
        pytest.param(verdicts.idle(), "DrainEnded", False, "False", "no drain", id="idle"),
        pytest.param(verdicts.external(), "DrainLeft", False, "Unknown", "somebody else", id="external"),
        pytest.param(verdicts.blocked("a PDB"), "DrainBlocked", True, "False", "a PDB", id="blocked"),
        pytest.param(
            verdicts.late("a PDB", 1800), "DrainDeadlineExceeded", True, "False", "within 30 min: a PDB", id="late"
        ),
        pytest.param(
            verdicts.absent(90, ready=True), "DrainDeadlineExceeded", True, "True", "its agent has not", id="absent"
        ),
        pytest.param(
            verdicts.absent(7200, ready=False), "DrainDeadlineExceeded", True, "True", "2 h", id="absent-and-not-ready"
        ),
        pytest.param(verdicts.complete(), "DrainComplete", False, "True", "drained", id="complete"),
    ],
)
def test_failures_are_warnings_and_progress_is_not(verdict, event, warns, status, says):
    assert (verdict.event, verdict.warns, verdict.condition.status) == (event, warns, status)
    assert says in verdict.condition.message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90, "90 s"), (60, "1 min"), (1800, "30 min"), (3600, "1 h"), (5400, "90 min"), (0.5, "0.5 s")],
)
def test_deadlines_are_said_as_people_do(seconds, text):
    assert moments.duration(seconds) == text


def test_metrics_count_nodes_by_how_they_stand():
    seen = {
        "waits": (("Reboot_Required", "Idle"), state("Idle", reason="Waiting")),
        "stuck": (("Drain_Required", "Idle"), state("Idle", reason="Blocked")),
        "drains": (("Drain_Required", "Draining"), state("Draining", since=ago(5))),
        "late": (("Drain_Required", "Draining"), state("Draining", since=ago(50), reason="Blocked")),
        "drained": (("Reboot_Required", "DrainComplete"), state("DrainComplete", status="True", changed=ago(1))),
        "idle": (("Idle", "Idle"), state("Idle", reason="Idle")),
    }
    rows = [
        Row(
            node=name,
            pools=(),
            hands=Handshake(request=request, answer=answer, mirror="Idle"),
            known=True,
            since=None,
            stumbles=False,
        )
        for name, ((request, answer), _) in seen.items()
    ]
    assert measured(rows, lambda name: seen[name][1], NOW, DEADLINE_S) == {
        "drains_pending": 2,
        "drains_active": 2,
        "drains_complete": 1,
        "drains_blocked": 2,
        "drains_overdue": 1,
        "reboots_pending": 2,
    }


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        pytest.param("2026-05-04T14:00:00.5+02:00", "2026-05-04T12:00:00Z", id="of-a-zone"),
        pytest.param("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", id="the-first-of-all"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before-the-first-of-all"),
        pytest.param("2026-05-04T12:00:00", None, id="of-no-zone"),
        pytest.param("soon", None, id="none"),
    ],
)
def test_times_of_others_can_be_stored_or_are_none(text, stored):
    found = moments.read(text)
    assert (found and moments.written(found)) == stored


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (121, "2 min"), (7199, "120 min"), (9000, "2 h")]
)
def test_how_long_something_took_is_said_roughly(seconds, text):
    assert moments.roughly(seconds) == text


def test_of_a_drained_node_nobody_claims_that_its_agent_is_at_work():
    assert verdicts.complete().message == "drained: it is the agent's turn"
