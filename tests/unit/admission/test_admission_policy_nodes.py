"""Policies on the nodes they select: which NICs are taken, and what these can serve."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from admission_world import WORKER, cluster, created, node, nodes, policy, port, state, told
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.admission.admitting import admit
from sriov_core.admission.policynodes import others_of, places
from sriov_core.api.nodepolicy import NodePolicy

EXTERNAL = {"externallyManaged": True}
SERVED = [
    pytest.param({"numVfs": 63}, "", id="fewer-vfs-than-the-card-has"),
    pytest.param({"numVfs": 64}, "", id="as-many-vfs-as-the-card-has"),
    pytest.param({"numVfs": 65}, "65 VFs of ens803f1 are wanted, it has at most 64", id="more-vfs-than-the-card-has"),
    pytest.param({**EXTERNAL, "numVfs": 3}, "", id="external-fewer"),
    pytest.param({**EXTERNAL, "numVfs": 4}, "", id="external-as-many"),
    pytest.param({**EXTERNAL, "numVfs": 5}, "the externally managed ens803f1 has 4 VFs", id="external-more"),
    pytest.param({**EXTERNAL, "mtu": 1500}, "", id="external-same-mtu"),
    pytest.param({**EXTERNAL, "mtu": 9000}, "the externally managed ens803f1 has MTU 1500", id="external-larger-mtu"),
    pytest.param({**EXTERNAL, "linkType": "ETH"}, "", id="external-same-link-type"),
    pytest.param({**EXTERNAL, "linkType": "eth"}, "", id="external-link-type-in-lower-case"),
    pytest.param(
        {**EXTERNAL, "linkType": "IB"}, "the externally managed ens803f1 has ETH", id="external-other-link-type"
    ),
    pytest.param({**EXTERNAL, "eSwitchMode": "switchdev"}, "", id="external-switchdev"),
    pytest.param({**EXTERNAL, "eSwitchMode": "switchdev", "numVfs": 30}, "has 4 VFs", id="external-switchdev-more"),
    pytest.param({"vdpaType": "virtio", "eSwitchMode": "switchdev"}, "makes no vDPA devices", id="vdpa-on-intel"),
    pytest.param({"vdpaType": "vhost", "eSwitchMode": "switchdev"}, "makes no vDPA devices", id="vhost-vdpa-on-intel"),
]


@pytest.mark.parametrize(("spec", "words"), SERVED)
def test_a_policy_asks_for_no_more_than_the_nic_can_serve(spec: dict[str, Any], words: str) -> None:
    decision = created(policy(**spec))
    if words:
        assert [words in str(fault) for fault in decision.reasons] == [True]
        assert "on node worker-1" in decision.message
    else:
        assert told(decision) == ""


@pytest.mark.parametrize(
    ("facts", "num_vfs", "allowed"),
    [
        pytest.param({"vendor": "15b3", "deviceID": "1017", "totalvfs": 8}, 128, True, id="mellanox-by-firmware"),
        pytest.param({"vendor": "15b3", "deviceID": "1017", "totalvfs": 8}, 129, False, id="mellanox-beyond"),
        pytest.param({"vendor": "15b3", "deviceID": "1017", "totalvfs": 200}, 200, True, id="mellanox-large"),
        pytest.param({"vendor": "14e4", "deviceID": "16d7", "totalvfs": 8}, 8, True, id="other-vendor"),
        pytest.param({"vendor": "14e4", "deviceID": "16d7", "totalvfs": 8}, 9, False, id="other-vendor-beyond"),
        pytest.param({"totalvfs": 0}, 1, False, id="no-sriov"),
    ],
)
def test_the_count_of_vfs_is_judged_for_every_vendor(facts: dict[str, Any], num_vfs: int, allowed: bool) -> None:
    at = nodes(node(), state("worker-1", port(1, **facts)))
    assert created(policy(numVfs=num_vfs), at=at, dev_mode=True).allowed is allowed


ALT = port(1, altNames=["enp134s0f1", "lan1"])
SELECTED = [
    pytest.param({"pfNames": ["ens803f1"]}, True, id="name"),
    pytest.param({"pfNames": ["lan1"]}, True, id="alternative-name"),
    pytest.param({"pfNames": ["lan1#0-1"]}, True, id="alternative-name-with-range"),
    pytest.param({"pfNames": ["nothing", "enp134s0f1"]}, True, id="one-of-several"),
    pytest.param({"rootDevices": ["0000:86:00.1"]}, True, id="address"),
    pytest.param({"vendor": "8086"}, True, id="vendor"),
    pytest.param({"deviceID": "158b"}, True, id="device"),
    pytest.param({"pfNames": ["unknown"]}, False, id="unknown-name"),
    pytest.param({"pfNames": ["ens803f2"]}, False, id="unlisted-model"),
    pytest.param({"deviceID": "1015"}, False, id="device-of-another-vendor"),
    pytest.param({"rootDevices": ["0000:87:00.1"]}, False, id="unknown-address"),
    pytest.param({"vendor": "8086", "pfNames": ["ens803f2"]}, False, id="unlisted-model-by-vendor"),
]


@pytest.mark.parametrize(("selector", "selects"), SELECTED)
def test_a_supported_nic_has_to_be_selected_somewhere(selector: dict[str, Any], selects: bool) -> None:
    at = nodes(node(), state("worker-1", port(0), ALT, port(2)))
    decision = created(policy(nicSelector=selector), at=at)
    assert decision.allowed is selects
    assert ("no supported NIC is selected" in decision.message) is not selects


def test_what_came_nearest_is_told() -> None:
    at = nodes(node(), state("worker-1", port(0, name="ens803f0np0")))
    assert "nearest: ens803f0np0: nicSelector.pfNames wants ens803f0" in (
        created(policy(nicSelector={"pfNames": ["ens803f0"]}), at=at).message
    )
    assert "ens803f2, which is not among the supported NICs (8086:1015)" in (
        created(policy(nicSelector={"pfNames": ["ens803f2"]})).message
    )


@pytest.mark.parametrize(
    ("selector", "allowed"),
    [
        pytest.param("openstack/NetworkID:abc", True, id="its-network"),
        pytest.param("openstack/NetworkID:abd", False, id="another-network"),
    ],
)
@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"deviceID": "158b"}, id="listed-model"),
        pytest.param({"deviceID": "154c"}, id="vf-of-a-listed-model"),
    ],
)
def test_netfilter_is_compared_for_every_model(selector: str, allowed: bool, facts: dict[str, Any]) -> None:
    vm = nodes(
        node(provider="OpenStack:///1"), state("worker-1", port(1, netFilter="openstack/NetworkID:abc", **facts))
    )
    own = policy(nicSelector={"netFilter": selector}, numVfs=1)
    assert created(own, at=vm).allowed is allowed


def test_a_vf_is_no_supported_nic_outside_a_cloud() -> None:
    at = nodes(
        node(provider="baremetalhost:///1"), state("worker-1", port(1, deviceID="154c", netFilter="aws/NetworkID:a"))
    )
    assert not created(policy(nicSelector={"netFilter": "aws/NetworkID:a"}, numVfs=1), at=at).allowed


def test_a_vf_in_a_cloud_is_selected_by_its_network_only() -> None:
    vm = nodes(node(provider="aws:///1"), state("worker-1", port(1, deviceID="154c", netFilter="aws/NetworkID:a")))
    assert not created(policy(nicSelector={"pfNames": ["ens803f1"]}, numVfs=1), at=vm).allowed


def test_a_policy_for_labels_that_no_node_has_is_denied() -> None:
    decision = created(policy(nodeSelector={"worker": "", "zone": "a"}))
    assert decision.message == (
        "spec.nodeSelector: no matched node is selected: no node has worker=, zone=a. "
        "Label the nodes first, or correct the selector"
    )


def test_a_node_that_has_reported_nothing_selects_nothing() -> None:
    decision = created(policy(), at=nodes(node()))
    assert "no supported NIC is selected on node worker-1" in decision.message
    assert "No NICs are reported yet by node worker-1" in decision.message


def test_a_node_state_without_its_node_is_left_over_in_a_cluster_and_selected_in_files() -> None:
    assert "no matched node is selected" in created(policy(), at=nodes(state())).message
    at = nodes(state(), stateless_labels=True)
    assert told(created(policy(), at=at, is_complete=False)) == ""
    assert not created(policy(numVfs=65), at=at, is_complete=False).allowed


@pytest.mark.parametrize("at", [pytest.param((), id="nothing"), pytest.param(nodes(node()), id="nodes-without-states")])
def test_what_needs_nics_is_not_judged_from_files_without_any(at: Any) -> None:
    assert told(created(policy(), at=at, is_complete=False)) == ""


def test_files_with_nodes_are_judged_by_their_labels() -> None:
    decision = created(policy(nodeSelector={"zone": "a"}), at=nodes(node()), is_complete=False)
    assert "no matched node is selected" in decision.message


def test_one_of_several_nodes_with_the_nic_is_enough() -> None:
    at = nodes(node(), state("worker-1", port(0)), node("worker-2"), state("worker-2", port(1)))
    assert told(created(policy(), at=at)) == ""


def test_what_is_wrong_on_many_nodes_is_told_once() -> None:
    names = [f"worker-{number}" for number in range(5)]
    at = nodes(*map(node, names), *map(state, names))
    decision = created(policy(numVfs=65), at=at)
    assert len(decision.reasons) == 1
    assert "on nodes worker-0, worker-1, worker-2 and 2 more" in decision.message


def test_a_report_that_makes_no_sense_is_a_warning_and_the_other_nodes_are_judged() -> None:
    broken = state("worker-2", port(1, pciAddress="here"))
    decision = created(policy(numVfs=65), at=nodes(node(), state(), node("worker-2"), broken))
    assert len(decision.reasons) == 1
    assert "the report of node worker-2 cannot be understood" in "".join(decision.warnings)


def test_fewer_vfs_while_pods_have_some_is_a_warning() -> None:
    vfs = [{"pciAddress": "0000:86:02.3", "vfID": 3, "assigned": "pod-a"}]
    at = nodes(node(), state("worker-1", port(1, Vfs=vfs)))
    stored = policy(numVfs=4)
    shrunk = admit("UPDATE", policy(numVfs=2), stored, cluster(stored, at=at))
    assert shrunk.allowed
    assert len(shrunk.warnings) == 1
    assert "ens803f1 shrinks from 4 to 2 VFs while pods have some of them, on node worker-1" in shrunk.warnings[0]
    assert created(policy(numVfs=8), at=at).warnings == ()
    assert created(policy(numVfs=2, externallyManaged=True), at=at).warnings == ()
    assert created(policy(numVfs=2), at=WORKER).warnings == ()


def test_a_stronger_policy_that_keeps_the_count_keeps_the_vfs() -> None:
    vfs = [{"pciAddress": "0000:86:02.3", "vfID": 3, "assigned": "pod-a"}]
    at = nodes(node(), state("worker-1", port(1, Vfs=vfs)))
    beside = policy("p1", nicSelector={"pfNames": ["ens803f1#2-3"]}, numVfs=4)
    assert told(created(policy(nicSelector={"pfNames": ["ens803f1#0-1"]}), beside, at=at)) == ""


LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
SELECTING = st.lists(LABELS, max_size=5)
FLEET = st.lists(st.tuples(LABELS, st.sampled_from((1500, 9000))), max_size=6)


@given(selector=LABELS, others=SELECTING, fleet=FLEET, unlabelled=st.booleans())
def test_nodes_are_put_together_that_are_alike_for_the_rules(
    selector: dict[str, str], others: list[dict[str, str]], fleet: list[tuple[dict[str, str], int]], unlabelled: bool
) -> None:
    """Every node that is selected stands in one place, with its policies, and with all nodes that look alike."""
    raws = [node(f"n{at}", z="", **labels) for at, (labels, _) in enumerate(fleet)]
    states = [state(f"n{at}", port(1, mtu=mtu)) for at, (_, mtu) in enumerate(fleet)]
    known = nodes(*raws, *states, *([state("stray", port(1))] if unlabelled else []), stateless_labels=True)
    judged = msgspec.convert(policy(nodeSelector=selector), NodePolicy)
    at = cluster(*(policy(f"o{number}", nodeSelector=one) for number, one in enumerate(others)), at=known)

    def selected(labels: Any, wanted: dict[str, str]) -> bool:
        return labels is None or wanted.items() <= labels.items()

    wanted: dict[Any, list[str]] = {}
    for one in known:
        if selected(one.labels, selector):
            by = tuple(
                o.policy.metadata.name
                for o in others_of(judged, at)
                if selected(one.labels, o.policy.spec.node_selector)
            )
            wanted.setdefault((by, one.nics[0].mtu, one.is_virtual), []).append(one.name)
    found = places(judged, at)
    assert [list(place.names) for place in found] == list(wanted.values())
    assert [tuple(o.policy.metadata.name for o in place.others) for place in found] == [by for by, _, _ in wanted]


def calls(work: Callable[[], Any]) -> int:
    """How many functions are called for it: what it costs, on any machine."""
    counted = [0]

    def count(_frame: Any, event: str, _argument: Any) -> None:
        counted[0] += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted[0]


def test_a_policy_for_one_node_costs_next_to_nothing_on_the_others() -> None:
    labels = {f"feature-{number}": "true" for number in range(30)}
    known = nodes(*(node(f"n{number}", one=f"n{number}", **labels) for number in range(500)))
    others = [policy(f"o{number}", nodeSelector={"feature-1": "true"}) for number in range(50)]
    judged = msgspec.convert(policy(nodeSelector={"one": "n0"}), NodePolicy)
    few, many = cluster(*others, at=known[:50]), cluster(*others, at=known)
    for_few, for_many = calls(lambda: places(judged, few)), calls(lambda: places(judged, many))
    assert [place.names for place in places(judged, many)] == [("n0",)]
    assert (for_many - for_few) / 450 < 3
