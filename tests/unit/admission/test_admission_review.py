"""Answers to the API server: the envelope, and that nothing in a request can break them."""

import base64
import json
from typing import Any

import pytest
from admission_world import API, OPERATOR, Raw, cluster, node, of_kind, policy, state
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.admission.admitting import admit
from sriov_core.admission.mutation import mutate
from sriov_core.admission.review import Malformed, completed, validated

KINDS = (
    *("SriovNetworkNodePolicy", "SriovNetworkNodeState", "SriovNetwork", "SriovIBNetwork", "OVSNetwork"),
    *("SriovNetworkPoolConfig", "SriovOperatorConfig"),
)


def review(raw: Any, operation: str = "CREATE", version: str = "admission.k8s.io/v1", **more: Any) -> Raw:
    kind = raw.get("kind", "") if isinstance(raw, dict) else ""
    request = {
        "uid": "705ab4f5",
        "kind": {"group": "sriovnetwork.openshift.io", "version": "v1", "kind": kind},
        "operation": operation,
        "object": raw,
        **more,
    }
    return {"apiVersion": version, "kind": "AdmissionReview", "request": request}


def response(answer: Any) -> Any:
    assert isinstance(answer, dict)
    assert answer["kind"] == "AdmissionReview"
    return answer["response"]


def patch_of(answer: Any) -> Any:
    found = response(answer)
    assert found["patchType"] == "JSONPatch"
    return json.loads(base64.b64decode(found["patch"]))


@pytest.mark.parametrize("version", ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"])
def test_an_answer_has_the_version_and_the_uid_of_its_request(version: str) -> None:
    for answer in (
        validated(review(policy(), version=version), cluster()),
        completed(review(policy(), version=version)),
    ):
        assert isinstance(answer, dict)
        assert answer["apiVersion"] == version
        assert answer["response"]["uid"] == "705ab4f5"
        assert answer["response"]["allowed"] is True


def test_a_denial_is_told_where_old_and_new_clients_look() -> None:
    found = response(validated(review(policy(numVfs=65)), cluster()))
    assert found["allowed"] is False
    assert found["status"]["message"] == found["status"]["reason"]
    assert "65 VFs of ens803f1 are wanted" in found["status"]["message"]
    assert found["status"]["code"] == 403


def test_warnings_come_with_an_allowed_object() -> None:
    found = response(validated(review(policy(namespace="elsewhere")), cluster()))
    assert found["allowed"] is True
    assert [OPERATOR in text for text in found["warnings"]] == [True]


def test_an_object_that_cannot_be_read_is_denied_with_every_fault() -> None:
    found = response(validated(review(policy(numVfs="two", priority=1.5)), cluster()))
    assert "spec.numVfs: found the text 'two'" in found["status"]["message"]
    assert "spec.priority: found the number 1.5" in found["status"]["message"]


def test_a_field_that_the_installed_schema_knows_and_this_version_does_not_is_a_warning() -> None:
    found = response(validated(review(policy(futureField=1)), cluster()))
    assert found["allowed"] is True
    assert found["warnings"][0].startswith("spec.futureField: unknown field")


def test_a_deletion_is_judged_by_the_object_as_it_is_stored() -> None:
    old = of_kind("SriovOperatorConfig", "default", {})
    request = review(None, "DELETE", oldObject=old)
    request["request"]["kind"]["kind"] = "SriovOperatorConfig"
    found = response(validated(request, cluster(policy())))
    assert found["allowed"] is True
    assert "policies exist" in found["warnings"][0]


def test_what_stands_in_the_request_only_is_taken_from_there() -> None:
    raw = policy()
    del raw["metadata"], raw["kind"], raw["apiVersion"]
    request = review(raw, name="p0", namespace=OPERATOR)
    request["request"]["kind"]["kind"] = "SriovNetworkNodePolicy"
    assert response(validated(request, cluster())) == {"uid": "705ab4f5", "allowed": True}
    unnamed = {**policy(), "metadata": {"generateName": "fast-"}}
    assert response(validated(review(unnamed, namespace=OPERATOR), cluster())) == {"uid": "705ab4f5", "allowed": True}


def generated(start: str, **spec: Any) -> Raw:
    """A request for an object whose name the API server is yet to make."""
    return review({**policy(**spec), "metadata": {"generateName": start}}, namespace=OPERATOR)


@pytest.mark.parametrize("start", ["default", "default-", "p1-"])
def test_a_name_that_is_yet_to_be_made_is_no_reason_to_leave_a_policy_as_it_is(start: str) -> None:
    added = patch_of(completed(generated(start, priority=None, isRdma=False)))
    assert [(entry["path"], entry["value"]) for entry in added] == [("/spec/priority", 99)]


def test_a_name_that_is_yet_to_be_made_is_not_that_of_the_ignored_policy() -> None:
    found = response(validated(generated("default-", numVfs=65), cluster()))
    assert "65 VFs of ens803f1 are wanted" in found["status"]["message"]


@pytest.mark.parametrize("start", ["p1", "p1-", "p1."])
def test_a_policy_is_compared_with_one_that_is_called_as_its_name_starts(start: str) -> None:
    found = response(validated(generated(start), cluster(policy("p1"))))
    assert "VF index range in ens803f1 is overlapped" in found["status"]["message"]


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        pytest.param("CREATE", {"subResource": "status"}, id="status"),
        pytest.param("CONNECT", {}, id="connect"),
        pytest.param("CREATE", {"kind": {"group": "apps", "version": "v1", "kind": "SriovNetwork"}}, id="other-group"),
        pytest.param("CREATE", {"kind": {"group": "", "version": "v1", "kind": "Pod"}}, id="other-kind"),
    ],
)
def test_whatever_is_not_ours_to_judge_is_allowed(operation: str, more: Raw) -> None:
    assert response(validated(review(policy(nicSelector={}), operation, **more), cluster()))["allowed"] is True


def test_an_object_that_is_missing_is_denied() -> None:
    request = review(None)
    request["request"]["kind"]["kind"] = "SriovNetwork"
    assert "request.object: the object is missing" in response(validated(request, cluster()))["status"]["message"]


def test_the_patch_is_encoded_and_an_empty_one_is_sent_too() -> None:
    added = patch_of(completed(review(policy(priority=None))))
    assert [(entry["path"], entry["value"]) for entry in added] == [("/spec/priority", 99), ("/spec/isRdma", False)]
    assert patch_of(completed(review(policy(isRdma=False)))) == []


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(policy("default"), id="default"),
        pytest.param({**policy(), "spec": None}, id="null-spec"),
        pytest.param(of_kind("SriovNetwork", "net1", {}), id="another-kind"),
    ],
)
def test_no_patch_is_sent_where_nothing_is_to_be_patched(raw: Raw) -> None:
    assert response(completed(review(raw))) == {"uid": "705ab4f5", "allowed": True}


def test_a_value_that_is_overridden_is_a_warning() -> None:
    found = response(completed(review(policy(linkType="IB", isRdma=False))))
    assert "spec.isRdma: found false" in found["warnings"][0]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param([], "", id="list"),
        pytest.param({}, "apiVersion", id="empty"),
        pytest.param(review(policy(), version="admission.k8s.io/v2"), "apiVersion", id="unknown-version"),
        pytest.param({**review(policy()), "kind": "Review"}, "apiVersion", id="another-kind"),
        pytest.param({**review(policy()), "request": None}, "request", id="no-request"),
        pytest.param(review(policy(), uid=5), "request.uid", id="uid-is-a-number"),
        pytest.param(review(policy(), operation=None), "request.operation", id="no-operation"),
        pytest.param(review("text"), "request.object", id="object-is-text"),
        pytest.param(review(policy(), oldObject=[1]), "request.oldObject", id="old-object-is-a-list"),
    ],
)
def test_what_is_no_request_gives_an_error_and_not_an_answer(body: Any, path: str) -> None:
    for answer in (validated(body, cluster()), completed(body)):
        assert isinstance(answer, Malformed)
        assert answer.fault.path == path
        assert str(answer)


def test_half_a_surrogate_pair_is_refused() -> None:
    found = response(validated(review(policy(resourceName="\ud800")), cluster()))
    assert "surrogate" in found["status"]["message"]


def test_an_object_that_is_nested_too_deep_is_refused() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    found = response(validated(review(policy(nicSelector=deep)), cluster()))
    assert "nested too deep" in found["status"]["message"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("resourceName", "nodeSelector", "numVfs", "nicSelector", "priority", "mtu", "bridge", "vdpaType", "linkType"),
    *("ovsHardwareOffloadConfig", "maxUnavailable", "rdmaMode", "featureGates", "configDaemonEnvVars", "disableDrain"),
    *("networkNamespace", "ipam", "capabilities", "metaPlugins", "vlan", "trunk", "minTxRate"),
)
SPECS = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
BESIDE = cluster(policy("p1"), pools=[of_kind("SriovNetworkPoolConfig", "other", {})])


@st.composite
def objects(draw: st.DrawFn) -> Any:
    """An object of ours with a random spec, or with one random field in a good one, or something else altogether."""
    kind = draw(st.sampled_from(KINDS))
    raw: Raw = {"apiVersion": API, "kind": kind, "metadata": {"name": "p0", "namespace": OPERATOR}}
    form = draw(st.sampled_from(("spec", "field", "metadata", "anything")))
    if form == "field":
        return policy(**{draw(st.sampled_from(FIELDS)): draw(JSON)})
    if form == "metadata":
        return {**raw, "metadata": draw(JSON), "spec": {}}
    return {**raw, "spec": draw(SPECS)} if form == "spec" else draw(JSON)


@given(objects(), objects(), st.sampled_from(("CREATE", "UPDATE", "DELETE")))
def test_no_object_can_break_the_rules(raw: Any, old: Any, operation: str) -> None:
    decision = admit(operation, raw, old, BESIDE)
    assert decision.allowed == (decision.reasons == ())
    assert all(str(fault) for fault in decision.reasons)
    patch = mutate(raw)
    assert patch is None or json.dumps(patch)


@given(objects() | JSON, JSON, st.sampled_from(("CREATE", "UPDATE", "DELETE")))
def test_no_request_can_break_the_answers(raw: Any, junk: Any, operation: str) -> None:
    for body in (review(raw, operation), review(raw, operation, oldObject=junk), review(policy(), kind=junk), junk):
        for answer in (validated(body, BESIDE), completed(body)):
            assert isinstance(answer, Malformed) or isinstance(answer["response"]["allowed"], bool)


def test_the_objects_of_these_tests_are_read_as_they_are_written() -> None:
    assert admit("CREATE", node(), None, cluster()).allowed
    assert admit("CREATE", state(), None, cluster()).allowed
