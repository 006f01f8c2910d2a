"""The RDMA mode of a node: at run time where the kernel allows it, else with one reboot, and back on release."""

import attrs
import pytest
from planning_values import DRIVERS, NODE

from sriov_core.model.desired import NodeSpec
from sriov_core.model.nodesteps import SetRdmaMode, WriteFile
from sriov_core.model.observed import Snapshot
from sriov_core.planning.planner import plan
from sriov_core.planning.rdma import OPTIONS_PATH

EXCLUSIVE = "# Written by sriov-core.\noptions ib_core netns_mode=0\n"
SHARED = "# Written by sriov-core.\noptions ib_core netns_mode=1\n"
WRITE = WriteFile(path=OPTIONS_PATH, content=EXCLUSIVE)
REMOVE = WriteFile(path=OPTIONS_PATH, content=None)
TO_EXCLUSIVE = SetRdmaMode(was="shared", mode="exclusive")
TO_SHARED = SetRdmaMode(was="exclusive", mode="shared")
REBOOT = ["rdma-mode-exclusive"]
WISH = NodeSpec(rdma_mode="exclusive")
RELEASE = NodeSpec(restore_rdma_mode="shared")


def node(mode="shared", namespaces=0, content=None):
    files = {OPTIONS_PATH: content} if content else {}
    return attrs.evolve(NODE, rdma_mode=mode, other_net_namespaces=namespaces, files=files)


CASES = {
    "at-run-time": (node(), WISH, [WRITE, TO_EXCLUSIVE], []),
    "as-wished": (node("exclusive", content=EXCLUSIVE), WISH, [], []),
    "as-wished-but-not-for-the-next-boot": (node("exclusive"), WISH, [WRITE], []),
    "the-option-of-the-other-mode": (node("exclusive", content=SHARED), WISH, [WRITE], []),
    "with-containers-at-the-next-boot": (node(namespaces=3), WISH, [WRITE], REBOOT),
    "with-containers-and-everything-set": (node(namespaces=3, content=EXCLUSIVE), WISH, [], REBOOT),
    "without-an-rdma-subsystem-the-option-waits": (node(None), WISH, [WRITE], []),
    "no-wish": (node(), NodeSpec(), [], []),
    "no-wish-leaves-ours-alone": (node("exclusive", content=EXCLUSIVE), NodeSpec(), [], []),
    "given-back": (node("exclusive", content=EXCLUSIVE), RELEASE, [TO_SHARED, REMOVE], []),
    "given-back-with-the-next-boot": (node("exclusive", 2, EXCLUSIVE), RELEASE, [REMOVE], []),
    "given-back-but-for-the-mode": (node("exclusive"), RELEASE, [TO_SHARED], []),
    "given-back-already": (node(), RELEASE, [], []),
}


@pytest.mark.parametrize(("seen", "wish", "steps", "reboots"), CASES.values(), ids=CASES)
def test_the_mode_is_reached(seen, wish, steps, reboots):
    found = plan(Snapshot(node=seen), wish, DRIVERS)
    assert [entry.step for entry in found.node] == steps
    assert [reboot.requirement for reboot in found.reboots] == reboots
    assert found.all_problems == ()


def test_a_reboot_without_effect_is_not_asked_for_again():
    seen = node(namespaces=3, content=EXCLUSIVE)
    found = plan(Snapshot(node=seen), WISH, DRIVERS, spent_reboots=frozenset(REBOOT))
    (problem,) = found.all_problems
    assert (found.steps, found.reboots, problem.code) == ((), (), "rdma-mode")
    assert "initramfs" in problem.remedy


def test_a_mode_that_does_not_exist_is_refused():
    found = plan(Snapshot(node=node()), NodeSpec(rdma_mode="private"), DRIVERS)
    assert str(found.all_problems[0]) == (
        "RDMA mode 'private' is wanted, and there are shared and exclusive. Correct rdmaMode"
    )
    assert found.steps == ()
