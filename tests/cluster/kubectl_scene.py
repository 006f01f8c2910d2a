"""The cluster that docs/kubectl.md shows: three workers, one of them healthy; and how its output is compared."""

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from nodestates_stage import X710, Stage
from operator_runs import until
from servers import Server
from servers_admin import MERGE

from sriov_core.cli.kubectl.program import program

DOCS = Path(__file__).parent.parent.parent / "docs" / "kubectl.md"
HOME, TEAM = "sriov-network-operator", "team-a"
RESOURCE = "openshift.io/fast"
WORKERS = ("worker-1", "worker-2", "worker-3")
BLOCKS = re.compile(r"```console\n\$ kubectl sriov ([^\n]*)\n(.*?)```", re.DOTALL)
_AGE = re.compile(r"\b[0-9]+[smhd]\b *")
_NO_IOMMU = (
    "0000:86:00.0 ens803f0: vfio-pci needs an IOMMU, and none is in effect. Switch it on in the firmware, and boot "
    "with intel_iommu=on"
)
_BUDGET = (
    "pod team-a/db may not be evicted: PodDisruptionBudget db allows 0 disruptions now, it needs 1 healthy pods and "
    "has 1. Have more of them run, or change the budget"
)


@attrs.define
class Shown(Stage):
    """The stage whose nodes have plain names."""

    def name(self, node: str) -> str:
        return node

    def end(self) -> None:
        super().end()
        for node in WORKERS:
            self.server.admin.remove(f"/api/v1/nodes/{node}")


@contextmanager
def scene(server: Server) -> Iterator[Shown]:
    """All of it; removed at the end."""
    for namespace in (HOME, TEAM):
        server.admin.create_namespace(namespace)
    here = Shown(server, HOME)
    try:
        _make(here)
        yield here
    finally:
        here.end()
        for namespace in (TEAM, HOME):
            server.admin.remove_namespace(namespace)


def said(kubeconfig: Path, command: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        program.main([*shlex.split(command), "--kubeconfig", str(kubeconfig)], prog_name="kubectl sriov")
    return out.getvalue()


def settled(kubeconfig: Path, command: str, text: str) -> str:
    """What the command prints once that is the text, for the operator reckons anew with each report; else at last."""
    with contextlib.suppress(AssertionError):
        until(lambda: ageless(said(kubeconfig, command)) == ageless(text))
    return said(kubeconfig, command)


def ageless(text: str) -> str:
    """Without what grows with every second, and the width of its column."""
    return re.sub(r" +", " ", _AGE.sub("AGE ", text))


def _make(here: Shown) -> None:
    admin = here.server.admin
    here.configure()
    here.start()
    for node in WORKERS:
        here.node(node, {"stage": HOME, "nic": "x710"})
        path = f"/api/v1/nodes/{node}"
        admin.done("PATCH", path, {"spec": {"taints": None}}, content_type=MERGE)
    here.policy("fast", resourceName="fast", nodeSelector={"nic": "x710"})
    here.policy("storage", resourceName="storage", nicSelector={"pfNames": ["ens1f0"]}, nodeSelector={"nic": "x710"})
    nic = {**X710, "numVfs": 4, "plugin": "intel"}
    here.report("worker-1", nic)
    here.report("worker-2", {**X710, "plugin": "intel"}, syncStatus="Failed", lastSyncError=_NO_IOMMU)
    here.report("worker-3", nic)
    for node in ("worker-1", "worker-3"):
        _device_plugin(here, node)
        _status(here, f"/api/v1/nodes/{node}", {"capacity": {RESOURCE: "4"}, "allocatable": {RESOURCE: "4"}})
    _blocked_drain(here, "worker-3")
    _pods(here)
    ready = {"type": "Ready", "status": "True", "reason": "OperatorConfigReady", "message": "all is written"}
    _status(
        here,
        here.path("SriovOperatorConfig", "default"),
        {
            "injector": "Deployed",
            "operatorWebhook": "Deployed",
            "rollouts": [{"name": "sriov-device-plugin", "desired": 3, "updated": 3, "available": 3}],
            "conditions": [{**ready, "lastTransitionTime": "2030-01-01T00:00:00Z", "observedGeneration": 1}],
        },
    )
    here.ready("fast", "Failed")
    here.ready("storage", "NoNicMatched")
    until(lambda: len(here.wishes("worker-3") or []) == 1)


def _status(here: Shown, path: str, status: dict[str, Any]) -> None:
    here.server.admin.done("PATCH", f"{path}/status", {"status": status}, content_type=MERGE)


def _pod(here: Shown, namespace: str, name: str, node: str, **labels: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": "none"}]}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, **({"nodeName": node} if node else {})},
    }


def _device_plugin(here: Shown, node: str) -> None:
    name = f"sriov-device-plugin-{node[-1]}"
    here.server.admin.create(_pod(here, HOME, name, node, app="sriov-device-plugin"))
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    _status(here, f"/api/v1/namespaces/{HOME}/pods/{name}", ready)


def _blocked_drain(here: Shown, node: str) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=45)).isoformat(timespec="seconds")
    here.annotate(node, current_state="Draining", drain_since=since)
    asked = {"metadata": {"annotations": {"sriovnetwork.openshift.io/state": "Drain_Required"}}}
    here.server.admin.done("PATCH", f"/api/v1/nodes/{node}", asked, content_type=MERGE)
    cordon = {"spec": {"unschedulable": True}}
    here.server.admin.done("PATCH", f"/api/v1/nodes/{node}", cordon, content_type=MERGE)
    told = {"type": "Drained", "status": "False", "reason": "Blocked", "message": _BUDGET, "observedGeneration": 1}
    here.status(node, conditions=[{**told, "lastTransitionTime": "2030-01-01T00:00:00Z"}])


def _pods(here: Shown) -> None:
    annotations = {"k8s.v1.cni.cncf.io/resourceName": RESOURCE}
    network = {"name": "rail", "namespace": TEAM, "annotations": annotations}
    kind = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
    here.server.admin.create({**kind, "metadata": network})
    for name, node, number in (("cache", "worker-1", "4"), ("db", "worker-3", "4"), ("web", "", "1")):
        pod = _pod(here, TEAM, name, node)
        pod["metadata"]["annotations"] = {"k8s.v1.cni.cncf.io/networks": "rail"}
        pod["spec"]["containers"][0]["resources"] = {"limits": {RESOURCE: number}}
        here.server.admin.create(pod)
