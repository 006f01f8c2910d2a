"""VFs on InfiniBand through the whole engine: GUIDs from the pool or derived, and a pool that is wrong."""

import json

import pytest
from mellanox_machines import Node, problems, tree, wish, world

from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID, VfGroup
from sriov_core.testing.faults import Crash, Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.tree import Tree, VfFacts
from sriov_plugins.mellanox.guids import POOL_PATH, derived

PF = Address("0000:5e:00.0")
ETHERNET = Address("0000:3b:00.0")
PF_GUID = "02:00:00:03:00:00:00:71"
POOLED = [f"02:00:00:00:00:00:01:{index:02x}" for index in range(4)]


def node(pool: object = None, name: str = "connectx6-ib") -> Node:
    made = tree(name)
    if pool is not None:
        made.node.other_files[POOL_PATH] = pool if isinstance(pool, str) else json.dumps(pool)
    return Node(world(made))


def guids(machine: Node) -> list[str | None]:
    """What the RDMA devices of the VFs show."""
    return [vf.guid for vf in machine.host.tree().functions[0].sriov.vfs]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"pci_address": str(PF), "guids": POOLED}, id="a-list-by-address"),
        pytest.param({"pf_guid": PF_GUID, "guidsRange": {"start": POOLED[0], "end": POOLED[-1]}}, id="a-range-by-guid"),
    ],
)
def test_vfs_have_the_guids_of_the_pool_in_its_order(entry):
    machine = node([entry])
    assert machine.settle(wish(PF, 3)) == 0
    assert guids(machine) == POOLED[:3]


@pytest.mark.parametrize(
    "pool",
    [pytest.param(None, id="no-file"), pytest.param([{"pci_address": "0000:01:00.0", "guids": POOLED}], id="no-entry")],
)
def test_without_a_pool_guids_are_derived_and_the_same_after_a_reboot(pool):
    machine = node(pool)
    assert machine.settle(wish(PF, 4)) == 0
    before = guids(machine)
    assert before == [derived(machine.host.tree().functions[0].links[0].mac, index) for index in range(4)]
    machine.host.reboot()
    assert machine.settle(wish(PF, 4)) == 0
    assert guids(machine) == before


def bound_too_early(made: Tree) -> None:
    """VFs that somebody made while no GUID was told to their PF."""
    sriov = made.functions[0].sriov
    sriov.vfs = [
        VfFacts(index=index, address=f"0000:5e:00.{index + 1}", kernel_driver="mlx5_core", guid=NO_GUID)
        for index in range(2)
    ]


def test_vfs_that_were_bound_without_a_guid_are_bound_anew_with_one():
    machine = node()
    machine.alter(bound_too_early)
    result = machine.converge(wish(PF, 2))
    kinds = [planned.step.kind for planned in result.first.steps if planned.step.kind != "set-autoprobe"]
    assert kinds == [kind for kind in ("bind-driver", "set-vf-guid", "bind-driver") for _ in range(2)]
    assert named(machine)


def named(machine: Node) -> bool:
    found = guids(machine)
    return None not in found and NO_GUID not in found and len(set(found)) == len(found) == 2


@pytest.mark.parametrize("after", [pytest.param(False, id="before-it"), pytest.param(True, id="after-it")])
@pytest.mark.parametrize("verb", range(1, 7))
def test_whatever_verb_a_run_dies_at_the_next_one_ends_with_guids(verb, after):
    machine = node()
    machine.alter(bound_too_early)
    faults = Faults()
    faults.plan(lambda found: found.ordinal == verb, None, after=after)
    with pytest.raises(Crash):
        Node(struck(machine.host, faults)).converge(wish(PF, 2))
    assert machine.settle(wish(PF, 2)) == 0
    assert named(machine)


def told_in_vain(made: Tree) -> None:
    bound_too_early(made)
    for vf in made.functions[0].sriov.vfs:
        vf.admin_guid = POOLED[vf.index]


def test_vfs_that_show_no_guid_although_they_were_told_one_are_left_alone():
    machine = node()
    machine.alter(told_in_vain)
    result = machine.converge(wish(PF, 2))
    assert (result.converged, result.first.steps) == (True, ())


RDMA = (VfGroup(first=0, last=1, is_rdma=True),)


def test_where_the_pf_is_in_a_pod_vfs_without_guids_are_a_problem_and_are_not_touched_time_and_again():
    machine = node(name="connectx5")
    machine.host.set_num_vfs(ETHERNET, 2)  # bound at once, before anybody told addresses
    machine.alter(lambda made: setattr(made.functions[0].links[0], "netns", "pod"))
    before = machine.host.tree()
    for _ in range(2):
        result = machine.converge(wish(ETHERNET, 2, groups=RDMA))
        assert (problems(result), result.first.steps) == (["no-guid"], ())
    assert machine.host.tree() == before


def test_on_ethernet_vfs_bound_without_a_guid_get_one_of_their_mac():
    machine = node(name="connectx5")
    machine.host.set_num_vfs(ETHERNET, 2)
    assert guids(machine) == [NO_GUID, NO_GUID]
    assert machine.settle(wish(ETHERNET, 2, groups=RDMA)) == 0
    assert named(machine)
    assert machine.converge(wish(ETHERNET, 2, groups=RDMA)).first.steps == ()


BAD = "[{"
SMALL = [{"pci_address": str(PF), "guids": POOLED[:1]}]


@pytest.mark.parametrize(
    ("pool", "code", "words"),
    [
        pytest.param(BAD, "guid-pool", POOL_PATH, id="no-json"),
        pytest.param(SMALL, "guid-pool-exhausted", "1 GUIDs for VFs of this PF, and 2 VFs are wanted", id="too-small"),
    ],
)
def test_a_pool_that_cannot_serve_is_a_problem_of_its_pf(pool, code, words):
    result = node(pool).converge(wish(PF, 2))
    (problem,) = result.last.plan.all_problems
    assert (problem.code, problem.nic) == (code, PF)
    assert words in problem.text


@pytest.mark.parametrize(
    ("pool", "name", "wanted"),
    [
        pytest.param(BAD, "connectx6-ib", wish(PF, 0), id="no-vfs-wished"),
        pytest.param(BAD, "connectx5", wish(ETHERNET, 4), id="an-ethernet-port"),
        pytest.param(SMALL, "connectx6-ib", wish(PF, 1), id="just-large-enough"),
    ],
)
def test_nobody_else_minds_the_pool(pool, name, wanted):
    assert node(pool, name).settle(wanted) == 0


def test_giving_back_minds_no_pool_either():
    machine = node([{"pci_address": str(PF), "guids": POOLED}])
    assert machine.settle(wish(PF, 4)) == 0
    machine.alter(lambda made: made.node.other_files.update({POOL_PATH: BAD}))
    assert machine.settle(release=True) == 0
    assert guids(machine) == []


def test_more_vfs_than_the_firmware_offers_take_a_reboot_and_get_their_guids_then():
    machine = node([{"pci_address": str(PF), "guidsRange": {"start": POOLED[0], "end": "02:00:00:00:00:00:02:00"}}])
    first = machine.converge(wish(PF, 12))
    assert problems(first) == []
    machine.host.reboot()
    assert machine.settle(wish(PF, 12)) == 0
    assert guids(machine)[11] == "02:00:00:00:00:00:01:0b"
