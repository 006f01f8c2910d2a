"""What the operator makes of its environment: the variables of existing charts, and what is said of bad ones."""

import base64
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.errors import SpecError
from sriov_operator.process.settings import CONTROLLERS, NETWORK_KINDS, Settings, from_environment

LEAST = {"NAMESPACE": "sriov-network-operator", "RESOURCE_PREFIX": "openshift.io"}
CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n").decode()


def settings(**environment: str) -> Settings:
    return from_environment(LEAST | environment)


def value(found: Settings, path: str) -> Any:
    here: Any = found
    for name in path.split("."):
        here = getattr(here, name)
    return here


def refusals(**environment: str) -> list[str]:
    with pytest.raises(SpecError) as told:
        from_environment(LEAST | environment)
    return str(told.value).splitlines()


def test_with_the_least_that_is_needed_everything_else_has_its_default() -> None:
    assert settings() == Settings(namespace="sriov-network-operator", resource_prefix="openshift.io")


@pytest.mark.parametrize(
    ("variable", "text", "path", "expected"),
    [
        pytest.param("CLUSTER_TYPE", "openshift", "cluster_type", "openshift", id="cluster-type"),
        pytest.param("POD_NAME", "operator-7f", "identity", "operator-7f", id="pod"),
        pytest.param("HOSTNAME", "host", "identity", "host", id="host-when-there-is-no-pod"),
        pytest.param("USE_EXTERNAL_DRAINER", "true", "external_drainer", True, id="external-drainer"),
        pytest.param("DEV_MODE", "TRUE", "dev_mode", True, id="development"),
        pytest.param("STALE_NODE_STATE_CLEANUP_DELAY_MINUTES", "0", "stale_delay_minutes", 0, id="stale-at-once"),
        pytest.param("STALE_NODE_STATE_CLEANUP_DELAY_MINUTES", "x", "stale_delay_minutes", 30, id="stale-nonsense"),
        pytest.param("POD_EVICTION_POLICY", "delete", "eviction", "delete", id="eviction"),
        pytest.param("DRAIN_DEADLINE_SECONDS", "90", "drain_deadline_s", 90.0, id="drain-deadline"),
        pytest.param("CONFIG_DAEMON_METRICS_BIND_ADDRESS", ":9111", "agent_metrics", ":9111", id="agent-metrics"),
        pytest.param("CONFIG_DAEMON_METRICS_BIND_ADDRESS", "[::1]:9111", "agent_metrics", "[::1]:9111", id="on-ipv6"),
        pytest.param(
            "OPERATOR_WEBHOOK_METRICS_BIND_ADDRESS", ":9112", "webhook_metrics", ":9112", id="webhook-metrics"
        ),
        pytest.param("INJECTOR_WEBHOOK_METRICS_BIND_ADDRESS", ":9113", "injector_metrics", ":9113", id="nri-metrics"),
        pytest.param("SRIOV_CNI_BIN_PATH", "/opt/cni/bin", "cni_bin_path", "/opt/cni/bin", id="cni-path"),
        pytest.param("IMAGE_PULL_SECRETS", "a, b,,c", "pull_secrets", ("a", "b", "c"), id="pull-secrets"),
        pytest.param("SRIOV_CNI_IMAGE", "i:1", "images.sriov_cni", "i:1", id="cni"),
        pytest.param("SRIOV_INFINIBAND_CNI_IMAGE", "i:1", "images.infiniband_cni", "i:1", id="infiniband-cni"),
        pytest.param("OVS_CNI_IMAGE", "i:1", "images.ovs_cni", "i:1", id="ovs-cni"),
        pytest.param("RDMA_CNI_IMAGE", "i:1", "images.rdma_cni", "i:1", id="rdma-cni"),
        pytest.param("SRIOV_DEVICE_PLUGIN_IMAGE", "i:1", "images.device_plugin", "i:1", id="device-plugin"),
        pytest.param("NETWORK_RESOURCES_INJECTOR_IMAGE", "i:1", "images.injector", "i:1", id="injector"),
        pytest.param("SRIOV_NETWORK_CONFIG_DAEMON_IMAGE", "i:1", "images.config_daemon", "i:1", id="agent"),
        pytest.param("SRIOV_NETWORK_WEBHOOK_IMAGE", "i@sha256:0f", "images.webhook", "i@sha256:0f", id="webhook"),
        pytest.param("METRICS_EXPORTER_IMAGE", "i:1", "images.metrics_exporter", "i:1", id="exporter"),
        pytest.param("METRICS_EXPORTER_KUBE_RBAC_PROXY_IMAGE", "i:1", "images.kube_rbac_proxy", "i:1", id="proxy"),
        pytest.param("METRICS_EXPORTER_PORT", "9111", "metrics_exporter.port", 9111, id="exporter-port"),
        pytest.param("METRICS_EXPORTER_SECRET_NAME", "s", "metrics_exporter.secret", "s", id="exporter-secret"),
        pytest.param(
            "METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED", "True", "metrics_exporter.prometheus", True, id="monitor"
        ),
        pytest.param("METRICS_EXPORTER_PROMETHEUS_DEPLOY_RULES", "true", "metrics_exporter.rules", True, id="rules"),
        pytest.param(
            "METRICS_EXPORTER_PROMETHEUS_OPERATOR_SERVICE_ACCOUNT",
            "prom",
            "metrics_exporter.prometheus_account",
            "prom",
            id="prometheus-account",
        ),
        pytest.param(
            "METRICS_EXPORTER_PROMETHEUS_OPERATOR_NAMESPACE",
            "watch",
            "metrics_exporter.prometheus_namespace",
            "watch",
            id="prometheus-namespace",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED",
            "true",
            "certificates.cert_manager",
            True,
            id="cert-manager",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_SECRET_NAME",
            "s",
            "certificates.operator_secret",
            "s",
            id="webhook-secret",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_CA_CRT",
            CERTIFICATE,
            "certificates.operator_ca",
            CERTIFICATE,
            id="webhook-authority",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_SECRET_NAME",
            "s",
            "certificates.injector_secret",
            "s",
            id="injector-secret",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_CA_CRT",
            CERTIFICATE,
            "certificates.injector_ca",
            CERTIFICATE,
            id="injector-authority",
        ),
        pytest.param(
            "OPERATOR_WEBHOOK_NETWORK_POLICY_PORT", "443", "operator_network_policy_port", 443, id="webhook-port"
        ),
        pytest.param(
            "INJECTOR_WEBHOOK_NETWORK_POLICY_PORT", "443", "injector_network_policy_port", 443, id="injector-port"
        ),
        pytest.param("TLS_CIPHER_SUITES", "A,B", "tls_cipher_suites", "A,B", id="ciphers"),
        pytest.param("TLS_MIN_VERSION", "VersionTLS13", "tls_min_version", "VersionTLS13", id="tls-version"),
        pytest.param("TLS_CURVE_PREFERENCES", "X25519", "tls_curve_preferences", "X25519", id="curves"),
        pytest.param("RELEASEVERSION", "4.20", "release", "4.20", id="release"),
        pytest.param("RELEASE_VERSION", "4.20", "release", "4.20", id="release-as-charts-write-it"),
        pytest.param(
            "DISABLED_CONTROLLERS",
            "pools,drain",
            "controllers",
            {"nodestates", "networks", "deployment"},
            id="controllers-off",
        ),
        pytest.param(
            "ENABLE_POOLCONFIG_CONTROLLER", "false", "controllers", set(CONTROLLERS) - {"pools"}, id="pools-off"
        ),
        pytest.param(
            "ENABLE_SRIOVNETWORK_CONTROLLER", "false", "network_kinds", set(NETWORK_KINDS[1:]), id="one-kind-off"
        ),
    ],
)
def test_a_variable_sets_what_it_is_for_and_nothing_else(variable: str, text: str, path: str, expected: object) -> None:
    found = settings(**{variable: text})
    assert value(found, path) == expected
    top = path.partition(".")[0]
    assert attrs.evolve(found, remarks=(), **{top: value(settings(), top)}) == settings()


def test_variables_that_charts_leave_empty_count_as_not_set() -> None:
    names = ("CLUSTER_TYPE", "IMAGE_PULL_SECRETS", "METRICS_EXPORTER_PORT", "DEV_MODE", "DISABLED_CONTROLLERS")
    certificates = ("OPERATOR_CA_CRT", "OPERATOR_SECRET_NAME", "CERT_MANAGER_ENABLED")
    empty = dict.fromkeys([*names, *(f"ADMISSION_CONTROLLERS_CERTIFICATES_{name}" for name in certificates)], "")
    assert settings(**empty) == settings()


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        pytest.param("NAMESPACE", "", "not set, wanted the name of a namespace", id="no-namespace"),
        pytest.param("NAMESPACE", "a/b", "found 'a/b', wanted the name of a namespace", id="no-namespace-name"),
        pytest.param("RESOURCE_PREFIX", "", "Set it, to openshift.io if in doubt", id="no-prefix"),
        pytest.param("RESOURCE_PREFIX", "a/", "wanted a domain", id="no-domain"),
        pytest.param("CLUSTER_TYPE", "k8s", "wanted kubernetes or openshift", id="cluster-type"),
        pytest.param("POD_EVICTION_POLICY", "kill", "wanted evict or delete", id="eviction"),
        pytest.param("CONFIG_DAEMON_METRICS_BIND_ADDRESS", "9111", "wanted host:port", id="metrics-port-alone"),
        pytest.param("CONFIG_DAEMON_METRICS_BIND_ADDRESS", "$(x):1", "wanted host:port", id="metrics-of-a-shell"),
        pytest.param("DRAIN_DEADLINE_SECONDS", "0", "from 1 to 604800", id="deadline-of-nothing"),
        pytest.param("METRICS_EXPORTER_PORT", "65536", "from 1 to 65535", id="port-too-high"),
        pytest.param("METRICS_EXPORTER_PORT", "\u0664", "from 1 to 65535", id="digits-of-another-script"),
        pytest.param("SRIOV_CNI_BIN_PATH", "opt", "wanted an absolute path", id="path-of-nowhere"),
        pytest.param("SRIOV_CNI_BIN_PATH", "/opt/../etc", "wanted an absolute path", id="path-that-climbs"),
        pytest.param("IMAGE_PULL_SECRETS", "a,B_", "found 'B_'", id="no-secret-name"),
        pytest.param("SRIOV_CNI_IMAGE", "a b", "wanted an image without blanks", id="image-with-a-blank"),
        pytest.param("DISABLED_CONTROLLERS", "pools,drian", "found 'drian', wanted names out of", id="typing-error"),
        pytest.param("ENABLE_OVSNETWORK_CONTROLLER", "maybe", "wanted true or false", id="no-switch"),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_CA_CRT",
            "-----BEGIN CERTIFICATE-----",
            "wanted the base64 of a certificate",
            id="authority-that-is-no-base64",
        ),
        pytest.param(
            "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_CA_CRT",
            "c2VjcmV0",
            "wanted the base64 of a certificate",
            id="authority-that-is-no-certificate",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_wanted(variable: str, text: str, wanted: str) -> None:
    (line,) = refusals(**{variable: text})
    assert line.startswith(f"environment variable {variable}: ")
    assert wanted in line


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"NAMESPACE": "", "CLUSTER_TYPE": "k8s", "METRICS_EXPORTER_PORT": "x", "DISABLED_CONTROLLERS": "a,b"}
    assert len(refusals(**wrong)) == 5


@pytest.mark.parametrize(
    ("variable", "text", "remark"),
    [
        pytest.param("DEV_MODE", "true", "Only TRUE switches it on", id="development-in-lower-case"),
        pytest.param("USE_EXTERNAL_DRAINER", "True", "Only true switches it on", id="drainer-in-upper-case"),
        pytest.param("STALE_NODE_STATE_CLEANUP_DELAY_MINUTES", "-1", "wanted a number of minutes", id="negative-delay"),
    ],
)
def test_what_is_hardly_meant_so_is_remarked(variable: str, text: str, remark: str) -> None:
    found = settings(**{variable: text})
    assert len(found.remarks) == 1
    assert found.remarks[0].startswith(f"{variable}: ")
    assert remark in found.remarks[0]
    assert attrs.evolve(found, remarks=()) == settings()


@pytest.mark.parametrize("text", ["false", "FALSE", "0", "off"])
def test_switching_off_in_other_words_needs_no_remark(text: str) -> None:
    assert settings(DEV_MODE=text).remarks == ()


VARIABLES = ("NAMESPACE", "METRICS_EXPORTER_PORT", "SRIOV_CNI_BIN_PATH", "DISABLED_CONTROLLERS", "DEV_MODE")


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_whatever_stands_there_gives_settings_or_a_text_for_people(environment: dict[str, str]) -> None:
    lines = []
    try:
        from_environment(LEAST | environment)
    except SpecError as refused:
        lines = str(refused).splitlines()
    assert all(line.startswith("environment variable ") for line in lines)
