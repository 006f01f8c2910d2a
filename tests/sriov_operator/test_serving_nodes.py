"""What the caches keep of objects: enough that the rules see the same cluster, and made again only where it changed."""

from typing import Any

import msgspec
import pytest
from serving_world import Raw, node, of_kind, port, state

from sriov_core.admission.cluster import cluster_nodes
from sriov_core.api.foreign import Node
from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodestate import NodeState
from sriov_core.policy.attachment import target_namespace
from sriov_operator.serving.lean import LeanNetwork, LeanNode, LeanState
from sriov_operator.serving.nodes import Nodes

WHOLE = {"SriovNetwork": SriovNetwork, "SriovIBNetwork": SriovIBNetwork, "OVSNetwork": OVSNetwork}


def decoded(raw: Raw, type_: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(raw), type=type_)


def vf(index: int, assigned: str = "") -> Raw:
    return {"pciAddress": f"0000:86:02.{index}", "vfID": index, "assigned": assigned, "mac": "02:00:00:00:00:01"}


def nodes(*raws: Raw) -> tuple[list[LeanNode], list[LeanState]]:
    lean = [decoded(raw, LeanNode if raw["kind"] == "Node" else LeanState) for raw in raws]
    return [one for one in lean if isinstance(one, LeanNode)], [one for one in lean if isinstance(one, LeanState)]


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param((port(0), port(1)), id="plain"),
        pytest.param((port(0, altNames=["enp134s0f0"], netFilter="openstack/NetworkID:x", numVfs=0),), id="names"),
        pytest.param((port(0, linkType="IB", mtu=2044, totalvfs=0),), id="infiniband"),
        pytest.param((port(0, pciAddress="elsewhere"),), id="no-address"),
        pytest.param((port(0), port(0)), id="twice"),
        pytest.param((), id="no-report"),
    ],
)
@pytest.mark.parametrize("provider", ["", "openstack:///1", "aws:///1"])
def test_the_rules_see_of_a_lean_node_what_they_see_of_the_whole_one(ports: tuple[Raw, ...], provider: str) -> None:
    given = {**node(worker="", zone="a"), "spec": {"providerID": provider, "taints": []}}
    reported = {**state(), "status": {"interfaces": list(ports), "syncStatus": "InProgress", "bridges": {}}}
    (whole,) = cluster_nodes([decoded(given, Node)], [decoded(reported, NodeState)])
    assert Nodes().renewed(*nodes(given, reported)).values == (whole,)


def test_of_vfs_only_those_that_somebody_holds_are_kept() -> None:
    reported = state("worker-1", port(0, Vfs=[vf(0), vf(1, "pod-a"), vf(2)]))
    lean: LeanState = decoded(reported, LeanState)
    assert [one.vf_id for one in lean.status.interfaces[0].vfs] == [1]
    (made,) = Nodes().renewed(*nodes(node(), reported)).values
    assert list(made.in_use.values()) == [(1,)]


def test_a_node_is_made_again_only_when_it_or_its_state_has_changed() -> None:
    lean, states = nodes(*(node(f"w{at}") for at in range(3)), *(state(f"w{at}") for at in range(3)))
    before = Nodes().renewed(lean, states)
    _, (other,) = nodes(state("w1", port(0, numVfs=9)))
    after = before.renewed(lean, [states[0], other, states[2]])
    assert [one is two for one, two in zip(before.values, after.values, strict=True)] == [True, False, True]
    assert after.values[1].nics[0].num_vfs == 9


def test_nodes_come_and_go_with_their_objects_and_a_state_alone_is_none() -> None:
    lean, states = nodes(node("w0"), node("w1"), state("w0"), state("gone"))
    made = Nodes().renewed(lean, states)
    assert [(one.name, one.has_state) for one in made.values] == [("w0", True), ("w1", False)]
    assert [one.name for one in made.renewed(lean[1:], states).values] == ["w1"]


def test_nodes_that_report_the_same_share_the_report_and_nothing_else() -> None:
    raws = [node("w0", a="1"), node("w1", b="2"), state("w0"), state("w1", sync="InProgress")]
    first, second = Nodes().renewed(*nodes(*raws)).values
    assert first.nics is second.nics
    whole = [decoded(raw, Node if raw["kind"] == "Node" else NodeState) for raw in raws]
    assert (first, second) == cluster_nodes(whole[:2], whole[2:])


def test_a_report_that_cannot_be_read_is_told_with_the_name_of_its_own_state() -> None:
    raws = [node("w0"), node("w1"), *(state(name, port(0, pciAddress="?")) for name in ("w0", "w1"))]
    made = Nodes().renewed(*nodes(*raws)).values
    assert ["w0" in made[0].unreadable, "w1" in made[1].unreadable] == [True, True]


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("place", ["", "elsewhere"])
def test_of_a_network_its_attachments_place_is_kept(kind: str, place: str) -> None:
    raw = of_kind(kind, "net", {"resourceName": "res", "networkNamespace": place, "ipam": "{}"})
    whole, lean = decoded(raw, WHOLE[kind]), decoded(raw, LeanNetwork).whole(kind)
    assert (lean.kind, lean.metadata.name, lean.metadata.namespace) == (kind, "net", whole.metadata.namespace)
    assert target_namespace(lean) == target_namespace(whole)
