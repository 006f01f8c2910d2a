"""Bodies of requests to bodies of answers: a review gets a review, anything else a text that says what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st
from serving_world import Stored, cluster, of_kind, policy, review, webhooks

from sriov_core.admission.cluster import Cluster
from sriov_operator.serving.admission import MUTATING_PATH, VALIDATING_PATH, hooks
from sriov_operator.serving.answering import Outcome, answered
from sriov_operator.serving.facts import STALE_S, stale


def outcome(path: str, body: bytes, **more: str) -> Outcome:
    return answered(webhooks(**more)[path], body)  # type: ignore[arg-type]


def sent(given: object) -> bytes:
    return json.dumps(given).encode()


@pytest.mark.parametrize("path", [MUTATING_PATH, VALIDATING_PATH])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no JSON", id="nothing"),
        pytest.param(b"hello", "no JSON", id="words"),
        pytest.param(b"\xff\xfe\x00", "no JSON", id="no-utf-8"),
        pytest.param(b"[" * 100_000, "nested too deep", id="nested-too-deep"),
        pytest.param(b"null", "wanted an AdmissionReview", id="null"),
        pytest.param(b"[]", "wanted an AdmissionReview", id="list"),
        pytest.param(b"{}", "wanted an AdmissionReview", id="empty"),
        pytest.param(sent(policy()), "wanted an AdmissionReview", id="bare-object"),
        pytest.param(sent({**review(policy()), "apiVersion": "admission.k8s.io/v2"}), "apiVersion", id="other-version"),
        pytest.param(sent({**review(policy()), "request": None}), "request", id="no-request"),
        pytest.param(sent(review(policy(), uid="")), "request.uid", id="no-uid"),
    ],
)
def test_what_is_no_review_is_told_in_words_with_http_400(path: str, body: bytes, said: str) -> None:
    found = outcome(path, body)
    assert (found.status, found.verdict) == (400, "malformed")
    assert said in found.body.decode()
    assert found.body.decode() == found.told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({**policy(), "spec": None}, "spec", id="no-spec"),
        pytest.param({**policy(), "spec": {"numVfs": "many"}}, "spec.numVfs", id="wrong-type"),
        pytest.param({**policy(), "spec": []}, "spec", id="spec-is-a-list"),
        pytest.param({**policy(), "metadata": 5}, "metadata", id="metadata-is-a-number"),
        pytest.param(policy(numVfs=65), "64", id="more-than-the-card-has"),
        pytest.param(policy(nodeSelector={"no": "such"}), "no matched node is selected", id="no-node"),
        pytest.param({**policy(), "spec": {"resourceName": "\ud800"}}, "surrogate", id="no-unicode"),
    ],
)
def test_a_bad_object_is_a_review_that_denies_with_the_reason_twice(given: dict[str, object], said: str) -> None:
    found = outcome(VALIDATING_PATH, sent(review(given)))
    assert (found.status, found.verdict, found.kind) == (200, "denied", "SriovNetworkNodePolicy")
    response = json.loads(found.body)["response"]
    assert (response["uid"], response["allowed"], response["status"]["code"]) == ("u1", False, 403)
    assert said in response["status"]["message"]
    assert response["status"]["reason"] == response["status"]["message"]
    assert "denied CREATE of SriovNetworkNodePolicy" in found.told


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("path", [MUTATING_PATH, VALIDATING_PATH])
def test_a_review_is_answered_in_its_own_version(path: str, version: str) -> None:
    answer = json.loads(outcome(path, sent(review(policy(), version=version))).body)
    assert (answer["apiVersion"], answer["kind"]) == (f"admission.k8s.io/{version}", "AdmissionReview")
    assert answer["response"]["allowed"]


def test_a_denial_is_one_line_of_the_log_whatever_is_in_the_object() -> None:
    found = outcome(VALIDATING_PATH, sent(review(policy("p\nERROR all is lost\x1b[2J"))))
    assert found.verdict == "denied"
    assert found.told.isprintable()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param(policy(), "SriovNetworkNodePolicy", id="ours"),
        pytest.param({"kind": "Pod", "metadata": {}}, "Pod", id="pod"),
        pytest.param(of_kind("SriovSomething", "x", {}), "other", id="unknown"),
    ],
)
def test_the_kinds_that_are_counted_are_few(given: dict[str, object], kind: str) -> None:
    assert outcome(VALIDATING_PATH, sent(review(given))).kind == kind


def test_what_is_known_for_long_is_warned_about() -> None:
    given = of_kind("SriovOperatorConfig", "default", {"disableDrain": True})
    answer = json.loads(outcome(VALIDATING_PATH, sent(review(given)), stale="unheard for 99 s").body)
    assert answer["response"]["warnings"][-1] == "unheard for 99 s"
    assert "draining is off" in answer["response"]["warnings"][0]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param(cluster(policy(resourceName="fast")), [], id="its-policy-came-a-moment-ago"),
        pytest.param(cluster(), ["no policy has the resource 'fast'"], id="no-such-policy"),
        pytest.param(None, ["no policy has the resource 'fast'"], id="nobody-can-tell"),
    ],
)
def test_what_is_objected_to_is_judged_by_what_is_stored_now(now: Cluster | None, told: list[str]) -> None:
    hook = hooks(Stored(cluster(), now=now), lambda: "")[VALIDATING_PATH]
    found = answered(hook, sent(review(of_kind("SriovNetwork", "net", {"resourceName": "fast"}))))
    warnings = json.loads(found.body)["response"].get("warnings", [])
    assert (found.verdict, len(warnings)) == ("allowed", len(told))
    assert all(text in warning for text, warning in zip(told, warnings, strict=True))


@pytest.mark.parametrize("kind", [{}, {"kind": None}, {"kind": {"group": "x"}}], ids=["none", "null", "nameless"])
def test_a_network_is_judged_by_what_it_says_itself_where_the_review_names_no_kind(kind: dict[str, Any]) -> None:
    asked = review(of_kind("SriovNetwork", "net", {"resourceName": "fast"}))
    del asked["request"]["kind"]
    asked["request"] |= kind
    assert outcome(VALIDATING_PATH, sent(asked)).verdict == "allowed"


def test_draining_cannot_be_switched_off_while_a_node_is_updating() -> None:
    before = of_kind("SriovOperatorConfig", "default", {"disableDrain": False})
    after = of_kind("SriovOperatorConfig", "default", {"disableDrain": True})
    asked = sent(review(after, operation="UPDATE", oldObject=before))
    for sync, verdict in (("InProgress", "denied"), ("Succeeded", "allowed")):
        hook = webhooks(cluster(sync=sync))[VALIDATING_PATH]
        assert answered(hook, asked).verdict == verdict


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.builds(
    lambda kind, metadata, spec: {**of_kind(kind, "x", {}), "metadata": metadata, "spec": spec},
    st.sampled_from(["SriovNetworkNodePolicy", "SriovNetwork", "SriovOperatorConfig", "Pod", ""]),
    VALUES,
    VALUES,
)


@pytest.mark.parametrize("path", [MUTATING_PATH, VALIDATING_PATH])
@for_any(body=st.binary() | VALUES.map(sent) | OBJECTS.map(lambda one: sent(review(one))))
def test_whatever_arrives_is_answered_by_a_review_or_by_words(path: str, body: bytes) -> None:
    found = outcome(path, body)
    assert found.told.isprintable()
    if found.status == 200:
        assert json.loads(found.body)["response"]["uid"] == "u1"
    else:
        assert (found.status, bool(found.body.decode())) == (400, True)


@pytest.mark.parametrize(
    ("silence_s", "warns"), [(0.0, False), (STALE_S, False), (STALE_S + 1, True)], ids=["fresh", "just", "old"]
)
def test_old_facts_are_told_and_fresh_ones_not(silence_s: float, *, warns: bool) -> None:
    assert bool(stale(silence_s)) == warns


def test_the_warning_says_for_how_long() -> None:
    assert "for 300 s" in stale(300.2)


def test_other_bodies_leave_no_trace_in_an_answer() -> None:
    """The same review after many others gets the same answer, byte for byte."""
    asked = sent(review(policy(numVfs=65)))
    hook: Any = webhooks()[VALIDATING_PATH]
    before = answered(hook, asked)
    for number in range(50):
        answered(hook, sent(review(policy(f"p{number}", numVfs=number))))
    assert answered(hook, asked) == before
