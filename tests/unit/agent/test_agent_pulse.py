"""Whether the agent lives and works, as probes and its own process ask for it."""

import pytest
from agent_machines import PF

from sriov_core.agent.pulse import STUCK_S, Pulse, pages
from sriov_core.agent.seams import NoMeter
from sriov_core.engine.execute import Event, Moment
from sriov_core.model.observed import Snapshot
from sriov_core.model.steps import SetNumVfs

STEP = SetNumVfs(nic=PF, was=0, count=2)


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def pulse(clock):
    return Pulse(clock=lambda: clock[0])


def answers(pulse) -> dict[str, int]:
    return {path: make().status for path, make in pages(pulse).items()}


def test_it_is_ready_once_it_has_looked_and_was_told_what_to_do(pulse):
    assert answers(pulse) == {"/healthz": 200, "/readyz": 503}
    pulse.passed("waiting", 0.1)
    assert answers(pulse)["/readyz"] == 503, "a pass that only waited for the cluster"
    assert b"the cluster has not been read yet" in pages(pulse)["/readyz"]().body
    pulse.standing(Snapshot(), "")
    assert answers(pulse) == {"/healthz": 200, "/readyz": 200}


def test_a_node_that_failed_is_ready_all_the_same(pulse):
    pulse.standing(Snapshot(), "")
    pulse.passed("failed", 0.1)
    assert answers(pulse) == {"/healthz": 200, "/readyz": 200}


def test_a_loop_that_does_not_turn_any_more_is_stuck_in_what_it_began(pulse, clock):
    pulse.standing(Snapshot(), "")
    pulse.stepped(Event(moment=Moment.STARTED, step=STEP))
    clock[0] = STUCK_S
    assert pulse.stuck() == ""
    clock[0] += 1.0
    assert answers(pulse) == {"/healthz": 503, "/readyz": 503}
    assert pulse.stuck() == f"the agent has done nothing for 20 minutes. It began: {STEP.describe()}."


@pytest.mark.parametrize("moment", list(Moment))
def test_each_step_of_long_work_is_a_sign_of_life(pulse, clock, moment):
    for _ in range(10):
        clock[0] += STUCK_S
        pulse.stepped(Event(moment=moment, step=STEP))
    assert pulse.stuck() == ""


def test_whoever_counts_is_told_of_everything():
    class Counter(NoMeter):
        def __init__(self) -> None:
            self.told: list[str] = []

        def passed(self, outcome, seconds) -> None:
            self.told.append(outcome)

        def stepped(self, event) -> None:
            self.told.append(event.moment)

        def healed(self, steps) -> None:
            self.told.append(f"healed {steps}")

        def standing(self, snapshot, waiting) -> None:
            self.told.append(waiting)

    counter = Counter()
    pulse = Pulse(counter)
    pulse.passed("ok", 0.1)
    pulse.stepped(Event(moment=Moment.DONE, step=STEP))
    pulse.healed(3)
    pulse.standing(Snapshot(), "drain")
    assert counter.told == ["ok", "done", "healed 3", "drain"]
