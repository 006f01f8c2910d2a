"""Networks of all three kinds."""

from typing import Any

import pytest
from admission_world import OPERATOR, Raw, cluster, created, of_kind, policy, told

from sriov_core.admission.admitting import admit

KINDS = ("SriovNetwork", "SriovIBNetwork", "OVSNetwork")


def network(kind: str = "SriovNetwork", name: str = "net1", namespace: str = OPERATOR, **spec: Any) -> Raw:
    return of_kind(kind, name, {"resourceName": "p0res", **spec}, namespace)


def judged(raw: Raw, *others: Raw, **more: Any) -> Any:
    return created(raw, policy(), networks=others, **more)


@pytest.mark.parametrize("target", ["", "somewhere"])
@pytest.mark.parametrize("namespace", [OPERATOR, "tenant"])
@pytest.mark.parametrize("kind", KINDS)
def test_only_networks_of_the_operators_namespace_choose_where_they_go(kind: str, namespace: str, target: str) -> None:
    spec = {"networkNamespace": target} if target else {}
    decision = judged(network(kind, namespace=namespace, **spec))
    assert decision.allowed is (not target or namespace == OPERATOR)
    assert ("networkNamespace cannot be set" in decision.message) is not decision.allowed


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        pytest.param("SriovNetwork", {"resourceName": "a/b"}, "spec.resourceName", id="resource-name"),
        pytest.param("SriovNetwork", {"ipam": "{type: dhcp}"}, "spec.ipam", id="ipam"),
        pytest.param("SriovIBNetwork", {"capabilities": "foo"}, "spec.capabilities", id="capabilities"),
        pytest.param("OVSNetwork", {"metaPlugins": '{"type": "x"'}, "spec.metaPlugins", id="meta-plugins"),
        pytest.param("SriovNetwork", {"minTxRate": 20, "maxTxRate": 10}, "spec.minTxRate", id="rates"),
        pytest.param("SriovNetwork", {"vlanQoS": 3}, "spec.vlanQoS", id="priority-without-vlan"),
        pytest.param("SriovNetwork", {"vlanProto": "802.1ad"}, "spec.vlanProto", id="protocol-without-vlan"),
        pytest.param("OVSNetwork", {"trunk": [{"minID": 5, "maxID": 2}]}, "spec.trunk[0]", id="trunk"),
        pytest.param("SriovNetwork", {"vlan": 5000}, "spec.vlan", id="vlan"),
    ],
)
def test_what_would_fail_every_pod_is_denied(kind: str, spec: dict[str, Any], path: str) -> None:
    decision = judged(network(kind, **spec))
    assert [fault.path for fault in decision.reasons] == [path]


def test_what_is_hardly_meant_is_a_warning() -> None:
    decision = judged(network("OVSNetwork", vlan=5, trunk=[{"id": 7}]))
    assert decision.allowed
    assert [text.partition(":")[0] for text in decision.warnings] == ["spec.vlan"]


def test_a_resource_that_no_policy_makes_is_a_warning_with_the_one_that_was_meant() -> None:
    decision = judged(network(resourceName="p0rse"))
    assert decision.allowed
    assert told(decision) == (
        "warning: spec.resourceName: no policy has the resource 'p0rse', so pods with this network stay pending. "
        "Did you mean p0res?"
    )
    assert "Create a SriovNetworkNodePolicy" in told(created(network()))
    assert told(created(network(), is_complete=False)) == ""


@pytest.mark.parametrize(
    ("others", "rivals"),
    [
        pytest.param([network("SriovIBNetwork")], 1, id="another-kind"),
        pytest.param([network(namespace="tenant")], 0, id="another-namespace"),
        pytest.param([network("OVSNetwork", namespace="tenant"), network("SriovIBNetwork")], 1, id="one-of-two"),
        pytest.param([network(name="net2")], 0, id="another-name"),
        pytest.param([network()], 0, id="itself"),
        pytest.param([network("SriovIBNetwork", namespace="")], 1, id="without-a-namespace"),
    ],
)
def test_two_networks_for_one_attachment_are_a_warning(others: list[Raw], rivals: int) -> None:
    decision = judged(network(), *others)
    assert decision.allowed
    assert [f"NetworkAttachmentDefinition {OPERATOR}/net1" in text for text in decision.warnings] == [True] * rivals


def test_a_network_that_goes_where_another_one_is_is_warned_of() -> None:
    decision = judged(network(networkNamespace="tenant"), network(namespace="tenant"))
    assert "SriovNetwork tenant/net1 makes the NetworkAttachmentDefinition tenant/net1, too" in told(decision)


def test_a_file_without_a_namespace_is_meant_for_the_operators() -> None:
    raw = network(networkNamespace="tenant", namespace="")
    assert told(judged(raw)) == ""


def test_a_network_that_breaks_a_rule_can_lose_its_finalizer_and_be_deleted() -> None:
    raw = network(namespace="tenant", networkNamespace="somewhere")
    released = {**raw, "metadata": {**raw["metadata"], "finalizers": []}}
    assert admit("UPDATE", released, raw, cluster()).allowed
    assert admit("DELETE", None, raw, cluster()).allowed
