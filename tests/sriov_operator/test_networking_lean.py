"""What is kept of attachments and namespaces, and that decisions on it are those on the whole object."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks_in_a_cluster import KINDS, OPERATOR, Cluster, network

from sriov_operator.attachments import decide
from sriov_operator.networking.lean import CACHED, LeanAttachment, LeanNamespace
from sriov_operator.networking.looking import TYPES

OWNER = "sriovnetwork.openshift.io/owner-ref"


def lean(body: dict[str, Any]) -> LeanAttachment:
    return msgspec.json.decode(json.dumps(body), type=LeanAttachment)


def stored(**metadata: Any) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "7", **metadata}
    return {"apiVersion": "k8s.cni.cncf.io/v1", "metadata": metadata, "spec": {"config": "{}"}}


def test_of_an_attachment_of_nobody_only_the_name_is_kept() -> None:
    kept = lean(stored(annotations={"note": "x" * 1000}, labels={"a": "b"}, ownerReferences=[{"uid": "v"}]))
    assert kept.seen() == {
        "metadata": {
            "name": "a",
            "namespace": "b",
            "uid": "u",
            "resourceVersion": "7",
            "annotations": {},
            "ownerReferences": (),
        },
        "spec": {"config": ""},
    }


def test_of_one_that_was_made_from_a_network_what_decides_is_kept() -> None:
    resource = "k8s.v1.cni.cncf.io/resourceName"
    owners = [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "v", "controller": True}]
    kept = lean(stored(annotations={OWNER: "o", resource: "r", "note": "x"}, ownerReferences=owners)).seen()
    assert kept["metadata"]["annotations"] == {OWNER: "o", resource: "r"}
    assert kept["metadata"]["ownerReferences"] == ({"apiVersion": "v1", "kind": "K", "name": "n", "uid": "v"},)
    assert kept["spec"] == {"config": "{}"}


@pytest.mark.parametrize("body", [{"metadata": {"name": "a"}}, {"metadata": {"name": "a"}, "spec": {}}])
def test_an_attachment_without_a_configuration_is_read(body: dict[str, Any]) -> None:
    assert lean(body).spec.config == ""


def test_a_namespace_that_is_about_to_go_takes_no_objects() -> None:
    there = msgspec.convert({"metadata": {"name": "a"}}, LeanNamespace)
    going = msgspec.convert({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}}, LeanNamespace)
    assert there.takes_objects
    assert not going.takes_objects


def decided(body: dict[str, Any], found: dict[str, Any] | None) -> list[type]:
    settings = {"operator_namespace": OPERATOR, "resource_prefix": "openshift.io", "namespace_exists": True}
    wire = msgspec.convert(body, KINDS[body["kind"]])
    return [type(one) for one in decide(wire, found=found, former=None, **settings).actions]  # type: ignore[arg-type]


FOREIGN = st.fixed_dictionaries(
    {},
    optional={
        "annotations": st.dictionaries(
            st.sampled_from(["note", "k8s.v1.cni.cncf.io/resourceName"]), st.text(max_size=3)
        ),
        "labels": st.just({"a": "b"}),
        "ownerReferences": st.just([{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "v", "controller": True}]),
        "finalizers": st.just(["a/b"]),
    },
)


@given(
    kind=st.sampled_from(sorted(KINDS)), foreign=FOREIGN, vlan=st.booleans(), ours=st.booleans(), at_home=st.booleans()
)
def test_what_is_decided_on_the_lean_one_is_what_is_decided_on_the_whole(
    kind: str, foreign: dict[str, Any], *, vlan: bool, ours: bool, at_home: bool
) -> None:
    cluster, body = Cluster(), network(kind, namespace="blue" if at_home else OPERATOR)
    if not at_home:
        body["spec"]["networkNamespace"] = "default"
    cluster.settle(body)
    ((place, made),) = cluster.attachments.items()
    made["metadata"]["annotations"] |= foreign.pop("annotations", {})
    made["metadata"].setdefault("ownerReferences", []).extend(foreign.pop("ownerReferences", []))
    made["metadata"] |= foreign
    if not ours:
        del made["metadata"]["annotations"][OWNER]
    if vlan:
        made["spec"]["config"] = "{}"
    assert place
    assert decided(body, lean(made).seen()) == decided(body, made)


@pytest.mark.parametrize("kind", CACHED)
def test_who_manages_the_fields_of_a_network_is_not_kept(kind):
    fields = [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:vlan": {}}}}]
    metadata = {"name": "blue", "namespace": "sriov", "uid": "1", "managedFields": fields, "finalizers": ["ours"]}
    stored = {"kind": kind, "metadata": metadata, "spec": {"resourceName": "r"}}
    found = msgspec.json.decode(msgspec.json.encode(stored), type=CACHED[kind])
    assert found.metadata.managed_fields == ()
    assert (found.kind, found.metadata.finalizers, found.spec.resource_name) == (kind, ("ours",), "r")
    assert isinstance(found, TYPES[kind])
