"""Firmware through the whole engine, on machines whose cards keep their settings over a reboot."""

from itertools import permutations

import pytest
from mellanox_machines import (
    A1,
    A2,
    B1,
    B2,
    Node,
    calls,
    card,
    problems,
    required,
    settings,
    tree,
    two_cards,
    vfs,
    wish,
    world,
)

from sriov_core.model.observed import LinkType
from sriov_core.testing.faults import Crash, Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.tree import Tree

BOTH = [wish(A1, 16), wish(A2, 4), wish(B1, 4), wish(B2, 12)]


@pytest.mark.parametrize(
    "wishes", [pytest.param(order, id="-".join(str(o.address)[5:] for o in order)) for order in permutations(BOTH, 4)]
)
def test_two_dual_port_cards_take_one_reboot_in_any_order(wishes):
    node = Node(world(two_cards()))
    first = node.converge(*wishes)
    assert sorted(required(first)) == ["firmware:0000:3b:00:NUM_OF_VFS>=16", "firmware:0000:5e:00:NUM_OF_VFS>=12"]
    assert sorted(calls(first)) == [
        "mstconfig -d 0000:3b:00.0 -y set NUM_OF_VFS=16",
        "mstconfig -d 0000:5e:00.0 -y set NUM_OF_VFS=12",
    ]
    node.host.reboot()
    assert node.settle(*wishes) == 0
    assert vfs(node.host) == {str(one.address): one.num_vfs for one in wishes}


def test_a_card_without_sriov_is_switched_on_with_one_reboot():
    node = Node(world(tree("bluefield2")))
    wanted = wish(node.host.functions()[0].address, 12)
    assert node.settle(wanted) == 1
    assert settings(node.host) == {"NUM_OF_VFS": "12", "SRIOV_EN": "True(1)"}
    assert list(vfs(node.host).values()) == [12]


@pytest.mark.parametrize(
    "smaller", [pytest.param(8, id="to-half"), pytest.param(1, id="to-one"), pytest.param(0, id="to-none")]
)
def test_fewer_vfs_cost_no_reboot_and_leave_the_firmware_as_it_is(smaller):
    node = Node(world())
    assert node.settle(wish(A1, 16)) == 1
    assert node.settle(wish(A1, smaller)) == 0
    assert settings(node.host)["NUM_OF_VFS"] == "16"
    assert vfs(node.host)[str(A1)] == smaller


def test_what_waits_for_the_reboot_is_not_asked_for_again():
    node = Node(world())
    node.converge(wish(A1, 16))
    again = node.converge(wish(A1, 16))
    assert calls(again) == []
    assert required(again) == ["firmware:0000:3b:00:NUM_OF_VFS>=16"]
    assert vfs(node.host)[str(A1)] == 0


def test_the_other_port_does_not_wait():
    node = Node(world())
    node.converge(wish(A1, 16), wish(A2, 4))
    assert vfs(node.host) == {str(A1): 0, str(A2): 4}


def forgets(made: Tree) -> None:
    """The firmware took every setting, and drops it."""
    for facts in made.cards:
        facts.next = {}


def without_tool(made: Tree) -> None:
    made.node.missing_tools = ["mstconfig"]


def with_tool(made: Tree) -> None:
    made.node.missing_tools = []


def test_firmware_that_ignores_a_value_is_not_rebooted_for_twice_but_for_another_value():
    node = Node(world())
    for value in (16, 20):
        assert required(node.converge(wish(A1, value))) == [f"firmware:0000:3b:00:NUM_OF_VFS>={value}"]
        node.alter(forgets)
        node.host.reboot()
        after = node.converge(wish(A1, value))
        assert (required(after), problems(after)) == ([], ["reboot-without-effect"])
        assert problems(node.converge(wish(A1, value))) == ["reboot-without-effect"]


def test_a_tool_that_fails_asks_for_no_reboot_and_says_what_it_said():
    node = Node(world(max_vfs=12))
    result = node.converge(wish(A1, 16))
    (failure,) = result.failures
    assert "larger than maximum allowed 12" in failure.error
    assert node.journal.read().reboots == ()


@pytest.mark.parametrize(
    ("node_facts", "card_facts", "code"),
    [
        pytest.param({"missing_tools": ["mstconfig"]}, {}, "firmware-tool-missing", id="no-tool"),
        pytest.param({"lockdown": "integrity"}, {}, "firmware-lockdown", id="lockdown"),
        pytest.param({}, {"failure": "Failed to open the device"}, "firmware-unreadable", id="a-tool-that-fails"),
        pytest.param({}, {"read_only": ["NUM_OF_VFS"]}, "firmware-no-sriov", id="read-only-settings"),
    ],
)
def test_what_keeps_the_firmware_from_changing_is_a_problem_only_where_it_must_change(node_facts, card_facts, code):
    made = tree()
    for name, value in node_facts.items():
        setattr(made.node, name, value)
    node = Node(world(made, **card_facts))
    assert code in problems(node.converge(wish(A1, 16)))
    assert node.settle(wish(A1, 8)) == 0


def test_a_card_in_dpu_mode_is_left_alone():
    dpu = {f"INTERNAL_CPU_{name}": "ECPF(0)" for name in ("PAGE_SUPPLIER", "ESWITCH_MANAGER", "IB_VPORT0")}
    current = {**dpu, "INTERNAL_CPU_OFFLOAD_ENGINE": "ENABLED(0)", "NUM_OF_VFS": "8"}
    node = Node(world(tree("bluefield2"), current=current))
    result = node.converge(wish(node.host.functions()[0].address, 4))
    assert "firmware-dpu-mode" in problems(result)
    assert calls(result) == []


def test_a_release_puts_the_next_boot_back_without_asking_for_one():
    node = Node(world())
    assert node.settle(wish(A1, 16)) == 1
    assert node.settle(release=True) == 0
    assert settings(node.host) == {"NUM_OF_VFS": "8", "SRIOV_EN": "True(1)"}
    assert node.journal.read().nics == {}
    node.host.reboot()
    assert node.settle() == 0


def test_a_release_leaves_the_other_port_what_it_needs():
    node = Node(world())
    assert node.settle(wish(A1, 16), wish(A2, 12)) == 1
    assert node.settle(wish(A2, 12), release=True) == 0
    assert settings(node.host)["NUM_OF_VFS"] == "12"
    assert node.settle(release=True) == 0
    assert settings(node.host)["NUM_OF_VFS"] == "8"


def test_a_release_that_nobody_can_read_for_is_refused_and_not_forgotten():
    node = Node(world())
    assert node.settle(wish(A1, 16)) == 1
    node.alter(without_tool)
    assert problems(node.converge(release=True)) == ["firmware-tool-missing"]
    node.alter(with_tool)
    assert node.settle(release=True) == 0


@pytest.mark.parametrize("address", [pytest.param(A1, id="the-first-port"), pytest.param(A2, id="the-second-port")])
def test_a_port_changes_its_link_type_with_one_reboot_and_back_again(address):
    node = Node(world())
    number = int(str(address)[-1]) + 1
    assert node.settle(wish(address, 0, link_type=LinkType.IB)) == 1
    assert settings(node.host, ["LINK_TYPE_P1", "LINK_TYPE_P2"]) == {
        "LINK_TYPE_P1": "ETH(2)",
        "LINK_TYPE_P2": "ETH(2)",
        f"LINK_TYPE_P{number}": "IB(1)",
    }
    assert node.settle(wish(address, 4, link_type=LinkType.IB)) == 0
    assert node.settle(wish(address, 0, link_type=LinkType.ETH)) == 1


@pytest.mark.parametrize("mtu", [pytest.param(9000, id="above-what-infiniband-takes"), pytest.param(1500, id="within")])
def test_a_port_that_became_infiniband_is_given_back_without_its_mtu_of_ethernet(mtu):
    made = tree()
    made.functions[0].links[0].mtu = mtu
    node = Node(world(made))
    assert node.settle(wish(A1, 2, link_type=LinkType.IB)) == 1
    infiniband = node.host.tree().functions[0].links[0].mtu
    assert node.settle(release=True) == 0
    assert settings(node.host, ["LINK_TYPE_P1"]) == {"LINK_TYPE_P1": "ETH(2)"}
    assert node.host.tree().functions[0].links[0].mtu == infiniband
    assert node.journal.read().nics == {}


def test_an_mtu_that_was_raised_is_put_back_where_the_link_type_stayed():
    node = Node(world())
    before = node.host.tree().functions[0].links[0].mtu
    assert node.settle(wish(A1, 2, mtu=9000)) == 0
    assert node.settle(release=True) == 0
    assert node.host.tree().functions[0].links[0].mtu == before == 1500


def test_a_reset_takes_the_vfs_away_first_and_the_reboot_comes_all_the_same():
    node = Node(world())
    assert node.settle(wish(A1, 4)) == 0
    wanted = wish(A1, 16, reset_firmware=True)
    first = node.converge(wanted)
    assert [planned.step.kind for planned in first.first.steps] == ["set-firmware", "set-num-vfs", "reset-firmware"]
    assert required(first) == ["firmware:0000:3b:00:NUM_OF_VFS>=16+reset"]
    node.host.reboot()
    assert node.settle(wanted) == 0


def reset_of(result) -> list[str]:
    return [call for call in calls(result) if call.startswith("mstfwreset")]


def test_a_reset_is_made_up_for_after_a_crash_between_setting_and_reset():
    node = Node(world())
    crashed = Faults()
    crashed.plan(lambda verb: verb.name == "run_tool", None, after=True)
    wanted = wish(A1, 16, reset_firmware=True)
    with pytest.raises(Crash):
        Node(struck(node.host, crashed)).converge(wanted)
    assert (settings(node.host)["NUM_OF_VFS"], card(node.host).current.get("NUM_OF_VFS")) == ("16", "8")
    assert calls(node.converge(wanted)) == ["mstfwreset -d 0000:3b:00.0 --skip_driver -l 3 -y reset"]
    assert card(node.host).current["NUM_OF_VFS"] == "16"
    node.host.reboot()
    assert node.settle(wanted) == 0


def without_effect(made: Tree) -> None:
    """A warm reboot that does not make the card load its settings."""
    made.node.boot_id = "00000000-0000-0000-0000-0000000000ff"


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda _: None, id="in-the-same-boot"),
        pytest.param(without_effect, id="after-a-warm-reboot-without-effect"),
    ],
)
def test_a_reset_may_be_wished_for_when_the_setting_is_stored_already(meanwhile):
    node = Node(world())
    assert reset_of(node.converge(wish(A1, 16))) == []
    node.alter(meanwhile)
    wanted = wish(A1, 16, reset_firmware=True)
    result = node.converge(wanted)
    assert (len(calls(result)), len(reset_of(result)), problems(result)) == (1, 1, [])
    assert required(result) == ["firmware:0000:3b:00:NUM_OF_VFS>=16+reset"]
    node.host.reboot()
    assert node.settle(wanted) == 0


def test_a_reset_that_the_card_refuses_spoils_nothing():
    node = Node(world(reset_failure="The device is busy"))
    assert node.settle(wish(A1, 16, reset_firmware=True)) == 1


def test_a_reset_is_done_in_one_hand_and_the_other_port_waits_for_the_same_boot():
    node = Node(world())
    assert node.settle(wish(A1, 4), wish(A2, 4)) == 0
    wishes = (wish(A1, 16, reset_firmware=True), wish(A2, 4, reset_firmware=True))
    first = node.converge(*wishes)
    assert [(plan.nic, [planned.step.kind for planned in plan.steps]) for plan in first.first.nics] == [
        (A1, ["set-firmware", "set-num-vfs", "set-num-vfs", "reset-firmware"]),
        (A2, []),
    ]
    assert vfs(node.host) == {**vfs(node.host), str(A1): 0, str(A2): 0}
    again = node.converge(*wishes)
    assert (again.first.steps, required(again)) == ((), ["firmware:0000:3b:00:NUM_OF_VFS>=16+reset"])
    node.host.reboot()
    assert node.settle(*wishes) == 0
    assert vfs(node.host) == {**vfs(node.host), str(A1): 16, str(A2): 4}
