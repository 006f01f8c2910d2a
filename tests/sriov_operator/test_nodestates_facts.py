"""What is understood of a node from what the caches hold of it."""

import msgspec
import pytest
from some_nodestates import CX6, X710, node, reported, state

from sriov_core.api.nodestate import NodeState
from sriov_core.model.address import Address
from sriov_core.policy.nodeoutcome import WORKER, relevant
from sriov_core.policy.nodereport import to_nics
from sriov_core.policy.reach import DONE, UNREPORTED, Progress
from sriov_operator.nodestates.facts import platform, seen
from sriov_operator.process.lean import LeanNodeState


def condition(name: str, status: str, **facts: object) -> dict[str, object]:
    return {"type": name, "status": status, "observedGeneration": 2, "lastTransitionTime": "", **facts}


def test_a_node_without_a_state_has_labels_and_nothing_else():
    found = seen(node(), None)
    assert (found.facts.labels, found.facts.nics, found.facts.has_state) == (WORKER, (), False)
    assert found.sync == UNREPORTED


def test_the_nics_are_those_that_the_whole_report_gives():
    whole = {
        "metadata": {"name": "n1"},
        "spec": {"system": {"rdmaMode": "exclusive"}},
        "status": {"interfaces": [{**CX6, "altNames": ["lan7"], "eSwitchMode": "switchdev", "numVfs": 2}, X710]},
    }
    found = seen(node(), msgspec.convert(whole, LeanNodeState))
    assert found.facts.nics == tuple(map(relevant, to_nics(msgspec.convert(whole, NodeState))))
    assert found.facts.rdma_mode == "exclusive"
    assert found.facts.has_state


@pytest.mark.parametrize(
    ("nics", "told"),
    [
        pytest.param([{**X710, "pciAddress": "../etc"}], "status.interfaces[0].pciAddress", id="no-address"),
        pytest.param([X710, {**X710, "linkType": "rope"}], "status.interfaces[1].linkType", id="no-link-type"),
        pytest.param([X710, {**CX6, "eSwitchMode": "on"}], "status.interfaces[1].eSwitchMode", id="no-mode"),
        pytest.param([X710, X710], "status.interfaces[1].pciAddress", id="one-nic-twice"),
    ],
)
def test_a_report_that_cannot_be_understood_leaves_the_wish_and_says_why(nics, told):
    found = seen(node(), reported("n1", *nics))
    assert found.facts.nics == ()
    assert found.facts.has_state
    assert [fault.path for fault in found.faults][:1] == [told]
    assert found.sync.progress is Progress.FAILED
    assert told in found.sync.why


@pytest.mark.parametrize(
    ("told", "provider", "where"),
    [
        pytest.param("baremetal", "aws:///eu/i-1", "baremetal", id="the-agent-knows-best"),
        pytest.param("", "openstack:///1-2-3", "openstack", id="openstack-by-the-node"),
        pytest.param("", "aws:///eu-central-1a/i-0", "aws", id="aws-by-the-node"),
        pytest.param("", "metal3://rack/1", "baremetal", id="neither"),
    ],
)
def test_where_a_node_runs(told, provider, where):
    assert platform(node(providerID=provider), reported(platform=told)) == where


@pytest.mark.parametrize(
    ("facts", "where", "itself"),
    [
        pytest.param({"totalvfs": 1, "numVfs": 1}, "openstack", True, id="a-vf-in-a-virtual-machine"),
        pytest.param({"totalvfs": 8, "numVfs": 1}, "openstack", False, id="a-pf-in-a-virtual-machine"),
        pytest.param({"totalvfs": 1, "numVfs": 1}, "baremetal", False, id="a-pf-with-one-vf"),
    ],
)
def test_a_vf_without_a_pf_is_its_own_vf(facts, where, itself):
    (nic,) = seen(node(), reported("n1", {**X710, **facts}, platform=where)).facts.nics
    assert [vf.address for vf in nic.vfs] == ([Address.parse(X710["pciAddress"])] if itself else [])


SYNCS = {
    "done": (reported(), Progress.DONE, ""),
    "nothing-reported": (state(), Progress.PENDING, "no agent has reported"),
    "no-nics-and-done": (state(syncStatus="Succeeded"), Progress.DONE, ""),
    "in-progress": (reported(syncStatus="InProgress"), Progress.PENDING, "being configured"),
    "in-progress-and-says-what": (
        reported(
            syncStatus="InProgress",
            conditions=[condition("Progressing", "True", reason="Draining", message="waits for a drain")],
        ),
        Progress.PENDING,
        "waits for a drain",
    ),
    "not-looked-at-yet": (reported(syncStatus=""), Progress.PENDING, "being configured"),
    "failed": (reported(syncStatus="Failed", lastSyncError="no IOMMU"), Progress.FAILED, "no IOMMU"),
    "failed-in-silence": (reported(syncStatus="Failed"), Progress.FAILED, "does not say why"),
    "degraded": (
        reported(conditions=[condition("Degraded", "True", reason="Nics", message="ens803f0: no such file")]),
        Progress.FAILED,
        "no such file",
    ),
    "not-degraded": (reported(conditions=[condition("Degraded", "False", reason="Fine")]), Progress.DONE, ""),
    "done-with-an-older-wish": (
        reported(conditions=[{**condition("Ready", "True", reason="Done"), "observedGeneration": 1}]),
        Progress.PENDING,
        "wish as it is now",
    ),
    "waits-for-a-place": (
        reported(
            syncStatus="InProgress",
            conditions=[
                condition("Progressing", "True", reason="WaitingForDrain", message="waits for its turn to be drained"),
                condition("Drained", "False", reason="Waiting", message="pool big: maxUnavailable is 0"),
            ],
        ),
        Progress.PENDING,
        "its drain waits: pool big: maxUnavailable is 0; waits for its turn to be drained",
    ),
    "a-budget-forbids-it": (
        reported(
            syncStatus="InProgress",
            conditions=[condition("Drained", "False", reason="Blocked", message="pod default/app may not be evicted")],
        ),
        Progress.PENDING,
        "its drain is blocked: pod default/app may not be evicted; it is being configured",
    ),
    "no-drain-is-asked-for": (
        reported(
            syncStatus="InProgress", conditions=[condition("Drained", "False", reason="Idle", message="no drain")]
        ),
        Progress.PENDING,
        "it is being configured",
    ),
    "done-with-this-wish": (reported(conditions=[condition("Ready", "True", reason="Done")]), Progress.DONE, ""),
}


@pytest.mark.parametrize(("found", "progress", "why"), SYNCS.values(), ids=SYNCS.keys())
def test_how_far_a_node_is(found, progress, why):
    sync = seen(node(), found).sync
    assert sync.progress is progress
    assert why in sync.why
    assert (sync == DONE) == (progress is Progress.DONE)
