"""What one policy costs in a large cluster: one that selects every node, and one that selects a single one.

The floors are the same writes by a bare loop, with the operator's identity and as many threads as it has workers: what
the API server itself takes. What is counted is what the API server wrote down in its audit log.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

from bench.cluster import load, opened
from bench.cluster_requests import count, told
from bench.cluster_stage import Effect, Operated, Stage
from bench.figure import Figure

FEW, MANY = 100, 1000
CHANGES = 20
"""Policies of one node, one after the other: one alone costs too little CPU time to be seen."""
STATES = "sriovnetworknodestates"

MOST_TIMES_THE_FLOOR = 6.0
MOST_SECONDS_FOR_ONE = 0.25
MOST_GROWTH = 2.0
"""Ten times the nodes; the answer to each write of a ConfigMap holds the configs of all nodes in it."""
MOST_REQUESTS_OF_A_NODE = 2
"""Its node state, and the label of the Node."""
MOST_REQUESTS_OF_ALL, MOST_IN_A_SECOND = 20, 4
"""Status and events of the policy; and while it lasts, configs of the device plugin every half second."""


def figures(folder: Path) -> Iterator[Figure]:
    """Those of the policy of all nodes, and then of policies of one node in that cluster and in a small one."""
    with opened(folder / "few") as cluster, Stage.fill(cluster, FEW).operated() as few:
        few.policy_of_all()
        small = few.policies_of_one(CHANGES)
    with opened(folder / "many") as cluster:
        stage = Stage.fill(cluster, MANY)
        floor, by_hand = stage.write_all(), stage.write_one(CHANGES)
        with stage.operated() as many:
            yield from _of_all(many, floor)
            yield from _of_one(many, small, by_hand)


def _of_all(many: Operated, floor: float) -> Iterator[Figure]:
    done = many.policy_of_all()
    size = f"{MANY} nodes, a policy of all of them"
    yield Figure(
        name="scale-policy",
        value=done.seconds[0],
        unit="s",
        floor=floor,
        limit=floor * MOST_TIMES_THE_FLOOR,
        detail=f"{size}, from its creation to the last node state; the floor is a bare loop of these writes; {load()}",
    )
    yield _requests("scale-policy-writes", count(done.requests, STATES), MANY, f"{size}: writes of node states")
    most = MOST_REQUESTS_OF_A_NODE * MANY + MOST_REQUESTS_OF_ALL + MOST_IN_A_SECOND * done.seconds[0]
    yield _requests("scale-policy-requests", len(done.requests), most, f"{size}: {told(done.requests)}")
    yield Figure(name="scale-policy-cpu", value=done.cpu_s, unit="s", detail=f"{size}: CPU time of the operator")


def _of_one(many: Operated, small: Effect, by_hand: float) -> Iterator[Figure]:
    done = many.policies_of_one(CHANGES)
    size = f"a policy of 1 of {MANY} nodes"
    yield Figure(
        name="scale-one",
        value=statistics.median(done.seconds),
        best=min(done.seconds),
        unit="s",
        floor=by_hand,
        limit=MOST_SECONDS_FOR_ONE,
        detail=f"{size}, from its creation to the node state, median of {CHANGES}; the floor creates a policy and "
        f"writes a node state by hand; {load()}",
    )
    writes, every = count(done.requests, STATES) / CHANGES, f"of {CHANGES}: {told(done.requests)}"
    yield _requests("scale-one-writes", writes, 1, f"{size}: writes of node states for each")
    yield _requests("scale-one-lists", count(done.requests, verbs=frozenset({"list"})), 0, f"{size}; requests {every}")
    cpu_s, few_s = done.cpu_s / CHANGES, small.cpu_s / CHANGES
    detail = f"{size}: CPU time of the operator for it; the peer is 1 of {FEW} nodes"
    limit = few_s * MOST_GROWTH
    yield Figure(name="scale-one-cpu", value=cpu_s, unit="s", peer=few_s, limit=limit, detail=detail)


def _requests(name: str, value: float, limit: float, detail: str) -> Figure:
    return Figure(name=name, value=value, unit="requests", limit=limit, detail=detail)
