"""The chart as helm renders it is what the operator's own `manifests` prints for the same settings."""

import base64
import json

import chart_alerts
import chart_dashboard
import chart_values
import pytest
from helm import CHART, RELEASE, Failed, helm, rendered
from incumbent_values import CHANGED, INCUMBENT, SOMEBODYS, nested
from release import variables

from sriov_core.policy import nicids
from sriov_operator.deployment.installation import installation
from sriov_operator.process.settings import from_environment

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CODED = base64.b64encode(PEM.encode()).decode()
ROOT = CHART.parent.parent
PREFERRED = installation(from_environment({"NAMESPACE": RELEASE, "RESOURCE_PREFIX": "a.b"}), "image")[-1]["spec"][
    "template"
]["spec"]
PLACED = {"tolerations": PREFERRED["tolerations"], "affinity": PREFERRED["affinity"]}
"""Where the operator runs unless the values say otherwise, which are the incumbent's here."""

MATRIX = [
    pytest.param({}, {}, id="defaults"),
    pytest.param({"operator": {"podEvictionPolicy": "delete"}}, {"POD_EVICTION_POLICY": "delete"}, id="deleting-pods"),
    pytest.param({"operator": {"clusterType": "openshift"}}, {"CLUSTER_TYPE": "openshift"}, id="openshift"),
    pytest.param(
        {"operator": {"clusterType": "openshift", "podEvictionPolicy": "delete"}},
        {"CLUSTER_TYPE": "openshift", "POD_EVICTION_POLICY": "delete"},
        id="openshift-deleting-pods",
    ),
    pytest.param(
        {"operator": {"extraEnv": {"POD_EVICTION_POLICY": "delete", "DEV_MODE": "TRUE"}}},
        {"POD_EVICTION_POLICY": "delete", "DEV_MODE": "TRUE"},
        id="by-extra-variables",
    ),
    pytest.param(
        {"operator": {"admissionControllers": {"certificates": {"secretNames": {"operator": "a", "injector": "b"}}}}},
        {
            "ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_SECRET_NAME": "a",
            "ADMISSION_CONTROLLERS_CERTIFICATES_INJECTOR_SECRET_NAME": "b",
        },
        id="other-secrets",
    ),
    pytest.param(
        {"imagePullSecrets": ["one", {"name": "two"}]},
        {"IMAGE_PULL_SECRETS": "one,two"},
        id="pull-secrets",
    ),
    pytest.param({"operator": {"nodeConfigMaps": True}}, {}, id="wishes-in-config-maps"),
    pytest.param(
        {"operator": {"metricsExporter": {"prometheusOperator": {"enabled": True}}}},
        {"METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED": "true"},
        id="prometheus",
    ),
    pytest.param(
        {"operator": {"extraEnv": {"METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED": "True"}}},
        {"METRICS_EXPORTER_PROMETHEUS_OPERATOR_ENABLED": "True"},
        id="prometheus-by-an-extra-variable",
    ),
    pytest.param(
        {"operator": {"admissionControllers": {"certificates": {"certManager": {"enabled": True}}}}},
        {"ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED": "true"},
        id="certificates-of-cert-manager",
    ),
    pytest.param(
        {
            "operator": {
                "admissionControllers": {"certificates": {"custom": {"enabled": True, "operator": {"caCrt": PEM}}}}
            }
        },
        {"ADMISSION_CONTROLLERS_CERTIFICATES_OPERATOR_CA_CRT": CODED},
        id="one-certificate-of-ones-own",
    ),
    pytest.param(
        {"operator": {"admissionControllers": {"enabled": True}}, "sriovOperatorConfig": {"deploy": True}},
        {},
        id="webhooks-which-the-configuration-may-ask-for-at-any-time",
    ),
    pytest.param(
        {"images": {"operator": "r.example/op:1"}}, {"SRIOV_NETWORK_WEBHOOK_IMAGE": "r.example/op:1"}, id="image"
    ),
    pytest.param(
        {
            "operator": {
                "staleNodeStateCleanupDelayMinutes": 5,
                "drainDeadlineSeconds": 60,
                "disabledControllers": ["pools", "drain"],
                "externalDrainer": {"enabled": True},
                "resourcePrefix": "example.com",
                "cniBinPath": "/var/lib/cni/bin",
                "tls": {"minVersion": "VersionTLS13"},
            }
        },
        {
            "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES": "5",
            "DRAIN_DEADLINE_SECONDS": "60",
            "DISABLED_CONTROLLERS": "pools,drain",
            "USE_EXTERNAL_DRAINER": "true",
            "RESOURCE_PREFIX": "example.com",
            "SRIOV_CNI_BIN_PATH": "/var/lib/cni/bin",
            "TLS_MIN_VERSION": "VersionTLS13",
        },
        id="variables",
    ),
]

ACCESS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
RESTRICTIONS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def placed(values):
    return {**values, "operator": {**PLACED, **values.get("operator", {})}}


def of_kinds(documents, kinds):
    """By kind and name; labels of the chart and the order of rules say nothing of what an object does."""
    found = {}
    for document in documents:
        if document["kind"] in kinds:
            labels = {key: value for key, value in labels_of(document).items() if key.startswith("sriovnetwork")}
            place = (document["kind"], document["metadata"]["name"])
            assert place not in found
            rules = {"rules": sorted(document["rules"], key=json.dumps)} if "rules" in document else {}
            found[place] = {**document, "metadata": {**document["metadata"], "labels": labels}, **rules}
    return found


def labels_of(document):
    return document["metadata"].get("labels", {})


def the(kind, documents, name=None):
    (found,) = [one for one in documents if one["kind"] == kind and name in {None, one["metadata"]["name"]}]
    return found


def container(documents):
    (found,) = the("Deployment", documents)["spec"]["template"]["spec"]["containers"]
    return found


def by_name(deployment):
    """The Deployment with its variables as a map, in whose order there is no meaning."""
    found = json.loads(json.dumps(deployment))
    (own,) = found["spec"]["template"]["spec"]["containers"]
    own["env"] = {one["name"]: one for one in own["env"]}
    return found["spec"]


@pytest.mark.parametrize(("values", "expected"), MATRIX)
def test_the_chart_installs_what_the_operator_prints(values, expected):
    documents = rendered(placed(values))
    given = variables(documents)
    assert expected.items() <= given.items()
    settings = from_environment({**given, "NAMESPACE": RELEASE})
    assert settings.remarks == ()
    config_maps = values.get("operator", {}).get("nodeConfigMaps", False)
    wanted = installation(settings, container(documents)["image"], given, node_config_maps=config_maps)
    assert of_kinds(documents, ACCESS) == of_kinds(wanted, ACCESS)
    assert of_kinds(documents, RESTRICTIONS) == of_kinds(wanted, RESTRICTIONS)
    assert by_name(the("Deployment", documents)) == by_name(the("Deployment", wanted))


def test_the_incumbents_values_have_their_names_and_defaults():
    text = (CHART / "values.yaml").read_text()
    ours = {one.name: one.default for one in chart_values.values(text)}
    assert {name: ours.get(name) for name in INCUMBENT.keys() - CHANGED} == {
        name: INCUMBENT[name] for name in INCUMBENT.keys() - CHANGED
    }
    added = {one.name for one in chart_values.values(text) if one.meaning.endswith("(added)")}
    custom = {f"{who}.{part}" for who in ("operator", "injector") for part in ("caCrt", "tlsCrt", "tlsKey")}
    known = {f"operator.admissionControllers.certificates.custom.{one}" for one in custom}
    known |= {"operator.affinity", "operator.resources"}
    assert set(ours) == INCUMBENT.keys() | known | added


def test_a_values_file_of_the_incumbents_chart_is_taken():
    env = variables(rendered(nested(INCUMBENT)))
    assert env["SRIOV_NETWORK_WEBHOOK_IMAGE"] == f"{SOMEBODYS}/sriov-network-operator-webhook"
    assert env.items() >= {key: value for key, value in variables(rendered()).items() if "IMAGE" not in key}.items()


def test_a_server_without_the_kind_gets_no_admission_policies():
    assert not of_kinds(rendered({}, "--kube-version", "1.29.0"), RESTRICTIONS)
    assert len(of_kinds(rendered({}, "--kube-version", "1.30.0"), RESTRICTIONS)) == 14
    has_pods_only = ("--kube-version", "1.36.0", "--api-versions", "v1/Pod")
    assert not of_kinds(rendered({}, *has_pods_only), RESTRICTIONS)


@pytest.mark.parametrize(
    ("release", "operator", "name"),
    [
        pytest.param("sriov", {}, "sriov-sriov-network-operator", id="another-release"),
        pytest.param("sriov", {"nameOverride": "vf"}, "sriov-vf", id="another-name"),
        pytest.param("sriov", {"fullnameOverride": "vf"}, "vf", id="a-whole-name"),
    ],
)
def test_the_operators_objects_have_one_name_and_the_agents_keep_theirs(release, operator, name):
    documents = rendered({"operator": operator}, release=release)
    assert the("Deployment", documents)["spec"]["template"]["spec"]["serviceAccountName"] == name
    for kind in ACCESS:
        assert {key for found, key in of_kinds(documents, [kind])} == {name, "sriov-network-config-daemon"}
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        bound = the(kind, documents, name)
        assert bound["roleRef"]["name"] == bound["subjects"][0]["name"] == name


def test_defaults_make_no_configuration_no_certificates_and_no_monitoring():
    kinds = {one["kind"] for one in rendered()}
    assert kinds == {*ACCESS, *RESTRICTIONS, "Deployment", "ConfigMap", "Job"}


def test_the_configuration():
    values = {
        "operator": {"admissionControllers": {"enabled": True}},
        "sriovOperatorConfig": {
            "deploy": True,
            "configDaemonNodeSelector": {"node-role.kubernetes.io/worker": "", "a": "true"},
            "logLevel": 0,
            "disableDrain": True,
            "disablePlugins": ["mellanox"],
            "featureGates": {"parallelNicConfig": True, "metricsExporter": False},
            "configDaemonEnvVars": {"A": "1"},
        },
    }
    assert the("SriovOperatorConfig", rendered(values))["spec"] == {
        "enableInjector": True,
        "enableOperatorWebhook": True,
        "logLevel": 0,
        "disableDrain": True,
        "configurationMode": "daemon",
        "useCDI": False,
        "configDaemonNodeSelector": {"node-role.kubernetes.io/worker": "", "a": "true"},
        "disablePlugins": ["mellanox"],
        "featureGates": {"parallelNicConfig": True, "metricsExporter": False},
        "configDaemonEnvVars": {"A": "1"},
    }


def test_nic_ids_are_the_built_in_ones_and_those_added():
    extra = ['MyNIC: "8086 1521 1520"', {"Other": "8086 1522 1523"}]
    found, faults = nicids.parse(the("ConfigMap", rendered({"supportedExtraNICs": extra}))["data"])
    assert not faults
    added = {nicids.NicId("8086", "1521", "1520"), nicids.NicId("8086", "1522", "1523")}
    assert set(found.models) == set(nicids.DEFAULT.models) | added


def test_certificates_of_cert_manager():
    certificates = {"certManager": {"enabled": True, "generateSelfSigned": True}}
    documents = rendered({"operator": {"admissionControllers": {"enabled": True, "certificates": certificates}}})
    issuer = the("Issuer", documents)["metadata"]["name"]
    for name, service in (
        ("operator-webhook-cert", "operator-webhook-service"),
        ("network-resources-injector-cert", "network-resources-injector-service"),
    ):
        spec = the("Certificate", documents, name)["spec"]
        assert spec["secretName"] == name
        assert spec["issuerRef"] == {"kind": "Issuer", "name": issuer}
        assert f"{service}.{RELEASE}.svc" in spec["dnsNames"]
    assert variables(documents)["ADMISSION_CONTROLLERS_CERTIFICATES_CERT_MANAGER_ENABLED"] == "true"


def test_certificates_of_ones_own():
    pair = {"caCrt": PEM, "tlsCrt": PEM, "tlsKey": "key"}
    custom = {"enabled": True, "operator": pair, "injector": pair}
    documents = rendered({"operator": {"admissionControllers": {"enabled": True, "certificates": {"custom": custom}}}})
    for who in ("operator-webhook", "network-resources-injector"):
        data = the("Secret", documents, f"{who}-cert")["data"]
        assert data == {"ca.crt": CODED, "tls.crt": CODED, "tls.key": base64.b64encode(b"key").decode()}
    settings = from_environment({**variables(documents), "NAMESPACE": RELEASE})
    assert settings.certificates.operator_ca == settings.certificates.injector_ca == CODED


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"operator": {"logLevl": 1}}, "additional properties 'logLevl' not allowed", id="unknown-below"),
        pytest.param({"oprator": {}}, "additional properties 'oprator' not allowed", id="unknown"),
        pytest.param({"operator": {"admissionControllers": {"on": True}}}, "'on' not allowed", id="unknown-deep"),
        pytest.param({"operator": {"podEvictionPolicy": "kill"}}, "podEvictionPolicy", id="no-such-word"),
        pytest.param({"operator": {"clusterType": "k8s"}}, "clusterType", id="no-such-cluster"),
        pytest.param({"operator": {"metricsBindAddress": "9090"}}, "metricsBindAddress", id="a-port-alone"),
        pytest.param({"operator": {"extraEnv": {"NAMESPACE": "a"}}}, "extraEnv.NAMESPACE", id="a-variable-of-the-pod"),
        pytest.param({"operator": {"disabledControllers": ["drains"]}}, "disabledControllers", id="no-such-controller"),
        pytest.param({"sriovOperatorConfig": {"logLevel": 3}}, "logLevel", id="a-level-too-high"),
        pytest.param({"sriovOperatorConfig": {"featureGates": {"a": "yes"}}}, "featureGates", id="a-gate-in-words"),
        pytest.param({"operator": {"metricsExporter": {"seLinuxType": "a_t"}}}, "a_t cannot be had", id="se-linux"),
        pytest.param({"monitoring": {"podMonitor": True}}, "nothing serves metrics", id="nothing-to-monitor"),
        pytest.param(
            {"operator": {"admissionControllers": {"certificates": {
                "certManager": {"enabled": True}, "custom": {"enabled": True}}}}},
            "choose one",
            id="two-sources-of-certificates",
        ),
        pytest.param(
            {"operator": {"admissionControllers": {"enabled": True, "certificates": {"custom": {"enabled": True}}}}},
            "caCrt is needed",
            id="a-certificate-that-is-missing",
        ),
    ],
)  # fmt: skip
def test_values_that_cannot_be_meant_are_refused(values, said):
    with pytest.raises(Failed, match=said):
        rendered(values)


def test_monitoring():
    values = {
        "operator": {
            "metricsBindAddress": ":9090",
            "configDaemonMetricsBindAddress": ":9111",
            "admissionControllers": {"metricsBindAddress": ":9112"},
        },
        "monitoring": {"podMonitor": True, "alerts": True, "dashboard": True, "labels": {"release": "prometheus"}},
    }
    documents = rendered(values)
    monitors = {one["metadata"]["name"]: one for one in documents if one["kind"] == "PodMonitor"}
    assert all(one["metadata"]["labels"]["release"] == "prometheus" for one in monitors.values())
    (agents,) = monitors.pop("sriov-network-config-daemon")["spec"]["podMetricsEndpoints"]
    assert [one.get("replacement") for one in agents["relabelings"]] == [None, "$1:9111", "[$1]:9111", None]
    ports = {name: one["spec"]["podMetricsEndpoints"][0]["port"] for name, one in monitors.items()}
    assert ports == dict.fromkeys((RELEASE, "operator-webhook", "network-resources-injector"), "metrics")
    assert container(documents)["ports"] == [{"name": "metrics", "containerPort": 9090}]
    assert container(documents)["args"][1:] == ["--metrics-bind-address=:9090"]
    (group,) = the("PrometheusRule", documents)["spec"]["groups"]
    wanted = chart_alerts.alerts((ROOT / "docs" / "metrics.md").read_text())
    assert {one["alert"]: one["expr"] for one in group["rules"]} == {one.name: one.expression for one in wanted}
    board = the("ConfigMap", documents, f"{RELEASE}-dashboard")["data"]["sriov.json"]
    assert len(json.loads(board)["panels"]) == len(chart_dashboard.PANELS)


def test_the_rule_of_node_feature_discovery():
    (rule,) = the("NodeFeatureRule", rendered({"nodeFeatureRule": True}))["spec"]["rules"]
    assert rule["labels"] == {"feature.node.kubernetes.io/sriov-capable": "true"}


def test_more_objects_with_templates_in_them():
    head = {"apiVersion": "v1", "kind": "Secret"}
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: '{{ .Release.Name }}-text'}"
    documents = rendered({"extraDeploy": [{**head, "metadata": {"name": "{{ .Release.Name }}-map"}}, text]})
    names = {one["metadata"]["name"] for one in documents if one["kind"] == "Secret"}
    assert names == {f"{RELEASE}-map", f"{RELEASE}-text"}


def test_the_hook_runs_the_clean_up_and_ends_in_time():
    job = the("Job", rendered())
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    assert job["spec"]["activeDeadlineSeconds"] < 300  # Helm's own patience
    (hook,) = job["spec"]["template"]["spec"]["containers"]
    args = [f"--namespace={RELEASE}", "--watch-timeout=120", "--if-any"]
    assert [*hook["command"], *hook["args"]] == ["sriov-operator", "cleanup", *args]
    (keeps,) = the("Job", rendered({"operator": {"removalKeepsVfs": True}}))["spec"]["template"]["spec"]["containers"]
    assert keeps["args"] == [*args, "--keep-vfs"]


def test_helm_finds_nothing_to_remark():
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))
