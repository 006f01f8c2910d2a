"""Drains on a server in memory: what becomes of cordons, places and requests, and what is logged."""

import pytest
from draining_pool import CORDONED, Pool

from sriov_core.api import keys
from sriov_operator.draining.protocol import Terms

DRAINING, COMPLETE = ("Drain_Required", "Draining"), ("Drain_Required", "DrainComplete")


def passes(operator, *names, terms=Terms.DRAIN):
    """As many passes as there are steps."""
    operator.terms = terms
    for _ in range(6):
        for name in names:
            operator.sync()
            operator.run_pass(name)
    operator.sync()


def serve(pool, operator, name):
    """The node is drained, changed and released."""
    passes(operator, name)
    assert pool.handshake(name)[1] == "DrainComplete"
    pool.finish_change(name)
    passes(operator, name)
    assert pool.handshake(name) == ("Idle", "Idle")


def begun(pool, name="a"):
    """A node that is cordoned and not drained yet, because a pod came; and its operator."""
    pool.place(name)
    pool.ask(name, "Drain_Required")
    operator = pool.operator()
    operator.run_pass(name)
    assert (pool.handshake(name), pool.is_cordoned(name)) == (DRAINING, True)
    return operator


# --- cordons


def test_a_cordon_that_an_administrator_lifts_and_makes_anew_is_his():
    pool = Pool(1)
    operator = begun(pool)
    pool.cordon("a", on=False)
    pool.cordon("a")
    serve(pool, operator, "a")
    assert pool.is_cordoned("a")


def test_a_cordon_that_an_administrator_lifts_for_good_does_not_come_back():
    pool = Pool(1)
    operator = begun(pool, CORDONED)
    pool.cordon(CORDONED, on=False)
    serve(pool, operator, CORDONED)
    assert not pool.is_cordoned(CORDONED)


def test_a_new_node_does_not_inherit_the_cordon_of_an_earlier_one_of_its_name():
    pool = Pool(1)
    operator = begun(pool, CORDONED)
    pool.replace_node(CORDONED, cordoned=False)
    serve(pool, operator, CORDONED)
    assert not pool.is_cordoned(CORDONED)


# --- pods


def test_a_pod_that_was_on_its_way_when_the_node_was_cordoned_is_evicted_too():
    pool = Pool(1)
    pool.ask("a", "Drain_Required")
    operator = pool.operator()
    operator.run_pass("a")
    pool.place("a")
    passes(operator, "a")
    assert (pool.handshake("a"), pool.evicted) == (COMPLETE, 1)


def test_a_new_node_of_the_name_of_one_that_was_drained_is_not_taken_for_drained():
    pool = Pool(1)
    operator = begun(pool)
    passes(operator, "a")
    assert pool.handshake("a") == COMPLETE
    pool.replace_node("a")
    pool.place("a")
    passes(operator, "a")
    assert (pool.handshake("a"), pool.is_cordoned("a"), pool.evicted) == (COMPLETE, True, 2)


# --- places


def test_a_node_whose_drain_is_refused_lets_others_pass():
    pool = Pool(1)
    pool.ask("a", "Drain_Required", "2025-01-01T00:00:00Z")
    pool.ask("b", "Drain_Required", "2025-01-02T00:00:00Z")
    operator = pool.operator()
    operator.begin("a")
    while not pool.ledger():
        operator.step()
    operator.step("invalid")
    operator.finish()
    assert pool.ledger() == {}
    serve(pool, operator, "b")
    serve(pool, operator, "a")


def test_a_drain_that_failed_after_it_began_does_not_send_the_node_to_the_end_of_the_next_queue():
    pool = Pool(1)
    pool.ask("a", "Drain_Required")
    operator = pool.operator()
    operator.begin("a")
    while pool.handshake("a") != DRAINING:
        operator.step()
    operator.step("refused")
    operator.finish()
    serve(pool, operator, "a")
    pool.ask("a", "Drain_Required", "2025-01-01T00:00:00Z")
    pool.ask("b", "Drain_Required", "2025-01-02T00:00:00Z")
    passes(operator, "b", "a")
    assert (pool.handshake("a"), pool.handshake("b")[1]) == (COMPLETE, "Idle")


def test_the_drain_of_a_node_that_went_while_nobody_looked_is_ended():
    pool = Pool(None)
    begun(pool)
    pool.remove_node("a")
    later = pool.operator()
    passes(later, "a")
    assert pool.answer("a") == "Idle"


# --- what the configuration says


@pytest.mark.parametrize("limit", [1, None], ids=["in-the-ledger", "without-a-limit"])
@pytest.mark.parametrize("terms", [Terms.NONE, Terms.END], ids=["drains-are-switched-off", "no-configuration-any-more"])
def test_a_drain_under_way_is_ended(terms, limit):
    pool = Pool(limit)
    operator = begun(pool)
    passes(operator, "a", terms=terms)
    assert (pool.handshake("a"), pool.is_cordoned("a"), pool.ledger()) == (("Drain_Required", "Idle"), False, {})
    serve(pool, operator, "a")


def test_a_node_that_is_drained_stays_so_until_its_agent_is_done_when_drains_are_switched_off():
    pool = Pool(1)
    operator = begun(pool)
    passes(operator, "a")
    passes(operator, "a", terms=Terms.NONE)
    assert pool.handshake("a") == COMPLETE
    pool.finish_change("a")
    passes(operator, "a", terms=Terms.NONE)
    assert (pool.handshake("a"), pool.is_cordoned("a")) == (("Idle", "Idle"), False)


def test_a_node_that_is_drained_is_released_when_the_configuration_goes():
    pool = Pool(1)
    operator = begun(pool)
    passes(operator, "a")
    passes(operator, "a", terms=Terms.END)
    assert (pool.handshake("a"), pool.is_cordoned("a")) == (("Drain_Required", "Idle"), False)


def test_a_node_that_is_no_longer_managed_is_let_go_before_its_state_is_deleted():
    pool = Pool(1)
    operator = begun(pool)
    pool.ask("b", "Drain_Required")
    pool.note("a", keys.KEEP_STATE_UNTIL, "2026-01-02T04:00:00Z")
    passes(operator, "a", "b")
    assert (pool.handshake("a"), pool.is_cordoned("a")) == (("Drain_Required", "Idle"), False)
    assert pool.handshake("b") == COMPLETE
    pool.finish_change("b")
    pool.note("a", keys.KEEP_STATE_UNTIL, None)
    passes(operator, "b", "a")
    assert pool.handshake("a") == COMPLETE


# --- the log


def test_the_log_tells_a_drain_from_its_beginning_to_its_end(caplog):
    caplog.set_level("INFO", "sriov_operator.draining")
    pool = Pool(1)
    operator = begun(pool)
    serve(pool, operator, "a")
    assert [record.getMessage() for record in caplog.records] == [
        "node a: its drain begins in pool pool (pods with devices), after 0 s of waiting",
        "node a: cordoned",
        "node a: pod team/pod-0 evicted: it asks for openshift.io/nic",
        "node a: drained, after 0 s",
        "node a: uncordoned",
        "node a: its drain is over, after 0 s in all",
    ]


def test_the_log_warns_once_of_a_pool_that_drains_nobody_and_tells_who_waits(caplog):
    caplog.set_level("INFO", "sriov_operator.draining")
    pool = Pool(0)
    pool.ask("a", "Drain_Required")
    pool.ask("b", "Drain_Required")
    passes(pool.operator(), "a", "b")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "node a (and whoever else waits in pool pool): its drain is blocked" in record.getMessage()
    assert record.getMessage().endswith("Raise maxUnavailable of SriovNetworkPoolConfig pool")
