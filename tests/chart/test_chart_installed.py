"""The chart on a real API server: taken whole, installed, upgraded and removed, beside the operator as a process.

There is neither a kubelet nor a controller of Jobs, so the test does what they would: it runs the operator with the
variables and the account of its Deployment, and the command of the hook with the account of its Job, and then says in
the Job's status how that ended.
"""

import subprocess  # noqa: TID251  # the hook's command
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import CHART, DEADLINE_S, RELEASE, Failed, helm, kubectl, rendered, started
from operator_runs import Process
from servers import Server
from servers_admin import MERGE
from test_chart_rendered import PEM, variables

Document = dict[str, Any]
NAMESPACE = RELEASE
ARGUMENTS = (RELEASE, str(CHART), "--namespace", NAMESPACE)
CONFIG = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}/sriovoperatorconfigs/default"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}"
AGENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/sriov-network-config-daemon"
HOOK = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{RELEASE}-pre-delete-hook"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{RELEASE}"
WITH_CONFIG = ("--set", "sriovOperatorConfig.deploy=true")
FOREIGN = {
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "Issuer": "cert-manager.io/v1",
    "Certificate": "cert-manager.io/v1",
    "NodeFeatureRule": "nfd.k8s-sigs.io/v1alpha1",
}
"""Kinds of others, of which no server here has a definition: nothing but their place and names is judged."""


def loose(kind: str, api_version: str) -> Document:
    """A definition that takes anything."""
    group, _, version = api_version.partition("/")
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = {"name": version, "served": True, "storage": True, "schema": anything}
    scope = "Cluster" if kind == "NodeFeatureRule" else "Namespaced"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": scope, "names": names, "versions": [served]},
    }


def until(what: Any, seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture
def installed(bare: Server) -> Iterator[Server]:
    """The release with a configuration; what a test leaves of it is removed afterwards."""
    helm("install", *ARGUMENTS, "--create-namespace", *WITH_CONFIG, kubeconfig=bare.admin_kubeconfig)
    yield bare
    if bare.admin.find(DEPLOYMENT):
        helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks", kubeconfig=bare.admin_kubeconfig)
    bare.admin.remove(CONFIG)
    bare.admin.remove(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{RELEASE}")
    until(lambda: not bare.admin.find(CONFIG) and not bare.admin.find(AGENTS))


@pytest.fixture
def kubeconfig(installed: Server, tmp_path: Path) -> Path:
    """That of the operator's service account, with the rights of the chart and no others."""
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    token = installed.token(NAMESPACE, RELEASE)
    return installed.kubeconfig(user, credentials=token, path=tmp_path / "operator.kubeconfig")


@pytest.fixture
def operator(installed: Server, kubeconfig: Path, tmp_path: Path) -> Iterator[Process]:
    """The operator with the variables of the Deployment."""
    given = {**variables([installed.admin.find(DEPLOYMENT)]), "DISABLED_CONTROLLERS": ""}
    process = Process.start(tmp_path / "operator.log", kubeconfig, NAMESPACE, **given)
    yield process
    process.end()


def cleanup(server: Server, kubeconfig: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """The hook's command, as its Job in the cluster has it."""
    (hook,) = server.admin.done("GET", HOOK)["spec"]["template"]["spec"]["containers"]
    assert hook["command"] == ["sriov-operator", "cleanup"]
    argv = [sys.executable, "-m", "sriov_operator", "cleanup", *hook["args"], *options, "--kubeconfig", str(kubeconfig)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def ended(server: Server, *conditions: str) -> None:
    """Says in the Job's status what its controller would."""
    now = "2026-01-01T00:00:00Z"
    told = [{"type": one, "status": "True", "lastTransitionTime": now} for one in conditions]
    done = {"completionTime": now, "succeeded": 1} if "Complete" in conditions else {"failed": 1}
    status = {"startTime": now, **done, "conditions": told}
    server.admin.done("PATCH", f"{HOOK}/status", {"status": status}, content_type=MERGE)


def writers(server: Server) -> set[str]:
    """Who has written the admission policies."""
    found = server.admin.done("GET", POLICIES)["items"]
    return {entry["manager"] for one in found for entry in one["metadata"]["managedFields"]}


EVERYTHING: Document = {
    "operator": {
        "metricsBindAddress": ":9090",
        "admissionControllers": {
            "enabled": True,
            "certificates": {"certManager": {"enabled": True, "generateSelfSigned": True}},
        },
    },
    "sriovOperatorConfig": {"deploy": True, "configDaemonNodeSelector": {"a": "b"}, "featureGates": {"a": True}},
    "monitoring": {"podMonitor": True, "alerts": True, "dashboard": True},
    "nodeFeatureRule": True,
    "imagePullSecrets": ["one"],
}
_PAIR = {"caCrt": PEM, "tlsCrt": PEM, "tlsKey": PEM}
OWN_CERTIFICATES: Document = {
    "operator": {
        "clusterType": "openshift",
        "podEvictionPolicy": "delete",
        "nodeConfigMaps": True,
        "admissionControllers": {
            "enabled": True,
            "certificates": {"custom": {"enabled": True, "operator": _PAIR, "injector": _PAIR}},
        },
    }
}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="defaults"),
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(OWN_CERTIFICATES, id="own-certificates"),
    ],
)
def test_the_api_server_takes_every_object_and_knows_every_field(bare: Server, values: Document) -> None:
    for definition in (CHART / "crds").glob("*.yaml"):
        bare.admin.apply(yaml.safe_load(definition.read_text()))
    for kind, version in FOREIGN.items():
        bare.admin.apply(loose(kind, version))
    if not bare.admin.find(f"/api/v1/namespaces/{NAMESPACE}"):
        bare.admin.create_namespace(NAMESPACE)
    for document in rendered(values):
        path = until(lambda document=document: place(bare, document))
        query = "?dryRun=All&fieldValidation=Strict"
        status, said = bare.admin.request("POST", f"{path.rpartition('/')[0]}{query}", document)
        assert status == 201, f"{path}: {said['message']}"


def place(server: Server, document: Document) -> str | None:
    """Where the object is; None while its definition is not served yet."""
    group = document["apiVersion"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    status, said = server.admin.request("GET", root)
    known = status == 200 and any(one["kind"] == document["kind"] for one in said["resources"])
    return server.admin.path(document) if known else None


def test_it_is_installed_upgraded_and_removed_while_the_operator_works(
    installed: Server, operator: Process, kubeconfig: Path
) -> None:
    admin = installed.admin
    until(lambda: admin.find(AGENTS))
    assert admin.find(CONFIG)["metadata"]["finalizers"]
    until(lambda: operator.page("/readyz") == (200, "leading\n"))
    assert writers(installed) == {"helm"}
    assert "forbidden" not in operator.log.read_text()

    changed = ("--set", "operator.podEvictionPolicy=delete", "--set", "operator.replicas=2")
    helm("upgrade", *ARGUMENTS, *WITH_CONFIG, *changed, kubeconfig=installed.admin_kubeconfig)
    assert admin.find(DEPLOYMENT)["spec"]["replicas"] == 2
    assert {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]} in admin.find(ROLE)["rules"]
    assert admin.find(AGENTS)

    removal = started("uninstall", RELEASE, "--namespace", NAMESPACE, kubeconfig=installed.admin_kubeconfig)
    try:
        until(lambda: admin.find(HOOK))
        done = cleanup(installed, kubeconfig)
        assert done.returncode == 0, done.stderr
        ended(installed, "SuccessCriteriaMet", "Complete")
        said, _ = removal.communicate(timeout=DEADLINE_S)
    finally:
        removal.kill()
    assert removal.returncode == 0, said
    for path in (CONFIG, DEPLOYMENT, HOOK, ROLE):
        assert admin.find(path) is None, path
    assert [one["metadata"]["name"] for one in admin.done("GET", POLICIES)["items"]] == []
    assert admin.find("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sriovnetworks.sriovnetwork.openshift.io")


def test_a_hook_that_fails_stops_the_removal_and_no_hooks_goes_on(installed: Server, kubeconfig: Path) -> None:
    admin = installed.admin
    removal = started("uninstall", RELEASE, "--namespace", NAMESPACE, kubeconfig=installed.admin_kubeconfig)
    try:
        until(lambda: admin.find(HOOK))
        ended(installed, "FailureTarget", "Failed")
        said, _ = removal.communicate(timeout=DEADLINE_S)
    finally:
        removal.kill()
    assert removal.returncode != 0
    assert "pre-delete" in said
    assert admin.find(DEPLOYMENT)
    until(lambda: admin.find(HOOK) is None)
    helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks", kubeconfig=installed.admin_kubeconfig)
    assert admin.find(DEPLOYMENT) is None


def test_policies_that_an_older_operator_put_back_are_upgraded_with_force(installed: Server) -> None:
    admin, name = installed.admin, "sriov-network-operator-unread"
    older = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy"}
    spec = {"failurePolicy": "Fail"}
    query = "?fieldManager=sriov-network-operator&force=true"
    body = {**older, "metadata": {"name": name}, "spec": spec}
    admin.done("PATCH", f"{POLICIES}/{name}{query}", body, content_type="application/apply-patch+yaml")
    with pytest.raises(Failed, match="conflict"):
        helm("upgrade", *ARGUMENTS, *WITH_CONFIG, kubeconfig=installed.admin_kubeconfig)
    helm("upgrade", *ARGUMENTS, *WITH_CONFIG, "--force-conflicts", kubeconfig=installed.admin_kubeconfig)
    assert admin.find(f"{POLICIES}/{name}")["spec"]["failurePolicy"] == "Ignore"


def test_an_upgrade_as_documented_brings_definitions_and_keeps_values(installed: Server) -> None:
    admin, crd = installed.admin, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sriovnetworks.{}"
    path = crd.format("sriovnetwork.openshift.io")
    older = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
    wanted = admin.done("GET", path)["spec"]["versions"][0]["additionalPrinterColumns"]
    admin.done("PATCH", path, older, content_type="application/json-patch+json")
    applied = ("apply", "--server-side", "--force-conflicts", "--filename", "-")
    kubectl(*applied, kubeconfig=installed.admin_kubeconfig, given=helm("show", "crds", str(CHART)))
    assert admin.done("GET", path)["spec"]["versions"][0]["additionalPrinterColumns"] == wanted
    options = ("--reset-then-reuse-values", "--force-conflicts", "--set", "operator.drainDeadlineSeconds=60")
    helm("upgrade", *ARGUMENTS, *options, kubeconfig=installed.admin_kubeconfig)
    assert variables([admin.find(DEPLOYMENT)])["DRAIN_DEADLINE_SECONDS"] == "60"
    assert admin.find(CONFIG)


def test_notes_tell_what_is_left_to_do(bare: Server) -> None:
    notes = helm("install", *ARGUMENTS, "--dry-run=client").partition("NOTES:\n")[2]
    assert "images.operator is registry.example.com/sriov-core/operator:0.1.0, which is only an example" in notes
    assert "Nothing is done on nodes yet" in notes
    assert "pod-security.kubernetes.io/enforce=privileged" in notes
    told = helm("install", *ARGUMENTS, "--dry-run=client", *WITH_CONFIG, "--set", "images.operator=r/a:1")
    assert "images.operator is" not in told
    others = helm("install", *ARGUMENTS, "--dry-run=client", "--set", "images.webhook=ghcr.io/k8snetworkplumbingwg/a")
    assert "images.webhook is ghcr.io/k8snetworkplumbingwg/a, in which our program is not" in others
    assert "Nothing is done" not in told


RESTRICTED = (RELEASE, "pre-delete", "operator-webhook", "network-resources-injector")
PRIVILEGED = ("sriov-network-config-daemon", "sriov-device-plugin", "sriov-network-metrics-exporter")


def test_pods_fit_the_pod_security_that_the_documentation_says(installed: Server, operator: Process) -> None:
    admin = installed.admin
    change = {"enableInjector": True, "enableOperatorWebhook": True, "featureGates": {"metricsExporter": True}}
    admin.done("PATCH", CONFIG, {"spec": change}, content_type=MERGE)
    sets = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"
    deployed = (*RESTRICTED[2:], *PRIVILEGED)
    until(lambda: {one["metadata"]["name"] for one in admin.done("GET", sets)["items"]} == set(deployed))
    (hook,) = [one for one in rendered() if one["kind"] == "Job"]
    owners = {RELEASE: admin.find(DEPLOYMENT), "pre-delete": hook}
    owners |= {name: admin.find(f"{sets}/{name}") for name in deployed}
    for level in ("restricted", "baseline", "privileged"):
        admin.create_namespace(level)
        labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}}
        admin.done("PATCH", f"/api/v1/namespaces/{level}", labels, content_type=MERGE)
        taken = {name for name, owner in owners.items() if is_taken(installed, level, owner)}
        admin.remove_namespace(level)
        assert taken == (set(owners) if level == "privileged" else set(RESTRICTED))


def is_taken(server: Server, namespace: str, owner: Document) -> bool:
    """Whether a namespace takes a pod of this owner; who it is and how important does not matter here."""
    left_out = {"serviceAccountName", "serviceAccount", "priorityClassName"}
    spec = {key: value for key, value in owner["spec"]["template"]["spec"].items() if key not in left_out}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {**spec, "restartPolicy": "Always"}}
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict"
    status, said = server.admin.request("POST", path, body)
    assert status == 201 or "violates PodSecurity" in said["message"], said
    return bool(status == 201)
