"""Policies and NICs to the wish: who gets which VFs, and why."""

from typing import Any

import pytest
from three_ports import F0, F1, PORTS, groups, nic, policy

from sriov_core.api.bridge import BridgeWish, OvsWish
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.policy.render import render
from sriov_core.policy.verdict import Outcome, Rendering, Verdict

P = policy(pf_names=("ens803f1",), root_devices=("0000:86:00.1",), vendor="8086", device_type="netdevice")
WEAK, EQUAL = 99, 10


def strong(**changes: Any) -> NodePolicy:
    return policy("p1", **{"priority": EQUAL, **changes})


def verdict(rendering: Rendering, name: str, address: object = F1) -> Verdict:
    return next(entry for entry in rendering.verdicts if entry.policy == name and entry.nic == address)


def codes(rendering: Rendering) -> list[str]:
    return [problem.code for problem in rendering.problems]


MERGES = [
    pytest.param([P], 2, None, ["p1res netdevice 0-1"], id="alone"),
    pytest.param(
        [policy("a", num_vfs=3, device_type="vfio-pci", priority=WEAK), strong()],
        2, None, ["p1res netdevice 0-1"], id="stronger-overlap-decides-the-count",
    ),
    pytest.param(
        [policy("a", num_vfs=3, mtu=2000, device_type="vfio-pci", priority=EQUAL), strong()],
        3, 2000, ["p1res netdevice 0-1"], id="equal-overlap-keeps-the-larger-count-and-mtu",
    ),
    pytest.param(
        [policy("a", num_vfs=5, device_type="vfio-pci", pf_names=("ens803f1#2-4",), priority=EQUAL), strong()],
        5, None, ["p1res netdevice 0-1", "ares vfio-pci 2-4"], id="equal-without-overlap-keeps-both",
    ),
    pytest.param(
        [
            policy("a", num_vfs=2, pf_names=("ens803f1#0-0",), priority=EQUAL),
            policy("b", num_vfs=2, pf_names=("ens803f1#1-1",), priority=EQUAL),
            strong(),
        ],
        2, None, ["p1res netdevice 0-1"], id="two-groups-displaced-by-one",
    ),
    pytest.param(
        [
            policy("a", num_vfs=4, pf_names=("ens803f1#2-3",), device_type="vfio-pci", resource_name="p1res",
                   priority=EQUAL),
            strong(),
        ],
        4, None, ["p1res netdevice 0-1", "p1res vfio-pci 2-3"], id="one-resource-in-two-policies-keeps-both-groups",
    ),
    pytest.param(
        [policy("a", num_vfs=4, pf_names=("ens803f1#2-3",), priority=WEAK), strong()],
        4, None, ["p1res netdevice 0-1", "ares netdevice 2-3"], id="weaker-without-overlap-keeps-both",
    ),
    pytest.param(
        [policy(num_vfs=8, pf_names=("ens803f1#0-1", "ens803f1#4-5"))],
        8, None, ["p1res netdevice 0-1", "p1res netdevice 4-5"], id="two-ranges-of-one-pf",
    ),
    pytest.param(
        [policy(num_vfs=8, pf_names=("ens803f1#0-3", "ens803f1#6-7", "ens803f1#2-5"))],
        8, None, ["p1res netdevice 6-7", "p1res netdevice 0-5"], id="overlapping-ranges-of-one-policy-are-one",
    ),
    pytest.param(
        [policy(num_vfs=4, pf_names=("ens803f1", "ens803f1#0-1"))],
        4, None, ["p1res netdevice 0-3"], id="whole-pf-swallows-a-range-of-the-same-policy",
    ),
    pytest.param(
        [
            policy("a", num_vfs=10, priority=90),
            policy("b", num_vfs=2, pf_names=("ens803f0",), priority=EQUAL),
            policy("c", num_vfs=4, priority=EQUAL),
        ],
        4, None, ["cres netdevice 0-3"], id="equality-of-priority-counts-per-pf",
    ),
    pytest.param(
        [
            policy("a", num_vfs=10, pf_names=("ens803f1#8-9",), priority=90),
            policy("b", num_vfs=10, priority=50),
            policy("c", num_vfs=4, priority=EQUAL),
        ],
        4, None, ["cres netdevice 0-3"], id="a-policy-that-lost-everything-does-not-raise-the-count",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("policies", "num_vfs", "mtu", "expected"), MERGES)
def test_policies_of_one_pf_merge(
    policies: list[NodePolicy], num_vfs: int, mtu: int | None, expected: list[str]
) -> None:
    spec = render(policies, PORTS).spec.nic(F1)
    assert spec is not None
    assert (spec.num_vfs, spec.mtu, groups(spec)) == (num_vfs, mtu, expected)


def test_policies_of_two_pfs_keep_out_of_each_others_way() -> None:
    spec = render([policy("p2", pf_names=("ens803f0",), priority=99), strong()], PORTS).spec
    assert [(nic.name, nic.num_vfs, groups(nic)) for nic in spec.nics] == [
        ("ens803f0", 2, ["p2res netdevice 0-1"]),
        ("ens803f1", 2, ["p1res netdevice 0-1"]),
    ]


@pytest.mark.parametrize(
    ("existing", "vdpa", "expected"),
    [
        pytest.param("vhost", "virtio", [("2-3", "virtio"), ("0-1", "vhost")], id="both-kinds-on-one-pf"),
        pytest.param(None, "virtio", [("2-3", "virtio")], id="virtio-alone"),
    ],
)
def test_vdpa_types_stay_with_their_groups(existing: str | None, vdpa: str, expected: list[tuple[str, str]]) -> None:
    mode = {"eswitch_mode": "switchdev", "num_vfs": 4}
    weaker = [policy("a", pf_names=("ens803f1#0-1",), vdpa_type=existing, **mode)] if existing else []
    spec = render([*weaker, strong(pf_names=("ens803f1#2-3",), vdpa_type=vdpa, **mode)], PORTS).spec.nics[0]
    assert [(group.vf_range, group.vdpa_type) for group in spec.groups] == expected
    assert spec.num_vfs == 4


def test_vhost_on_a_whole_pf_is_one_group() -> None:
    spec = render([strong(vdpa_type="vhost", eswitch_mode="switchdev")], PORTS).spec.nics[0]
    assert [(group.vf_range, group.vdpa_type) for group in spec.groups] == [("0-1", "vhost")]


def test_a_selector_of_empty_lists_takes_nothing_and_says_so() -> None:
    rendering = render([policy(pf_names=(), root_devices=())], PORTS)
    assert rendering.spec.nics == ()
    assert verdict(rendering, "p1").reason == "nicSelector is empty, and an empty selector takes nothing"


def test_a_malformed_range_records_nothing_and_is_a_problem() -> None:
    rendering = render([policy(pf_names=("ens803f0#a-c",))], PORTS)
    assert rendering.spec.nics == ()
    assert str(rendering.problems[0]) == (
        "policy p1: spec.nicSelector.pfNames[0]: 'ens803f0#a-c': the range 'a-c' has 'a' where the index of a VF "
        "belongs. Write it as first-last, as in 0-3"
    )
    assert verdict(rendering, "p1", F0).outcome is Outcome.INVALID


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["in-name-order", "against-name-order"])
def test_between_equal_priorities_the_last_name_wins_and_it_is_a_problem(names: tuple[str, str]) -> None:
    rendering = render([policy(name, num_vfs=3, priority=EQUAL) for name in names], PORTS)
    assert groups(rendering.spec.nics[0]) == ["bres netdevice 0-2"]
    assert [str(problem) for problem in rendering.problems] == [
        (
            "0000:86:00.1: policies a and b both have priority 10 and claim VFs of ens803f1 that overlap: 0-2 and 0-2. "
            "Give them ranges that do not overlap (pfNames), or different priorities"
        )
    ]
    lost = verdict(rendering, "a")
    assert lost.outcome is Outcome.DISPLACED
    assert lost.reason == "VFs 0-2 went to policy b: both have priority 10, and the name that sorts last wins"


def test_a_stronger_priority_displaces_without_a_problem() -> None:
    rendering = render([policy("a", priority=90), strong()], PORTS)
    assert rendering.problems == ()
    assert verdict(rendering, "a").reason == "VFs 0-1 went to policy p1: priority 10 is stronger than 90"


def test_a_policy_that_loses_one_of_its_groups_keeps_the_other() -> None:
    weak = policy("a", num_vfs=8, pf_names=("ens803f1#0-1", "ens803f1#4-5"))
    rendering = render([weak, strong(num_vfs=8, pf_names=("ens803f1#5-7",))], PORTS)
    assert groups(rendering.spec.nics[0]) == ["p1res netdevice 5-7", "ares netdevice 0-1"]
    kept = verdict(rendering, "a")
    assert kept.outcome is Outcome.TAKEN
    lost = "VFs 5-5 went to policy p1: priority 10 is stronger than 99"
    assert kept.reason == f"VFs 0-1; {lost}, and with them all of the group 4-5 is lost"


def test_an_alternative_name_keeps_its_range() -> None:
    port = nic(1, alt_names=("alt0", "enp134s0f1"))
    spec = render([policy(num_vfs=8, pf_names=("alt0#4-7",))], [port]).spec.nics[0]
    assert (spec.name, groups(spec)) == ("ens803f1", ["p1res netdevice 4-7"])


def test_ranges_given_by_two_names_of_one_pf_are_both_used() -> None:
    port = nic(1, alt_names=("alt0",))
    spec = render([policy(num_vfs=8, pf_names=("alt0#4-7", "ens803f1#0-1"))], [port]).spec.nics[0]
    assert groups(spec) == ["p1res netdevice 4-7", "p1res netdevice 0-1"]


def test_zero_vfs_record_nothing_and_displace_nobody() -> None:
    rendering = render([strong(num_vfs=0), policy("a")], PORTS)
    assert groups(rendering.spec.nics[0]) == ["ares netdevice 0-1"]
    assert verdict(rendering, "p1").outcome is Outcome.SKIPPED
    assert verdict(rendering, "p1").reason == "numVfs is 0, so no VFs are asked for"


def test_modes_come_from_the_strongest_policy_and_the_other_is_told() -> None:
    weak = policy("a", num_vfs=4, pf_names=("ens803f1#2-3",), link_type="eth")
    rendering = render([weak, strong(eswitch_mode="switchdev", link_type="ETH")], PORTS)
    spec = rendering.spec.nics[0]
    assert (spec.eswitch_mode, spec.link_type) == (EswitchMode.SWITCHDEV, LinkType.ETH)
    assert verdict(rendering, "a").reason == "VFs 2-3; eSwitchMode as in policy p1, the strongest here"


def test_rdma_mode_is_the_one_given_and_none_is_kept() -> None:
    assert render([], PORTS, rdma_mode="exclusive").spec.rdma_mode == "exclusive"
    assert render([], PORTS).spec.rdma_mode == ""


def test_a_policy_named_default_is_skipped() -> None:
    rendering = render([policy("default")], PORTS)
    assert rendering.spec.nics == ()
    assert rendering.summaries[0].skipped == "a policy named default is never applied"


@pytest.mark.parametrize(
    ("labels", "skipped"),
    [
        pytest.param(None, "", id="single-machine"),
        pytest.param({"rack": "1", "zone": "b"}, "", id="all-labels-equal"),
        pytest.param({"rack": "2"}, "nodeSelector wants rack=1, the node has '2'", id="another-value"),
        pytest.param({}, "nodeSelector wants rack=1, the node has no such label", id="no-label"),
    ],
)
def test_a_node_selector_is_asked_only_where_there_are_labels(labels: dict[str, str] | None, skipped: str) -> None:
    rendering = render([policy(node_selector={"rack": "1"})], PORTS, labels)
    assert rendering.summaries[0].skipped == skipped
    assert bool(rendering.spec.nics) is not bool(skipped)


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        pytest.param({"pf_names": ("ens803f1",)}, True, id="by-name"),
        pytest.param({"root_devices": ("0000:86:00.1",)}, True, id="by-address"),
        pytest.param({"vendor": "8086"}, False, id="by-vendor"),
    ],
)
def test_a_nic_is_named_only_by_name_or_address(selector: dict[str, Any], named: bool) -> None:
    spec = render([policy(**selector)], PORTS).spec.nic(F1)
    assert spec is not None
    assert spec.named is named


def test_a_displaced_policy_names_nothing() -> None:
    spec = render([policy("a"), strong(vendor="8086")], PORTS).spec.nic(F1)
    assert spec is not None
    assert not spec.named


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param(
            {"total_vfs": 3},
            "0000:86:00.1: policy p1: 4 VFs of ens803f1 are wanted, it has at most 3. Lower numVfs to 3 or less",
            id="more-than-the-card-has",
        ),
        pytest.param(
            {"total_vfs": None},
            "0000:86:00.1: policy p1: 4 VFs of ens803f1 are wanted, it offers no SR-IOV. Enable SR-IOV in the firmware "
            "set-up of the machine or of the card, or select other NICs",
            id="no-sriov",
        ),
        pytest.param({"total_vfs": 4}, None, id="exactly-as-many"),
        pytest.param({"total_vfs": 3, "vendor": "15b3"}, None, id="firmware-can-be-set-to-more"),
        pytest.param({"total_vfs": None, "vendor": "15b3"}, None, id="firmware-can-switch-sriov-on"),
    ],
)
def test_the_merged_count_is_held_against_the_card(changes: dict[str, Any], problem: str | None) -> None:
    rendering = render([policy(num_vfs=4)], [nic(0), nic(1, **changes)])
    assert [str(found) for found in rendering.problems] == ([problem] if problem else [])
    assert len(rendering.spec.nics) == 1


def test_the_count_of_an_externally_managed_pf_is_left_to_whoever_manages_it() -> None:
    assert render([policy(num_vfs=65, externally_managed=True)], PORTS).problems == ()


def test_policies_that_share_a_pf_agree_on_who_manages_it() -> None:
    weak = policy("a", num_vfs=4, pf_names=("ens803f1#2-3",), externally_managed=True)
    assert [str(problem) for problem in render([weak, strong()], PORTS).problems] == [
        (
            "0000:86:00.1: externallyManaged is set in policy a and not in policy p1, and they share ens803f1. "
            "Set it in all of them or in none"
        )
    ]


def test_a_pf_that_does_not_exist_is_unmatched_with_its_near_miss() -> None:
    ports = [nic(0, name="ens1f0np0"), nic(1, name="ens1f1np1", alt_names=("lan",))]
    rendering = render([policy(pf_names=("ens1f0#0-1",)), policy("p2", root_devices=("0000:87:00.0",))], ports)
    assert [str(entry.problem) for entry in rendering.unmatched] == [
        (
            "policy p2: spec.nicSelector.rootDevices[0]: this machine has no PF 0000:87:00.0. "
            "Did you mean 0000:86:00.0 or 0000:86:00.1?"
        ),
        "policy p1: spec.nicSelector.pfNames[0]: this machine has no PF ens1f0. Did you mean ens1f0np0?",
    ]
    assert rendering.problems == ()
    assert not rendering.summaries[1].matched


def test_a_pf_like_no_other_is_answered_with_all_names() -> None:
    rendering = render([policy(pf_names=("bond0",))], [nic(0, alt_names=("lan",))])
    assert rendering.unmatched[0].problem.remedy == "NICs that a plugin serves: ens803f0, lan"


def test_an_unmatched_name_beside_a_matched_one_is_told_too() -> None:
    rendering = render([policy(pf_names=("ens803f1", "ens803f9"))], PORTS)
    assert [entry.wanted for entry in rendering.unmatched] == ["ens803f9"]
    assert rendering.summaries[0].taken == (F1,)


def test_a_policy_that_takes_nothing_names_the_nics_that_came_closest() -> None:
    rendering = render([policy(vendor="8086", device_id="1572", pf_names=("ens803f0",))], PORTS)
    nearest = rendering.summaries[0].nearest
    assert [entry.nic for entry in nearest] == [F0, F1, PORTS[2].address]
    assert nearest[0].reason == "nicSelector.deviceID wants 1572, the NIC has 158b"


def test_different_policies_of_one_name_are_all_invalid() -> None:
    rendering = render([policy(num_vfs=2), policy(num_vfs=3), policy("other", pf_names=("ens803f0",))], PORTS)
    assert [spec.name for spec in rendering.spec.nics] == ["ens803f0"]
    assert [str(problem) for problem in rendering.problems] == [
        "policy p1: metadata.name: 2 different policies are named 'p1'. Rename or remove all but one"
    ] * 2


def test_the_same_policy_twice_counts_once() -> None:
    assert render([P, P], PORTS) == render([P], PORTS)


def test_a_bridge_is_told_to_be_left_out() -> None:
    rendering = render([policy(eswitch_mode="switchdev", bridge=BridgeWish(ovs=OvsWish()))], PORTS)
    assert codes(rendering) == []
    (note,) = rendering.summaries[0].notes
    assert note.startswith("spec.bridge is not acted on: ")


def test_a_node_without_nics_gives_an_empty_wish() -> None:
    rendering = render([P], [])
    assert rendering.spec.nics == ()
    assert [entry.wanted for entry in rendering.unmatched] == ["ens803f1", "0000:86:00.1"]
