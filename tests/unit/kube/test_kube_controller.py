"""Workers and what becomes of keys that succeed, ask to come back, fail, or find a bug."""

import logging
import queue
import threading
import time

import pytest

from sriov_core.errors import HostError
from sriov_core.kube.controller import STUBBORN_S, Controller
from sriov_core.kube.failures import Away, Conflict, Exists, Throttled

PATIENCE_S = 60


class Outcomes:
    """Remembers the passes."""

    def __init__(self):
        self.ended = queue.Queue()
        self.depths = []

    def reconciled(self, controller, outcome, seconds):
        self.ended.put(outcome)

    def depth(self, controller, waiting):
        self.depths.append(waiting)

    def next(self):
        return self.ended.get(timeout=PATIENCE_S)


@pytest.fixture
def outcomes():
    return Outcomes()


@pytest.fixture
def started(outcomes):
    stop, controllers = threading.Event(), []

    def start(reconcile, workers=1):
        controller = Controller("nodes", reconcile, workers=workers, watcher=outcomes)
        controllers.append(controller)
        controller.start(stop)
        return controller

    yield start
    stop.set()
    assert all(controller.join(PATIENCE_S) for controller in controllers)


def in_turn(*steps):
    """A reconcile that does one thing after the other, and then nothing."""
    left = list(steps)

    def reconcile(key):
        step = left.pop(0) if left else None
        if isinstance(step, Exception):
            raise step
        return step

    return reconcile


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        pytest.param(None, "ok", id="done"),
        pytest.param(0.001, "later", id="asked-to-come-back"),
        pytest.param(HostError("no such device"), "failed", id="an-expected-failure"),
        pytest.param(Throttled("too many", retry_after_s=0.1), "failed", id="the-server-asks-for-time"),
        pytest.param(Conflict("has been modified"), "conflict", id="somebody-else-was-faster"),
        pytest.param(Exists("already exists"), "conflict", id="somebody-else-made-it"),
        pytest.param(KeyError("spec"), "broken", id="a-bug"),
    ],
)
def test_passes_are_told_and_keys_come_back(started, outcomes, step, outcome):
    started(in_turn(step)).add("node-1")
    assert outcomes.next() == outcome
    if outcome != "ok":
        assert outcomes.next() == "ok"


def test_a_failure_is_one_line_without_a_traceback(started, outcomes, caplog):
    started(in_turn(HostError("/sys/x is not there"))).add("node-1")
    outcomes.next()
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "nodes node-1: /sys/x is not there; again in" in record.getMessage()
    assert record.exc_info is None


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Conflict("has been modified"), id="a-conflict-is-normal"),
        pytest.param(Away("no connection"), id="the-client-tells-of-a-server-that-is-away"),
    ],
)
def test_what_is_normal_or_told_elsewhere_is_not_told_here(started, outcomes, caplog, step):
    started(in_turn(step)).add("node-1")
    outcomes.next()
    assert outcomes.next() == "ok"
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_conflict_without_end_is_told(started, outcomes, caplog):
    started(in_turn(Conflict("has been modified", retry_after_s=STUBBORN_S))).add("node-1")
    assert outcomes.next() == "conflict"
    assert "nodes node-1: has been modified; again in" in caplog.text


def test_a_bug_is_told_with_its_traceback(started, outcomes, caplog):
    started(in_turn(KeyError("spec"))).add("node-1")
    outcomes.next()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


def test_a_bug_in_one_key_stops_no_other(started, outcomes):
    done = threading.Event()

    def reconcile(key):
        if key == "bad":
            raise AssertionError
        done.set()

    controller = started(reconcile)
    controller.add("bad")
    controller.add("good")
    assert done.wait(PATIENCE_S)


def test_two_workers_work_at_the_same_time(started):
    both = threading.Barrier(2, timeout=PATIENCE_S)
    met = threading.Event()

    def reconcile(key):
        both.wait()
        met.set()

    controller = started(reconcile, workers=2)
    controller.add("a")
    controller.add("b")
    assert met.wait(PATIENCE_S)


def test_a_pass_under_way_ends_before_its_worker_does(outcomes):
    stop, entered, let_go = threading.Event(), threading.Event(), threading.Event()

    def reconcile(key):
        entered.set()
        let_go.wait(PATIENCE_S)

    controller = Controller("nodes", reconcile, watcher=outcomes)
    controller.add("a")
    controller.add("b")
    controller.start(stop)
    assert entered.wait(PATIENCE_S)
    stop.set()
    assert not controller.join(0)
    let_go.set()
    assert controller.join(PATIENCE_S)
    assert outcomes.next() == "ok"
    assert outcomes.ended.empty(), "the second key was begun after the stop"


def test_keys_for_later_come(started, outcomes):
    started(in_turn()).add_after("a", 0.01)
    assert outcomes.next() == "ok"


def test_one_that_was_never_started_has_ended():
    assert Controller("nodes", print).join(0)


def test_the_depth_that_is_told_last_is_the_one_of_now():
    """A probe that hears for ever of a key that waits has an idle process killed."""
    outcomes, told = Outcomes(), []

    class Slow:
        """Gives the other threads time to overtake who tells of a key that waits."""

        reconciled = outcomes.reconciled

        def depth(self, controller, waiting):
            time.sleep(waiting * 0.005)
            told.append(waiting)

    controller, stop = Controller("nodes", in_turn(), workers=4, watcher=Slow()), threading.Event()
    controller.start(stop)
    for key in range(40):
        controller.add(key)
        outcomes.next()
        assert told[-1] == 0
    stop.set()
    assert controller.join(PATIENCE_S)
