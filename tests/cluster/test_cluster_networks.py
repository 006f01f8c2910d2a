"""Networks on a real API server: what becomes of their attachments, their status and their events, for every kind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from network_users import GROUP, HOME, KINDS, OWNER, Cluster, served
from operator_runs import until
from servers import Server

TYPES = {"SriovNetwork": "sriov", "SriovIBNetwork": "ib-sriov", "OVSNetwork": "ovs"}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
LAST = f"operator.{GROUP}/last-network-namespace"


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[Cluster]:
    with served(server) as found:
        yield found


@pytest.fixture
def blue(namespace: str) -> str:
    """A namespace of the test's own in which attachments are wanted, and by whose name its networks are called."""
    return namespace


NADS_WANTED = [
    pytest.param(
        "SriovNetwork",
        {"vlan": 100, "vlanQoS": 5, "vlanProto": "802.1ad"},
        {"type": "sriov", "vlan": 100, "vlanQoS": 5, "vlanProto": "802.1ad", "logLevel": "info", "ipam": {}},
        id="vlan",
    ),
    pytest.param(
        "SriovNetwork",
        {"spoofChk": "on", "trust": "on"},
        {"type": "sriov", "vlan": 0, "spoofchk": "on", "trust": "on", "vlanQoS": 0, "logLevel": "info", "ipam": {}},
        id="spoof-check-and-trust",
    ),
    pytest.param(
        "SriovNetwork",
        {"logLevel": "debug", "logFile": "/tmp/sriov.log"},
        {"type": "sriov", "vlan": 0, "vlanQoS": 0, "logLevel": "debug", "logFile": "/tmp/sriov.log", "ipam": {}},
        id="log",
    ),
    pytest.param(
        "SriovIBNetwork",
        {"linkState": "enable"},
        {"type": "ib-sriov", "link_state": "enable", "ipam": {}},
        id="infiniband",
    ),
    pytest.param(
        "OVSNetwork",
        {"bridge": "br0", "mtu": 1500, "trunk": [{"id": 120}, {"minID": 500, "maxID": 550}]},
        {"type": "ovs", "bridge": "br0", "mtu": 1500, "trunk": [{"id": 120}, {"minID": 500, "maxID": 550}], "ipam": {}},
        id="ovs",
    ),
]


@pytest.mark.parametrize(("kind", "spec", "wanted"), NADS_WANTED)
def test_a_network_becomes_an_attachment_and_takes_it_along(
    cluster: Cluster, blue: str, kind: str, spec: dict[str, Any], wanted: dict[str, Any]
) -> None:
    cluster.create(kind, blue, networkNamespace=blue, **spec)
    condition = cluster.ready(kind, blue)
    assert (condition["reason"], condition["message"]) == (
        "NetworkReady",
        f"the NetworkAttachmentDefinition {blue}/{blue} is in place",
    )
    found = cluster.nad(blue, blue)
    assert found is not None
    assert found["spec"]["config"] == json.dumps({"cniVersion": "1.0.0", "name": blue, **wanted}, indent=4)
    assert found["metadata"]["annotations"] == {
        "k8s.v1.cni.cncf.io/resourceName": "openshift.io/resource_1",
        OWNER: f"{kind}.{GROUP}/{HOME}/{blue}",
    }
    assert "ownerReferences" not in found["metadata"]
    until(lambda: ("Normal", "ReadyAdded") in cluster.events(blue))
    cluster.delete(kind, blue)
    until(lambda: cluster.network(kind, blue) is None)
    assert cluster.nad(blue, blue) is None


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        pytest.param({"ipam": '{"type":"dhcp"}', "vlan": 200}, {"ipam": {"type": "dhcp"}, "vlan": 200}, id="ipam"),
        pytest.param({"spoofChk": "on"}, {"spoofchk": "on"}, id="spoof-check"),
        pytest.param({"trust": "off"}, {"trust": "off"}, id="trust"),
    ],
)
def test_a_change_of_a_network_changes_its_attachment(
    cluster: Cluster, blue: str, spec: dict[str, Any], wanted: dict[str, Any]
) -> None:
    cluster.create("SriovNetwork", blue, networkNamespace=blue, vlan=100)
    first = cluster.ready("SriovNetwork", blue)
    cluster.change("SriovNetwork", blue, **spec)
    second = cluster.ready("SriovNetwork", blue)
    assert cluster.config(blue, blue).items() >= wanted.items()
    assert second["observedGeneration"] == first["observedGeneration"] + 1
    assert second["lastTransitionTime"] == first["lastTransitionTime"]


@EVERY_KIND
def test_without_its_namespace_the_attachment_moves_home(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue)
    cluster.ready(kind, blue)
    cluster.change(kind, blue, networkNamespace=None)
    cluster.ready(kind, blue)
    assert cluster.nad(HOME, blue)
    assert cluster.nad(blue, blue) is None
    assert (cluster.network(kind, blue) or {})["metadata"]["annotations"] == {LAST: HOME}


@EVERY_KIND
def test_an_attachment_that_is_deleted_by_hand_comes_back(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue)
    cluster.ready(kind, blue)
    first = cluster.nad(blue, blue) or {}
    cluster.delete_nad(blue, blue)
    again = until(lambda: cluster.nad(blue, blue))
    assert again["metadata"]["uid"] != first["metadata"]["uid"]
    assert again["spec"] == first["spec"]


@EVERY_KIND
def test_a_missing_namespace_is_waited_for(cluster: Cluster, blue: str, kind: str) -> None:
    later = f"{blue}-later"
    cluster.create(kind, blue, networkNamespace=later)
    condition = cluster.ready(kind, blue, status="False")
    assert condition["reason"] == "NamespaceNotFound"
    assert f"the namespace {later} of the NetworkAttachmentDefinition does not exist" in condition["message"]
    until(lambda: ("Warning", "ReadyAdded") in cluster.events(blue))
    cluster.server.admin.create_namespace(later)
    try:
        assert cluster.ready(kind, blue)["reason"] == "NetworkReady"
        assert cluster.nad(later, blue)
        until(lambda: ("Normal", "ReadyChanged") in cluster.events(blue))
    finally:
        cluster.server.admin.remove_namespace(later)


def test_a_move_into_a_namespace_that_is_made_later(cluster: Cluster, blue: str) -> None:
    later = f"{blue}-later"
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    cluster.change("SriovNetwork", blue, networkNamespace=later)
    assert cluster.ready("SriovNetwork", blue, status="False")["reason"] == "NamespaceNotFound"
    assert cluster.nad(blue, blue) is None
    cluster.server.admin.create_namespace(later)
    try:
        cluster.ready("SriovNetwork", blue)
        assert cluster.nad(later, blue)
    finally:
        cluster.server.admin.remove_namespace(later)


def test_a_former_namespace_that_has_gone_holds_nothing_up(cluster: Cluster, blue: str) -> None:
    cluster.create("SriovNetwork", blue, networkNamespace=blue, annotations={LAST: "gone-long-since"})
    cluster.ready("SriovNetwork", blue)
    assert cluster.nad(blue, blue)


@EVERY_KIND
def test_annotations_of_users_stay(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue, annotations={"foo": "bar"})
    cluster.ready(kind, blue)
    assert (cluster.network(kind, blue) or {})["metadata"]["annotations"] == {"foo": "bar", LAST: blue}


@EVERY_KIND
def test_elsewhere_a_network_owns_its_attachment_also_after_a_change(cluster: Cluster, blue: str, kind: str) -> None:
    made = cluster.create(kind, "net", blue)
    cluster.ready(kind, "net", blue)
    owner = {"apiVersion": f"{GROUP}/v1", "kind": kind, "name": "net", "uid": made["metadata"]["uid"]}
    assert (cluster.nad(blue, "net") or {})["metadata"]["ownerReferences"] == [owner]
    cluster.change(kind, "net", blue, resourceName="resource_2")
    cluster.ready(kind, "net", blue)
    found = (cluster.nad(blue, "net") or {})["metadata"]
    assert found["ownerReferences"] == [owner]
    assert found["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "openshift.io/resource_2"
    assert "finalizers" not in (cluster.network(kind, "net", blue) or {})["metadata"]


@EVERY_KIND
def test_elsewhere_a_network_may_not_reach_into_other_namespaces(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, blue, networkNamespace=HOME)
    condition = cluster.ready(kind, blue, blue, status="False")
    assert condition["reason"] == "NetworkAttachmentDefinitionInvalid"
    assert "networkNamespace cannot be set" in condition["message"]
    assert cluster.nad(HOME, blue) is None
    assert cluster.nad(blue, blue) is None


@EVERY_KIND
def test_an_attachment_of_nobody_is_taken_over(cluster: Cluster, blue: str, kind: str) -> None:
    junk = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
    metadata = {"name": blue, "namespace": blue, "labels": {"mine": "yes"}, "finalizers": ["example.com/hold"]}
    cluster.server.admin.create({**junk, "metadata": metadata, "spec": {"config": "junk"}})
    cluster.create(kind, blue, networkNamespace=blue)
    cluster.ready(kind, blue)
    assert cluster.config(blue, blue)["type"] == TYPES[kind]
    found = (cluster.nad(blue, blue) or {})["metadata"]
    assert found["labels"] == {"mine": "yes"}
    assert found["finalizers"] == ["example.com/hold"]


def test_of_two_networks_for_one_attachment_the_first_has_it_and_the_second_its_turn(
    cluster: Cluster, blue: str
) -> None:
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    first = cluster.nad(blue, blue) or {}
    cluster.create("SriovIBNetwork", blue, networkNamespace=blue)
    condition = cluster.ready("SriovIBNetwork", blue, status="False")
    assert condition["reason"] == "NetworkAttachmentDefinitionInvalid"
    assert f"belongs to SriovNetwork.{GROUP}/{HOME}/{blue}" in condition["message"]
    cluster.delete("SriovIBNetwork", blue)
    until(lambda: cluster.network("SriovIBNetwork", blue) is None)
    assert cluster.nad(blue, blue) == first
    cluster.create("SriovIBNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovIBNetwork", blue, status="False")
    cluster.delete("SriovNetwork", blue)
    cluster.ready("SriovIBNetwork", blue)
    assert cluster.config(blue, blue)["type"] == "ib-sriov"


def test_a_network_of_the_operators_namespace_keeps_out_a_local_one(cluster: Cluster, blue: str) -> None:
    cluster.create("SriovNetwork", "net2", networkNamespace=blue, minTxRate=42)
    cluster.ready("SriovNetwork", "net2")
    cluster.create("SriovNetwork", "net2", blue, minTxRate=84)
    cluster.ready("SriovNetwork", "net2", blue, status="False")
    assert cluster.config(blue, "net2")["min_tx_rate"] == 42
    cluster.delete("SriovNetwork", "net2")
    cluster.ready("SriovNetwork", "net2", blue)
    assert cluster.config(blue, "net2")["min_tx_rate"] == 84
