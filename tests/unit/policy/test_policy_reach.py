"""What the status of a policy says, from what became of it on each node."""

import pytest
from three_ports import PORTS, policy

from sriov_core.api.nodepolicy import NodePolicy, PolicyStatus
from sriov_core.policy.judging import candidates
from sriov_core.policy.reach import Standing, reach, standing
from sriov_core.policy.render import render


def stands(own: NodePolicy, *others: NodePolicy, nodes: int = 1, nics=PORTS) -> Standing:
    """The standing of a policy on that many equal nodes, among others."""
    summaries = {one.policy: one for one in render([own, *others], nics).summaries}
    found = reach(summaries[own.metadata.name])
    (candidate,) = candidates([own])
    return standing(candidate, {f"node{number}": found for number in range(nodes)})


WEAK = policy("weak", priority=99, num_vfs=2)
STRONG = policy("strong", priority=10, num_vfs=2)

CASES = {
    "holds-all-it-wants": (stands(STRONG, WEAK), True, "Applied", "VFs of 1 NIC on 1 node"),
    "several-nodes": (
        stands(policy(vendor="8086"), nodes=3),
        True,
        "Applied",
        "VFs of 9 NICs on 3 nodes",
    ),
    "lost-everything": (
        stands(WEAK, STRONG),
        False,
        "Displaced",
        "other policies won VFs: node0: ens803f1: VFs 0-1 went to policy strong: priority 10 is stronger than 99",
    ),
    "lost-one-of-two-nics": (
        stands(policy("wide", vendor="8086", pf_names=("ens803f0", "ens803f1")), STRONG),
        True,
        "PartlyDisplaced",
        (
            "VFs of 1 NIC on 1 node; other policies won VFs: node0: ens803f1: VFs 0-1 went to policy strong: "
            "priority 10 is stronger than 99"
        ),
    ),
    "no-node": (
        stands(policy(node_selector={"nic": "x710", "rack": "a"}), nodes=0),
        False,
        "NoNodeMatched",
        "no managed node has the labels of nodeSelector (nic=x710, rack=a)",
    ),
    "no-nic": (
        stands(policy(pf_names=("ens80",)), nodes=2),
        False,
        "NoNicMatched",
        (
            "nodeSelector selects 2 nodes, and nicSelector takes no NIC there; nearest: "
            "node0: ens803f0: nicSelector.pfNames wants ens80, the NIC has ens803f0 (ens80 exists as ens803f0); "
            "node1: ens803f0: nicSelector.pfNames wants ens80, the NIC has ens803f0 (ens80 exists as ens803f0)"
        ),
    ),
    "no-nic-and-none-that-is-close": (
        stands(policy(vendor="15b3", device_id="101d")),
        False,
        "NoNicMatched",
        (
            "nodeSelector selects 1 node, and nicSelector takes no NIC there; nearest: node0: ens803f0: "
            "nicSelector.vendor wants 15b3, the NIC has 8086; nicSelector.deviceID wants 101d, the NIC has 158b"
        ),
    ),
    "lost-a-group-to-one-that-takes-a-part-of-it": (
        stands(policy("weak", num_vfs=8), policy("strong", priority=10, num_vfs=8, pf_names=("ens803f1#0-3",))),
        False,
        "Displaced",
        (
            "other policies won VFs: node0: ens803f1: VFs 0-3 went to policy strong: priority 10 is stronger than "
            "99, and with them all of the group 0-7 is lost"
        ),
    ),
    "nothing-reported-yet": (
        stands(STRONG, nics=()),
        False,
        "NotReported",
        "nodeSelector selects 1 node, and none has reported its NICs yet",
    ),
    "invalid": (
        stands(policy(num_vfs=2, pf_names=("ens803f1#0-5",))),
        False,
        "Invalid",
        (
            "spec.nicSelector.pfNames[0]: 'ens803f1#0-5': the range ends at VF 5, and numVfs 2 gives VFs 0 to 1. "
            "Raise numVfs or shorten the range"
        ),
    ),
    "no-vfs": (stands(policy(num_vfs=0)), False, "NoVfs", "numVfs is 0, so no VFs are asked for"),
    "deprecated-name": (
        stands(policy("default")),
        False,
        "Ignored",
        "a policy named default is never applied: give it another name",
    ),
}


@pytest.mark.parametrize(("found", "ready", "reason", "message"), CASES.values(), ids=CASES.keys())
def test_a_policy_says_how_it_stands(found, ready, reason, message):
    assert (found.ready, found.reason, found.message) == (ready, reason, message)


def test_the_status_counts_nodes_and_nics():
    found = stands(policy(vendor="8086"), nodes=3)
    assert found.status == PolicyStatus(
        priority=found.status.priority, matched_nodes=3, applied_nodes=3, applied_nics=9, applied_vfs=9 * 2
    )


def test_vfs_are_those_of_the_policy_and_not_all_of_the_port():
    own, other = (
        policy("own", num_vfs=8, pf_names=("ens803f1#0-2",)),
        policy("other", num_vfs=8, pf_names=("ens803f1#4-7",)),
    )
    assert (stands(own, other).status.applied_vfs, stands(other, own).status.applied_vfs) == (3, 4)


def test_of_many_nodes_only_a_few_are_named():
    message = stands(WEAK, STRONG, nodes=9).message
    assert message.count("ens803f1") == 3
    assert message.endswith("; and 6 more nodes")
