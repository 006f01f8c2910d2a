"""However two operators with stale caches take turns, wherever they are killed: no budget is exceeded, and all ends."""

import pytest
from draining_in_memory import Killed, Process
from draining_pool import NAMES, Pool
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sriov_core.api import keys
from sriov_operator.draining.protocol import Terms

FAULTS = ("refused", "lost", "killed before", "killed after")
ROUNDS = 60
MOST_REQUESTS = 40
TWO = ("a", "b")
AT_REST = dict.fromkeys(NAMES, ("Idle", "Idle")), frozenset(), {}
node = st.sampled_from(NAMES)
operator = st.integers(0, 1)


class Drains(RuleBasedStateMachine):
    """Two operators and the agents of four nodes, of which one pool has all."""

    @initialize(limit=st.sampled_from([1, 2, "50%", None]), asking=st.sets(node, min_size=2))
    def cluster(self, limit, asking):
        self.pool = Pool(limit)
        for name in asking:
            self.pool.ask(name, "Drain_Required")
        self.operators = [self.pool.operator(), self.pool.operator()]

    # --- what happens in the cluster

    @rule(name=node, request=st.sampled_from(["Drain_Required", "Reboot_Required"]))
    def agent_asks(self, name, request):
        if self.pool.handshake(name) == ("Idle", "Idle"):
            self.pool.ask(name, request)

    @rule(name=node)
    def agent_is_done(self, name):
        self.pool.finish_change(name)

    @rule(name=node)
    def agent_changes_its_mind(self, name):
        self.pool.ask(name, "Idle")

    @rule(name=node)
    def node_leaves_and_returns(self, name):
        self.pool.replace_node(name)

    @rule(name=node)
    def state_is_deleted_and_made_again(self, name):
        self.pool.replace_state(name)

    @rule(name=node, on=st.booleans())
    def administrator_cordons_or_lifts_that(self, name, on):
        self.pool.cordon(name, on=on)

    @rule(name=node, until=st.sampled_from([None, "2026-02-03T04:05:06Z"]))
    def node_is_managed_or_no_longer(self, name, until):
        self.pool.note(name, keys.KEEP_STATE_UNTIL, until)

    @rule(terms=st.sampled_from([Terms.DRAIN, Terms.NONE, Terms.END]))
    def configuration_changes(self, terms):
        for one in self.operators:
            one.terms = terms

    @rule(name=node)
    def scheduler_places_a_pod(self, name):
        self.pool.schedule(name)

    # --- what the operators do

    @rule(which=operator)
    def cache_catches_up(self, which):
        self.operators[which].sync()

    @rule(which=operator, name=node)
    def pass_begins(self, which, name):
        if not self.operators[which].is_busy:
            self.operators[which].begin(name)

    @rule(which=operator, count=st.integers(1, 12))
    def pass_goes_on(self, which, count):
        for _ in range(count):
            if self.operators[which].is_busy:
                self.operators[which].step()

    @precondition(lambda self: any(one.is_busy for one in self.operators))
    @rule(which=operator, fault=st.sampled_from(FAULTS))
    def pass_meets_a_fault(self, which, fault):
        if self.operators[which].is_busy:
            try:
                self.operators[which].step(fault)
            except Killed:
                self.operators[which] = self.pool.operator()

    def teardown(self):
        if hasattr(self, "operators"):
            settle(self.pool, *self.operators)


Drains.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestDrains = Drains.TestCase


def settle(pool: Pool, *operators: Process) -> None:
    """Everybody goes on until all drains are over; then nothing is left of them, and every cordon is of people."""
    for name in NAMES:
        pool.note(name, keys.KEEP_STATE_UNTIL, None)
    for one in operators:
        one.terms = Terms.DRAIN
        one.finish()
    for _ in range(ROUNDS):
        for name in NAMES:
            pool.finish_change(name)
        for one in operators:
            one.finish()
            one.sync()
            for name in NAMES:
                one.run_pass(name)
                one.sync()
        if how_it_stands(pool) == AT_REST:
            break
    assert how_it_stands(pool) == AT_REST


def how_it_stands(pool: Pool) -> tuple[object, ...]:
    """The handshakes, who is cordoned by nobody, and the ledger."""
    cordoned = frozenset(name for name in NAMES if pool.is_cordoned(name))
    return {name: pool.handshake(name) for name in NAMES}, cordoned ^ pool.theirs, pool.ledger()


def drained(pool, name):
    """The node of that name is drained by an operator that is gone."""
    pool.ask(name, "Drain_Required")
    first = pool.operator()
    while pool.handshake(name)[1] != "DrainComplete":
        first.run_pass(name)
        first.sync()


def cut_after(requests, pool, name):
    """An operator in the middle of a pass over a node, the first or a later one; None when it needs fewer requests."""
    one = pool.operator()
    one.begin(name)
    for _ in range(requests):
        if not goes_on(one, name):
            return None
        one.step()
    return one if goes_on(one, name) else None


def goes_on(one, name):
    """Whether there is another request, in this pass or, by what came of it, in the next one."""
    if not one.is_busy:
        one.sync()
        one.begin(name)
    return one.is_busy


def taken_back_meanwhile(pool, requests):
    """A node is admitted; meanwhile its agent thinks better of it, and another operator tidies up and goes on."""
    pool.ask("a", "Drain_Required")
    one = cut_after(requests, pool, "a")
    if one is not None:
        pool.ask("a", "Idle")
        pool.ask("b", "Drain_Required")
        other = pool.operator()
        other.run_pass("a")
        other.run_pass("b")
        return one, other
    return None


def asked_again_meanwhile(pool, requests):
    """A node is released; meanwhile it is drained again by another operator, and the first has not seen it."""
    drained(pool, "a")
    pool.ask("a", "Idle")
    pool.ask("b", "Drain_Required")
    one = cut_after(requests, pool, "a")
    if one is not None:
        one.sync()
        pool.ask("a", "Drain_Required")
        other = pool.operator()
        other.run_pass("a")
        one.finish()
        one.run_pass("b")
        return one, other
    return None


def both_begin(pool, requests):
    """Two nodes ask at once, and each operator sees one of them only."""
    pool.ask("a", "Drain_Required")
    one = cut_after(requests, pool, "a")
    if one is not None:
        pool.ask("b", "Drain_Required")
        pool.ask("a", "Idle")
        other = pool.operator()
        pool.ask("a", "Drain_Required")
        other.run_pass("b")
        return one, other
    return None


def withdrawn_between_two_looks(pool, requests):
    """The agent thinks better of it after the Node was read, and another operator tidies up during the claim."""
    pool.ask("a", "Drain_Required")
    one = cut_after(1, pool, "a")
    pool.ask("a", "Idle")
    pool.ask("b", "Drain_Required")
    for _ in range(requests):
        if not one.is_busy:
            return None
        one.step()
    other = pool.operator()
    other.run_pass("a")
    other.run_pass("b")
    return one, other


def released_meanwhile(pool, requests):
    """An operator sends pods away; meanwhile another one ends the drain, and a new pod comes to the node."""
    pool.schedule("a")
    pool.ask("a", "Drain_Required")
    one = pool.operator()
    one.run_pass("a")
    one.sync()
    one.begin("a")
    for _ in range(requests):
        if not one.is_busy:
            return None
        one.step()
    other = pool.operator()
    other.run_pass("a")
    pool.finish_change("a")
    other.sync()
    other.run_pass("a")
    pool.schedule("a")
    return one, other


def state_made_again_meanwhile(pool, requests):
    """A node state is lost, and comes back in the middle of what an operator does about that."""
    drained(pool, "a")
    pool.ask("b", "Drain_Required")
    one = pool.operator()
    pool.remove_state("a")
    one.sync()
    one.begin("a")
    for _ in range(requests):
        if not one.is_busy:
            pool.add_state("a")
            return None
        one.step()
    pool.add_state("a")
    other = pool.operator()
    other.run_pass("a")
    other.sync()
    other.begin("a")
    for _ in range(4):  # it has claimed the place and not begun
        other.step()
    one.finish()
    one.run_pass("b")
    return one, other


@pytest.mark.parametrize("limit", [1, "25%"], ids=["a-number", "a-percentage"])
@pytest.mark.parametrize(
    "meanwhile",
    [
        taken_back_meanwhile,
        asked_again_meanwhile,
        both_begin,
        withdrawn_between_two_looks,
        released_meanwhile,
        state_made_again_meanwhile,
    ],
)
def test_a_pass_is_overtaken_by_another_operator_at_any_request(meanwhile, limit):
    """The pool watches every write for its budget."""
    for requests in range(1, MOST_REQUESTS):
        pool = Pool(limit)
        operators = meanwhile(pool, requests)
        if operators is None:
            break
        settle(pool, *operators)
    assert 3 < requests < MOST_REQUESTS


def state_is_replaced_and_nothing_asked(pool):
    pool.ask("a", "Idle")
    pool.replace_state("a")


def state_is_replaced_and_the_agent_asks_on(pool):
    pool.replace_state("a")


def node_is_replaced(pool):
    pool.replace_node("a")


def somebody_waits_longer(pool):
    pool.ask("b", "Drain_Required", "2025-01-01T00:00:00Z")


@pytest.mark.parametrize("limit", [1, None], ids=["in-the-ledger", "without-a-limit"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "then",
    [
        state_is_replaced_and_nothing_asked,
        state_is_replaced_and_the_agent_asks_on,
        node_is_replaced,
        somebody_waits_longer,
    ],
)
def test_a_fault_at_any_request_and_then_something_else(then, fault, limit):
    for requests in range(MOST_REQUESTS):
        pool = Pool(limit)
        pool.ask("a", "Drain_Required")
        one = cut_after(requests, pool, "a")
        if one is None:
            break
        try:
            one.step(fault)
        except Killed:
            one = None
        then(pool)
        settle(pool, one or pool.operator())
    assert 5 < requests < MOST_REQUESTS


@pytest.mark.parametrize("fault", FAULTS)
def test_a_drain_survives_a_fault_at_any_request(fault):
    for requests in range(1, 2 * MOST_REQUESTS):
        pool = Pool(1)
        for name in TWO:
            pool.schedule(name)
            pool.ask(name, "Drain_Required")
        if not drain_with_fault(pool, requests, fault):
            break
    assert 40 < requests < 2 * MOST_REQUESTS


def drain_with_fault(pool, requests, fault):
    """All that is to do is done by one operator, and one request of it meets a fault; False when it needs fewer."""
    one, done = pool.operator(), 0
    for name in TWO * 9:
        one.begin(name)
        while one.is_busy:
            done += 1
            try:
                one.step(fault if done == requests else "")
            except Killed:
                one = pool.operator()
        pool.finish_change(name)
        one.sync()
    settle(pool, one)
    assert pool.evicted == len(TWO)
    return done >= requests
