"""What the status of a policy makes of how far its nodes are."""

import pytest
from three_ports import PORTS, nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.observed import Nic
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.judging import candidates
from sriov_core.policy.nodeoutcome import WORKER, NodeFacts
from sriov_core.policy.reach import DONE, MOST_DETAILS, UNREPORTED, Progress, Reach, Standing, Sync, standing

BUSY = Sync(Progress.PENDING, "it is being configured")
BROKEN = Sync(Progress.FAILED, "no IOMMU")
STRONG = policy("strong", priority=1, pf_names=("ens803f1",), num_vfs=2)
WIDE = policy("wide", vendor="8086", num_vfs=2)
ELSEWHERE = (nic(0, vendor="15b3"),)


def stands(own: NodePolicy, *others: NodePolicy, syncs: dict[str, Sync], nics: dict[str, tuple[Nic, ...]]) -> Standing:
    fleet = Fleet()
    fleet.put_policies([own, *others])
    for node in (*syncs, *(node for node in nics if node not in syncs)):
        fleet.put_node(NodeFacts(name=node, labels=WORKER, nics=nics.get(node, PORTS)))
    return fleet.standing(own.metadata.name, syncs)


CASES = {
    "all-done": (stands(WIDE, syncs={"a": DONE, "b": DONE}, nics={}), (True, "Applied"), (0, 0), []),
    "one-under-way": (
        stands(WIDE, syncs={"a": DONE, "b": BUSY}, nics={}),
        (False, "Progressing"),
        (0, 1),
        ["b waiting it is being configured"],
    ),
    "one-failed": (
        stands(WIDE, syncs={"a": BUSY, "b": BROKEN}, nics={}),
        (False, "Failed"),
        (1, 1),
        ["b failed no IOMMU", "a waiting it is being configured"],
    ),
    "one-has-not-reported": (
        stands(WIDE, syncs={"a": DONE, "b": UNREPORTED}, nics={"b": ()}),
        (False, "Progressing"),
        (0, 1),
        ["b waiting no agent has reported from this node yet"],
    ),
    "one-is-not-known": (
        stands(WIDE, syncs={"a": DONE}, nics={"a": PORTS, "b": ()}),
        (False, "Progressing"),
        (0, 1),
        ["b waiting no agent has reported from this node yet"],
    ),
    "nobody-has-reported": (
        stands(WIDE, syncs={"a": UNREPORTED}, nics={"a": ()}),
        (False, "NotReported"),
        (0, 1),
        ["a waiting no agent has reported from this node yet"],
    ),
    "nobody-has-a-nic": (
        stands(WIDE, syncs={"a": DONE}, nics={"a": ()}),
        (False, "NoNicMatched"),
        (0, 0),
        ["a unmatched it reports no NIC"],
    ),
    "one-reports-garbage": (
        stands(WIDE, syncs={"a": DONE, "b": BROKEN}, nics={"b": ()}),
        (False, "Failed"),
        (1, 0),
        ["b failed no IOMMU"],
    ),
    "a-node-that-fails-for-others": (
        stands(WIDE, syncs={"a": DONE, "b": BROKEN}, nics={"b": ELSEWHERE}),
        (True, "Applied"),
        (0, 0),
        ["b unmatched ens803f0: nicSelector.vendor wants 8086, the NIC has 15b3"],
    ),
    "partly-displaced": (
        stands(WIDE, STRONG, syncs={"a": DONE}, nics={}),
        (True, "PartlyDisplaced"),
        (0, 0),
        ["a displaced ens803f1: VFs 0-1 went to policy strong: priority 1 is stronger than 99"],
    ),
    "partly-displaced-and-under-way": (
        stands(WIDE, STRONG, syncs={"a": BUSY}, nics={}),
        (False, "Progressing"),
        (0, 1),
        ["a waiting it is being configured"],
    ),
    "no-vfs-asked-for": (stands(policy(num_vfs=0), syncs={"a": BUSY}, nics={}), (False, "NoVfs"), (0, 0), []),
}


@pytest.mark.parametrize(("found", "verdict", "counts", "details"), CASES.values(), ids=CASES.keys())
def test_a_policy_is_ready_when_its_nodes_are(found, verdict, counts, details):
    assert (found.ready, found.reason) == verdict
    assert (found.status.failed_nodes, found.status.pending_nodes) == counts
    assert [f"{one.node} {one.outcome} {one.reason}" for one in found.status.details] == details


@pytest.mark.parametrize(
    ("syncs", "told"),
    [
        pytest.param({"a": DONE, "b": BUSY}, ": b: it is being configured", id="one"),
        pytest.param({"a": BUSY, "b": BUSY}, ": a: it is being configured; and 1 more node", id="two"),
        pytest.param(
            {f"n{number:02}": BUSY for number in range(30)},
            ": n00: it is being configured; and 29 more nodes",
            id="many",
        ),
    ],
)
def test_the_first_node_that_is_waited_for_is_named_with_its_reason(syncs, told):
    assert stands(WIDE, syncs=syncs, nics={}).message == f"not all nodes are done yet{told}"


def test_a_policy_is_applied_where_it_is_in_place_and_nowhere_else():
    status = stands(WIDE, syncs={"a": DONE, "b": BUSY, "c": BROKEN}, nics={}).status
    assert (status.matched_nodes, status.applied_nodes, status.applied_nics, status.applied_vfs) == (3, 1, 3, 6)


def test_displaced_nodes_are_counted_with_and_without_progress():
    assert stands(WIDE, STRONG, syncs={"a": DONE, "b": DONE}, nics={}).status.displaced_nodes == 2


def test_the_first_nodes_are_named_and_the_message_stays_short():
    (candidate,) = candidates([WIDE])
    nodes = [f"n{number:03}" for number in range(500)]
    reaches = {node: Reach(taken=1) for node in reversed(nodes)}
    found = standing(candidate, reaches, dict.fromkeys(nodes, BROKEN))
    assert [one.node for one in found.status.details] == nodes[:MOST_DETAILS]
    assert found.status.failed_nodes == 500
    assert found.message == "500 nodes could not be configured: " + "; ".join(
        (*(f"{node}: no IOMMU" for node in nodes[:3]), "and 497 more nodes")
    )


def test_the_reason_does_not_change_with_every_node_that_is_done():
    (candidate,) = candidates([WIDE])
    reaches = {f"n{number}": Reach(taken=1) for number in range(5)}
    told = {standing(candidate, reaches, {f"n{number}": DONE for number in range(done)}).reason for done in range(5)}
    assert len(told) == 1


def test_a_long_reason_is_shortened():
    (candidate,) = candidates([WIDE])
    found = standing(candidate, {"a": Reach(taken=1)}, {"a": Sync(Progress.FAILED, "x" * 5000)})
    assert len(found.status.details[0].reason) == 400


def test_nodes_with_equal_cards_share_what_is_kept_of_them():
    fleet = Fleet()
    for name in ("a", "b"):
        fleet.put_node(NodeFacts(name=name, labels=WORKER, nics=tuple(nic(port) for port in range(3))))
    assert fleet._nodes["a"].nics is fleet._nodes["b"].nics


def test_a_node_is_managed_when_it_is_known_and_has_the_labels():
    fleet = Fleet()
    fleet.put_node(NodeFacts(name="a", labels=WORKER))
    fleet.put_node(NodeFacts(name="b", labels={}))
    assert [fleet.manages(name) for name in ("a", "b", "c")] == [True, False, False]
