"""The queue of keys by a clock that the test moves."""

import itertools
import threading
from collections import Counter

import pytest
from clocks import Clock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sriov_core.kube.workqueue import FIRST_RETRY_S, LONGEST_RETRY_S, WorkQueue


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    return WorkQueue(clock)


def taken(queue):
    keys = []
    while (key := queue.take(0)) is not None:
        keys.append(key)
    return keys


def test_keys_come_in_the_order_in_which_they_were_added(queue):
    for key in "cab":
        queue.add(key)
    assert taken(queue) == ["c", "a", "b"]


def test_a_key_waits_once(queue):
    queue.add("a")
    queue.add("a")
    assert len(queue) == 1
    assert taken(queue) == ["a"]


def test_a_key_is_not_handed_out_while_it_is_worked_on(queue):
    queue.add("a")
    assert queue.take(0) == "a"
    queue.add("a")
    assert queue.take(0) is None
    queue.done("a")
    assert queue.take(0) == "a"


def test_a_key_that_was_not_added_meanwhile_does_not_come_back(queue):
    queue.add("a")
    queue.done(queue.take(0))
    assert taken(queue) == []


def test_a_key_for_later_comes_when_it_is_time(queue, clock):
    queue.add_after("a", 10)
    assert len(queue) == 0
    clock.now += 9.9
    assert queue.take(0) is None
    clock.now += 0.2
    assert len(queue) == 1
    assert queue.take(0) == "a"


@pytest.mark.parametrize("seconds", [pytest.param((5, 10), id="then-later"), pytest.param((10, 5), id="then-earlier")])
def test_of_two_times_the_earlier_counts(queue, clock, seconds):
    for one in seconds:
        queue.add_after("a", one)
    clock.now += 5
    queue.done(queue.take(0))
    clock.now += 100
    assert taken(queue) == []


def test_a_time_outlives_that_the_key_is_added_at_once(queue, clock):
    queue.add_after("a", 10)
    queue.add("a")
    queue.done(queue.take(0))
    clock.now += 10
    assert queue.take(0) == "a"


def test_a_time_that_comes_while_the_key_is_worked_on_is_not_lost(queue, clock):
    queue.add("a")
    queue.take(0)
    queue.add_after("a", 1)
    clock.now += 1
    assert queue.take(0) is None
    queue.done("a")
    assert queue.take(0) == "a"


def test_failures_are_retried_later_and_later(queue):
    pauses = [queue.retry("a") for _ in range(20)]
    for earlier, later in itertools.pairwise(pauses):
        assert later >= min(earlier, LONGEST_RETRY_S / 2)
    assert FIRST_RETRY_S / 2 <= pauses[0] <= FIRST_RETRY_S
    assert LONGEST_RETRY_S / 2 <= pauses[-1] <= LONGEST_RETRY_S


def test_a_success_forgets_the_failures_of_its_key_alone(queue):
    for _ in range(10):
        queue.retry("a")
        queue.retry("b")
    queue.forget("a")
    assert queue.retry("a") <= FIRST_RETRY_S
    assert queue.retry("b") > 10


def test_a_retry_waits_as_long_as_the_server_asked(queue, clock):
    seconds = queue.retry("a", at_least_s=300)
    clock.now += 299
    assert queue.take(0) is None
    clock.now += seconds - 298
    assert queue.take(0) == "a"


def test_those_who_were_sent_away_together_do_not_come_back_together(queue):
    waits = {queue.retry(key, at_least_s=300) for key in range(50)}
    assert all(300 <= seconds <= 450 for seconds in waits)
    assert len(waits) > 40


def test_a_worker_that_waits_is_woken():
    queue, got = WorkQueue(), []
    worker = threading.Thread(target=lambda: got.append(queue.take(60)))
    worker.start()
    queue.add("a")
    worker.join(60)
    assert got == ["a"]


def test_a_worker_that_waits_is_woken_by_an_earlier_time():
    queue, got = WorkQueue(), []
    queue.add_after("late", 3600)
    worker = threading.Thread(target=lambda: got.append(queue.take(60)))
    worker.start()
    queue.add_after("soon", 0.01)
    worker.join(60)
    assert got == ["soon"]


def test_a_worker_that_is_woken_finds_nothing():
    queue, got = WorkQueue(), []
    worker = threading.Thread(target=lambda: got.append(queue.take(60)))
    worker.start()
    while not got:
        queue.wake()
    worker.join(60)
    assert got == [None]


class Reference(RuleBasedStateMachine):
    """Whatever is done in whatever order: no wish to work on a key is lost, and no key has two workers."""

    keys = st.sampled_from("abc")

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.queue = WorkQueue(self.clock)
        self.wanted = set()
        self.due = {}
        self.busy = Counter()

    @rule(key=keys)
    def add(self, key):
        self.queue.add(key)
        self.wanted.add(key)

    @rule(key=keys, seconds=st.integers(1, 5))
    def add_after(self, key, seconds):
        self.queue.add_after(key, seconds)
        self.due[key] = min(self.due.get(key, 1e9), self.clock.now + seconds)

    @rule(seconds=st.integers(1, 5))
    def let_pass(self, seconds):
        self.clock.now += seconds
        for key in [key for key, when in self.due.items() if when <= self.clock.now]:
            del self.due[key]
            self.wanted.add(key)

    @rule()
    def take(self):
        key = self.queue.take(0)
        free = {key for key in self.wanted if not self.busy[key]}
        assert (key is None) == (not free)
        if key is not None:
            assert key in free
            self.wanted.discard(key)
            self.busy[key] += 1

    @precondition(lambda self: any(self.busy.values()))
    @rule(data=st.data())
    def done(self, data):
        key = data.draw(st.sampled_from([key for key, count in self.busy.items() if count]))
        self.busy[key] -= 1
        self.queue.done(key)

    @invariant()
    def depth_is_what_waits(self):
        assert len(self.queue) == len([key for key in self.wanted if not self.busy[key]])
        assert all(count <= 1 for count in self.busy.values())


TestReference = Reference.TestCase
TestReference.settings = settings(max_examples=50)
