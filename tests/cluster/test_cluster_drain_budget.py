"""How many nodes are drained at once, whose turn it is, and what waiting costs, on a real API server."""

from collections.abc import Iterator

import pytest
from draining_stage import COMPLETE, DRAIN, DRAINING, IDLE, Stage, stage, stays
from servers import Server

LONG_AGO, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"


@pytest.fixture
def drains(server: Server, recent: object, namespace: str) -> Iterator[Stage]:
    with stage(server, namespace) as made:
        yield made


def test_in_the_built_in_pool_one_node_is_drained_at_a_time(drains):
    for name in "abc":
        drains.node(name)
    drains.ask("b", DRAIN, LONG_AGO)
    drains.ask("a", DRAIN, LATER)
    drains.operate()
    drains.until(lambda: drains.answer("b") == COMPLETE)
    busy = f"the built-in pool drains 1 node at a time, now {drains.full('b')}"
    drains.until(lambda: drains.told("a") == ("Waiting", busy))  # before b began, it was told that b waits longer
    assert not drains.is_cordoned("a")
    drains.serve("b", "a")
    drains.followed(*"abc")
    assert drains.history.most_out([drains.full(name) for name in "abc"]) == 1


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        pytest.param(2, 2, id="two"),
        pytest.param("67%", 2, id="two-thirds"),
        pytest.param(None, 3, id="no-limit"),
        pytest.param(10, 3, id="more-than-there-are"),
    ],
)
def test_so_many_are_drained_at_once_as_the_pool_allows(drains, limit, most):
    drains.pool(limit=limit)
    for name in "abc":
        drains.node(name, DRAIN)
    drains.operate()
    drains.until(lambda: [drains.answer(name) for name in "abc"].count(COMPLETE) == most)
    assert stays(lambda: [drains.answer(name) for name in "abc"].count(IDLE) == 3 - most)
    drains.serve(*"abc")
    drains.followed(*"abc")
    assert drains.history.most_out([drains.full(name) for name in "abc"]) == most


def test_pools_do_not_wait_for_each_other(drains):
    drains.pool("left", side="left")
    drains.pool("right", side="right")
    drains.node("a", DRAIN, side="left")
    drains.node("b", DRAIN, side="right")
    drains.pod("slow", "a", grace_s=600)
    drains.operate()
    drains.until(lambda: drains.answer("b") == COMPLETE)
    drains.until(lambda: drains.answer("a") == DRAINING)


def test_the_longest_wait_comes_first(drains):
    drains.node("x", DRAIN)
    drains.operate()
    drains.until(lambda: drains.answer("x") == COMPLETE)
    for number, name in enumerate("cab"):
        drains.node(name)
        drains.ask(name, DRAIN, f"2026-01-01T00:00:0{number}Z")
    drains.until(lambda: all(drains.told(name)[0] == "Waiting" for name in "abc"))
    drains.serve("x")
    order = []
    for _ in "abc":
        order.append(drains.until(lambda: next((name for name in "abc" if drains.answer(name) == COMPLETE), None)))
        drains.serve(order[-1])
    assert order == ["c", "a", "b"]


def test_a_node_of_two_pools_is_not_drained_and_told(drains):
    drains.pool("left", side="left")
    drains.pool("every", limit=5)
    drains.node("a", DRAIN, side="left")
    drains.node("b", DRAIN)
    drains.operate()
    drains.until(lambda: drains.answer("b") == COMPLETE)
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    assert "the pools every and left select the node" in drains.told("a")[1]
    assert drains.answer("a") == IDLE
    drains.remove(drains.pool_path("left"))
    drains.until(lambda: drains.answer("a") == COMPLETE)


@pytest.mark.parametrize("limit", [0, "20%"], ids=["zero", "rounded-to-zero"])
def test_a_pool_that_drains_nobody_says_so_on_the_node(drains, limit):
    drains.pool(limit=limit)
    drains.node("a", DRAIN)
    drains.operate()
    drains.until(lambda: drains.told("a")[0] == "Blocked")
    assert drains.answer("a") == IDLE
    assert not drains.is_cordoned("a")


def test_who_waits_costs_no_requests(drains):
    drains.node("a", DRAIN)
    running = drains.operate()
    drains.until(lambda: drains.answer("a") == COMPLETE)
    for name in ("b", "c", "d"):
        drains.node(name, DRAIN)
    drains.until(lambda: all(drains.told(name)[0] == "Waiting" for name in "bcd"))
    drains.until(lambda: _passes_cost_nothing(drains, running))


def _passes_cost_nothing(drains, running):
    """Whether the next passes are without a request; one that was told of before may still be under way at first."""

    def passes():
        return running.counted("reconcile_seconds_count", controller="drain", outcome="later")

    asked, end = _asked(running), passes() + 4
    drains.until(lambda: passes() >= end)
    return _asked(running) == asked


def _asked(running):
    """Requests about drains; the Lease and watches go on."""
    every = {
        resource: running.counted("api_requests_total", resource=resource)
        for resource in ("nodes", "pods", "configmaps")
    }
    states = [
        running.counted("api_requests_total", resource="sriovnetworknodestates", verb=verb) for verb in ("get", "patch")
    ]
    watches = running.counted("api_requests_total", resource="nodes", verb="watch")
    return {**every, "nodes": every["nodes"] - watches}, states
