"""Probes: when the process is alive and when it is ready, in words."""

import pytest

from sriov_operator.process.health import Health


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(stuck_s=600.0, clock=clock)


def test_a_process_without_controllers_is_alive(health: Health) -> None:
    assert health.alive().good


def test_keys_that_wait_while_nothing_is_finished_make_it_dead(health: Health, clock: Clock) -> None:
    health.depth("networks", 1)
    clock.now += 600
    assert health.alive().good
    clock.now += 1
    assert not health.alive().good
    assert health.alive().text == "controller networks: 1 keys wait, and nothing was finished for 601 s"


def test_more_keys_do_not_start_the_time_anew(health: Health, clock: Clock) -> None:
    health.depth("networks", 1)
    clock.now += 500
    health.depth("networks", 2)
    clock.now += 101
    assert not health.alive().good


def test_a_finished_pass_does_however_it_ended(health: Health, clock: Clock) -> None:
    health.depth("networks", 2)
    clock.now += 599
    health.reconciled("networks", "failed", 0.1)
    clock.now += 599
    assert health.alive().good


def test_an_idle_controller_is_fine_for_ever(health: Health, clock: Clock) -> None:
    health.depth("networks", 1)
    health.depth("networks", 0)
    clock.now += 10**6
    assert health.alive().good
    health.depth("networks", 1)
    clock.now += 599
    assert health.alive().good


def test_one_stuck_controller_is_enough_and_is_named(health: Health, clock: Clock) -> None:
    health.depth("networks", 1)
    health.depth("drain", 3)
    clock.now += 601
    health.reconciled("networks", "ok", 0.1)
    assert health.alive().text == "controller drain: 3 keys wait, and nothing was finished for 601 s"


def test_it_is_not_ready_before_it_stands_for_election(health: Health) -> None:
    assert health.ready() == type(health.ready())(good=False, text="starting")


@pytest.mark.parametrize("leads", [pytest.param(False, id="waiting"), pytest.param(True, id="leading")])
def test_it_is_ready_when_nothing_is_missing_whether_it_leads_or_not(health: Health, *, leads: bool) -> None:
    missing = ["no list of nodes yet", "not watched: pools: HTTP 403. Apply the roles"]
    health.waits(lambda: missing)
    if leads:
        health.leads()
    assert not health.ready().good
    assert health.ready().text == "no list of nodes yet\nnot watched: pools: HTTP 403. Apply the roles"
    missing.clear()
    assert health.ready().good
    assert health.ready().text == ("leading" if leads else "waiting for the leadership")


def test_it_is_not_ready_when_it_ends(health: Health) -> None:
    health.waits(tuple)
    health.leads()
    health.stops()
    assert not health.ready().good
