"""Who uses a VF is found again in a capture and in a support bundle: the same findings, the same plan and cost."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from cli_runs import Cli, policy_text

from sriov_core.testing import trees
from sriov_core.testing.tree import FunctionFacts, Tree, UseFacts, VfFacts
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
MAC = re.compile(r"(?:[0-9a-f]{2}:){5,}[0-9a-f]{2}")
VM, OTHER_VM = "pid 77 (qemu-system-x86)", "pid 78 (qemu-system-x86)"
UNTOLD = "another network namespace (a container)"
SAME_WORDS: Mapping[str, str] = {}


@attrs.frozen(kw_only=True)
class Case:
    """A machine by its file and what is done to it; who uses which VF of it, and what the captures call them."""

    name: str = "intel-82576"
    done: Callable[[Tree], None]
    used: Mapping[int, str]
    called: Mapping[str, str] = SAME_WORDS
    device_type: str = "netdevice"

    @property
    def tree(self) -> Tree:
        found = trees.load(TREES / f"{self.name}.yaml")
        del found.functions[1:]
        found.cards.clear()  # a capture holds no firmware of a card
        world = FakeWorld(found)
        if not found.functions[0].is_vf:
            world.set_link(world.functions()[0].address, up=True)
            world.set_num_vfs(world.functions()[0].address, 4)
        tree = world.tree()
        self.done(tree)
        return tree


def first(tree: Tree) -> FunctionFacts:
    return tree.functions[0]


def vf(tree: Tree, index: int) -> VfFacts:
    assert tree.functions[0].sriov
    return tree.functions[0].sriov.vfs[index]


def moved(*names: str) -> Callable[[Tree], None]:
    """The netdevs of the first VFs are in these network namespaces; some carry the name that is usual in a pod."""

    def do(tree: Tree) -> None:
        for index, name in enumerate(names):
            link = vf(tree, index).link
            assert link
            link.netns, link.name = name, f"net{index}"

    return do


def held(kernel_driver: str, *holders: str, hidden: bool = False) -> Callable[[Tree], None]:
    """Processes have the device nodes of the first VFs open."""

    def do(tree: Tree) -> None:
        tree.node.modules.append(kernel_driver.replace("-", "_"))
        for index, holder in enumerate(holders):
            held_vf = vf(tree, index)
            held_vf.kernel_driver = held_vf.driver_override = kernel_driver
            held_vf.link, held_vf.holder, held_vf.holder_hidden = None, holder, hidden

    return do


def vdpa(tree: Tree) -> None:
    vf(tree, 1).vdpa, vf(tree, 1).holder = "vhost", VM


def alone_elsewhere(tree: Tree) -> None:
    first(tree).links[0].netns = "pod"


def alone_untold(tree: Tree) -> None:
    first(tree).links[0].netns = "?"


def alone_held(tree: Tree) -> None:
    function = first(tree)
    tree.node.modules.append("vfio_pci")
    function.unbound_driver, function.unbound_links = function.kernel_driver, list(function.links)
    function.links.clear()
    function.kernel_driver, function.holder = "vfio-pci", VM


def pf_elsewhere(tree: Tree) -> None:
    first(tree).links[0].netns = "pod"


def in_use_by_the_host(tree: Tree) -> None:
    first(tree).uses = [UseFacts(kind="bond", detail="enp1s0 belongs to bond bond0")]
    moved("pod")(tree)


def both(tree: Tree) -> None:
    held("vfio-pci", VM)(tree)
    link = vf(tree, 3).link
    assert link
    link.netns = "pod"


POD, NETNS, PROCESS = "network namespace pod", "network namespace netns-1", "process-1"
CASES = [
    pytest.param(Case(done=lambda _: None, used={}), id="nobody"),
    pytest.param(Case(done=moved("pod"), used={0: POD}, called={POD: NETNS}), id="a-pod"),
    pytest.param(
        Case(
            done=moved("shop", "till", "shop"),
            used={0: "network namespace shop", 1: "network namespace till", 2: "network namespace shop"},
            called={"network namespace shop": NETNS, "network namespace till": "network namespace netns-2"},
        ),
        id="two-pods-one-with-two-vfs",
    ),
    pytest.param(Case(done=moved("?", "?"), used={0: UNTOLD, 1: UNTOLD}), id="namespaces-that-no-host-tells"),
    pytest.param(
        Case(done=held("vfio-pci", VM), used={0: VM}, called={VM: PROCESS}),
        id="a-virtual-machine",
    ),
    pytest.param(
        Case(
            done=held("vfio-pci", VM, OTHER_VM, VM),
            used={0: VM, 1: OTHER_VM, 2: VM},
            called={VM: PROCESS, OTHER_VM: "process-2"},
        ),
        id="two-virtual-machines-one-with-two-vfs",
    ),
    pytest.param(Case(done=held("vfio-pci", VM, hidden=True), used={}), id="a-virtual-machine-that-nobody-sees"),
    pytest.param(
        Case(
            done=held("igb_uio", "pid 5 (dpdk-testpmd)"),
            used={0: "pid 5 (dpdk-testpmd)"},
            called={"pid 5 (dpdk-testpmd)": PROCESS},
        ),
        id="a-process-by-uio",
    ),
    pytest.param(
        Case(name="mellanox-connectx6dx", done=vdpa, used={1: VM}, called={VM: PROCESS}),
        id="a-virtual-machine-by-vdpa",
    ),
    pytest.param(
        Case(name="mellanox-connectx6-ib", done=moved("pod"), used={0: POD}, called={POD: NETNS}),
        id="a-pod-on-infiniband",
    ),
    pytest.param(
        Case(done=both, used={0: VM, 3: POD}, called={VM: PROCESS, POD: NETNS}),
        id="a-virtual-machine-and-a-pod",
    ),
    pytest.param(
        Case(
            done=in_use_by_the_host,
            used={0: POD},
            called={POD: NETNS, "enp1s0 belongs to bond bond0": "bond (detail removed)"},
        ),
        id="the-host-and-a-pod",
    ),
    pytest.param(Case(done=pf_elsewhere, used={}), id="a-pod-with-the-pf"),
    pytest.param(
        Case(name="openstack-iavf", done=alone_elsewhere, used={0: POD}, called={POD: NETNS}, device_type="vfio-pci"),
        id="a-pod-in-a-guest",
    ),
    pytest.param(
        Case(name="openstack-mlx5", done=alone_untold, used={0: UNTOLD}, device_type="vfio-pci"),
        id="a-namespace-in-a-guest-that-it-does-not-tell",
    ),
    pytest.param(
        Case(name="openstack-iavf", done=alone_held, used={0: VM}, called={VM: PROCESS}),
        id="a-process-in-a-guest",
    ),
]


def told(cli: Cli, machine: Path, policy: Path) -> dict[str, Any]:
    """What `probe` and `plan` say of a machine, less its addresses, which the captures replace."""
    seen, plan = (cli(*verb, "--host", machine, "-o", "json") for verb in (("probe",), ("plan", "-f", policy)))
    keep = ("address", "kernel_driver", "name", "used_by", "vdpa_type")
    return {
        "codes": (seen.code, plan.code),
        "findings": [(one["code"], one["nic"], one["fact"]) for one in seen.data["findings"]],
        "vfs": [{field: one[field] for field in keep} for nic in seen.data["nics"] for one in nic["vfs"]],
        "plan": json.loads(MAC.sub("MAC", plan.out)),
    }


def renamed(value: dict[str, Any], called: Mapping[str, str]) -> Any:
    text = json.dumps(value)
    for name, stand_in in called.items():
        text = text.replace(name, stand_in)
    return json.loads(text)


@pytest.mark.parametrize("case", CASES)
def test_a_user_of_a_vf_is_found_again(cli: Cli, case: Case, tmp_path: Path) -> None:
    machine, capture, bundle = tmp_path / "machine.json", tmp_path / "capture.yaml", tmp_path / "bundle.tar.gz"
    policy = tmp_path / "policy.json"
    tree = case.tree
    machine.write_text(trees.dump_json(tree))
    count = 1 if first(tree).is_vf else 2
    nic = {"rootDevices": [first(tree).address]}
    rdma = {"isRdma": True, "linkType": "ib"} if "ib" in case.name.split("-") else {}
    policy.write_text(policy_text(numVfs=count, nicSelector=nic, deviceType=case.device_type, **rdma))
    before = told(cli, machine, policy)
    assert {index: one["used_by"] for index, one in enumerate(before["vfs"]) if one["used_by"]} == case.used
    assert before["plan"]["cost"] == ("drain" if case.used else "vf-loss")
    assert cli("capture", "--host", machine, "--out", capture).code == 0
    assert cli("support-bundle", "--host", machine, "--output", bundle).code == 0
    expected = renamed(before, case.called)
    assert renamed(told(cli, capture, policy), {}) == expected
    assert renamed(told(cli, bundle, policy), {}) == expected
