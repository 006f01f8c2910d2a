"""Objects of the operator: fields that are not set, against what is there then, and against what somebody put there."""

from typing import Any

import pytest
from objects_in_a_cluster import POD, Path, daemon_set, owner, replaced, served_daemon_set, webhooks, without

from sriov_operator.objects import differs, merged

CONTAINER: Path = (*POD, "containers", 0)
PROBE: Path = (*CONTAINER, "readinessProbe")
TERM: Path = (
    *(*POD, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
    *("nodeSelectorTerms", 0),
)
CAPABILITIES: Path = (*CONTAINER, "securityContext", "capabilities")
PUT_THERE = {
    "host-pid": ((*POD, "hostPID"), True),
    "host-ipc": ((*POD, "hostIPC"), True),
    "host-aliases": ((*POD, "hostAliases"), [{"ip": "10.0.0.1", "hostnames": ["a"]}]),
    "no-host-users": ((*POD, "hostUsers"), False),
    "runtime-class": ((*POD, "runtimeClassName"), "kata"),
    "token": ((*POD, "automountServiceAccountToken"), True),
    "no-token": ((*POD, "automountServiceAccountToken"), False),
    "shared-processes": ((*POD, "shareProcessNamespace"), True),
    "dns-config": ((*POD, "dnsConfig"), {"nameservers": ["10.0.0.1"]}),
    "spread": ((*POD, "topologySpreadConstraints"), [{"maxSkew": 1}]),
    "grace-period": ((*POD, "terminationGracePeriodSeconds"), 5),
    "security-of-the-pod": ((*POD, "securityContext"), {"runAsUser": 7}),
    "environment-from": ((*CONTAINER, "envFrom"), [{"configMapRef": {"name": "a"}}]),
    "value-from": ((*CONTAINER, "env", 2, "valueFrom"), {"fieldRef": {"fieldPath": "spec.nodeName"}}),
    "lifecycle": ((*CONTAINER, "lifecycle"), {"preStop": {"exec": {"command": ["true"]}}}),
    "liveness": ((*CONTAINER, "livenessProbe"), {"httpGet": {"port": 1}}),
    "startup": ((*CONTAINER, "startupProbe"), {"httpGet": {"port": 1}}),
    "directory": ((*CONTAINER, "workingDir"), "/tmp"),
    "block-devices": ((*CONTAINER, "volumeDevices"), [{"name": "a", "devicePath": "/dev/a"}]),
    "protocol": ((*CONTAINER, "ports", 0, "protocol"), "UDP"),
    "failures": ((*PROBE, "failureThreshold"), 7),
    "period": ((*PROBE, "periodSeconds"), 7),
    "successes": ((*PROBE, "successThreshold"), 7),
    "delay": ((*PROBE, "initialDelaySeconds"), 7),
    "part-of-a-volume": ((*CONTAINER, "volumeMounts", 1, "subPath"), "a"),
    "part-by-a-variable": ((*CONTAINER, "volumeMounts", 1, "subPathExpr"), "$(A)"),
    "propagation": ((*CONTAINER, "volumeMounts", 0, "mountPropagation"), "Bidirectional"),
    "escalation": ((*CONTAINER, "securityContext", "allowPrivilegeEscalation"), True),
    "root": ((*CONTAINER, "securityContext", "runAsUser"), 0),
    "user": ((*CONTAINER, "securityContext", "runAsUser"), 7),
    "group": ((*CONTAINER, "securityContext", "runAsGroup"), 7),
    "no-root": ((*CONTAINER, "securityContext", "runAsNonRoot"), True),
    "capabilities": ((*CONTAINER, "securityContext", "capabilities"), {"add": ["NET_ADMIN"]}),
    "seccomp": ((*CONTAINER, "securityContext", "seccompProfile"), {"type": "RuntimeDefault"}),
    "selinux": ((*CONTAINER, "securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    "items-of-a-volume": ((*POD, "volumes", 1, "configMap", "items"), [{"key": "a", "path": "a"}]),
    "optional-volume": ((*POD, "volumes", 1, "configMap", "optional"), True),
    "memory-as-a-volume": ((*POD, "volumes", 2, "emptyDir", "medium"), "Memory"),
    "size-of-a-volume": ((*POD, "volumes", 2, "emptyDir", "sizeLimit"), "1Gi"),
    "effect-of-a-toleration": ((*POD, "tolerations", 0, "effect"), "NoExecute"),
    "toleration-of-no-time": ((*POD, "tolerations", 0, "tolerationSeconds"), 0),
    "time-of-a-toleration": ((*POD, "tolerations", 0, "tolerationSeconds"), 5),
    "affinity-by-fields": ((*TERM, "matchFields"), [{"key": "metadata.name", "operator": "In", "values": ["a"]}]),
    "values-of-an-expression": ((*TERM, "matchExpressions", 0, "values"), ["a"]),
    "preferred-nodes": (
        (*POD, "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"),
        [{"weight": 1}],
    ),
    "affinity-to-pods": ((*POD, "affinity", "podAffinity"), {"a": 1}),
    "distance-to-pods": ((*POD, "affinity", "podAntiAffinity"), {"a": 1}),
    "expressions-of-the-selector": (
        ("spec", "selector", "matchExpressions"),
        [{"key": "app", "operator": "Exists"}],
    ),
}


@pytest.mark.parametrize(("path", "value"), PUT_THERE.values(), ids=PUT_THERE)
@pytest.mark.parametrize("kind", ["DaemonSet", "Deployment"])
def test_what_somebody_put_into_a_workload_is_noticed(kind: str, path: Path, value: Any) -> None:
    live, desired = {**served_daemon_set(), "kind": kind}, {**daemon_set(), "kind": kind}
    assert not differs(live, desired)
    assert differs(replaced(live, path, value), desired)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param((*POD, "serviceAccountName"), id="account"),
        pytest.param((*POD, "tolerations", 0, "operator"), id="operator-of-a-toleration"),
        pytest.param((*POD, "affinity", "nodeAffinity"), id="affinity-to-nodes"),
        pytest.param(TERM[:-2], id="required-nodes"),
        pytest.param((*TERM, "matchExpressions"), id="expressions"),
        pytest.param((*CONTAINER, "command"), id="command"),
        pytest.param((*CONTAINER, "env"), id="variables"),
        pytest.param((*CONTAINER, "volumeMounts"), id="mounts"),
        pytest.param((*CONTAINER, "securityContext", "readOnlyRootFilesystem"), id="read-only-root"),
    ],
)
def test_what_we_no_longer_say_of_a_workload_is_noticed(path: Path) -> None:
    assert differs(served_daemon_set(), without(daemon_set(), path))


@pytest.mark.parametrize(
    ("path", "ours", "more"),
    [
        pytest.param((*POD, "hostPID"), None, True, id="host-pid"),
        pytest.param((*POD, "securityContext"), {"runAsUser": 7}, {"fsGroup": 7}, id="group-of-files"),
        pytest.param((*POD, "securityContext"), {"runAsUser": 7}, {"supplementalGroups": [7]}, id="more-groups"),
        pytest.param(CAPABILITIES, {"drop": ["ALL"]}, {"add": ["NET_RAW"]}, id="capability"),
        pytest.param(CAPABILITIES, {"add": ["NET_RAW"]}, {"drop": ["ALL"]}, id="capability-dropped"),
        pytest.param((*CONTAINER, "lifecycle"), {"preStop": {}}, {"postStart": {}}, id="after-start"),
        pytest.param((*CONTAINER, "lifecycle"), {"postStart": {}}, {"preStop": {}}, id="before-stop"),
    ],
)
def test_what_somebody_put_beside_ours_is_noticed(path: Path, ours: Any, more: Any) -> None:
    there = {**ours, **more} if isinstance(ours, dict) else more
    assert differs(replaced(served_daemon_set(), path, there), replaced(daemon_set(), path, ours))


def test_a_field_that_is_written_as_nothing_is_not_set() -> None:
    assert not differs(served_daemon_set(), replaced(daemon_set(), ("spec", "revisionHistoryLimit"), None))
    assert differs(served_daemon_set(), replaced(daemon_set(), (*POD, "tolerations"), None))


@pytest.mark.parametrize(
    ("path", "default"),
    [
        pytest.param((*POD, "dnsPolicy"), "ClusterFirst", id="dns-policy"),
        pytest.param((*PROBE, "timeoutSeconds"), 1, id="timeout"),
        pytest.param((*CONTAINER, "resources"), {}, id="resources"),
        pytest.param((*CONTAINER, "securityContext"), {}, id="security"),
    ],
)
def test_a_default_that_is_there_is_not_sent_for(path: Path, default: Any) -> None:
    assert not differs(replaced(served_daemon_set(), path, default), without(daemon_set(), path))


ZEROS = {
    "no-host-users": ((*POD, "hostUsers"), False),
    "processes-not-shared": ((*POD, "shareProcessNamespace"), False),
    "group-of-files": ((*POD, "securityContext"), {"fsGroup": 0}),
    "unprivileged": ((*CONTAINER, "securityContext"), {"privileged": False}),
    "writable": ((*CONTAINER, "securityContext"), {"readOnlyRootFilesystem": False}),
    "root-group": ((*CONTAINER, "securityContext", "runAsGroup"), 0),
    "root-allowed": ((*CONTAINER, "securityContext", "runAsNonRoot"), False),
    "volume-needed": ((*POD, "volumes", 1, "configMap", "optional"), False),
    "no-replicas": (("spec", "replicas"), 0),
    "mutable": (("immutable",), False),
    "no-controller": (("metadata", "ownerReferences", 0, "controller"), False),
    "owner-may-go": (("metadata", "ownerReferences", 0, "blockOwnerDeletion"), False),
}


@pytest.mark.parametrize(("path", "zero"), ZEROS.values(), ids=ZEROS)
def test_a_zero_is_sent_for_where_it_differs_from_a_field_that_is_not_set(path: Path, zero: Any) -> None:
    desired = replaced(daemon_set(), path, zero)
    place = (*path, *zero) if isinstance(zero, dict) else path
    live = without(replaced(served_daemon_set(), path, zero), place)
    assert differs(live, desired)
    assert not differs(merged(live, desired), desired)


@pytest.mark.parametrize(
    ("path", "ours", "there", "expected"),
    [
        pytest.param((*CONTAINER, "resources", "limits", "memory"), "2Gi", "2048Mi", False, id="limit-same"),
        pytest.param((*CONTAINER, "resources", "limits", "memory"), "2Gi", "2G", True, id="limit-differs"),
        pytest.param((*POD, "volumes", 2, "emptyDir"), {"sizeLimit": "1Gi"}, {"sizeLimit": "1024Mi"}, False, id="size"),
        pytest.param(("status",), {"numberReady": 1}, {"numberReady": 2}, False, id="status-is-not-ours"),
    ],
)
def test_what_is_written_in_another_way_is_the_same(path: Path, ours: Any, there: Any, expected: bool) -> None:
    live, desired = replaced(served_daemon_set(), path, there), replaced(daemon_set(), path, ours)
    assert differs(live, desired) is expected


def test_a_deployment_keeps_the_mark_of_a_restart_too() -> None:
    marked = {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}
    desired = {"kind": "Deployment", "metadata": {"name": "one"}, "spec": {"template": {"spec": {}}}}
    assert merged({**marked, "kind": "Deployment"}, desired)["spec"]["template"] == {
        "spec": {},
        "metadata": {"annotations": {"restarted": "now"}},
    }


def test_a_service_that_keeps_its_address_is_ours_in_all_else() -> None:
    head = {"kind": "Service", "metadata": {"name": "one"}}
    live = {**head, "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 1}], "selector": {"a": "b"}}}
    desired = {**head, "spec": {"ports": [{"port": 2}]}}
    assert merged(live, desired) == {**head, "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 2}]}}
    assert differs(live, desired)


@pytest.mark.parametrize("field", ["apiVersion", "kind", "name"])
def test_an_owner_that_differs_in_more_than_its_uid_is_another_owner(field: str) -> None:
    other = {**owner("uid-1"), field: "other", "controller": False}
    head = {"kind": "ConfigMap", "metadata": {"name": "one", "ownerReferences": [other]}}
    desired = {"kind": "ConfigMap", "metadata": {"name": "one", "ownerReferences": [owner("uid-2")]}}
    assert merged(head, desired)["metadata"]["ownerReferences"] == [other, owner("uid-2")]


HOOK_FIELDS = {
    "failure-policy": (("webhooks", 0, "failurePolicy"), "Fail", "Ignore"),
    "match-policy": (("webhooks", 0, "matchPolicy"), "Equivalent", "Exact"),
    "namespaces": (("webhooks", 0, "namespaceSelector"), {}, {"matchLabels": {"a": "b"}}),
    "objects": (("webhooks", 0, "objectSelector"), {}, {"matchLabels": {"a": "b"}}),
    "once-more": (("webhooks", 0, "reinvocationPolicy"), "Never", "IfNeeded"),
    "timeout": (("webhooks", 0, "timeoutSeconds"), 10, 5),
    "scope": (("webhooks", 0, "rules", 0, "scope"), "*", "Namespaced"),
    "port": (("webhooks", 0, "clientConfig", "service", "port"), 443, 8443),
    "url": (("webhooks", 0, "clientConfig", "url"), "", "https://example.org"),
    "path": (("webhooks", 0, "clientConfig", "service", "path"), "", "/other"),
    "conditions": (("webhooks", 0, "matchConditions"), [], [{"name": "n", "expression": "true"}]),
}


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
@pytest.mark.parametrize(("path", "default", "other"), HOOK_FIELDS.values(), ids=HOOK_FIELDS)
def test_a_field_of_a_webhook_that_is_not_set_is_at_its_default(
    kind: str, path: Path, default: Any, other: Any
) -> None:
    desired = {**webhooks(("a", None)), "kind": kind}
    desired["webhooks"][0]["rules"] = [{"operations": ["CREATE"]}]
    del desired["webhooks"][0]["clientConfig"]["service"]["path"]
    assert not differs(replaced(desired, path, default), desired)
    assert differs(replaced(desired, path, other), desired)


def _in_ingress(there: dict[str, Any], ours: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two specs of network policies with one rule each."""
    return {"spec": {"ingress": [there]}}, {"spec": {"ingress": [ours]}}


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
def test_a_webhook_that_keeps_its_certificate_is_ours_in_all_else(kind: str) -> None:
    live = {**webhooks(("a", "old")), "kind": kind}
    live["webhooks"][0] |= {"timeoutSeconds": 5, "rules": [{"operations": ["DELETE"]}]}
    desired = {**webhooks(("a", None)), "kind": kind}
    desired["webhooks"][0]["rules"] = [{"operations": ["CREATE"]}]
    expected = {**webhooks(("a", "old")), "kind": kind}
    expected["webhooks"][0]["rules"] = [{"operations": ["CREATE"]}]
    assert merged(live, desired) == expected
    assert differs(live, desired)
    assert differs(live, without(desired, ("webhooks",)))
    assert differs(live, without(desired, ("webhooks", 0, "rules")))


RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
TAKEN_AWAY = {
    "cluster-role": ("ClusterRole", {"rules": [{**RULE, "resourceNames": ["one"]}]}, {"rules": [RULE]}),
    "resources-of-a-role": ("ClusterRole", {"rules": [RULE]}, {"rules": [{"apiGroups": [""], "verbs": ["get"]}]}),
    "groups-of-a-role": ("Role", {"rules": [RULE]}, {"rules": [{"resources": ["pods"], "verbs": ["get"]}]}),
    "verbs-of-a-role": ("Role", {"rules": [RULE]}, {"rules": [{"apiGroups": [""], "resources": ["pods"]}]}),
    "cluster-role-of-others": ("ClusterRole", {"aggregationRule": {"a": 1}}, {}),
    "role-of-addresses": ("ClusterRole", {"rules": [{**RULE, "nonResourceURLs": ["/"]}]}, {"rules": [RULE]}),
    "cluster-role-binding": ("ClusterRoleBinding", {"subjects": [{"name": "a"}]}, {}),
    "role-binding": ("RoleBinding", {"subjects": [{"name": "a"}]}, {}),
    "immutable-config-map": ("ConfigMap", {"immutable": True}, {}),
    "account-without-token": ("ServiceAccount", {"automountServiceAccountToken": False}, {"secrets": []}),
    "account-with-token": ("ServiceAccount", {"automountServiceAccountToken": True}, {}),
    "ports-of-a-service": ("Service", {"spec": {"ports": [{"port": 1}]}}, {"spec": {}}),
    "protocol-of-the-application": (
        "Service",
        {"spec": {"ports": [{"port": 1, "appProtocol": "http"}]}},
        {"spec": {"ports": [{"port": 1}]}},
    ),
    "name-elsewhere": ("Service", {"spec": {"externalName": "example.org"}}, {"spec": {}}),
    "who-may-come-in": ("Service", {"spec": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}, {"spec": {}}),
    "unready-addresses": ("Service", {"spec": {"publishNotReadyAddresses": True}}, {"spec": {}}),
    "session-affinity": ("Service", {"spec": {"sessionAffinity": "ClientIP"}}, {"spec": {}}),
    "external-addresses": ("Service", {"spec": {"externalIPs": ["10.0.0.1"]}}, {"spec": {}}),
    "selected-pods": (
        "NetworkPolicy",
        {"spec": {"podSelector": {"matchLabels": {"a": "b", "c": "d"}}}},
        {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
    ),
    "binary-data": ("ConfigMap", {"binaryData": {"a": "AA==", "b": ""}}, {"binaryData": {"a": "AA=="}}),
    "protocol-of-a-service": (
        "Service",
        {"spec": {"ports": [{"port": 1, "protocol": "UDP"}]}},
        {"spec": {"ports": [{"port": 1}]}},
    ),
    "ingress": ("NetworkPolicy", {"spec": {"ingress": [{}]}}, {"spec": {}}),
    "egress": ("NetworkPolicy", {"spec": {"egress": [{}]}}, {"spec": {}}),
    "where-from": ("NetworkPolicy", {"spec": {"ingress": [{"from": [{}]}]}}, {"spec": {"ingress": [{}]}}),
    "where-to": ("NetworkPolicy", {"spec": {"egress": [{"to": [{}]}]}}, {"spec": {"egress": [{}]}}),
    "port": ("NetworkPolicy", *_in_ingress({"ports": [{"port": 1}]}, {"ports": [{}]})),
    "last-port": ("NetworkPolicy", *_in_ingress({"ports": [{"port": 1, "endPort": 2}]}, {"ports": [{"port": 1}]})),
    "pods-as-peers": ("NetworkPolicy", *_in_ingress({"from": [{"podSelector": {"a": 1}}]}, {"from": [{}]})),
    "namespaces-as-peers": ("NetworkPolicy", *_in_ingress({"from": [{"namespaceSelector": {"a": 1}}]}, {"from": [{}]})),
    "addresses-as-peers": ("NetworkPolicy", *_in_ingress({"from": [{"ipBlock": {"a": 1}}]}, {"from": [{}]})),
    "addresses-but-some": (
        "NetworkPolicy",
        *_in_ingress({"from": [{"ipBlock": {"except": ["10.0.0.1/32"]}}]}, {"from": [{"ipBlock": {}}]}),
    ),
    "protocol-of-a-network-policy": (
        "NetworkPolicy",
        {"spec": {"ingress": [{"ports": [{"port": 1, "protocol": "UDP"}]}]}},
        {"spec": {"ingress": [{"ports": [{"port": 1}]}]}},
    ),
}


@pytest.mark.parametrize(("kind", "there", "ours"), TAKEN_AWAY.values(), ids=TAKEN_AWAY)
def test_what_we_do_not_say_of_any_other_kind_is_noticed(
    kind: str, there: dict[str, Any], ours: dict[str, Any]
) -> None:
    head = {"kind": kind, "metadata": {"name": "one"}}
    assert differs({**head, **there}, {**head, **ours})
    assert not differs({**head, **ours}, {**head, **ours})
