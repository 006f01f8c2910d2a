"""The deployment on a real API server, under the operator's real roles: written once, kept, repaired, and removed."""

from collections.abc import Iterator
from typing import Any

import pytest
from deployments import EVERYTHING, FINALIZER, GROUP, Home, homes
from operator_runs import until
from servers import Server

from sriov_operator.deployment.manifests import RESOURCES
from sriov_operator.deployment.names import OURS

KEPT = "deployment-operator"
AGENT, PLUGIN = "sriov-network-config-daemon", "sriov-device-plugin"
WEBHOOK, INJECTOR, EXPORTER = "operator-webhook", "network-resources-injector", "sriov-network-metrics-exporter"
WEBHOOKS = "sriov-operator-webhook-config"
INJECTIONS = "network-resources-injector-config"
SWITCHES = "nri-control-switches"
CLUSTER_WIDE = [
    ("MutatingWebhookConfiguration", WEBHOOKS),
    ("ValidatingWebhookConfiguration", WEBHOOKS),
    ("MutatingWebhookConfiguration", INJECTIONS),
    ("ClusterRole", WEBHOOK),
    ("ClusterRoleBinding", "operator-webhook-role-binding"),
    ("ClusterRole", INJECTOR),
    ("ClusterRole", "sriov-metrics-kube-rbac-role"),
    ("ValidatingAdmissionPolicy", f"{AGENT}-nodes"),
    ("ValidatingAdmissionPolicyBinding", f"{AGENT}-nodes"),
]


@pytest.fixture(scope="module")
def kept(server: Server, recent: object) -> Iterator[Home]:
    """Everything is deployed, once for all tests that leave it as they found it."""
    server.admin.create_namespace(KEPT)
    for home in homes(server, KEPT):
        home.start()
        home.create(**EVERYTHING)
        home.told("True")
        yield home
    server.admin.remove_namespace(KEPT)


@pytest.fixture
def deployed(kept: Home) -> Iterator[Home]:
    """The same, with the configuration as it was at first afterwards."""
    yield kept
    restored = [{"op": "replace", "path": "/spec", "value": EVERYTHING}]
    kept.server.admin.done("PATCH", kept.path, restored, content_type="application/json-patch+json")
    kept.told("True")


def test_what_is_asked_for_is_there_and_belongs_to_the_configuration(deployed: Home) -> None:
    uid = deployed.config()["metadata"]["uid"]
    for name in (AGENT, PLUGIN, WEBHOOK, INJECTOR, EXPORTER):
        found = deployed.find("DaemonSet", name)
        assert found is not None
        assert [(one["kind"], one["uid"]) for one in found["metadata"]["ownerReferences"]] == [
            ("SriovOperatorConfig", uid)
        ]
    for kind, name in CLUSTER_WIDE:
        assert deployed.find(kind, name), (kind, name)
    assert deployed.config()["metadata"]["finalizers"] == [FINALIZER]
    assert deployed.told("True")["message"] == "SriovOperatorConfig reconciled successfully"


def test_status_events_cost_no_request_at_all(deployed: Home) -> None:
    barrier(deployed, log_level=1)
    before = deployed.requests()
    for number in range(60):
        for name in (AGENT, PLUGIN, EXPORTER):
            counts = {"currentNumberScheduled": 0, "numberReady": 0, "desiredNumberScheduled": 0}
            deployed.patch("DaemonSet", name, {"status": {**counts, "numberMisscheduled": number}}, "/status")
    barrier(deployed, log_level=2)
    until(lambda: deployed.requests() > before)  # a request is counted a moment after the API server has answered it
    assert deployed.requests() - before <= 2, "the statuses of the generations of both barriers"


def test_another_process_finds_nothing_to_write(deployed: Home) -> None:
    """Not even the version of an object changes."""
    before = versions(deployed)
    deployed.start()
    barrier(deployed, log_level=2)
    assert versions(deployed) == before
    assert deployed.operator is not None
    assert deployed.operator.writes == 1, "the status of the barrier's generation"


def versions(home: Home) -> dict[str, str]:
    found = {}
    for kind in RESOURCES.values():
        if kind.group in {"monitoring.coreos.com", "machineconfiguration.openshift.io"}:
            continue  # nobody serves them here
        path = kind.path(home.namespace if kind.namespaced else "")
        for one in home.server.admin.done("GET", f"{path}?labelSelector={OURS}")["items"]:
            found[f"{kind.kind} {one['metadata']['name']}"] = one["metadata"]["resourceVersion"]
    return found


def barrier(home: Home, *, log_level: int) -> None:
    """Wait until the operator has come past everything that happened before, and has nothing more to do."""
    home.change(logLevel=log_level)
    home.told("True")
    assert home.operator is not None
    quiet = home.requests()

    def is_quiet() -> bool:
        nonlocal quiet
        before, quiet = quiet, home.requests()
        return before == quiet

    until(is_quiet)


@pytest.mark.parametrize(
    ("field", "name", "configurations"),
    [
        pytest.param("enableInjector", INJECTOR, [("MutatingWebhookConfiguration", INJECTIONS)], id="injector"),
        pytest.param(
            "enableOperatorWebhook",
            WEBHOOK,
            [("MutatingWebhookConfiguration", WEBHOOKS), ("ValidatingWebhookConfiguration", WEBHOOKS)],
            id="webhook",
        ),
    ],
)
def test_a_webhook_is_switched_off_although_it_does_not_answer_and_comes_back(
    deployed: Home, field: str, name: str, configurations: list[tuple[str, str]]
) -> None:
    parts = [
        ("DaemonSet", name),
        ("Service", f"{name}-service"),
        ("NetworkPolicy", f"{name}-allow-traffic-api-server"),
        ("ClusterRole", name),
        *configurations,
    ]
    deployed.change(**{field: False})
    deployed.told("True")
    assert [part for part in parts if deployed.find(*part)] == []
    deployed.change(**{field: True})
    deployed.told("True")
    assert [part for part in parts if not deployed.find(*part)] == []


def test_the_exporter_comes_and_goes_with_its_gate(deployed: Home) -> None:
    deployed.change(featureGates={"metricsExporter": False})
    deployed.told("True")
    for kind, name in (("DaemonSet", EXPORTER), ("Service", f"{EXPORTER}-service"), ("Role", "metrics-exporter-role")):
        assert deployed.find(kind, name) is None


def test_a_selector_that_shrinks_is_noticed(deployed: Home) -> None:
    three = {"kubernetes.io/os": "linux", "a": "1", "b": "2"}
    deployed.change(configDaemonNodeSelector=three)
    deployed.told("True")
    assert deployed.pod(AGENT)["nodeSelector"] == three
    two = {"kubernetes.io/os": "linux", "a": "1"}
    deployed.change(configDaemonNodeSelector={"b": None})
    deployed.told("True")
    assert deployed.pod(AGENT)["nodeSelector"] == two
    assert deployed.pod(EXPORTER)["nodeSelector"] == two
    assert deployed.pod(PLUGIN)["nodeSelector"] == {**two, f"{GROUP}/device-plugin": "Enabled"}


def test_an_argument_and_a_volume_that_are_not_asked_for_any_more_are_removed(deployed: Home) -> None:
    deployed.change(useCDI=True)
    deployed.told("True")
    assert "--use-cdi" in deployed.pod(PLUGIN)["containers"][0]["args"]
    deployed.change(useCDI=False)
    deployed.told("True")
    assert "--use-cdi" not in deployed.pod(PLUGIN)["containers"][0]["args"]
    assert "dynamic-cdi" not in [one["name"] for one in deployed.pod(PLUGIN)["volumes"]]


def edited(pod: dict[str, Any]) -> dict[str, Any]:
    """Pods as somebody would have them by hand."""
    (container,) = pod["containers"]
    return {
        **pod,
        "hostPID": False,
        "nodeSelector": {**pod["nodeSelector"], "mine": ""},
        "volumes": [*pod["volumes"], {"name": "mine", "emptyDir": {}}],
        "containers": [{**container, "args": [*container["args"], "--mine"], "image": "registry.example/mine:1"}],
    }


def test_a_daemon_set_that_was_edited_by_hand_is_repaired_and_others_labels_stay(deployed: Home) -> None:
    before = deployed.find("DaemonSet", AGENT)
    assert before is not None
    metadata = {"labels": {"mine": "1"}, "annotations": {"mine": "2"}}
    template = {"spec": edited(deployed.pod(AGENT))}
    deployed.patch("DaemonSet", AGENT, {"metadata": metadata, "spec": {"template": template}})
    after = deployed.until("DaemonSet", AGENT, lambda one: one["spec"] == before["spec"])
    assert after["metadata"]["labels"]["mine"] == "1"
    assert after["metadata"]["annotations"]["mine"] == "2"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("DaemonSet", PLUGIN, id="daemon-set"),
        pytest.param("ServiceAccount", "operator-webhook-sa", id="account"),
        pytest.param("Role", "sriov-device-plugin-pod-access", id="role"),
        pytest.param("RoleBinding", "sriov-device-plugin-pod-access", id="role-binding"),
        pytest.param("Service", f"{WEBHOOK}-service", id="service"),
        pytest.param("NetworkPolicy", f"{INJECTOR}-allow-traffic-api-server", id="network-policy"),
        pytest.param("ConfigMap", SWITCHES, id="config-map"),
        pytest.param("ClusterRole", INJECTOR, id="cluster-role"),
        pytest.param("ClusterRoleBinding", "network-resources-injector-role-binding", id="cluster-role-binding"),
        pytest.param("ValidatingWebhookConfiguration", WEBHOOKS, id="webhook"),
        pytest.param("ValidatingAdmissionPolicy", f"{AGENT}-states", id="admission-policy"),
        pytest.param("ValidatingAdmissionPolicyBinding", f"{AGENT}-states", id="admission-policy-binding"),
    ],
)
def test_what_somebody_deletes_comes_back(deployed: Home, kind: str, name: str) -> None:
    before = deployed.find(kind, name)
    assert before is not None
    deployed.server.admin.done("DELETE", deployed.path_of(kind, name))
    after = deployed.until(kind, name, lambda one: one["metadata"]["uid"] != before["metadata"]["uid"])
    for field in ("spec", "rules", "subjects", "data"):
        if field == "spec" and kind == "Service":
            continue  # it has another address
        assert after.get(field) == before.get(field)


@pytest.mark.parametrize(
    ("kind", "name", "patch"),
    [
        pytest.param("DaemonSet", PLUGIN, {"metadata": {"labels": {f"{GROUP}/managed-by": None}}}, id="our-label"),
        pytest.param("ClusterRole", INJECTOR, {"rules": []}, id="rules"),
        pytest.param(
            "Role", "sriov-plugin", {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}, id="all"
        ),
        pytest.param("ClusterRoleBinding", "operator-webhook-role-binding", {"subjects": []}, id="subjects"),
        pytest.param("Service", f"{WEBHOOK}-service", {"spec": {"selector": {"app": "mine"}}}, id="selector"),
    ],
)
def test_what_somebody_changes_is_changed_back(deployed: Home, kind: str, name: str, patch: dict[str, Any]) -> None:
    def facts(one: dict[str, Any]) -> list[Any]:
        return [one["metadata"].get("labels"), one.get("spec"), one.get("rules"), one.get("subjects")]

    before = deployed.find(kind, name)
    assert before is not None
    changed = deployed.patch(kind, name, patch)
    assert facts(changed) != facts(before)
    deployed.until(kind, name, lambda one: facts(one) == facts(before))


def test_a_role_binding_to_another_role_is_made_anew(deployed: Home) -> None:
    path = deployed.path_of("RoleBinding", "sriov-plugin")
    before = deployed.server.admin.done("GET", path)
    deployed.server.admin.done("DELETE", path)
    other = {**before, "metadata": {"name": "sriov-plugin"}, "roleRef": {**before["roleRef"], "name": "mine"}}
    status, _ = deployed.server.admin.request("POST", path.rpartition("/")[0], other)
    assert status in {201, 409}, "the operator may have been faster"
    deployed.until("RoleBinding", "sriov-plugin", lambda one: one["roleRef"] == before["roleRef"])
