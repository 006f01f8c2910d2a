"""What policies and pools that nobody can read keep as it is."""

import msgspec
import pytest
from some_nodestates import node, policy, reported

from sriov_core.api.nodestate import NodeStateSpec
from sriov_core.policy.nodeoutcome import Settings
from sriov_core.policy.reach import Progress
from sriov_operator.nodestates.board import Board, Opening
from sriov_operator.nodestates.facts import seen
from sriov_operator.nodestates.unread import Unread, told


def spec(*policies: str, rdma_mode: str = "") -> NodeStateSpec:
    groups = [{"policyName": name, "vfRange": "0-0"} for name in policies]
    wish = {"pciAddress": "0000:86:00.0", "numVfs": 4, "vfGroups": groups}
    return msgspec.convert({"interfaces": [wish], "system": {"rdmaMode": rdma_mode}}, NodeStateSpec)


@pytest.mark.parametrize(
    ("unread", "held"),
    [
        pytest.param(Unread(), (), id="all-could-be-read"),
        pytest.param(Unread(policies=frozenset({"q", "p", "r"})), ("p", "q"), id="those-that-the-node-has-vfs-by"),
        pytest.param(Unread(policies=frozenset({"r"})), (), id="another-one"),
    ],
)
def test_a_node_is_held_by_what_it_has_vfs_by(unread: Unread, held: tuple[str, ...]) -> None:
    assert unread.holding(spec("p", "q", "p")) == held


@pytest.mark.parametrize(
    ("pools", "wished", "mode"),
    [
        pytest.param(frozenset[str](), "", "", id="all-could-be-read"),
        pytest.param(frozenset({"a"}), "", "exclusive", id="no-pool-says-one"),
        pytest.param(frozenset({"a"}), "shared", "shared", id="another-pool-says-one"),
    ],
)
def test_an_rdma_mode_stays_that_a_pool_may_ask_for(pools: frozenset[str], wished: str, mode: str) -> None:
    kept = Unread(pools=pools).kept(spec(rdma_mode=wished), spec(rdma_mode="exclusive"))
    assert kept is not None
    assert kept.system.rdma_mode == mode


def test_no_wish_stays_none() -> None:
    assert Unread(pools=frozenset({"a"})).kept(None, spec(rdma_mode="exclusive")) is None


def test_a_held_node_is_no_success_of_any_policy() -> None:
    unread = Unread(policies=frozenset({"lost"}))
    state = msgspec.structs.replace(reported(), spec=spec("lost"))
    assert seen(node(), state, unread).sync.progress is Progress.FAILED
    board = Board()
    board.open(Opening(uid="c"), Settings())
    board.put_policies([policy("a")])
    assert board.judge("n1", node(), state, unread).policies == {"a"}
    found = board.standing("a")
    assert found is not None
    assert (found.reason, found.status.details[0].reason) == ("Failed", told(("lost",)))
    judged = board.judge("n1", node(), state)
    assert judged.policies == {"a"}
    found = board.standing("a")
    assert found is not None
    assert found.reason == "Progressing"  # while it was held, nothing was written for it
    assert board.written("n1", judged.moment) == {"a"}
    found = board.standing("a")
    assert found is not None
    assert found.reason == "Applied"
