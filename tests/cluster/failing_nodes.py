"""One cluster in which each node has another of the troubles that users have; operator and agents are the real ones."""

import contextlib
import io
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from agent_runs import world
from kube_clients import until
from servers import Server
from servers_admin import MERGE
from whole import Cluster, cluster

from sriov_core.cli.kubectl.program import program
from sriov_core.testing.world import FakeWorld

HOME = "failures"
SERVED = ("healthy", "no-vf-driver", "no-carrier")
"""Nodes with a pod of the device plugin."""
VFIO = {"deviceType": "vfio-pci"}
NO_IOMMU = {"iommu_groups": 0, "cpu_vendor": "GenuineIntel"}


@attrs.frozen
class Told:
    """What `kubectl sriov` answers to a question, and the finding that ends the chain."""

    text: str
    code: str
    fact: str
    remedy: str


@attrs.frozen
class Failing:
    """The cluster, and who asks."""

    whole: Cluster
    kubeconfig: Path

    def explain(self, what: str, name: str) -> Told:
        """The answer to ``explain node|policy|pod``; names of nodes are those of the scene."""
        for node in SERVED:
            _device_plugin(self.whole, node)
        full = self.whole.stage.name(name) if what == "node" else name
        found = json.loads(self._said(f"explain {what} {full} -o json{f' -n {HOME}' * (what == 'pod')}"))
        broken = found["broken"] or {"code": "", "fact": "", "remedy": ""}
        return Told(found["verdict"], broken["code"], broken["fact"], broken["remedy"])

    def answered(self, what: str, name: str, is_it: Callable[[Told], bool]) -> Told:
        """The answer once it is that one, for agents and operator come to it one after the other; else the last."""
        told: list[Told] = []

        def found() -> bool:
            told.append(self.explain(what, name))
            return is_it(told[-1])

        with contextlib.suppress(AssertionError):
            until(found)
        return told[-1]

    def findings(self) -> dict[tuple[str, str], Told]:
        """All of `status`, by code and object."""
        found = json.loads(self._said("status -o json"))["findings"]
        return {(one["code"], one["object"]): Told("", one["code"], one["fact"], one["remedy"]) for one in found}

    def _said(self, command: str) -> str:
        out = io.StringIO()
        argv = [*shlex.split(command), "--kubeconfig", str(self.kubeconfig), "--operator-namespace", HOME]
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            program.main(argv, prog_name="kubectl sriov")
        return out.getvalue()


@contextmanager
def scene(server: Server, folder: Path) -> Iterator[Failing]:
    """All of it; removed at the end."""
    server.admin.create_namespace(HOME)
    try:
        with cluster(server, HOME, folder) as whole:
            whole.configure()
            whole.operate()
            _nodes(whole)
            _policies(whole)
            _pods(whole)
            yield Failing(whole, server.admin_kubeconfig)
            whole.unharmed()
    finally:
        server.admin.remove_namespace(HOME)


def machine(**facts: Any) -> FakeWorld:
    """One with carriers; ``facts`` of its first port are others."""
    return _lit(world(), **facts)


def _lit(host: FakeWorld, **facts: Any) -> FakeWorld:
    tree = host.tree()
    for function in tree.functions:
        function.links[0].carrier, function.links[0].speed_mbit = True, 1000
    for name, value in facts.items():
        setattr(tree.functions[0], name, value)
    return FakeWorld(tree)


def without_carrier() -> FakeWorld:
    links = world().tree().functions[0].links
    links[0].carrier = False
    return machine(links=links)


def without_vf_driver() -> FakeWorld:
    sriov = world().tree().functions[0].sriov
    assert sriov is not None
    sriov.vf_kernel_driver = None
    return machine(sriov=sriov)


def _nodes(whole: Cluster) -> None:
    for name, host in {
        "healthy": machine(),
        "no-sriov": machine(sriov=None),
        "no-vt-d": world(**NO_IOMMU, cmdline=["ro"]),
        "no-boot-manager": world(**{**NO_IOMMU, "boot_manager": None}),
        "no-module": world(modules=[], missing_modules=["vfio_pci"]),
        "no-vf-driver": without_vf_driver(),
        "no-carrier": without_carrier(),
        "no-plugin": machine(),
        "busy": machine(),
    }.items():
        whole.node(name, host)
        path = f"/api/v1/nodes/{whole.stage.name(name)}"
        whole.server.admin.done("PATCH", path, {"spec": {"taints": None}}, content_type=MERGE)


def _policies(whole: Cluster) -> None:
    whole.policy("good", on="healthy")
    whole.policy("outdone", on="healthy", priority=50, resourceName="outdone")
    whole.policy("renamed", on="healthy", nicSelector={"pfNames": ["eth0np0"]}, resourceName="renamed")
    whole.policy("nowhere", on="gone", resourceName="nowhere")
    whole.policy("off", on="no-sriov", resourceName="off")
    whole.policy("vt-d", on="no-vt-d", resourceName="vtd", **VFIO)
    whole.policy("arguments", on="no-boot-manager", resourceName="arguments", **VFIO)
    whole.policy("module", on="no-module", resourceName="module", **VFIO)
    whole.policy("driver", on="no-vf-driver", resourceName="driver")
    whole.policy("dark", on="no-carrier", resourceName="dark")
    whole.policy("unserved", on="no-plugin", resourceName="unserved")
    whole.policy("busy", on="busy", resourceName="busy")


def _pods(whole: Cluster) -> None:
    """What users ask for, and what would be offered to them; then the drain that cannot end."""
    for name, node, resource in (
        ("nobody-offers", "healthy", "storage"),
        ("no-device-plugin", "no-plugin", "unserved"),
        ("node-is-drained", "busy", "busy"),
        ("not-registered", "healthy", "fast"),
        ("no-driver", "no-vf-driver", "driver"),
        ("policy-takes-nothing", "healthy", "renamed"),
        ("not-made", "no-boot-manager", "arguments"),
    ):
        _pending(whole, name, node, resource)
    healthy = whole.kubelets.machines[whole.stage.name("healthy")]
    whole.settled(2, healthy)
    reboots, busy = (whole.kubelets.machines[whole.stage.name(name)] for name in ("no-vt-d", "busy"))
    whole.until(lambda: reboots.reboots and whole.condition(reboots, "Degraded").get("status") == "True")
    whole.settled(2, busy)
    whole.pod("user", busy)
    metadata = {"name": "keep", "namespace": HOME}
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "user"}}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
    whole.server.admin.create(budget)
    counted = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    told = {"status": {**counted, "observedGeneration": 1}}
    whole.server.admin.done("PATCH", f"{whole.server.admin.path(budget)}/status", told, content_type=MERGE)
    whole.policy("busy", on="busy", vfs=4, resourceName="busy")
    whole.until(lambda: whole.condition(busy, "Drained").get("reason") == "Blocked")


def _device_plugin(whole: Cluster, node: str) -> None:
    """A Ready pod of it, as long as nobody takes it away: agents do, to have the plugin begin anew after a change."""
    container = {"name": "plugin", "image": "registry.example/plugin:1"}
    metadata = {"name": f"plugin-of-{node}", "namespace": HOME, "labels": {"app": "sriov-device-plugin"}}
    spec = {"nodeName": whole.stage.name(node), "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    if whole.server.admin.find(whole.server.admin.path(pod)):
        return
    whole.server.admin.create(pod)
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    whole.server.admin.done("PATCH", f"{whole.server.admin.path(pod)}/status", {"status": ready}, content_type=MERGE)


def _pending(whole: Cluster, name: str, node: str, resource: str) -> None:
    amount = {f"openshift.io/{resource}": "1"}
    container = {"name": "main", "image": "registry.example/user:1"}
    network = {"name": name, "annotations": {"k8s.v1.cni.cncf.io/resourceName": f"openshift.io/{resource}"}}
    kind = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
    whole.server.admin.create({**kind, "metadata": {**network, "namespace": HOME}})
    spec = {"containers": [{**container, "resources": {"requests": amount, "limits": amount}}]}
    metadata = {"name": name, "namespace": HOME, "annotations": {"k8s.v1.cni.cncf.io/networks": name}}
    selector = {"nodeSelector": {"one": whole.stage.name(node)}}
    whole.server.admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **selector}})
