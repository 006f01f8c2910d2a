"""Policies beside others: who shares which VFs, in whatever order the others are looked at."""

from typing import Any

import msgspec
import pytest
from admission_world import WORKER, created, node, nodes, policy, port, state, told
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.admission.decision import Decision
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.render import render

EXISTING = policy("p1", nicSelector={"pfNames": ["ens803f1#0-2"]}, numVfs=5)


def ranged(entry: str, name: str = "p0", **spec: Any) -> dict[str, Any]:
    return policy(name, nicSelector={"pfNames": [entry]}, numVfs=5, **spec)


def kinds(text: str) -> list[str]:
    """Which answers the text has, by the words that people look for."""
    words = ("is overlapped", "is inconsistent", "field conflicts with policy", "is stronger", "shares")
    return [word for word in words if word in text]


OVERLAPS = [
    pytest.param(ranged("ens803f1#3-4"), True, [], id="the-rest-of-the-port"),
    pytest.param(ranged("ens803f1#2-2"), False, ["is overlapped"], id="a-vf-of-both"),
    pytest.param(ranged("ens803f1#2-2", priority=10), False, ["is overlapped"], id="ranges-of-different-priority"),
    pytest.param(ranged("ens803f1#2-2", name="p1"), True, [], id="the-same-policy"),
    pytest.param(ranged("ens803f0#0-2"), True, [], id="another-port"),
    pytest.param(ranged("ens803f1"), False, ["is overlapped"], id="whole-port-of-equal-priority"),
    pytest.param(ranged("ens803f1", priority=10), True, ["is overlapped", "is stronger"], id="stronger-whole-port"),
    pytest.param(
        policy(nicSelector={"vendor": "8086"}, numVfs=5), False, ["is overlapped"], id="by-vendor-of-equal-priority"
    ),
    pytest.param(
        policy(nicSelector={"vendor": "8086"}, numVfs=5, priority=10),
        True,
        ["is overlapped", "is stronger"],
        id="stronger-by-vendor",
    ),
    pytest.param(
        policy(nicSelector={"rootDevices": ["0000:86:00.1"]}, numVfs=5), False, ["is overlapped"], id="by-address"
    ),
    pytest.param(
        policy(nicSelector={"pfNames": ["ens803f0", "ens803f1#0-1"]}), False, ["is overlapped"], id="second-pair"
    ),
    pytest.param(
        policy(nicSelector={"pfNames": ["ens803f1#3-4", "ens803f1#1-1"]}, numVfs=5),
        False,
        ["is overlapped"],
        id="second-range-of-the-port",
    ),
    pytest.param(policy(nodeSelector={"zone": "a"}, numVfs=5), True, [], id="other-nodes"),
]


@pytest.mark.parametrize(("own", "allowed", "words"), OVERLAPS)
def test_vfs_that_two_policies_claim_are_found(own: dict[str, Any], allowed: bool, words: list[str]) -> None:
    at = nodes(node(), state(), node("zoned", zone="a"), state("zoned"))
    decision = created(own, EXISTING, at=at)
    assert decision.allowed is allowed
    assert kinds(told(decision)) == words


@pytest.mark.parametrize("priority", [99, 10], ids=["equal-priority", "stronger"])
@pytest.mark.parametrize("at", [WORKER, nodes(node())], ids=["reported", "no-report"])
def test_the_second_part_of_a_port_must_not_reach_into_the_first(at: Any, priority: int) -> None:
    first = ranged("ens803f1#1-4", "p1")
    reaching, beside = (ranged(f"ens803f1#{vfs}", priority=priority) for vfs in ("0-2", "0-0"))
    denied = created(reaching, first, at=at).message
    assert "VF index range in ens803f1 is overlapped: 0-2 here, 1-4 in policy p1" in denied
    assert "overlapped" not in told(created(beside, first, at=at))


def test_ports_of_one_name_by_different_vendors_are_different_ports() -> None:
    mixed = nodes(node(), state(), node("other"), state("other", port(1, vendor="15b3", deviceID="1017")))
    intel = policy("p1", nicSelector={"vendor": "8086", "pfNames": ["ens803f1"]})
    mellanox = policy(nicSelector={"vendor": "15b3", "pfNames": ["ens803f1"]})
    assert told(created(mellanox, intel, at=mixed)) == ""
    assert told(created(mellanox, intel, at=(), is_complete=False)) == ""
    assert kinds(created(mellanox, policy("p1"), at=mixed).message) == ["is overlapped"]


@pytest.mark.parametrize("other", [True, False])
def test_sharing_a_port_needs_one_opinion_on_who_manages_it(other: bool) -> None:
    beside = policy("p1", nicSelector={"pfNames": ["ens803f1#0-2"]}, numVfs=4, externallyManaged=other)
    own = policy(nicSelector={"pfNames": ["ens803f1#3-3"]}, numVfs=4)
    agreed = created({**own, "spec": {**own["spec"], "externallyManaged": other}}, beside)
    differing = created({**own, "spec": {**own["spec"], "externallyManaged": not other}}, beside)
    assert told(agreed) == ""
    assert kinds(differing.message) == ["is inconsistent"]
    assert "policy p1" in differing.message


def test_who_manages_a_port_counts_however_the_port_is_selected() -> None:
    beside = policy("p1", nicSelector={"vendor": "8086"}, numVfs=3, externallyManaged=True)
    decision = created(policy(nicSelector={"pfNames": ["ens803f1#3-3"]}, numVfs=4), beside)
    assert kinds(decision.message) == ["is inconsistent"]


def test_modes_of_a_policy_that_gets_nothing_do_not_count() -> None:
    beside = policy("p1", nicSelector={"vendor": "8086"}, numVfs=4, eSwitchMode="switchdev")
    decision = created(policy(numVfs=4, priority=1), beside)
    assert decision.allowed
    assert kinds(told(decision)) == ["is overlapped", "is stronger"]


def test_a_stronger_policy_that_takes_everything_shares_nothing() -> None:
    beside = policy("p1", nicSelector={"vendor": "8086"}, numVfs=4, externallyManaged=True)
    decision = created(policy(nicSelector={"rootDevices": ["0000:86:00.1"]}, numVfs=4, priority=1), beside)
    assert decision.allowed
    assert kinds(told(decision)) == ["is overlapped", "is stronger"]


@pytest.mark.parametrize("entry", ["ens803f1#0-1", "enp134s0f1#0-1"])
@pytest.mark.parametrize("existing", ["ens803f1#1-2", "enp134s0f1#1-2"])
def test_names_of_one_port_are_told_apart_by_the_report_of_the_node(entry: str, existing: str) -> None:
    named = nodes(node(), state("worker-1", port(1, altNames=["enp134s0f1"])))
    unreported = nodes(node())
    beside = policy("p1", nicSelector={"pfNames": [existing]}, numVfs=5)
    same_text = entry.partition("#")[0] == existing.partition("#")[0]
    assert kinds(created(ranged(entry), beside, at=named).message) == ["is overlapped"]
    assert kinds(created(ranged(entry), beside, at=unreported).message) == (["is overlapped"] if same_text else [])


def test_an_address_belongs_to_one_policy_whatever_the_counts_and_priorities() -> None:
    beside = policy("p1", nicSelector={"rootDevices": ["0000:86:00.1"]}, numVfs=3, priority=10)
    decision = created(policy(nicSelector={"rootDevices": ["0000:86:00.1"]}), beside)
    assert [fault.path for fault in decision.reasons] == ["spec.nicSelector.rootDevices"]
    assert "root device 0000:86:00.1 is overlapped" in decision.message
    assert decision.warnings == ()


@pytest.mark.parametrize(
    ("own", "other", "path"),
    [
        pytest.param({"pfNames": ["ens803f1"]}, {"pfNames": ["ens803f1"]}, "spec.nicSelector.pfNames", id="names"),
        pytest.param({"vendor": "8086"}, {"vendor": "8086"}, "spec.nicSelector.vendor", id="vendors"),
        pytest.param(
            {"vendor": "8086", "deviceID": "158b"}, {"deviceID": "158b"}, "spec.nicSelector.deviceID", id="devices"
        ),
        pytest.param(
            {"vendor": "8086", "pfNames": ["ens803f1"]},
            {"vendor": "8086", "pfNames": ["ens803f1"]},
            "spec.nicSelector.pfNames",
            id="the-narrowest-of-several",
        ),
        pytest.param(
            {"vendor": "8086", "pfNames": ["ens803f1"]},
            {"vendor": "8086", "rootDevices": ["0000:86:00.1"]},
            "spec.nicSelector.vendor",
            id="one-of-several",
        ),
        pytest.param({"vendor": "8086"}, {"rootDevices": ["0000:86:00.1"]}, "spec.nicSelector", id="none"),
        pytest.param({"rootDevices": ["0000:86:00.1"]}, {"pfNames": ["ens803f1"]}, "spec.nicSelector", id="no-names"),
    ],
)
def test_an_overlap_is_told_at_the_field_that_both_use(own: Any, other: Any, path: str) -> None:
    for mine, its in ((own, other), (other, own)):
        beside = policy("p1", nicSelector=its)
        assert {fault.path for fault in created(policy(nicSelector=mine), beside).reasons} == {path}
        stronger = created(policy(nicSelector=mine, priority=1), policy("p1", nicSelector=its, priority=2))
        texts = [*map(str, stronger.reasons), *stronger.warnings]
        assert {text.partition(": ")[0] for text in texts} == {path}


BOTH_PORTS = ["0000:86:00.0", "0000:86:00.1"]


def on_both_ports(name: str = "p0", **selector: Any) -> dict[str, Any]:
    return policy(name, nicSelector={"rootDevices": BOTH_PORTS, **selector}, numVfs=4)


def root_devices(decision: Decision) -> list[str]:
    """The root devices that are told to be overlapped."""
    return [address for address in BOTH_PORTS if f"root device {address} is overlapped" in decision.message]


@pytest.mark.parametrize(
    ("own", "other", "overlapped"),
    [
        pytest.param({"pfNames": ["ens803f1"]}, {"pfNames": ["ens803f0"]}, [], id="by-name"),
        pytest.param({"pfNames": ["ens803f1"]}, {"pfNames": ["ens803f1"]}, BOTH_PORTS[1:], id="one-name"),
        pytest.param({"pfNames": ["ens803f1"]}, {}, BOTH_PORTS[1:], id="one-of-them-by-name"),
        pytest.param({"pfNames": ["ens803f1#0-1"]}, {"pfNames": ["ens803f1#2-3"]}, BOTH_PORTS[1:], id="by-range-only"),
        pytest.param({"deviceID": "158b"}, {"vendor": "8086"}, BOTH_PORTS, id="by-nothing"),
    ],
)
def test_a_common_root_device_is_no_overlap_where_another_field_keeps_the_policies_apart(
    own: Any, other: Any, overlapped: list[str]
) -> None:
    ones = (on_both_ports(**own), on_both_ports("p1", **other))
    for mine, beside in (ones, ones[::-1]):
        decision = created(mine, beside)
        assert root_devices(decision) == overlapped
        assert decision.allowed is not bool(overlapped)


@pytest.mark.parametrize(
    ("more", "overlapped"),
    [
        pytest.param({"at": nodes(node())}, BOTH_PORTS, id="a-node-without-a-report"),
        pytest.param({"at": (), "is_complete": False}, BOTH_PORTS, id="no-nodes"),
        pytest.param({"at": nodes(node(), state("worker-1", port(1)))}, BOTH_PORTS[:1], id="another-port-is-known"),
    ],
)
def test_a_common_root_device_is_an_overlap_where_the_nic_is_not_known(more: Any, overlapped: list[str]) -> None:
    own, beside = on_both_ports(pfNames=["ens803f1"]), on_both_ports("p1", pfNames=["ens803f0"])
    assert root_devices(created(own, beside, **more)) == overlapped


@pytest.mark.parametrize("own", [True, False])
def test_one_resource_has_one_opinion_on_topology(own: bool) -> None:
    word, other = str(own).lower(), str(not own).lower()
    beside = policy("p1", nicSelector={"pfNames": ["ens803f0"]}, resourceName="shared", excludeTopology=not own)
    decision = created(policy(resourceName="shared", excludeTopology=own), beside)
    assert f"excludeTopology[{word}] field conflicts with policy [p1].ExcludeTopology[{other}]" in decision.message
    assert "the same resource[shared]" in decision.message
    assert created(policy(resourceName="shared", excludeTopology=not own), beside).allowed
    assert created(policy(resourceName="own", excludeTopology=own), beside).allowed


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"isRdma": True}, "spec.isRdma: found true", id="rdma"),
        pytest.param({"needVhostNet": True}, "spec.needVhostNet: found true", id="vhost"),
    ],
)
def test_one_resource_with_two_kinds_of_devices_is_a_warning(spec: dict[str, Any], path: str) -> None:
    beside = policy("p1", nicSelector={"pfNames": ["ens803f0"]}, resourceName="shared")
    decision = created(policy(resourceName="shared", **spec), beside)
    assert decision.allowed
    assert [path in text and "policy p1" in text for text in decision.warnings] == [True]


@pytest.mark.parametrize(
    ("own", "other", "counts"),
    [pytest.param(10, 99, "p0 (priority 10)", id="own"), pytest.param(99, 10, "p1 (priority 10)", id="other")],
)
def test_modes_that_differ_on_a_shared_port_are_a_warning_that_names_who_counts(
    own: int, other: int, counts: str
) -> None:
    beside = policy("p1", nicSelector={"pfNames": ["ens803f1#0-1"]}, numVfs=4, priority=other, linkType="eth")
    entry = ranged("ens803f1#2-3", priority=own, eSwitchMode="switchdev", linkType="ETH")
    decision = created(entry, beside)
    assert decision.allowed
    assert [text.partition(":")[0] for text in decision.warnings] == ["spec.eSwitchMode"]
    assert f"that of policy {counts} counts" in decision.warnings[0]


def test_only_policies_that_count_are_compared() -> None:
    overlapping = {"nicSelector": {"pfNames": ["ens803f1"]}}
    beside = (
        policy("default", **overlapping),
        policy("elsewhere", namespace="other", **overlapping),
        policy("invalid", **overlapping, isRdma=True, deviceType="vfio-pci"),
        policy("empty", **overlapping, numVfs=0, externallyManaged=True),
    )
    assert told(created(policy(), *beside)) == ""


def test_files_without_nodes_show_what_is_wrong_on_every_node() -> None:
    narrow = ranged("ens803f1#0-1", nodeSelector={"worker": "", "zone": "a"})
    wide = ranged("ens803f1#1-2", "p1")
    apart = ranged("ens803f1#1-2", "p1", nodeSelector={"zone": "b"})
    for own, other in ((narrow, wide), (wide, narrow)):
        assert kinds(created(own, other, at=(), is_complete=False).message) == ["is overlapped"]
    assert told(created(narrow, apart, at=(), is_complete=False)) == ""


SELECTORS = (
    *({"pfNames": [entry]} for entry in ("ens803f1", "ens803f1#0-1", "ens803f1#2-3", "ens803f0#1-2", "gone#0-1")),
    *({"vendor": "8086"}, {"rootDevices": ["0000:86:00.1"]}, {"pfNames": ["ens803f0", "ens803f1#3-3"]}),
    *({"rootDevices": BOTH_PORTS, "pfNames": [name]} for name in ("ens803f0", "ens803f1#0-1", "ens803f1#2-3")),
)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[dict[str, Any], ...]:
    """A few valid policies for the worker's ports."""
    return tuple(
        policy(
            f"p{number}",
            nicSelector=draw(st.sampled_from(SELECTORS)),
            priority=draw(st.sampled_from((10, 99))),
            numVfs=draw(st.sampled_from((4, 6, 70))),
            resourceName=draw(st.sampled_from(("a", "b"))),
            externallyManaged=draw(st.booleans()),
            excludeTopology=draw(st.booleans()),
            eSwitchMode=draw(st.sampled_from(("legacy", "switchdev"))),
        )
        for number in range(draw(st.integers(1, 5)))
    )


@given(neighbours(), st.randoms(use_true_random=False))
def test_the_order_of_the_other_policies_changes_nothing(beside: tuple[dict[str, Any], ...], random: Any) -> None:
    shuffled = list(beside)
    random.shuffle(shuffled)
    assert created(beside[0], *beside) == created(beside[0], *shuffled)


@given(neighbours())
def test_what_is_admitted_is_no_problem_when_it_is_rendered(given_ones: tuple[dict[str, Any], ...]) -> None:
    decisions = [created(one, *given_ones) for one in given_ones]
    if all(decision.allowed for decision in decisions):
        policies = [msgspec.convert(one, NodePolicy) for one in given_ones]
        assert render(policies, WORKER[0].nics).problems == ()


@given(neighbours())
def test_two_policies_find_the_same_overlap_in_each_other(given_ones: tuple[dict[str, Any], ...]) -> None:
    first, last = given_ones[0], given_ones[-1]
    found = [kinds(created(one, other).message) for one, other in ((first, last), (last, first))]
    assert found[0] == found[1]
