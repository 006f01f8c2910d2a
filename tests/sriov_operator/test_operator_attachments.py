"""What becomes of networks and their attachments: state in, actions and state out."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks_in_a_cluster import KINDS, OPERATOR, Cluster, network

from sriov_operator.attachments import (
    AddFinalizer,
    CreateAttachment,
    Decision,
    DeleteAttachment,
    RemoveFinalizer,
    SetLastNamespace,
    UpdateAttachment,
)

LAST = "operator.sriovnetwork.openshift.io/last-network-namespace"
OWNER = "sriovnetwork.openshift.io/owner-ref"
FINALIZER = "netattdef.finalizers.sriovnetwork.openshift.io"
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def kinds(decision: Decision) -> list[type]:
    return [type(action) for action in decision.actions]


def ready(decision: Decision) -> tuple[str, str]:
    assert decision.ready is not None
    assert decision.ready.type == "Ready"
    return decision.ready.status, decision.ready.reason


def message(decision: Decision) -> str:
    assert decision.ready is not None
    return decision.ready.message


def config(cluster: Cluster, place: tuple[str, str]) -> dict[str, Any]:
    found = json.loads(cluster.attachments[place]["spec"]["config"])
    assert isinstance(found, dict)
    return found


def foreign(namespace: str = "default", name: str = "net1", owner: str = "", **metadata: Any) -> dict[str, Any]:
    """An attachment that somebody else made."""
    found = {"name": name, "namespace": namespace, "uid": "foreign", **metadata}
    if owner:
        found["annotations"] = {**found.get("annotations", {}), OWNER: owner}
    return {"metadata": found, "spec": {"config": "junk"}}


def deleted(body: dict[str, Any]) -> dict[str, Any]:
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return body


@EVERY_KIND
def test_a_new_network_gets_its_finalizer_then_its_note_then_its_attachment(kind: str) -> None:
    cluster, net = Cluster(), network(kind, networkNamespace="default")
    first = cluster.settle(net)
    assert kinds(first) == [AddFinalizer, SetLastNamespace, CreateAttachment]
    assert ready(first) == ("True", "NetworkReady")
    assert message(first) == "the NetworkAttachmentDefinition default/net1 is in place"
    assert cluster.there == ["default/net1"]
    assert cluster.attachments["default", "net1"]["metadata"]["annotations"] == {
        "k8s.v1.cni.cncf.io/resourceName": "openshift.io/resource_1",
        OWNER: f"{kind}.sriovnetwork.openshift.io/operator/net1",
    }
    assert net["metadata"]["annotations"] == {LAST: "default"}
    assert net["metadata"]["finalizers"] == [FINALIZER]


@EVERY_KIND
def test_what_is_as_it_should_be_is_left_alone(kind: str) -> None:
    cluster, net = Cluster(), network(kind, networkNamespace="default")
    cluster.settle(net)
    again = cluster.settle(net)
    assert again.actions == ()
    assert ready(again) == ("True", "NetworkReady")


CHANGES = [
    pytest.param(
        {"ipam": '{"type": "dhcp"}', "vlan": 200}, {"ipam": {"type": "dhcp"}, "vlan": 200}, id="ipam-and-vlan"
    ),
    pytest.param({"spoofChk": "off"}, {"spoofchk": "off"}, id="spoof-check"),
    pytest.param({"trust": "on"}, {"trust": "on"}, id="trust"),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_a_changed_network_updates_its_attachment(change: dict[str, Any], expected: dict[str, Any]) -> None:
    cluster, net = Cluster(), network(networkNamespace="default", spoofChk="on", vlan=100)
    cluster.settle(net)
    net["spec"] |= change
    net["metadata"]["generation"] = 2
    changed = cluster.settle(net)
    assert kinds(changed) == [UpdateAttachment]
    assert changed.ready is not None
    assert changed.ready.observed_generation == 2
    assert config(cluster, ("default", "net1")).items() >= expected.items()


@EVERY_KIND
def test_a_network_that_moves_home_leaves_nothing_behind(kind: str) -> None:
    cluster, net = Cluster(), network(kind, networkNamespace="default")
    cluster.settle(net)
    del net["spec"]["networkNamespace"]
    moved = cluster.settle(net)
    assert kinds(moved) == [DeleteAttachment, SetLastNamespace, CreateAttachment]
    assert cluster.there == ["operator/net1"]
    assert net["metadata"]["annotations"][LAST] == OPERATOR
    assert cluster.settle(net).actions == ()


def test_an_attachment_deleted_by_hand_comes_back() -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.settle(net)
    cluster.attachments.clear()
    assert kinds(cluster.settle(net)) == [CreateAttachment]
    assert cluster.there == ["default/net1"]


@EVERY_KIND
def test_an_attachment_waits_for_its_namespace(kind: str) -> None:
    cluster, net = Cluster(), network(kind, networkNamespace="green")
    waiting = cluster.settle(net)
    assert kinds(waiting) == [AddFinalizer]
    assert ready(waiting) == ("False", "NamespaceNotFound")
    assert message(waiting) == (
        "the namespace green of the NetworkAttachmentDefinition does not exist. Create it, or correct networkNamespace"
    )
    cluster.namespaces.add("green")
    assert ready(cluster.settle(net)) == ("True", "NetworkReady")
    assert cluster.there == ["green/net1"]


def test_a_move_to_a_missing_namespace_still_succeeds_once_it_is_there() -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.settle(net)
    net["spec"]["networkNamespace"] = "green"
    assert kinds(cluster.settle(net)) == [DeleteAttachment, SetLastNamespace]
    assert net["metadata"]["annotations"][LAST] == ""
    assert cluster.there == []
    assert cluster.settle(net).actions == ()
    cluster.namespaces.add("green")
    assert kinds(cluster.settle(net)) == [SetLastNamespace, CreateAttachment]
    assert cluster.there == ["green/net1"]


@pytest.mark.parametrize("stale", ["gone", "", "no/namespace", " "])
def test_a_stale_note_of_the_last_namespace_is_no_hindrance(stale: str) -> None:
    cluster, net = Cluster(), network(networkNamespace="default", annotations={LAST: stale})
    assert kinds(cluster.settle(net)) == [AddFinalizer, SetLastNamespace, CreateAttachment]
    assert net["metadata"]["annotations"] == {LAST: "default"}


@pytest.mark.parametrize("owner", ["", "SriovNetwork.sriovnetwork.openshift.io/default/net1"])
def test_a_move_leaves_alone_what_is_not_the_networks_own(owner: str) -> None:
    cluster, net = Cluster(), network(annotations={LAST: "default", "foo": "bar"})
    theirs = cluster.put(foreign(owner=owner))
    assert kinds(cluster.settle(net)) == [AddFinalizer, SetLastNamespace, CreateAttachment]
    assert cluster.attachments["default", "net1"] == theirs
    assert net["metadata"]["annotations"] == {"foo": "bar", LAST: OPERATOR}


def test_a_network_of_another_namespace_owns_its_attachment_and_has_no_finalizer() -> None:
    cluster, net = Cluster(), network(namespace="blue")
    assert kinds(cluster.settle(net)) == [SetLastNamespace, CreateAttachment]
    reference = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovNetwork",
        "name": "net1",
        "uid": "uid-SriovNetwork-blue-net1",
    }
    assert cluster.attachments["blue", "net1"]["metadata"]["ownerReferences"] == [reference]
    net["spec"]["resourceName"] = "resource_2"
    assert kinds(cluster.settle(net)) == [UpdateAttachment]
    metadata = cluster.attachments["blue", "net1"]["metadata"]
    assert metadata["ownerReferences"] == [reference]
    assert metadata["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "openshift.io/resource_2"


@EVERY_KIND
def test_only_networks_of_the_operators_namespace_reach_out(kind: str) -> None:
    cluster, net = Cluster(), network(kind, namespace="blue", networkNamespace="default")
    refused = cluster.settle(net)
    assert refused.actions == ()
    assert ready(refused) == ("False", "NetworkAttachmentDefinitionInvalid")
    assert "networkNamespace cannot be set" in message(refused)


def test_faults_are_reported_and_what_works_goes_on_working() -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.settle(net)
    before = copy.deepcopy(cluster.attachments)
    net["spec"] |= {"ipam": "{'type': 'dhcp'}", "networkNamespace": "blue"}
    refused = cluster.settle(net)
    assert refused.actions == ()
    assert ready(refused) == ("False", "NetworkAttachmentDefinitionInvalid")
    assert message(refused).startswith("spec.ipam: line 1, column 2, near ")
    assert cluster.attachments == before


def test_a_long_list_of_faults_is_cut() -> None:
    refused = Cluster().settle(network("OVSNetwork", trunk=[{}] * 5000))
    assert kinds(refused) == [AddFinalizer]
    assert message(refused).endswith("; and 4990 more")
    assert len(message(refused)) < 2000


@pytest.mark.parametrize("owner", ["", "unknown/operator/net1"], ids=["nobodys", "of-an-owner-without-kind"])
def test_an_attachment_without_owner_is_taken_over(owner: str) -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.put(foreign(owner=owner, labels={"team": "x"}))
    assert kinds(cluster.settle(net)) == [AddFinalizer, SetLastNamespace, UpdateAttachment]
    assert net["metadata"]["annotations"] == {LAST: "default"}
    assert config(cluster, ("default", "net1"))["type"] == "sriov"
    assert cluster.attachments["default", "net1"]["metadata"]["labels"] == {"team": "x"}
    assert cluster.settle(net).actions == ()


def test_what_others_write_into_an_attachment_stays_and_is_no_reason_to_write() -> None:
    cluster, net = Cluster(), network(namespace="blue")
    cluster.settle(net)
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "9"}
    metadata = cluster.attachments["blue", "net1"]["metadata"]
    metadata["annotations"]["foo"] = "bar"
    metadata["labels"] = {"team": "x"}
    metadata["ownerReferences"].insert(0, theirs)
    before = copy.deepcopy(metadata)
    assert cluster.settle(net).actions == ()
    net["spec"]["vlan"] = 7
    assert kinds(cluster.settle(net)) == [UpdateAttachment]
    assert cluster.attachments["blue", "net1"]["metadata"] == {**before, "resourceVersion": "2"}


def test_what_others_change_of_ours_is_put_right() -> None:
    cluster, net = Cluster(), network(namespace="blue")
    cluster.settle(net)
    wanted = copy.deepcopy(cluster.attachments["blue", "net1"])
    for spoil in (
        {"spec": {"config": "{}"}},
        {"metadata": {**wanted["metadata"], "annotations": None}},
        {"metadata": {**wanted["metadata"], "ownerReferences": []}},
    ):
        cluster.put({**wanted, **spoil})
        assert kinds(cluster.settle(net)) == [UpdateAttachment]
        mended = cluster.attachments["blue", "net1"]
        assert mended["spec"] == wanted["spec"]
        assert {**mended["metadata"], "resourceVersion": "1"} == wanted["metadata"]


def test_a_network_created_anew_takes_the_place_of_its_former_life() -> None:
    cluster, net = Cluster(), network(namespace="blue")
    cluster.settle(net)
    net["metadata"]["uid"] = "new"
    assert kinds(cluster.settle(net)) == [UpdateAttachment]
    assert [one["uid"] for one in cluster.attachments["blue", "net1"]["metadata"]["ownerReferences"]] == ["new"]


def test_the_first_of_two_kinds_of_one_name_keeps_the_attachment() -> None:
    cluster = Cluster()
    first, second = network(networkNamespace="default"), network("SriovIBNetwork", networkNamespace="default")
    cluster.settle(first)
    refused = cluster.settle(second)
    assert kinds(refused) == [AddFinalizer]
    assert ready(refused) == ("False", "NetworkAttachmentDefinitionInvalid")
    assert message(refused) == (
        "the NetworkAttachmentDefinition default/net1 belongs to SriovNetwork.sriovnetwork.openshift.io/operator/net1. "
        "Delete that one, or give this one another name"
    )
    assert config(cluster, ("default", "net1"))["type"] == "sriov"
    assert cluster.settle(deleted(second)).actions == (RemoveFinalizer(),)
    assert cluster.there == ["default/net1"]


def test_a_network_whose_place_is_taken_gets_it_when_it_is_free() -> None:
    cluster = Cluster()
    first, second = network(networkNamespace="default"), network("SriovIBNetwork", networkNamespace="default")
    cluster.settle(first)
    cluster.settle(second)
    cluster.settle(deleted(first))
    assert kinds(cluster.settle(second)) == [SetLastNamespace, CreateAttachment]
    assert config(cluster, ("default", "net1"))["type"] == "ib-sriov"


def test_a_network_that_moves_to_a_taken_place_leaves_its_own_and_waits() -> None:
    cluster, net = Cluster(), network(networkNamespace="blue")
    cluster.settle(net)
    cluster.put(foreign(owner="OVSNetwork.sriovnetwork.openshift.io/default/net1"))
    net["spec"]["networkNamespace"] = "default"
    refused = cluster.settle(net)
    assert kinds(refused) == [DeleteAttachment, SetLastNamespace]
    assert ready(refused) == ("False", "NetworkAttachmentDefinitionInvalid")
    assert cluster.there == ["default/net1"]
    assert cluster.settle(net).actions == ()


def test_a_network_does_not_take_what_the_operators_namespace_has_placed() -> None:
    cluster = Cluster()
    placed = network(name="net2", networkNamespace="default", minTxRate=42)
    local = network(name="net2", namespace="default", minTxRate=84)
    cluster.settle(placed)
    refused = cluster.settle(local)
    assert refused.actions == ()
    assert ready(refused) == ("False", "NetworkAttachmentDefinitionInvalid")
    assert config(cluster, ("default", "net2"))["min_tx_rate"] == 42


@EVERY_KIND
def test_a_deleted_network_takes_its_attachment_along(kind: str) -> None:
    cluster, net = Cluster(), network(kind, networkNamespace="default")
    cluster.settle(net)
    last = cluster.settle(deleted(net))
    assert kinds(last) == [DeleteAttachment, RemoveFinalizer]
    assert last.ready is None
    assert cluster.there == []
    assert cluster.settle(net) == Decision()


def test_a_network_deleted_right_after_a_move_leaves_nothing_behind() -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.settle(net)
    net["spec"]["networkNamespace"] = "blue"
    assert kinds(cluster.settle(deleted(net))) == [DeleteAttachment, RemoveFinalizer]
    assert cluster.there == []


@pytest.mark.parametrize("spec", [{"ipam": "junk"}, {"networkNamespace": "a/b"}], ids=["faulty", "no-namespace"])
def test_a_network_with_faults_can_be_deleted(spec: dict[str, str]) -> None:
    cluster, net = Cluster(), network(networkNamespace="default")
    cluster.settle(net)
    net["spec"] |= spec
    assert kinds(cluster.settle(deleted(net))) == [DeleteAttachment, RemoveFinalizer]


@pytest.mark.parametrize("owner", ["", "OVSNetwork.sriovnetwork.openshift.io/operator/net1"])
def test_a_deletion_leaves_alone_what_is_not_the_networks_own(owner: str) -> None:
    cluster, net = Cluster(), network(networkNamespace="default", annotations={LAST: "blue"})
    net["metadata"]["finalizers"] = ["other", FINALIZER]
    cluster.put(foreign(owner=owner))
    cluster.put(foreign("blue", owner=owner))
    assert cluster.settle(deleted(net)).actions == (RemoveFinalizer(),)
    assert net["metadata"]["finalizers"] == ["other"]


def test_a_network_of_another_namespace_is_left_to_the_garbage_collector() -> None:
    cluster, net = Cluster(), network(namespace="blue")
    cluster.settle(net)
    assert cluster.settle(deleted(net)) == Decision()


NAMESPACES = st.sampled_from(["default", "blue", "green", ""])
WISHES = st.lists(st.tuples(NAMESPACES, st.integers(0, 5)), min_size=1, max_size=5)


@given(WISHES, st.booleans())
def test_however_passes_break_off_there_is_one_attachment_in_the_end(
    wishes: list[tuple[str, int]], removed: bool
) -> None:
    cluster, net = Cluster(), network()
    for namespace, steps in wishes:
        net["spec"]["networkNamespace"] = namespace
        cluster.settle(net, steps)
        assert len(cluster.there) <= 1
    if removed:
        deleted(net)
    cluster.settle(net)
    last = net["spec"]["networkNamespace"] or OPERATOR
    assert cluster.there == ([f"{last}/net1"] if not removed and last in cluster.namespaces else [])
    assert cluster.settle(net).actions == ()
