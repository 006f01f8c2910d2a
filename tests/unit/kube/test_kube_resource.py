"""Paths of the API, and names that must not lead elsewhere."""

import pytest

from sriov_core.kube.failures import Invalid
from sriov_core.kube.resource import CLUSTER_ROLES, NODE_STATES, NODES, OURS, PODS


@pytest.mark.parametrize(
    ("resource", "parts", "expected"),
    [
        pytest.param(PODS, (), "/api/v1/pods", id="all-namespaces"),
        pytest.param(PODS, ("ns",), "/api/v1/namespaces/ns/pods", id="one-namespace"),
        pytest.param(PODS, ("ns", "a"), "/api/v1/namespaces/ns/pods/a", id="one-object"),
        pytest.param(PODS, ("ns", "a", "eviction"), "/api/v1/namespaces/ns/pods/a/eviction", id="subresource"),
        pytest.param(NODES, ("", "n"), "/api/v1/nodes/n", id="of-the-cluster"),
        pytest.param(NODES, ("ns", "n"), "/api/v1/nodes/n", id="of-the-cluster-for-whoever-names-a-namespace"),
        pytest.param(
            NODE_STATES,
            ("ns", "n", "status"),
            "/apis/sriovnetwork.openshift.io/v1/namespaces/ns/sriovnetworknodestates/n/status",
            id="custom",
        ),
        pytest.param(
            CLUSTER_ROLES,
            ("", "system:node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            id="colon",
        ),
        pytest.param(
            PODS, ("ns", "a b?c#d"), "/api/v1/namespaces/ns/pods/a%20b%3Fc%23d", id="what-a-url-keeps-for-itself"
        ),
    ],
)
def test_paths(resource, parts, expected):
    assert resource.path(*parts) == expected


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        pytest.param("ns", "../secrets", id="up"),
        pytest.param("ns", "..", id="the-folder-above"),
        pytest.param("ns", ".", id="the-folder"),
        pytest.param("ns", "a/status", id="a-subresource"),
        pytest.param("ns", "a%2Fstatus", id="a-subresource-escaped"),
        pytest.param("../..", "a", id="the-namespace"),
    ],
)
def test_a_name_that_would_lead_elsewhere_is_refused(namespace, name):
    with pytest.raises(Invalid, match="is no name of a"):
        PODS.path(namespace, name)


def test_every_kind_of_this_project_is_known_by_name():
    assert len(OURS) == 7
    assert {resource.api_version for resource in OURS.values()} == {"sriovnetwork.openshift.io/v1"}
