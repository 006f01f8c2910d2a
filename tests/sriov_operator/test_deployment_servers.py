"""The webhook, the injector and the exporter: what is deployed of them, by configuration, platform and TLS settings."""

from typing import Any

import attrs
import pytest
from some_deployments import (
    NAMESPACE,
    OPENSHIFT,
    PROMETHEUS,
    SETTINGS,
    TRUSTS,
    container,
    deployed,
    everything,
    named,
    pod,
)

from sriov_core.injection.switches import read_switches
from sriov_operator.deployment.injector import match_condition
from sriov_operator.deployment.manifests import wanted
from sriov_operator.deployment.names import EXPORTER, INJECTOR, OPERATOR_WEBHOOK
from sriov_operator.deployment.trust import Trust, Trusts, provided
from sriov_operator.process.settings import CertificateSettings
from sriov_operator.tlsoptions import TlsOptions

SERVERS = [
    pytest.param(OPERATOR_WEBHOOK, ["sriov-operator", "webhook"], id="webhook"),
    pytest.param(INJECTOR, ["sriov-operator", "injector", "--insecure"], id="injector"),
]
OPTIONS = TlsOptions(
    cipher_suites=("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",), min_version="VersionTLS12", curves=(29, 23, 24)
)
FLAGS = [
    "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "--tls-min-version=VersionTLS12",
    "--tls-curve-preferences=29,23,24",
]
OURS = "sriovnetwork.openshift.io"
ROLES = ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane")


@pytest.mark.parametrize(("name", "command"), SERVERS)
def test_a_server_is_started_with_its_certificate_and_no_rights(name: str, command: list[str]) -> None:
    found = container(everything(), name)
    assert found["command"] == command
    assert found["args"] == [
        "--port=6443",
        "--tls-cert-file=/etc/tls/tls.crt",
        "--tls-private-key-file=/etc/tls/tls.key",
    ]
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(everything(), name)["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 6443, "scheme": "HTTPS"}
    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 6443, "scheme": "HTTPS"}


@pytest.mark.parametrize(("name", "command"), SERVERS)
def test_tls_settings_become_flags_and_go_again(name: str, command: list[str]) -> None:
    assert container(everything(facts={"tls": OPTIONS}), name)["args"][3:] == FLAGS
    assert container(everything(), name)["args"][3:] == []


def test_the_proxy_before_the_metrics_gets_no_curves() -> None:
    found = container(everything(facts={"tls": OPTIONS}), EXPORTER, "kube-rbac-proxy")["args"]
    assert [one for one in found if one.startswith("--tls-") and "/" not in one] == FLAGS[:2]


@pytest.mark.parametrize(("name", "command"), SERVERS)
def test_of_the_secret_a_server_sees_its_own_certificate_only(name: str, command: list[str]) -> None:
    (volume,) = pod(everything(), name)["volumes"]
    assert [one["key"] for one in volume["secret"]["items"]] == ["tls.crt", "tls.key"]


@pytest.mark.parametrize(("name", "command"), SERVERS)
def test_servers_run_on_the_control_plane_where_the_cluster_has_one(name: str, command: list[str]) -> None:
    here = pod(everything(), name)
    required = here["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["matchExpressions"][0]["key"] for term in required["nodeSelectorTerms"]] == list(ROLES)
    assert [one["key"] for one in here["tolerations"]] == [*ROLES, "node.kubernetes.io/not-ready"]
    assert here["priorityClassName"] == "system-cluster-critical"
    hosted = pod(everything(OPENSHIFT, {"external_control_plane": True}), name)
    assert not {"affinity", "tolerations"} & hosted.keys()


def test_an_update_has_the_new_server_ready_before_the_old_one_goes() -> None:
    surging, in_place = {"maxSurge": 1, "maxUnavailable": 0}, {"maxUnavailable": "33%"}
    for name in (OPERATOR_WEBHOOK, INJECTOR):
        for is_recent, expected in ((True, surging), (False, in_place)):
            found = named(everything(facts={"is_recent": is_recent}), "DaemonSet", name)["spec"]
            assert found["updateStrategy"]["rollingUpdate"] == expected
            assert "hostNetwork" not in found["template"]["spec"], "two of its pods fit on a node"
    agent = named(everything(), "DaemonSet", "sriov-network-config-daemon")["spec"]
    assert agent["updateStrategy"]["rollingUpdate"] == in_place


def test_what_the_webhook_is_asked_about() -> None:
    policies, pools, configs = "sriovnetworknodepolicies", "sriovnetworkpoolconfigs", "sriovoperatorconfigs"
    networks = ["sriovnetworks", "sriovibnetworks", "ovsnetworks"]
    mutating = named(everything(), "MutatingWebhookConfiguration", "sriov-operator-webhook-config")["webhooks"]
    judging = named(everything(), "ValidatingWebhookConfiguration", "sriov-operator-webhook-config")["webhooks"]
    found = [
        (
            one["name"],
            one["failurePolicy"],
            rule["operations"],
            rule["resources"],
            one["clientConfig"]["service"]["path"],
        )
        for one in (*mutating, *judging)
        for rule in one["rules"]
    ]
    mutate, validate = "/mutating-custom-resource", "/validating-custom-resource"
    assert found == [
        (f"operator-webhook.{OURS}", "Fail", ["CREATE", "UPDATE"], [policies], mutate),
        (f"operator-webhook.{OURS}", "Fail", ["CREATE", "UPDATE"], [policies, pools, *networks], validate),
        (f"lenient.operator-webhook.{OURS}", "Ignore", ["CREATE", "UPDATE", "DELETE"], [configs], validate),
        (f"lenient.operator-webhook.{OURS}", "Ignore", ["DELETE"], [policies, pools], validate),
    ]
    assert all((one["sideEffects"], one["admissionReviewVersions"]) == ("None", ["v1"]) for one in judging)


@pytest.mark.parametrize("recent", [True, False])
def test_what_is_being_deleted_is_never_held_up_by_a_webhook_that_does_not_answer(recent: bool) -> None:
    here = everything(facts={"is_recent": recent})
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        (strict,) = [
            one
            for one in named(here, kind, "sriov-operator-webhook-config")["webhooks"]
            if one["failurePolicy"] == "Fail"
        ]
        found = [one["expression"] for one in strict.get("matchConditions", [])]
        assert found == ["!has(object.metadata.deletionTimestamp)"] * recent


def test_an_api_server_without_conditions_never_refuses_pods_for_want_of_the_injector() -> None:
    gates = {"resourceInjectorMatchCondition": True}
    here = everything(facts={"is_recent": False}, featureGates=gates)
    (hook,) = named(here, "MutatingWebhookConfiguration", "network-resources-injector-config")["webhooks"]
    assert (hook["failurePolicy"], "matchConditions" in hook) == ("Ignore", False)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        pytest.param("webhook_metrics", OPERATOR_WEBHOOK, id="webhook"),
        pytest.param("injector_metrics", INJECTOR, id="injector"),
    ],
)
def test_metrics_are_served_where_the_operator_is_told_to_and_nowhere_else(field: str, name: str) -> None:
    here = everything(attrs.evolve(SETTINGS, **{field: ":9112"}))
    for server in (OPERATOR_WEBHOOK, INJECTOR):
        found, policy = container(here, server), f"{server}-allow-traffic-api-server"
        into = named(here, "NetworkPolicy", policy)["spec"]["ingress"][0]["ports"]
        asked = "--metrics-bind-address=:9112" in found["args"]
        assert asked is (9112 in {one["port"] for one in into}) is (server == name)
        assert asked is ({"name": "metrics", "containerPort": 9112, "protocol": "TCP"} in found["ports"])


@pytest.mark.parametrize(
    ("gate", "policy", "conditions"),
    [pytest.param(False, "Ignore", 0, id="off"), pytest.param(True, "Fail", 1, id="on")],
)
def test_the_injector_is_strict_only_with_its_condition(gate: bool, policy: str, conditions: int) -> None:
    here = everything(featureGates={"resourceInjectorMatchCondition": gate})
    (hook,) = named(here, "MutatingWebhookConfiguration", "network-resources-injector-config")["webhooks"]
    assert (hook["name"], hook["failurePolicy"]) == ("network-resources-injector-config.k8s.io", policy)
    assert hook["rules"] == [
        {"operations": ["CREATE"], "apiGroups": ["apps", ""], "apiVersions": ["v1"], "resources": ["pods"]}
    ]
    found = hook.get("matchConditions", [])
    assert [one["name"] for one in found] == ["include-networks-annotation"] * conditions


def test_the_condition_knows_every_way_of_naming_networks_and_takes_no_text_that_is_no_label() -> None:
    plain = match_condition(())
    assert "'k8s.v1.cni.cncf.io/networks' in" in plain
    assert "'v1.multus-cni.io/default-network' in" in plain
    assert "'example.com/inject' in object.metadata.labels" in match_condition(("example.com/inject",))
    for text in ("a' || true || 'b", "", "a\nb", "x/y/z", "-a", "a" * 64):
        assert match_condition((text,)) == plain


def test_the_switches_are_those_that_the_injector_understands() -> None:
    found = read_switches(named(everything(), "ConfigMap", "nri-control-switches"))
    assert (found.hugepages, found.faults) == (True, ())


@pytest.mark.parametrize(
    ("port", "into", "out"),
    [pytest.param(6443, [6443], [6443], id="usual"), pytest.param(443, [443, 6443], [443], id="elsewhere")],
)
def test_the_api_server_is_let_in_wherever_it_is(port: int, into: list[int], out: list[int]) -> None:
    settings = attrs.evolve(SETTINGS, operator_network_policy_port=port)
    spec = named(everything(settings), "NetworkPolicy", "operator-webhook-allow-traffic-api-server")["spec"]
    assert [one["port"] for one in spec["ingress"][0]["ports"]] == into
    assert [one["port"] for one in spec["egress"][0]["ports"]] == out
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["podSelector"] == {"matchLabels": {"app": OPERATOR_WEBHOOK}}


CERT_MANAGER = attrs.evolve(SETTINGS, certificates=CertificateSettings(cert_manager=True))
GIVEN = [
    pytest.param(SETTINGS, "Q0E=", "Q0E=", {}, {}, id="somebody-gives-the-authority"),
    pytest.param(SETTINGS, "", None, {}, {}, id="our-own"),
    pytest.param(
        CERT_MANAGER, "Q0E=", "", {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/secret-1"}, {}, id="cert-manager"
    ),
    pytest.param(
        attrs.evolve(CERT_MANAGER, cluster_type="openshift"),
        "Q0E=",
        "",
        {"service.beta.openshift.io/inject-cabundle": "true"},
        {"service.alpha.openshift.io/serving-cert-secret-name": "secret-1"},
        id="openshift",
    ),
]


@pytest.mark.parametrize(("settings", "given", "bundle", "annotations", "service"), GIVEN)
def test_who_provides_the_certificates(
    settings: Any, given: str, bundle: str | None, annotations: dict[str, str], service: dict[str, str]
) -> None:
    found = provided(settings, "secret-1", given)
    if bundle is None:
        assert found is None
        return
    assert found == Trust(secret="secret-1", bundle=bundle, annotations=annotations, service_annotations=service)
    here = everything(settings, {"certificates": Trusts(found, found)})
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        document = named(here, kind, "sriov-operator-webhook-config")
        assert document["metadata"].get("annotations", {}) == annotations
        assert {one["clientConfig"].get("caBundle", "") for one in document["webhooks"]} == {bundle}
    assert named(here, "Service", "operator-webhook-service")["metadata"].get("annotations", {}) == service


def test_prometheus_is_told_only_where_it_is() -> None:
    kinds = {"ServiceMonitor", "PrometheusRule"}
    assert not kinds & {one["kind"] for one in wanted(everything()).objects}
    here = everything(PROMETHEUS)
    (endpoint,) = named(here, "ServiceMonitor", EXPORTER)["spec"]["endpoints"]
    assert endpoint["port"] == "sriov-network-metrics"
    assert endpoint["tlsConfig"]["serverName"] == f"{EXPORTER}-service.{NAMESPACE}.svc"
    assert [one.get("regex") for one in endpoint["relabelings"]] == [None, "pod", "container", "namespace"]
    (group,) = named(here, "PrometheusRule", "sriov-vf-rules")["spec"]["groups"]
    assert len(group["rules"]) == 8
    assert group["rules"][0] == {
        "record": "network:sriov_vf_tx_packets",
        "expr": "sriov_vf_tx_packets * on (pciAddr,node) group_left(pod,namespace,dev_type) sriov_kubepoddevice",
    }
    (subject,) = named(here, "RoleBinding", "prometheus-k8s")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "prometheus-k8s", "namespace": "monitoring"}


def test_the_exporter_listens_where_only_its_proxy_reaches_it() -> None:
    here = everything(attrs.evolve(SETTINGS, metrics_exporter=attrs.evolve(SETTINGS.metrics_exporter, port=9999)))
    assert "--web.listen-address=127.0.0.1:9999" in container(here, EXPORTER, "metrics-exporter")["args"]
    assert "--secure-listen-address=[$(HOST_IP)]:9999" in container(here, EXPORTER, "kube-rbac-proxy")["args"]
    (port,) = named(here, "Service", f"{EXPORTER}-service")["spec"]["ports"]
    assert (port["name"], port["port"]) == ("sriov-network-metrics", 9999)


@pytest.mark.parametrize("feature", ["operator", "injector"])
def test_a_certificate_that_is_not_known_leaves_alone_what_depends_on_it(feature: str) -> None:
    here = everything(facts={"certificates": attrs.evolve(TRUSTS, **{feature: None})})
    name = {"operator": OPERATOR_WEBHOOK, "injector": INJECTOR}[feature]
    found = wanted(here)
    untouched = {"DaemonSet", "Service", "MutatingWebhookConfiguration"}
    ours = {"DaemonSet": name, "Service": f"{name}-service"}
    assert not [one for one in found.objects if ours.get(one["kind"]) == one["metadata"]["name"]]
    assert not [one for one in found.absent if one.kind in untouched and name.split("-")[0] in one.name]


def test_tls_settings_that_are_not_known_leave_the_servers_as_they_are() -> None:
    found = wanted(everything(facts={"tls": None}))
    daemons = {one["metadata"]["name"] for one in found.objects if one["kind"] == "DaemonSet"}
    assert daemons == {"sriov-network-config-daemon", "sriov-device-plugin"}
    assert not [one for one in found.absent if one.kind == "DaemonSet"]
    assert [one for one in found.objects if one["kind"] == "ValidatingWebhookConfiguration"]


@pytest.mark.parametrize("image", ["metrics_exporter", "kube_rbac_proxy"])
def test_the_exporter_is_never_deployed_without_the_proxy_before_it(image: str) -> None:
    images = attrs.evolve(SETTINGS.images, **{image: ""})
    found = wanted(everything(attrs.evolve(SETTINGS, images=images)))
    assert not [one for one in found.objects if one["metadata"]["name"].startswith(EXPORTER)]


def test_a_device_plugin_that_has_nothing_to_wait_with_is_neither_deployed_nor_removed() -> None:
    images = attrs.evolve(SETTINGS.images, config_daemon="")
    found = wanted(deployed(attrs.evolve(SETTINGS, images=images)))
    places = {(one["kind"], one["metadata"]["name"]) for one in found.objects} | {
        (p.kind, p.name) for p in found.absent
    }
    assert ("DaemonSet", "sriov-device-plugin") not in places


def test_without_a_feature_none_of_it_is_asked_for() -> None:
    daemons = {one["metadata"]["name"] for one in wanted(deployed()).objects if one["kind"] == "DaemonSet"}
    assert daemons == {"sriov-network-config-daemon", "sriov-device-plugin"}
