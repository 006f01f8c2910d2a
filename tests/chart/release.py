"""A release of the chart on the API server of the tests, and the parts of a cluster that do not run there.

There is neither a kubelet nor a controller of Jobs, so a test does what they would: it runs the operator with the
variables and the account of its Deployment, and the command of the hook with the account of its Job, and then says in
the Job's status how that ended.
"""

import subprocess  # noqa: TID251  # the hook's command
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helm import CHART, DEADLINE_S, RELEASE, VERSION, started
from servers import Server
from servers_admin import MERGE

from sriov_operator.deployment.manifests import RESOURCES
from sriov_operator.deployment.names import OURS

Document = dict[str, Any]
NAMESPACE = RELEASE
ARGUMENTS = (RELEASE, str(CHART), "--namespace", NAMESPACE)
CONFIG = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}/sriovoperatorconfigs/default"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}"
HOOK = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{RELEASE}-pre-delete-hook"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{RELEASE}"
WITH_CONFIG = ("--set", "sriovOperatorConfig.deploy=true")
HOOKS_AGENT = "sriov-operator/cleanup"
"""What the hook's requests say of who asks."""


def until(what: Any, seconds: float = 60.0) -> Any:
    """What it answers, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


def variables(documents: list[Document]) -> dict[str, str]:
    """Those of the operator, but for what its pod says."""
    (deployment,) = [one for one in documents if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def operators_kubeconfig(server: Server, path: Path) -> Path:
    """That of the operator's service account, with the rights of the chart and no others; the hook's, too."""
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    return server.kubeconfig(user, credentials=server.token(NAMESPACE, RELEASE), path=path)


def cleanup(server: Server, kubeconfig: Path) -> "subprocess.CompletedProcess[str]":
    """The hook's command, as its Job in the cluster has it."""
    pod = server.admin.done("GET", HOOK)["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == RELEASE
    (hook,) = pod["containers"]
    assert hook["command"] == ["sriov-operator", "cleanup"]
    argv = [sys.executable, "-m", "sriov_operator", "cleanup", *hook["args"], "--kubeconfig", str(kubeconfig)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def ended(server: Server, *, is_good: bool) -> None:
    """Says in the Job's status what its controller would."""
    now = "2026-01-01T00:00:00Z"
    conditions = ("SuccessCriteriaMet", "Complete") if is_good else ("FailureTarget", "Failed")
    told = [{"type": one, "status": "True", "lastTransitionTime": now} for one in conditions]
    done = {"completionTime": now, "succeeded": 1} if is_good else {"failed": 1}
    status = {"startTime": now, **done, "conditions": told}
    server.admin.done("PATCH", f"{HOOK}/status", {"status": status}, content_type=MERGE)


@contextmanager
def removal(server: Server, version: str = VERSION) -> "Iterator[subprocess.Popen[str]]":
    """`helm uninstall`, which waits for its hook from here on."""
    asked = ("uninstall", RELEASE, "--namespace", NAMESPACE)
    former = (server.admin.find(HOOK) or {"metadata": {"uid": ""}})["metadata"]["uid"]
    process = started(*asked, kubeconfig=server.admin_kubeconfig, version=version)
    try:
        until(lambda: (server.admin.find(HOOK) or {"metadata": {"uid": former}})["metadata"]["uid"] != former)
        yield process
    finally:
        process.kill()
        process.wait()


def removed(server: Server, kubeconfig: Path) -> "tuple[subprocess.CompletedProcess[str], str]":
    """How the hook's command ended, and what helm says to it; AssertionError when helm makes something else of it."""
    with removal(server) as process:
        hook = cleanup(server, kubeconfig)
        ended(server, is_good=not hook.returncode)
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert bool(process.returncode) == bool(hook.returncode), said
    return hook, said


def forget(server: Server) -> None:
    """What an operator has deployed or written in the namespace; the garbage collector takes half a minute for that."""
    admin = server.admin
    for kind in RESOURCES.values():
        if kind.namespaced:
            admin.request("DELETE", f"{kind.path(NAMESPACE)}?labelSelector={OURS}")
    for path in (CONFIG, LEASE, HOOK):
        admin.remove(path)
    until(lambda: not admin.find(CONFIG))
