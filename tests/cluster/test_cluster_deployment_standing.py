"""What the configuration tells of its deployment, what stops it and what does not, and what its deletion leaves."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import servers_install
from deployments import EVERYTHING, RESTRICTIONS, Home, account, homes, settings
from operator_runs import until
from servers import Server
from servers_admin import APPLY

from sriov_operator.deployment.manifests import RESOURCES
from sriov_operator.deployment.names import ADMISSION_POLICIES, OURS

AGENT, PLUGIN = "sriov-network-config-daemon", "sriov-device-plugin"
WEBHOOK, INJECTOR = "operator-webhook", "network-resources-injector"
WEBHOOKS, INJECTIONS = "sriov-operator-webhook-config", "network-resources-injector-config"
SECRET = "operator-webhook-cert"
EXTENSIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OPENSHIFT = {"CLUSTER_TYPE": "openshift"}
Document = dict[str, Any]


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


def rolled_out(home: Home, name: str, desired: int, updated: int, available: int) -> None:
    """As the controller of DaemonSets counts."""
    found = home.find("DaemonSet", name)
    assert found is not None
    counts = {
        "observedGeneration": found["metadata"]["generation"],
        "desiredNumberScheduled": desired,
        "currentNumberScheduled": desired,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberReady": available,
        "numberMisscheduled": 0,
    }
    home.patch("DaemonSet", name, {"status": counts}, "/status")


def test_the_status_follows_the_rollouts(home: Home, recent: object) -> None:
    home.start()
    home.create(enableInjector=True, enableOperatorWebhook=True)
    home.told("True", "Progressing")
    assert (home.config()["status"]["injector"], home.config()["status"]["operatorWebhook"]) == ("Progressing",) * 2
    for name in (AGENT, PLUGIN, WEBHOOK):
        rolled_out(home, name, 3, 3, 3)
    rolled_out(home, INJECTOR, 3, 2, 1)
    text = f"{INJECTOR}: 2 of 3 nodes updated, 1 available"
    until(lambda: home.condition("Progressing").get("message") == text)
    assert home.config()["status"]["operatorWebhook"] == "Deployed"
    assert home.config()["status"]["rollouts"][-1] == {"name": INJECTOR, "desired": 3, "updated": 2, "available": 1}
    rolled_out(home, INJECTOR, 3, 3, 3)
    home.told("False", "Progressing")
    assert (home.config()["status"]["injector"], home.condition("Ready")["status"]) == ("Deployed", "True")
    rolled_out(home, WEBHOOK, 0, 0, 0)
    assert home.told("True", "Degraded")["reason"] == "NoNodes"
    home.change(enableInjector=False)
    until(lambda: home.config()["status"]["injector"] == "Disabled")
    until(lambda: ("Warning", "DegradedChanged") in home.events())


def test_settings_without_effect_are_told(home: Home) -> None:
    home.start()
    home.create(featureGates={"noSuchGate": True}, configDaemonEnvVars={"NODE_NAME": "other", "MINE": "1"})
    found = home.told("True", "Degraded")
    assert found["reason"] == "SettingsIgnored"
    assert "spec.featureGates.noSuchGate: there is no such feature gate" in found["message"]
    assert "spec.configDaemonEnvVars[NODE_NAME]: the operator sets this variable itself" in found["message"]
    assert home.told("True")["reason"] == "OperatorConfigReady"
    variables = {one["name"] for one in home.pod(AGENT)["containers"][0]["env"]}
    assert "MINE" in variables


def test_one_object_that_is_refused_stops_no_other(home: Home, recent: object) -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": home.namespace}}
    home.server.admin.create({**head, "data": {"tls.crt": "eA=="}, "immutable": True})
    home.start()
    home.create(enableInjector=True, enableOperatorWebhook=True)
    found = home.told("False", text="immutable")
    assert found["reason"] == "OperatorConfigSyncFailed"
    assert f"Secret {home.namespace}/{SECRET}" in found["message"]
    assert home.find("DaemonSet", WEBHOOK) is None
    assert home.find("DaemonSet", INJECTOR)
    assert home.find("DaemonSet", AGENT)
    until(lambda: {("Warning", "ReadyAdded"), ("Warning", "DegradedAdded")} <= set(home.events()))
    home.server.admin.done("DELETE", f"/api/v1/namespaces/{home.namespace}/secrets/{SECRET}")
    home.told("True")
    assert home.find("DaemonSet", WEBHOOK)


def test_an_object_that_an_admission_rule_refuses_is_named(home: Home, recent: object, made: Any) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"no-plugin-in-{home.namespace}"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["daemonsets"],
                    }
                ]
            },
            "validations": [
                {"expression": f"object.metadata.name != '{PLUGIN}'", "message": "the test does not want it"}
            ],
        },
    }
    binding = {
        **policy,
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {
            "policyName": policy["metadata"]["name"],
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": home.namespace}}},
        },
    }
    made(policy)
    made(binding)
    until(lambda: _is_denied(home))
    home.start()
    home.create()
    found = home.told("False")
    assert f"DaemonSet {home.namespace}/{PLUGIN}" in found["message"]
    assert "the test does not want it" in found["message"]
    assert home.find("DaemonSet", AGENT)
    assert home.find("Role", "sriov-plugin")


def _is_denied(home: Home) -> bool:
    """A policy takes a moment until it holds."""
    document = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": PLUGIN},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "a", "image": "registry.example/none"}]},
            },
        },
    }
    path = f"/apis/apps/v1/namespaces/{home.namespace}/daemonsets?dryRun=All"
    status, _ = home.server.admin.request("POST", path, document)
    return status == 422


GOOD_TLS = {
    "TLS_CIPHER_SUITES": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_MIN_VERSION": "VersionTLS12",
    "TLS_CURVE_PREFERENCES": "X25519,secp256r1,secp384r1",
}
FLAGS = [
    "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "--tls-min-version=VersionTLS12",
    "--tls-curve-preferences=29,23,24",
]


def flags(home: Home, name: str) -> list[str]:
    arguments = home.pod(name)["containers"][0]["args"]
    return [one for one in arguments if one.startswith("--tls-") and "/etc" not in one]


def test_tls_settings_reach_the_servers_and_bad_ones_change_nothing(home: Home, recent: object) -> None:
    home.start(GOOD_TLS)
    home.create(**EVERYTHING)
    home.told("True")
    assert (flags(home, WEBHOOK), flags(home, INJECTOR)) == (FLAGS, FLAGS)
    home.start({**GOOD_TLS, "TLS_MIN_VERSION": "VersionTLS10"})
    home.change(configDaemonNodeSelector={"a": "b"})
    found = home.told("False")
    assert "TLS_MIN_VERSION: found 'VersionTLS10'" in found["message"]
    assert (flags(home, WEBHOOK), flags(home, INJECTOR)) == (FLAGS, FLAGS)
    assert home.pod(AGENT)["nodeSelector"] == {"a": "b"}, "what has nothing to do with it goes on"
    home.start()
    home.told("True")
    assert (flags(home, WEBHOOK), flags(home, INJECTOR)) == ([], [])


def definition(group: str, plural: str, kind: str) -> Document:
    """A kind of OpenShift, with any fields."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture
def openshift(home: Home, made: Any) -> Iterator[Home]:
    """The same cluster with the kinds of OpenShift, all its machines being its own."""
    kinds = [
        ("config.openshift.io", "infrastructures", "Infrastructure"),
        ("config.openshift.io", "apiservers", "APIServer"),
        ("machineconfiguration.openshift.io", "machineconfigs", "MachineConfig"),
    ]
    for group, plural, kind in kinds:
        until(lambda group=group, plural=plural: not home.server.admin.find(f"{EXTENSIONS}/{plural}.{group}"))
        servers_install.served(home.server.admin, [made(definition(group, plural, kind))])
    account(home.server, settings(home.namespace, OPENSHIFT))
    set_cluster(home, "Infrastructure", "infrastructures", {"status": {"controlPlaneTopology": "HighlyAvailable"}})
    set_cluster(home, "APIServer", "apiservers", {"spec": {"tlsAdherence": "NoOpinion"}})
    yield home
    if home.server.admin.find(home.path):
        home.delete()
        until(lambda: home.server.admin.find(home.path) is None)
    home.stop()
    for plural in ("infrastructures", "apiservers"):
        home.server.admin.remove(f"/apis/config.openshift.io/v1/{plural}/cluster")


def set_cluster(home: Home, kind: str, plural: str, fields: Document) -> None:
    """What OpenShift says of itself."""
    api = "config.openshift.io/v1"
    document = {"apiVersion": api, "kind": kind, "metadata": {"name": "cluster"}, **fields}
    path = f"/apis/{api}/{plural}/cluster?fieldManager=test&force=true"
    home.server.admin.done("PATCH", path, document, content_type=APPLY)


def test_on_openshift_the_cluster_decides_about_tls_and_makes_certificates(openshift: Home, recent: object) -> None:
    home = openshift
    home.start({**OPENSHIFT, **GOOD_TLS})
    home.create(enableInjector=True, enableOperatorWebhook=True)
    home.told("True")
    assert flags(home, WEBHOOK) == FLAGS
    profile = {"type": "Custom", "custom": {"minTLSVersion": "VersionTLS13", "groups": ["secp256r1"], "ciphers": []}}
    spec = {"tlsAdherence": "StrictAllComponents", "tlsSecurityProfile": profile}
    set_cluster(home, "APIServer", "apiservers", {"spec": spec})
    until(lambda: flags(home, INJECTOR) == ["--tls-min-version=VersionTLS13", "--tls-curve-preferences=23"])
    set_cluster(home, "APIServer", "apiservers", {"spec": {**spec, "tlsSecurityProfile": {"type": "Old"}}})
    found = home.told("False")
    assert "VersionTLS10" in found["message"]
    set_cluster(home, "APIServer", "apiservers", {"spec": {"tlsAdherence": "NoOpinion"}})
    home.told("True")
    until(lambda: flags(home, WEBHOOK) == FLAGS)
    service = home.find("Service", f"{WEBHOOK}-service")
    assert service is not None
    assert service["metadata"]["annotations"] == {"service.alpha.openshift.io/serving-cert-secret-name": SECRET}
    assert home.server.admin.find(f"/api/v1/namespaces/{home.namespace}/secrets/{SECRET}") is None


def test_in_systemd_mode_openshift_gets_units_for_all_workers_and_loses_them_again(openshift: Home) -> None:
    home = openshift
    home.start(OPENSHIFT)
    home.create(configurationMode="systemd", configDaemonNodeSelector={"a": "b"})
    home.told("True")
    found = home.find("MachineConfig", "sriov-config-service")
    assert found is not None
    assert found["metadata"]["labels"]["machineconfiguration.openshift.io/role"] == "worker"
    assert [one["name"] for one in found["spec"]["config"]["systemd"]["units"]] == [
        "sriov-core-pre.service",
        "sriov-core-post.service",
    ]
    home.change(configurationMode="daemon")
    home.told("True")
    assert home.find("MachineConfig", "sriov-config-service") is None


def test_systemd_mode_on_hypershift_is_refused_before_anything_is_done(openshift: Home) -> None:
    home = openshift
    set_cluster(home, "Infrastructure", "infrastructures", {"status": {"controlPlaneTopology": "External"}})
    home.start(OPENSHIFT)
    home.create(configurationMode="systemd", enableInjector=True)
    found = home.told("False")
    assert found["reason"] == "UnsupportedConfiguration"
    assert "not supported on hypershift" in found["message"]
    for resource in RESOURCES.values():
        if resource.group == "monitoring.coreos.com":
            continue
        path = resource.path(home.namespace if resource.namespaced else "")
        assert home.server.admin.done("GET", f"{path}?labelSelector={OURS}")["items"] == []
    home.change(configurationMode="daemon")
    home.told("True")
    assert "affinity" not in home.pod(INJECTOR)


def test_our_certificates_are_made_trusted_and_mended(home: Home, recent: object) -> None:
    path = f"/api/v1/namespaces/{home.namespace}/secrets/{SECRET}"
    home.start()
    home.create(enableOperatorWebhook=True)
    home.told("True")
    secret = home.server.admin.done("GET", path)
    assert (secret["type"], set(secret["data"])) == ("kubernetes.io/tls", {"tls.crt", "tls.key", "ca.crt", "ca.key"})

    def bundles(one: Document) -> set[str]:
        return {hook["clientConfig"]["caBundle"] for hook in one["webhooks"]}

    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        found = home.find(kind, WEBHOOKS)
        assert found is not None
        assert bundles(found) == {secret["data"]["ca.crt"]}
    garbage = {"data": {"tls.crt": base64.b64encode(b"garbage").decode(), "ca.crt": None}}
    home.server.admin.done("PATCH", path, garbage, content_type="application/merge-patch+json")
    home.until("ValidatingWebhookConfiguration", WEBHOOKS, lambda one: bundles(one) != {secret["data"]["ca.crt"]})
    mended = home.server.admin.done("GET", path)
    assert mended["data"]["tls.crt"] not in {secret["data"]["tls.crt"], garbage["data"]["tls.crt"]}
    until(lambda: ("Warning", "CertificateRenewed") in home.events())
    home.server.admin.done("DELETE", path)
    until(lambda: home.server.admin.find(path))
    home.told("True")


def test_the_operator_may_not_read_any_other_secret(home: Home) -> None:
    home.start()
    admin = home.server.with_token(home.server.token(home.namespace, "sriov-network-operator"))
    place = f"/api/v1/namespaces/{home.namespace}/secrets"
    assert admin.request("GET", f"{place}/{SECRET}")[0] == 404
    assert admin.request("GET", f"{place}/other")[0] == 403
    assert admin.request("GET", place)[0] == 403
    assert admin.request("GET", "/api/v1/secrets")[0] == 403
    admin.close()


def test_a_permission_that_is_missing_is_told(home: Home) -> None:
    name = f"deployment-in-{home.namespace}"
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{home.namespace}/roles/{name}"
    role = home.server.admin.done("GET", path)
    fewer = [rule for rule in role["rules"] if "networkpolicies" not in rule["resources"]]
    home.server.admin.done("PATCH", path, {"rules": fewer}, content_type="application/merge-patch+json")
    operator = home.server.with_token(home.server.token(home.namespace, "sriov-network-operator"))
    forbidden = f"/apis/networking.k8s.io/v1/namespaces/{home.namespace}/networkpolicies"
    until(lambda: operator.request("GET", forbidden)[0] == 403)  # else what watches before is never refused
    operator.close()
    home.start()
    home.create()
    found = home.told("False", text="networkpolicies")
    assert found["reason"] == "OperatorConfigSyncFailed"
    home.server.admin.done("PATCH", path, {"rules": role["rules"]}, content_type="application/merge-patch+json")
    home.told("True")


def test_what_nothing_owns_is_gone_before_the_configuration_is(home: Home, recent: object) -> None:
    state = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState", "spec": {}}
    home.server.admin.create({**state, "metadata": {"name": "node-1", "namespace": home.namespace}})
    home.start()
    home.create(**EVERYTHING)
    home.told("True")
    home.delete()
    until(lambda: home.server.admin.find(home.path) is None)
    for resource in RESOURCES.values():
        if resource in RESTRICTIONS:  # tokens of agents hold for a while longer
            left = home.server.admin.done("GET", f"{resource.path()}?labelSelector={OURS}")["items"]
            assert len(left) == len(ADMISSION_POLICIES)
        elif not resource.namespaced and "openshift" not in resource.group:
            assert home.server.admin.done("GET", f"{resource.path()}?labelSelector={OURS}")["items"] == []
    assert home.server.admin.find(
        f"/apis/{state['apiVersion']}/namespaces/{home.namespace}/sriovnetworknodestates/node-1"
    )
    home.create()
    home.told("True")
