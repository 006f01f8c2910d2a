"""The values of the SR-IOV network operator's chart, as they are documented, and files of values that people have.

Their sources are the chart's own README and values.yaml of several releases, its scripts for end-to-end tests, and
charts and guides that have it as a part of theirs.
"""

from datetime import UTC, datetime
from typing import Any

from sriov_operator.deployment import authorities

CHANGED = {"images.operator", "images.sriovConfigDaemon", "images.webhook", "images.resourcesInjector"}
"""Images of programs that are not the incumbent's."""
SOMEBODYS = "ghcr.io/k8snetworkplumbingwg"
MASTER, CONTROL_PLANE = "node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"
INCUMBENT = {
    "operator.metricsBindAddress": "",
    "operator.tolerations": [
        {"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in (MASTER, CONTROL_PLANE)
    ],
    "operator.nodeSelector": {},
    "operator.extraEnv": {},
    "operator.tls.cipherSuites": "",
    "operator.tls.minVersion": "",
    "operator.tls.curvePreferences": "",
    "operator.nameOverride": "",
    "operator.fullnameOverride": "",
    "operator.resourcePrefix": "openshift.io",
    "operator.cniBinPath": "/opt/cni/bin",
    "operator.clusterType": "kubernetes",
    "operator.staleNodeStateCleanupDelayMinutes": "30",
    "operator.metricsExporter.port": "9110",
    "operator.metricsExporter.certificates.secretName": "metrics-exporter-cert",
    "operator.metricsExporter.seLinuxType": "",
    "operator.metricsExporter.prometheusOperator.enabled": False,
    "operator.metricsExporter.prometheusOperator.serviceAccount": "prometheus-k8s",
    "operator.metricsExporter.prometheusOperator.namespace": "monitoring",
    "operator.metricsExporter.prometheusOperator.deployRules": False,
    "operator.externalDrainer.enabled": False,
    "operator.admissionControllers.enabled": False,
    "operator.admissionControllers.labelSelector": "",
    "operator.admissionControllers.networkPolicy.operator.port": "6443",
    "operator.admissionControllers.networkPolicy.injector.port": "6443",
    "operator.admissionControllers.certificates.secretNames.operator": "operator-webhook-cert",
    "operator.admissionControllers.certificates.secretNames.injector": "network-resources-injector-cert",
    "operator.admissionControllers.certificates.certManager.enabled": False,
    "operator.admissionControllers.certificates.certManager.generateSelfSigned": False,
    "operator.admissionControllers.certificates.custom.enabled": False,
    "sriovOperatorConfig.deploy": False,
    "sriovOperatorConfig.configDaemonNodeSelector": {},
    "sriovOperatorConfig.logLevel": 2,
    "sriovOperatorConfig.disableDrain": False,
    "sriovOperatorConfig.configurationMode": "daemon",
    "sriovOperatorConfig.disablePlugins": [],
    "sriovOperatorConfig.featureGates": {},
    "sriovOperatorConfig.configDaemonEnvVars": {},
    "supportedExtraNICs": [],
    "images.operator": f"{SOMEBODYS}/sriov-network-operator",
    "images.sriovConfigDaemon": f"{SOMEBODYS}/sriov-network-operator-config-daemon",
    "images.sriovCni": f"{SOMEBODYS}/sriov-cni",
    "images.ibSriovCni": f"{SOMEBODYS}/ib-sriov-cni",
    "images.ovsCni": f"{SOMEBODYS}/ovs-cni-plugin",
    "images.rdmaCni": f"{SOMEBODYS}/rdma-cni",
    "images.sriovDevicePlugin": f"{SOMEBODYS}/sriov-network-device-plugin",
    "images.resourcesInjector": f"{SOMEBODYS}/network-resources-injector",
    "images.webhook": f"{SOMEBODYS}/sriov-network-operator-webhook",
    "images.metricsExporter": f"{SOMEBODYS}/sriov-network-metrics-exporter",
    "images.metricsExporterKubeRbacProxy": "gcr.io/kubebuilder/kube-rbac-proxy:v0.15.0",
    "imagePullSecrets": [],
    "extraDeploy": [],
}
"""The values of the SR-IOV network operator's chart with their defaults, but for the affinity.

The label selector was in older releases and had no effect, the SELinux type is in the newest.
"""


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Names with dots as a file of values has them."""
    given: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place = given
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return given


def _prefers(key: str) -> dict[str, Any]:
    expression = {"key": key, "operator": "In", "values": [""]}
    return {"weight": 1, "preference": {"matchExpressions": [expression]}}


def pair(service: str) -> dict[str, str]:
    """A certificate for that service, its key and its authority, in PEM: API servers warn of what is none."""
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
    authority = authorities.new_authority("test", begin, end)
    made = authorities.new_pair(authority, (f"{service}.sriov-network-operator.svc",), begin, end)
    ca, certificate = (authorities.encoded(one).decode() for one in (authority.certificates, made.chain))
    return {"caCrt": ca, "tlsCrt": certificate, "tlsKey": made.key.decode()}


AFFINITY = {"preferredDuringSchedulingIgnoredDuringExecution": [_prefers(MASTER), _prefers(CONTROL_PLANE)]}
_REQUIRED = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": CONTROL_PLANE, "operator": "Exists"}]}]
    }
}
_EXTRA = """apiVersion: v1
kind: ConfigMap
metadata:
  name: '{{ .Release.Name }}-more'
  namespace: '{{ .Release.Namespace }}'
"""
_CERTIFICATES = "operator.admissionControllers.certificates"
USERS: dict[str, dict[str, Any]] = {
    "the-whole-file": {**INCUMBENT, "operator.affinity": {"nodeAffinity": AFFINITY}},
    "the-readmes-first-installation": {"sriovOperatorConfig.deploy": True},
    "with-cert-manager": {
        "operator.admissionControllers.enabled": True,
        f"{_CERTIFICATES}.certManager.enabled": True,
        f"{_CERTIFICATES}.certManager.generateSelfSigned": True,
        "sriovOperatorConfig.deploy": True,
    },
    "with-certificates-of-cert-manager-that-are-there": {
        "operator.admissionControllers.enabled": True,
        f"{_CERTIFICATES}.certManager.enabled": True,
        "operator.admissionControllers.networkPolicy.operator.port": 443,
        "sriovOperatorConfig.deploy": True,
        "images.webhook": "registry.example.com/webhook:1",
    },
    "with-certificates-of-ones-own": {
        "operator.admissionControllers.enabled": True,
        f"{_CERTIFICATES}.custom.enabled": True,
        f"{_CERTIFICATES}.custom.operator": pair("operator-webhook-service"),
        f"{_CERTIFICATES}.custom.injector": pair("network-resources-injector-service"),
        "sriovOperatorConfig.deploy": True,
    },
    "a-test-lab": {
        "operator.clusterType": "kubernetes",
        "operator.extraEnv": {"DEV_MODE": "true"},
        "operator.nodeSelector": {CONTROL_PLANE: ""},
        "operator.cniBinPath": "/var/lib/cni/bin",
        "sriovOperatorConfig.deploy": True,
        "sriovOperatorConfig.configDaemonNodeSelector": {"feature.node.kubernetes.io/network-sriov.capable": "true"},
        "sriovOperatorConfig.disableDrain": True,
        "sriovOperatorConfig.featureGates": {"manageSoftwareBridges": True, "parallelNicConfig": True},
        "sriovOperatorConfig.configDaemonEnvVars": {"HTTP_PROXY": "http://proxy.example.com:3128"},
        "sriovOperatorConfig.disablePlugins": ["mellanox"],
        "supportedExtraNICs": ['MyNIC: "8086 1521 1520"', 'Another: "19e5 1822 375e"'],
    },
    "as-a-part-of-another-chart": {
        "global": {"imageRegistry": "registry.example.com"},
        "operator.resourcePrefix": "example.com",
        "operator.affinity": {"nodeAffinity": _REQUIRED},
        f"{_CERTIFICATES}.certManager.enabled": True,
        f"{_CERTIFICATES}.certManager.generateSelfSigned": True,
        "sriovOperatorConfig.deploy": True,
        "sriovOperatorConfig.configDaemonNodeSelector": None,
        "imagePullSecrets": ["registry-secret"],
    },
    "openshift-with-metrics": {
        "operator.clusterType": "openshift",
        "operator.metricsExporter.prometheusOperator.enabled": True,
        "operator.metricsExporter.prometheusOperator.deployRules": True,
        "operator.metricsExporter.prometheusOperator.namespace": "openshift-monitoring",
        "operator.staleNodeStateCleanupDelayMinutes": "0",
        "operator.externalDrainer.enabled": True,
        "operator.tls.minVersion": "VersionTLS12",
        "sriovOperatorConfig.deploy": True,
        "sriovOperatorConfig.configurationMode": "systemd",
        "sriovOperatorConfig.featureGates": {"metricsExporter": True},
        "extraDeploy": [_EXTRA],
    },
}
"""Values by what somebody wants with them; names with dots."""
