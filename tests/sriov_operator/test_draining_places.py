"""Whoever has a place goes on, also when nobody told him that he has it."""

from datetime import UTC, datetime

import pytest
from draining_in_memory import Api, MemoryClient

from sriov_core.api import keys
from sriov_core.kube.failures import Unavailable
from sriov_core.kube.lean import LeanMeta
from sriov_operator.draining.fleet import Fleet
from sriov_operator.draining.ledger import Ledger
from sriov_operator.draining.places import Places
from sriov_operator.process.lean import LeanNode, LeanNodeState

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def fleet(*names: str) -> Fleet:
    """Nodes that all wait for a drain, in one pool with one place."""
    made = Fleet(lambda: NOW)
    notes = {keys.CURRENT_STATE: "Idle", keys.DESIRED_STATE: "Drain_Required"}
    for name in names:
        made.node_changed(None, LeanNode(metadata=LeanMeta(name=name, annotations={keys.NODE_STATE: "Drain_Required"})))
        made.state_changed(None, LeanNodeState(metadata=LeanMeta(name=name, annotations=notes)))
    return made


def test_a_node_whose_place_was_written_without_an_answer_is_woken_by_whoever_finds_it_in_the_ledger():
    lost, woken = [True], list[str]()

    def lose_the_answer_to_the_write(request):
        answer = request()  # the ledger is not there yet: the first answer is that to its creation
        if lost and lost.pop():
            raise Unavailable("the connection broke")
        return answer

    nodes = fleet("a", "b")
    ledger = Ledger(MemoryClient(Api(), lose_the_answer_to_the_write), "sriov")
    places = Places(ledger, nodes, lambda: NOW, woken.extend)
    with pytest.raises(Unavailable):
        places.take(nodes.row("a"))
    places.stumbled("a", stumbles=True)
    assert places.obstacle(nodes.row("a")), "b comes first now"
    woken.clear()
    assert "now a" in places.take(nodes.row("b")).why
    assert woken == ["a"]
    assert places.obstacle(nodes.row("a")) is None


def test_who_takes_a_place_is_not_woken_for_it():
    nodes, woken = fleet("a", "b"), list[str]()
    places = Places(Ledger(MemoryClient(Api()), "sriov"), nodes, lambda: NOW, woken.extend)
    assert places.take(nodes.row("a")).why == ""
    assert woken == []
