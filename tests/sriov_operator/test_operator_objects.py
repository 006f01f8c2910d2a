"""Objects of the operator: what is sent for one that is there, and which differences are worth sending anything."""

from typing import Any

import pytest
from objects_in_a_cluster import (
    POD,
    Path,
    daemon_set,
    owner,
    replaced,
    served_daemon_set,
    webhooks,
    without,
)

from sriov_core.errors import SpecError
from sriov_operator.objects import check, differs, merged

CONTAINER: Path = (*POD, "containers", 0)
RESTARTED = "kubectl.kubernetes.io/restartedAt"
REVISION = "deployment.kubernetes.io/revision"


def config_map(data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", **metadata}}
    return found if data is None else {**found, "data": data}


def thing(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "one", "namespace": "operator"}, **fields}


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("current", "update", "expected"),
    [
        pytest.param(
            {"a": "cur", "b": "cur"}, {"a": "upd", "c": "upd"}, {"a": "upd", "b": "cur", "c": "upd"}, id="both"
        ),
        pytest.param(None, {"a": "upd"}, {"a": "upd"}, id="none-there"),
        pytest.param({"a": "cur"}, None, {"a": "cur"}, id="none-of-ours"),
        pytest.param({"a": "cur"}, {}, {"a": "cur"}, id="ours-empty"),
        pytest.param(None, None, None, id="none-at-all"),
    ],
)
def test_labels_and_annotations_are_those_there_overlaid_by_ours(
    field: str, current: dict[str, str] | None, update: dict[str, str] | None, expected: dict[str, str] | None
) -> None:
    live, desired = config_map(**{field: current}), config_map(**{field: update})
    assert merged(live, desired)["metadata"].get(field) == expected
    absent = {"kind": "ConfigMap", "metadata": {"name": "one"}}
    if current is None:
        assert merged(absent, desired)["metadata"].get(field) == expected
    if update is None:
        assert merged(live, absent)["metadata"].get(field) == expected


def test_the_version_that_was_seen_is_sent() -> None:
    live = config_map(resourceVersion="7")
    assert merged(live, config_map())["metadata"] == {"name": "one", "resourceVersion": "7"}
    assert merged(live, config_map(resourceVersion="1"))["metadata"]["resourceVersion"] == "7"


def test_finalizers_and_owners_of_others_stay() -> None:
    other = {"apiVersion": "v1", "kind": "Namespace", "name": "n", "uid": "uid-n"}
    live = config_map(finalizers=["foreground"], ownerReferences=[owner("uid-1"), other])
    found = merged(live, config_map(finalizers=["ours"], ownerReferences=[owner("uid-2")]))["metadata"]
    assert found["finalizers"] == ["foreground", "ours"]
    assert found["ownerReferences"] == [owner("uid-2"), other]


def test_an_owner_that_was_made_anew_stands_there_once() -> None:
    live = config_map(ownerReferences=[owner("uid-1"), owner("uid-2")])
    desired = config_map(ownerReferences=[owner("uid-2")])
    assert merged(live, desired)["metadata"]["ownerReferences"] == [owner("uid-2")]
    assert differs(live, desired)


def test_an_owner_that_is_missing_is_added() -> None:
    live, desired = config_map(), config_map(ownerReferences=[owner("uid-1")])
    assert differs(live, desired)
    assert merged(live, desired)["metadata"]["ownerReferences"] == [owner("uid-1")]


@pytest.mark.parametrize(
    ("kind", "current", "update", "expected"),
    [
        pytest.param("Deployment", {REVISION: "5"}, {"a": "b"}, {REVISION: "5", "a": "b"}, id="revision"),
        pytest.param("Deployment", {REVISION: "5"}, {REVISION: "1"}, {REVISION: "5"}, id="revision-in-the-manifest"),
        pytest.param("Deployment", {}, {"a": "b"}, {"a": "b"}, id="no-revision-yet"),
        pytest.param("DaemonSet", {REVISION: "5"}, {REVISION: "1"}, {REVISION: "1"}, id="no-deployment"),
    ],
)
def test_a_deployment_keeps_its_revision(
    kind: str, current: dict[str, str], update: dict[str, str], expected: dict[str, str]
) -> None:
    live = {"kind": kind, "metadata": {"name": "one", "annotations": current}}
    desired = {"kind": kind, "metadata": {"name": "one", "annotations": update}}
    assert merged(live, desired)["metadata"]["annotations"] == expected


def test_the_mark_of_a_restart_by_hand_stays_and_is_no_difference() -> None:
    live = served_daemon_set()
    live["spec"]["template"]["metadata"]["annotations"][RESTARTED] = "2026-01-01"
    assert not differs(live, daemon_set())
    sent = merged(live, daemon_set())["spec"]["template"]["metadata"]["annotations"]
    assert sent == {"openshift.io/required-scc": "privileged", RESTARTED: "2026-01-01"}


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param({"clusterIP": "10.0.0.1"}, {}, {"clusterIP": "10.0.0.1"}, id="kept"),
        pytest.param({"clusterIP": "10.0.0.1"}, {"clusterIP": "None"}, {"clusterIP": "10.0.0.1"}, id="cannot-change"),
        pytest.param({}, {"clusterIP": "None"}, {"clusterIP": "None"}, id="none-there"),
        pytest.param({"nodePort": 1}, {}, {}, id="nothing-else"),
    ],
)
def test_a_service_keeps_its_address(live: dict[str, Any], desired: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merged(thing("Service", spec=live), thing("Service", spec=desired))["spec"] == expected


def test_a_service_account_keeps_the_secrets_that_the_cluster_made() -> None:
    made = {"secrets": [{"name": "token"}], "imagePullSecrets": [{"name": "dockercfg"}]}
    live, desired = thing("ServiceAccount", **made), thing("ServiceAccount", secrets=[])
    assert merged(live, desired) == live
    assert not differs(live, desired)
    more = {**desired, "imagePullSecrets": [{"name": "mirror"}]}
    assert differs(live, more)
    assert merged(live, more)["imagePullSecrets"] == [{"name": "dockercfg"}, {"name": "mirror"}]


def test_a_service_account_with_secrets_is_refused_and_told_why() -> None:
    desired = thing("ServiceAccount", secrets=[{"name": "token"}])
    told = (
        "ServiceAccount operator/one: secrets: found 1, wanted none, because the cluster fills them in. "
        "Remove the field from the manifest"
    )
    for refused in (lambda: check(desired), lambda: merged({}, desired), lambda: differs({}, desired)):
        with pytest.raises(SpecError) as caught:
            refused()
        assert str(caught.value) == told


@pytest.mark.parametrize("desired", [thing("ServiceAccount"), thing("Role", secrets=["a"])], ids=["without", "role"])
def test_nothing_else_is_refused(desired: dict[str, Any]) -> None:
    check(desired)
    assert merged({}, desired) == desired


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
@pytest.mark.parametrize(
    ("live", "desired", "bundles"),
    [
        pytest.param([("a", "old")], [("a", None)], ["old"], id="absent-keeps"),
        pytest.param([("a", "old")], [("a", "")], ["old"], id="empty-keeps"),
        pytest.param([("a", "old")], [("a", "new")], ["new"], id="replaced"),
        pytest.param([("a", "A"), ("b", "B")], [("b", None), ("a", None)], ["B", "A"], id="by-name"),
        pytest.param([("a", "A")], [("c", None)], [None], id="another-name"),
        pytest.param([("a", None)], [("a", None)], [None], id="none-at-all"),
    ],
)
def test_webhooks_keep_their_certificates(
    kind: str,
    live: list[tuple[str, str | None]],
    desired: list[tuple[str, str | None]],
    bundles: list[str | None],
) -> None:
    found = merged({**webhooks(*live), "kind": kind}, {**webhooks(*desired), "kind": kind})
    assert [hook["clientConfig"].get("caBundle") for hook in found["webhooks"]] == bundles
    assert all(hook["clientConfig"]["service"]["path"] == "/mutate" for hook in found["webhooks"])


def test_a_certificate_that_somebody_else_put_there_is_no_difference() -> None:
    assert not differs(webhooks(("a", "injected")), webhooks(("a", None)))
    assert differs(webhooks(("a", "old")), webhooks(("a", "new")))


def test_what_the_api_server_adds_is_no_difference() -> None:
    assert not differs(served_daemon_set(), daemon_set())


REMOVALS = {
    "last-argument": (*CONTAINER, "args", 1),
    "first-argument": (*CONTAINER, "args", 0),
    "all-arguments": (*CONTAINER, "args"),
    "variable": (*CONTAINER, "env", 2),
    "value-of-a-variable": (*CONTAINER, "env", 2, "value"),
    "mount": (*CONTAINER, "volumeMounts", 0),
    "read-only": (*CONTAINER, "volumeMounts", 0, "readOnly"),
    "ports": (*CONTAINER, "ports"),
    "probe": (*CONTAINER, "readinessProbe"),
    "timeout-of-a-probe": (*CONTAINER, "readinessProbe", "timeoutSeconds"),
    "limits": (*CONTAINER, "resources", "limits"),
    "request": (*CONTAINER, "resources", "requests", "cpu"),
    "resources": (*CONTAINER, "resources"),
    "privileged": (*CONTAINER, "securityContext", "privileged"),
    "security-context": (*CONTAINER, "securityContext"),
    "volume": (*POD, "volumes", 2),
    "volumes": (*POD, "volumes"),
    "toleration": (*POD, "tolerations", 1),
    "tolerations": (*POD, "tolerations"),
    "key-of-a-toleration": (*POD, "tolerations", 1, "key"),
    "key-of-node-selector": (*POD, "nodeSelector", "node-role.kubernetes.io/worker"),
    "node-selector": (*POD, "nodeSelector"),
    "affinity": (*POD, "affinity"),
    "init-containers": (*POD, "initContainers"),
    "pull-secret": (*POD, "imagePullSecrets", 0),
    "pull-secrets": (*POD, "imagePullSecrets"),
    "host-network": (*POD, "hostNetwork"),
    "dns-policy": (*POD, "dnsPolicy"),
    "priority": (*POD, "priorityClassName"),
    "label-of-pods": ("spec", "template", "metadata", "labels", "init-container-enabled"),
    "match-label": ("spec", "selector", "matchLabels", "app"),
}


@pytest.mark.parametrize("path", REMOVALS.values(), ids=REMOVALS)
def test_what_was_ours_and_is_not_any_more_is_noticed(path: Path) -> None:
    assert differs(served_daemon_set(), without(daemon_set(), path))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param((*POD, "hostPID"), id="false"),
        pytest.param((*CONTAINER, "env", 1, "value"), id="empty-text"),
        pytest.param((*CONTAINER, "volumeMounts", 1, "readOnly"), id="false-in-a-list"),
    ],
)
def test_a_zero_that_the_api_server_leaves_out_is_no_difference(path: Path) -> None:
    assert not differs(served_daemon_set(), without(daemon_set(), path))
    assert differs(served_daemon_set(), replaced(daemon_set(), path, True if path[-1] != "value" else "x"))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        pytest.param((*POD, "tolerations", 0, "tolerationSeconds"), 0, id="toleration-seconds"),
        pytest.param((*POD, "automountServiceAccountToken"), False, id="no-token"),
        pytest.param((*CONTAINER, "securityContext", "allowPrivilegeEscalation"), False, id="no-escalation"),
        pytest.param((*CONTAINER, "securityContext", "runAsUser"), 0, id="root"),
        pytest.param((*POD, "nodeSelector", "new"), "", id="empty-label"),
        pytest.param((*CONTAINER, "args"), ["--log-level=10", "--use-cdi", ""], id="empty-argument"),
        pytest.param((*POD, "volumes", 0), {"name": "devicesock", "emptyDir": {}}, id="other-kind-of-volume"),
        pytest.param((*CONTAINER, "env", 0), {"name": "NODE_NAME", "value": ""}, id="value-for-value-from"),
        pytest.param((*CONTAINER, "resources", "requests", "cpu"), "1001m", id="amount"),
        pytest.param((*CONTAINER, "resources", "requests", "cpu"), "many", id="no-amount"),
        pytest.param((*POD, "nodeSelector"), {}, id="empty-node-selector"),
        pytest.param((*POD, "hostNetwork"), 1, id="truth-as-number"),
        pytest.param((*POD, "tolerations"), "all", id="text-for-a-list"),
        pytest.param((*POD, "nodeSelector"), "all", id="text-for-a-map"),
    ],
)
def test_a_difference_that_looks_like_none_is_noticed(path: Path, new: Any) -> None:
    assert differs(served_daemon_set(), replaced(daemon_set(), path, new))


RULE = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["one"], "verbs": ["get"]}
PORT = {"port": 443, "targetPort": 6443}
SERVED_PORT = {**PORT, "protocol": "TCP"}
HOOK = {"name": "a", "rules": [{"operations": ["CREATE"], "resources": ["pods"]}]}
SERVED_HOOK = {
    "name": "a",
    "rules": [{"operations": ["CREATE"], "resources": ["pods"], "scope": "*"}],
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "reinvocationPolicy": "Never",
    "timeoutSeconds": 10,
}
MUTATING = "MutatingWebhookConfiguration"
ONE_RULE = {"rules": [RULE]}


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param(config_map({"a": "1", "b": ""}), config_map({"a": "1"}), True, id="data-key-gone"),
        pytest.param(config_map({"a": "1"}), config_map(), True, id="data-gone"),
        pytest.param(config_map(), config_map({}), False, id="data-empty"),
        pytest.param(thing("Role", **ONE_RULE), thing("Role", **ONE_RULE), False, id="rule-same"),
        pytest.param(
            thing("Role", **ONE_RULE), thing("Role", rules=[without(RULE, ("resourceNames",))]), True, id="rule-wider"
        ),
        pytest.param(thing("Role", **ONE_RULE), thing("Role"), True, id="rules-gone"),
        pytest.param(thing("Role", **ONE_RULE), thing("Role", rules=[RULE, RULE]), True, id="rule-more"),
        pytest.param(
            thing("Service", spec={"ports": [SERVED_PORT], "type": "ClusterIP", "sessionAffinity": "None"}),
            thing("Service", spec={"ports": [PORT]}),
            False,
            id="service-defaults",
        ),
        pytest.param(
            thing("Service", spec={"ports": [SERVED_PORT], "type": "NodePort"}),
            thing("Service", spec={"ports": [PORT]}),
            True,
            id="service-type-gone",
        ),
        pytest.param(
            thing("Service", spec={"selector": {"app": "a", "b": "c"}}),
            thing("Service", spec={"selector": {"app": "a"}}),
            True,
            id="service-selector-shrinks",
        ),
        pytest.param(
            thing(MUTATING, webhooks=[SERVED_HOOK]), thing(MUTATING, webhooks=[HOOK]), False, id="hook-defaults"
        ),
        pytest.param(
            thing(MUTATING, webhooks=[{**SERVED_HOOK, "failurePolicy": "Ignore"}]),
            thing(MUTATING, webhooks=[HOOK]),
            True,
            id="hook-policy-gone",
        ),
        pytest.param(
            thing(MUTATING, webhooks=[{**SERVED_HOOK, "matchConditions": [{"name": "n", "expression": "true"}]}]),
            thing(MUTATING, webhooks=[HOOK]),
            True,
            id="hook-conditions-gone",
        ),
        pytest.param(
            thing("NetworkPolicy", spec={"podSelector": {}, "policyTypes": ["Ingress"]}),
            thing("NetworkPolicy", spec={"podSelector": {}, "ingress": []}),
            False,
            id="network-policy-defaults",
        ),
        pytest.param(
            thing("NetworkPolicy", spec={"ingress": [{"ports": [{"port": 1, "protocol": "TCP"}]}]}),
            thing("NetworkPolicy", spec={"ingress": [{}]}),
            True,
            id="network-policy-wider",
        ),
        pytest.param(
            thing("MachineConfig", spec={"kernelArguments": [], "fips": False, "extensions": []}),
            thing("MachineConfig", spec={"fips": False}),
            False,
            id="custom-resource-defaults",
        ),
        pytest.param(
            thing("MachineConfig", spec={}),
            thing("MachineConfig", spec={"fips": False}),
            True,
            id="custom-resource-zero",
        ),
    ],
)
def test_each_kind_has_its_own_defaults(live: dict[str, Any], desired: dict[str, Any], expected: bool) -> None:
    assert differs(live, desired) is expected


@pytest.mark.parametrize("path", [("apiVersion",), ("kind",)], ids=["version", "kind"])
def test_an_item_of_a_list_comes_without_its_kind(path: Path) -> None:
    assert not differs(without(served_daemon_set(), path), daemon_set())
