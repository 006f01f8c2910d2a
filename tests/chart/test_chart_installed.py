"""The chart on a real API server: taken whole, installed, upgraded and removed, beside the operator as a process."""

from pathlib import Path

import pytest
from helm import Failed, helm, rendered
from operator_runs import Process
from release import (
    ARGUMENTS,
    CONFIG,
    DEPLOYMENT,
    HOOK,
    NAMESPACE,
    RELEASE,
    WITH_CONFIG,
    Document,
    ended,
    removal,
    removed,
    until,
)
from servers import Server
from servers_admin import MERGE

AGENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/sriov-network-config-daemon"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{RELEASE}"


def writers(server: Server) -> set[str]:
    """Who has written the admission policies."""
    found = server.admin.done("GET", POLICIES)["items"]
    return {entry["manager"] for one in found for entry in one["metadata"]["managedFields"]}


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

    hook, _ = removed(installed, kubeconfig)
    assert hook.returncode == 0, hook.stderr
    for path in (CONFIG, DEPLOYMENT, HOOK, ROLE):
        assert admin.find(path) is None, path
    assert [one["metadata"]["name"] for one in admin.done("GET", POLICIES)["items"]] == []
    assert admin.find("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sriovnetworks.sriovnetwork.openshift.io")


def test_a_hook_that_fails_stops_the_removal_and_no_hooks_goes_on(installed: Server) -> None:
    admin = installed.admin
    with removal(installed) as process:
        ended(installed, is_good=False)
        said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "pre-delete" in said
    assert admin.find(DEPLOYMENT)
    assert admin.find(HOOK), "its log is needed"
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
        admin.create_namespace(level, **{"pod-security.kubernetes.io/enforce": level})  # a label added later lags
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
