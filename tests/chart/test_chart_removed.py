"""A release is removed: before anything ran, while policies are there, and after they are gone."""

import json
from pathlib import Path

import pytest
from helm import RELEASE, Failed, helm, rendered
from operator_runs import Process
from release import (
    ARGUMENTS,
    CONFIG,
    DEPLOYMENT,
    HOOK,
    HOOKS_AGENT,
    NAMESPACE,
    WITH_CONFIG,
    Document,
    operators_kubeconfig,
    removed,
    until,
)
from servers import Server

CUSTOM = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}"
POLICY = f"{CUSTOM}/sriovnetworknodepolicies/fast"
AGENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/sriov-network-config-daemon"


def policy(server: Server) -> None:
    spec = {"resourceName": "a", "numVfs": 1, "nicSelector": {"vendor": "8086"}, "nodeSelector": {"a": "b"}}
    body = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodePolicy"}
    metadata = {"name": "fast", "namespace": NAMESPACE}
    server.admin.done("POST", POLICY.rpartition("/")[0], {**body, "metadata": metadata, "spec": spec})


def test_one_whose_operator_never_ran_is_removed_at_once(tidy: Server, tmp_path: Path) -> None:
    helm("install", *ARGUMENTS, "--create-namespace", kubeconfig=tidy.admin_kubeconfig)
    hook, _ = removed(tidy, operators_kubeconfig(tidy, tmp_path / "hook.kubeconfig"))
    assert (hook.returncode, hook.stderr) == (0, "")
    assert hook.stdout == f"nothing of the operator is in namespace {NAMESPACE}, so there is nothing to take back\n"
    for path in (DEPLOYMENT, HOOK):
        assert tidy.admin.find(path) is None, path


def test_policies_stop_a_removal_which_is_taken_back_or_repeated_without_them(
    installed: Server, operator: Process, kubeconfig: Path
) -> None:
    admin, cluster = installed.admin, {"kubeconfig": installed.admin_kubeconfig}
    until(lambda: admin.find(AGENTS))
    policy(installed)
    hook, said = removed(installed, kubeconfig)
    assert hook.stderr.startswith("error: ")
    assert "found 1 SriovNetworkNodePolicy (sriov-network-operator/fast), wanted none" in hook.stderr
    assert "pre-delete" in said
    assert admin.find(HOOK), "its log is what tells why"
    assert "deletionTimestamp" not in admin.find(CONFIG)["metadata"]
    assert admin.find(AGENTS)

    with pytest.raises(Failed):
        helm("upgrade", *ARGUMENTS, *WITH_CONFIG, **cluster)
    helm("rollback", RELEASE, "1", "--namespace", NAMESPACE, **cluster)
    assert "deployed" in helm("status", RELEASE, "--namespace", NAMESPACE, **cluster)

    admin.done("DELETE", POLICY)
    before = installed.audit_log.stat().st_size
    hook, _ = removed(installed, kubeconfig)
    assert (hook.returncode, hook.stderr) == (0, "")
    assert "is gone, and all that it owns follows" in hook.stdout
    assert "it cannot be looked" not in hook.stdout
    assert admin.find(DEPLOYMENT) is None
    asked = [one for one in audited(installed, before) if one.get("userAgent", "").startswith(HOOKS_AGENT)]
    assert len(asked) > 10
    granted = rules()
    for one in asked:
        assert one["responseStatus"]["code"] not in (401, 403), one
        assert any(allows(rule, one) for rule in granted), one


def audited(server: Server, since: int) -> list[Document]:
    """The requests of which the log tells from there on; the last line may be half written."""
    with server.audit_log.open() as log:
        log.seek(since)
        return [json.loads(line) for line in log.read().rpartition("\n")[0].splitlines()]


def rules() -> list[tuple[bool, Document]]:
    """Those of the hook's account, and whether they hold everywhere."""
    documents = rendered()
    (job,) = [one for one in documents if one["kind"] == "Job"]
    account = job["spec"]["template"]["spec"]["serviceAccountName"]
    bound = [
        (one["kind"].removesuffix("Binding"), one["roleRef"]["name"])
        for one in documents
        if one["kind"].endswith("RoleBinding") or one["kind"] == "ClusterRoleBinding"
        if {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE} in one["subjects"]
    ]
    return [
        (one["kind"] == "ClusterRole", rule)
        for one in documents
        if (one["kind"], one["metadata"]["name"]) in bound
        for rule in one["rules"]
    ]


def allows(given: tuple[bool, Document], request: Document) -> bool:
    """Whether a rule is what lets a request through."""
    everywhere, rule = given
    about = request["objectRef"]
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    return (
        (everywhere or about.get("namespace") == NAMESPACE)
        and about.get("apiGroup", "") in rule["apiGroups"]
        and resource in rule["resources"]
        and request["verb"] in rule["verbs"]
        and about.get("name", "") in rule.get("resourceNames", [about.get("name", "")])
    )
