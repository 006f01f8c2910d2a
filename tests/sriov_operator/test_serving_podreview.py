"""Reviews of pods: the patch of the injector, and everything that is no new pod passed by."""

import base64
import json
from typing import Any

import pytest
from serving_world import policy, review

from sriov_core.admission.review import Malformed
from sriov_core.injection.inject import Injection, inject
from sriov_operator.serving.podreview import injected

NETWORKS = "k8s.v1.cni.cncf.io/networks"
RESOURCE = {"metadata": {"annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/nicA"}}}


def pod(**annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "pod-", "annotations": annotations},
        "spec": {"containers": [{"name": "c0", "resources": {}}]},
    }


def answer(given: Any, namespace: str) -> Injection:
    return inject(given, namespace=namespace, lookup=lambda ns, name: RESOURCE if (ns, name) == ("ns1", "a") else None)


def response(asked: Any) -> dict[str, Any]:
    found = injected(asked, answer)
    assert not isinstance(found, Malformed)
    return dict(found["response"])


def patch(found: dict[str, Any]) -> list[Any]:
    assert found["patchType"] == "JSONPatch"
    return list(json.loads(base64.b64decode(found["patch"])))


def test_a_new_pod_gets_the_devices_of_its_networks_in_the_namespace_of_the_request() -> None:
    found = response(review(pod(**{NETWORKS: "a"}), namespace="ns1"))
    assert (found["uid"], found["allowed"]) == ("u1", True)
    wanted = {"op": "add", "path": "/spec/containers/0/resources/requests/intel.com~1nicA", "value": "1"}
    assert wanted in patch(found)


def test_the_pod_says_where_it_is_when_the_request_does_not() -> None:
    given = pod(**{NETWORKS: "a"})
    given["metadata"]["namespace"] = "ns1"
    assert patch(response(review(given, namespace="")))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(review(pod(**{NETWORKS: "a"}), operation="UPDATE", namespace="ns1"), id="update"),
        pytest.param(review(pod(**{NETWORKS: "a"}), namespace="ns1", subResource="eviction"), id="eviction"),
        pytest.param(review({**pod(**{NETWORKS: "a"}), "kind": "Service"}, namespace="ns1"), id="service"),
        pytest.param(review(policy()), id="policy"),
        pytest.param(review(pod(), namespace="ns1"), id="pod-without-networks"),
        pytest.param(review(None, namespace="ns1", kind={"group": "", "kind": "Pod"}), id="no-object"),
    ],
)
def test_everything_else_is_allowed_as_it_is(asked: dict[str, Any]) -> None:
    found = response(asked)
    assert found["allowed"]
    assert "patch" not in found
    assert "patchType" not in found


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        pytest.param("missing", "could not find network attachment definition 'ns1/missing'", id="unknown-network"),
        pytest.param("a/b/c", "wanted [namespace/]name[@interface]", id="two-slashes"),
        pytest.param('{"name": "a"}', NETWORKS, id="object-in-place-of-a-list"),
        pytest.param("[null]", NETWORKS, id="null-in-the-list"),
    ],
)
def test_a_bad_annotation_is_a_review_that_denies_with_a_text(networks: str, said: str) -> None:
    found = response(review(pod(**{NETWORKS: networks}), namespace="ns1"))
    assert not found["allowed"]
    assert said in found["status"]["message"]
    assert found["status"]["reason"] == found["status"]["message"]


@pytest.mark.parametrize("given", [None, 5, [], {}, {"metadata": []}, {"metadata": {"annotations": {NETWORKS: 5}}}])
def test_a_pod_of_any_shape_is_answered(given: Any) -> None:
    asked = review(None, namespace="ns1", kind={"group": "", "version": "v1", "kind": "Pod"}, object=given)
    found = injected(asked, answer)
    assert isinstance(found, Malformed) or found["response"]["uid"] == "u1"


def test_what_is_no_review_is_malformed() -> None:
    assert isinstance(injected({"kind": "Pod"}, answer), Malformed)
