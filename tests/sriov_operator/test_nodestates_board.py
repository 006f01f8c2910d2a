"""What changes reach, and what the status of policies makes of it."""

import msgspec
import pytest
from some_nodestates import CX6, X710, node, policy, reported, state

from sriov_core.api.conditions import Condition
from sriov_core.api.nodepolicy import NodePolicy, PolicyStatus
from sriov_core.api.operatorconfig import OperatorConfig, OperatorConfigSpec
from sriov_core.api.poolconfig import PoolConfig, PoolConfigSpec, PoolConfigStatus
from sriov_core.api.wire import ObjectMeta
from sriov_core.policy.nicids import DEFAULT
from sriov_core.policy.nodeoutcome import WORKER, Settings
from sriov_operator.nodestates.board import Board, Opening
from sriov_operator.nodestates.inputs import settings
from sriov_operator.nodestates.untold import NOT_TOLD
from sriov_operator.process.lean import LeanNodeState

OPEN = Opening(uid="config-1")


def board(*policies: str, nodes: int = 1) -> Board:
    made = Board()
    made.open(OPEN, Settings())
    made.put_policies(policy(name) for name in policies)
    for number in range(1, nodes + 1):
        judged = made.judge(f"n{number}", node(f"n{number}"), reported(f"n{number}"))
        made.written(f"n{number}", judged.moment)
    return made


def pool(draining: int = 0, **spec: str) -> PoolConfig:
    status = PoolConfigStatus(draining=draining)
    return PoolConfig(
        metadata=ObjectMeta(name="p", resource_version=str(draining)), spec=PoolConfigSpec(**spec), status=status
    )


def test_a_node_says_which_policies_it_concerns_once():
    made = board()
    made.put_policies([policy("a"), policy("b", nodeSelector={"zone": "x"})])
    first = made.judge("n1", node(), reported())
    again = made.judge("n1", node(), reported())
    assert (first.is_new, first.policies) == (True, {"a"})
    assert (again.is_new, again.policies) == (False, frozenset())
    assert first.outcome is again.outcome


def test_what_a_node_reports_of_its_progress_concerns_its_policies():
    made = board("a")
    assert made.judge("n1", node(), reported(syncStatus="InProgress")).policies == {"a"}
    assert made.judge("n1", node(), reported(syncStatus="Failed")).policies == {"a"}


def test_only_what_becomes_something_else_on_a_node_concerns_a_policy():
    """Its status is counted over all nodes that it selects: not for each change of another policy on one of them."""
    made = board("a", nodes=3)
    made.put_policies([policy("other", nicSelector={"vendor": "15b3"})])
    assert made.judge("n1", node(), reported()).policies == {"other"}
    made.put_policies([policy("stronger", priority=0, numVfs=8), policy("a", priority=9)])
    judged = made.judge("n1", node(), reported())
    assert judged.policies == {"stronger", "a"}
    assert made.judge("n1", node(), reported(syncStatus="InProgress")).policies == {"stronger"}


def test_a_node_that_leaves_concerns_the_policies_it_had():
    made = board("a")
    gone = made.judge("n1", None, reported())
    assert (gone.outcome, gone.policies) == (None, {"a"})
    assert made.nodes == ()
    assert made.judge("n1", node(labels={}), reported()).outcome is None


def test_a_policy_counts_no_node_that_left_while_the_policy_came():
    made = board()
    made.put_policies([policy("a")])
    assert made.standing("a").status.matched_nodes == 1
    assert made.judge("n1", None, None).policies == {"a"}
    assert made.standing("a").status.matched_nodes == 0


def test_a_status_counts_nodes_by_how_far_they_are():
    made = board("a", nodes=4)
    made.judge("n2", node("n2"), reported("n2", syncStatus="InProgress"))
    made.judge("n3", node("n3"), reported("n3", syncStatus="Failed", lastSyncError="no IOMMU"))
    made.judge("n4", node("n4"), reported("n4", CX6))
    made.judge("n5", node("n5"), state("n5"))
    found = made.standing("a")
    assert found is not None
    counts = found.status
    assert (counts.matched_nodes, counts.applied_nodes, counts.applied_nics, counts.applied_vfs) == (5, 1, 1, 4)
    assert (counts.failed_nodes, counts.pending_nodes) == (1, 2)
    assert [(one.node, one.outcome) for one in counts.details] == [
        ("n3", "failed"),
        ("n2", "waiting"),
        ("n5", "waiting"),
        ("n4", "unmatched"),
    ]
    assert (found.ready, found.reason) == (False, "Failed")


def test_a_node_whose_report_is_garbage_fails_alone():
    made = board("a", nodes=2)
    judged = made.judge("n1", node(), reported("n1", {**X710, "pciAddress": "garbage"}))
    assert judged.outcome is not None
    assert judged.outcome.wish is None
    found = made.standing("a")
    assert found is not None
    assert (found.status.failed_nodes, found.status.applied_nodes) == (1, 1)
    assert "garbage" in found.status.details[0].reason


def test_nodes_that_are_taken_up_at_once_are_not_taken_for_unreported():
    made = Board()
    made.open(OPEN, Settings())
    made.put_policies([policy("a")])
    made.load((node(f"n{number}"), reported(f"n{number}")) for number in range(3))
    found = made.standing("a")
    assert found is not None
    assert (found.ready, found.status.applied_nodes) == (True, 3)


def test_the_status_of_a_pool_reaches_nobody():
    made = board()
    assert made.put_pools([pool(rdma_mode="shared")]) == {"n1"}
    assert made.put_pools([pool(draining=1, rdma_mode="shared")]) == frozenset()
    assert made.put_pools([pool(rdma_mode="exclusive")]) == {"n1"}


def test_without_a_configuration_nothing_is_told():
    made = board("a")
    assert made.standing("a") is not None
    assert made.standing("unknown") is None
    made.close()
    assert (made.opening, made.standing("a")) == (None, None)
    made.close(Opening(uid="config-1", is_leaving=True))
    assert made.standing("a") is None


def test_what_goes_while_there_is_no_configuration_is_gone_when_there_is_one():
    made = board("a", nodes=2)
    made.close()
    assert made.judge("n1", None, None).outcome is None
    assert made.judge("n2", node("n2"), reported("n2", CX6)).outcome is None
    made.open(OPEN, Settings())
    assert made.judge("n2", node("n2"), reported("n2", CX6)).is_new
    found = made.standing("a")
    assert found is not None
    assert (found.status.matched_nodes, found.status.applied_nodes) == (1, 0)


def test_a_configuration_reaches_all_nodes_once():
    made = board(nodes=2)
    assert made.open(OPEN, Settings()) == frozenset()
    assert made.open(Opening(uid="config-2"), Settings()) == {"n1", "n2"}
    assert made.open(Opening(uid="config-2"), Settings(bridges=True)) == {"n1", "n2"}


def test_the_settings_are_those_of_the_configuration():
    spec = OperatorConfigSpec(
        config_daemon_node_selector={"zone": "a"}, feature_gates={"manageSoftwareBridges": True, "unknown": True}
    )
    config = OperatorConfig(metadata=ObjectMeta(name="default"), spec=spec)
    assert settings(config, DEFAULT) == Settings(node_selector={"zone": "a"}, bridges=True)


def test_a_state_without_a_node_is_not_managed():
    made = board()
    orphan: LeanNodeState = reported("n9")
    assert made.judge("n9", None, orphan).outcome is None


def told_ready(name: str, generation: int = 3) -> NodePolicy:
    """A policy whose status says that the wish of that generation is there."""
    made = policy(name)
    ready = Condition(type="Ready", status="True", reason="Applied", message="", observed_generation=generation)
    return msgspec.structs.replace(made, status=PolicyStatus(conditions=(ready,)))


def test_what_a_node_was_done_with_is_not_a_policy_that_it_has_not_been_told_of():
    made = board(nodes=2)
    made.put_policies([policy("a")])
    told = made.standing("a")
    assert (told.ready, told.status.pending_nodes, told.status.applied_nodes) == (False, 2, 0)
    assert told.status.details[0].reason == NOT_TOLD.why
    for name in ("n1", "n2"):
        judged = made.judge(name, node(name), reported(name))
        assert made.standing("a").status.pending_nodes > 0  # it may still have to be written
        assert made.written(name, judged.moment) == {"a"}
        assert made.written(name, judged.moment) == frozenset()
    assert made.standing("a").ready


def test_a_wish_that_changed_after_it_was_judged_is_not_written_yet():
    made = board()
    made.put_policies([policy("a")])
    before = made.judge("n1", node(), reported())
    made.put_policies([policy("a", mtu=9000), policy("b", nicSelector={"vendor": "15b3"})])
    assert made.written("n1", before.moment) == frozenset()
    assert not made.standing("a").ready
    assert made.written("n1", made.judge("n1", node(), reported()).moment) == {"a", "b"}
    assert made.standing("a").ready


def test_a_node_that_is_under_way_or_failed_says_so_itself():
    made = board()
    made.judge("n2", node("n2"), reported("n2", syncStatus="InProgress"))
    made.judge("n3", node("n3"), reported("n3", syncStatus="Failed", lastSyncError="no IOMMU"))
    made.put_policies([policy("a")])
    reasons = {one.node: one.reason for one in made.standing("a").status.details}
    assert reasons == {"n1": NOT_TOLD.why, "n2": "it is being configured", "n3": "no IOMMU"}


@pytest.mark.parametrize(
    ("generation", "ready"),
    [pytest.param(3, True, id="told-ready"), pytest.param(2, False, id="told-ready-before-it-was-changed")],
)
def test_a_restart_does_not_doubt_what_was_told_of_a_policy_as_it_is(generation, ready):
    made = Board()
    made.put_policies([told_ready("a", generation)])
    made.load([(node(), reported())])
    made.open(OPEN, Settings())
    assert made.standing("a").ready is ready
    assert made.written("n1", made.judge("n1", node(), reported()).moment) == (frozenset() if ready else {"a"})
    assert made.standing("a").ready


def test_a_node_that_is_not_managed_any_more_is_not_waited_for():
    made = board(nodes=2)
    made.put_policies([policy("a")])
    made.judge("n2", None, None)
    made.written("n1", made.judge("n1", node(), reported()).moment)
    assert made.standing("a").ready


def test_a_node_that_reports_its_nics_after_the_policy_came_is_not_done_yet():
    made = board()
    made.judge("n1", node(), state())
    made.put_policies([policy("a")])
    assert made.written("n1", made.judge("n1", node(), state()).moment) == {"a"}  # without NICs, there is no wish
    judged = made.judge("n1", node(), reported())
    assert made.standing("a").status.details[0].reason == NOT_TOLD.why
    assert made.written("n1", judged.moment) == {"a"}
    assert made.standing("a").ready


def test_a_node_that_a_policy_selects_by_now_is_not_done_yet():
    made = board()
    made.put_policies([policy("a", nodeSelector={"zone": "x"})])
    made.judge("n1", node(), reported())
    judged = made.judge("n1", node(labels={**WORKER, "zone": "x"}), reported())
    assert not made.standing("a").ready
    made.written("n1", judged.moment)
    assert made.standing("a").ready


def test_a_standing_is_that_of_the_generation_that_is_asked_for():
    made = board("a")
    assert made.standing("a", 3)
    assert made.standing("a", 4) is None


def test_a_node_is_not_done_with_what_a_policy_gets_back_from_a_stronger_one():
    made = board()
    made.put_policies([policy("strong", priority=0), policy("a")])
    made.written("n1", made.judge("n1", node(), reported()).moment)
    assert made.standing("a").reason == "Displaced"
    made.drop_policy("strong")
    told = made.standing("a")  # no pass has looked at the node since
    assert (told.reason, told.status.details[0].reason) == ("Progressing", NOT_TOLD.why)
    judged = made.judge("n1", node(), reported())
    assert judged.policies >= {"a"}
    made.written("n1", judged.moment)
    assert made.standing("a").ready
