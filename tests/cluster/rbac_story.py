"""Everything that the project does in a cluster, once: for whoever wants to know which permissions that takes."""

import json
import subprocess  # noqa: TID251  # the init container of the device plugin
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agent_runs import world
from deployments import EVERYTHING
from kube_clients import client_at
from servers_admin import MERGE
from serving_processes import Process, running
from whole import QUICK, RESOURCE, Cluster
from whole_scene import hold, three

from sriov_core.api import keys
from sriov_core.api.wire import GROUP
from sriov_core.kube.resource import DAEMON_SETS, Resource
from sriov_operator.deployment import names
from sriov_operator.deployment.cleanup import clean_up
from sriov_operator.deployment.manifests import RESOURCES
from sriov_operator.deployment.names import OURS

JSON = "application/json-patch+json"
NADS = "/apis/k8s.cni.cncf.io/v1/namespaces/{}/network-attachment-definitions"
NETWORKS = {"SriovNetwork": "sriovnetworks", "SriovIBNetwork": "sriovibnetworks", "OVSNetwork": "ovsnetworks"}
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
LEFT_BEHIND: dict[str, Any] = {
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Service": {"spec": {"publishNotReadyAddresses": True}},
    "DaemonSet": {"spec": {"template": {"spec": {"hostIPC": True}}}},
    "NetworkPolicy": {"spec": {"egress": [{}]}},
    "ValidatingAdmissionPolicyBinding": {
        "spec": {"matchResources": {"objectSelector": {"matchLabels": {"no": "such"}}}}
    },
}
"""What somebody adds to an object, by kind, that applying ours over it would leave there."""
Document = dict[str, Any]
Watched = Callable[[str], bool]
"""Whether a command watches everything that its roles speak of."""


def nodes(whole: Cluster) -> None:
    """Policies, drains and a reboot."""
    machines = three(whole)
    budget = hold(whole)
    whole.policy(vfs=4)
    whole.until(lambda: any(whole.condition(one, "Drained").get("reason") == "Blocked" for one in machines))
    whole.server.admin.remove(budget)
    whole.settled(4)
    whole.node("four", world(other_net_namespaces=1))
    whole.settled(4)
    selector = {"matchLabels": {"one": whole.stage.name("four")}}
    pool = {"nodeSelector": selector, "rdmaMode": "exclusive", "maxUnavailable": 1}
    whole.stage.put("SriovNetworkPoolConfig", "exclusive", pool)
    whole.until(lambda: whole.machines[-1].host.node().rdma_mode == "exclusive")
    whole.settled(4)
    whole.stage.put("SriovNetworkPoolConfig", "offload", {"ovsHardwareOffloadConfig": {"name": "worker"}})


def visitor(whole: Cluster, elsewhere: str) -> None:
    """A pod of another namespace has a VF, and is evicted."""
    machine = whole.machines[0]
    meta = {"name": "visitor", "namespace": elsewhere}
    amount = {RESOURCE: "1"}
    container = {"name": "a", "image": "registry.example/a:1", "resources": {"requests": amount, "limits": amount}}
    spec = {"nodeName": machine.name, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    whole.server.admin.create(pod)
    machine.give("visitor", 0)
    whole.policy(vfs=6)
    path = whole.server.admin.path(pod)
    whole.until(lambda: (whole.server.admin.find(path) or {"metadata": {}})["metadata"].get("deletionTimestamp"))
    machine.take_back("visitor")
    whole.server.admin.remove(path)
    whole.settled(6)


def networks(whole: Cluster, elsewhere: str) -> None:
    """One of each kind comes, is changed and goes: here for another namespace, and there for its own."""
    for kind, plural in NETWORKS.items():
        for home, spec in ((whole.namespace, {"networkNamespace": elsewhere}), (elsewhere, {})):
            _network(whole, kind, f"/apis/{GROUP}/v1/namespaces/{home}/{plural}", elsewhere, spec)
    early, late = {"networkNamespace": f"{elsewhere}-late", "resourceName": "fast"}, NADS.format(f"{elsewhere}-late")
    body = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetwork", "metadata": {"name": "early"}, "spec": early}
    whole.server.admin.done("POST", f"/apis/{GROUP}/v1/namespaces/{whole.namespace}/sriovnetworks", body)
    whole.server.admin.create_namespace(f"{elsewhere}-late")
    whole.until(lambda: whole.server.admin.find(f"{late}/early"))


def _network(whole: Cluster, kind: str, place: str, elsewhere: str, spec: Document) -> None:
    admin, name = whole.server.admin, kind.lower()
    nad = f"{NADS.format(elsewhere)}/{name}"
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {**spec, "resourceName": "a"},
    }
    admin.done("POST", place, body)
    whole.until(lambda: admin.find(nad))
    admin.done("PATCH", f"{place}/{name}", {"spec": {"resourceName": "other"}}, content_type=MERGE)
    whole.until(lambda: "other" in str((admin.find(nad) or {}).get("metadata")))
    admin.done("DELETE", f"{place}/{name}")
    whole.until(lambda: admin.find(f"{place}/{name}") is None)
    if admin.find(nad):  # what is in its own namespace is collected, and no collector runs
        admin.remove(nad)


def plugin_pod(whole: Cluster, node: str, folder: Path) -> None:
    """A pod of the device plugin waits by its init container, is let go, and is started anew for other VFs."""
    server, name = whole.server, f"plugin-{node}"
    meta = {"name": name, "namespace": whole.namespace, "labels": {"app": "sriov-device-plugin"}}
    container = {"name": "plugin", "image": "registry.example/plugin:1"}
    spec = {"nodeName": whole.stage.name(node), "serviceAccountName": names.DEVICE_PLUGIN, "containers": [container]}
    server.admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    token = server.token(whole.namespace, names.DEVICE_PLUGIN, pod=name, node=whole.stage.name(node))
    user = f"system:serviceaccount:{whole.namespace}:{names.DEVICE_PLUGIN}"
    kubeconfig = server.kubeconfig(user, credentials=token, path=folder / "plugin.kubeconfig")
    options = ["--pod-name", name, "--pod-namespace", whole.namespace, "--kubeconfig", str(kubeconfig)]
    argv = [sys.executable, "-m", "sriov_core", "agent", "wait-for-config", *options]
    waits = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = f"/api/v1/namespaces/{whole.namespace}/pods/{name}"
    try:
        # The agent may let it go again before anybody has looked.
        whole.until(lambda: waits.poll() is not None or keys.WAITS_FOR_CONFIG in str(server.admin.find(path)))
        whole.policy(vfs=4, mtu=1600)
        assert waits.wait(60) == 0
    finally:
        waits.kill()
        waits.wait()
    whole.policy(vfs=5)
    whole.until(lambda: server.admin.find(path) is None)
    whole.settled(5)


def serve(whole: Cluster, folder: Path, elsewhere: str, watched: Watched) -> None:
    """The two servers run and answer."""
    with ExitStack() as held:
        for command in ("webhook", "injector"):
            process = held.enter_context(running(whole.server, folder / command, command, whole.namespace))
            whole.until(lambda process=process: "serving" in process.log)
            whole.until(lambda command=command: watched(command))
            process.ready()
            review(process, command, elsewhere)


def review(process: Process, command: str, namespace: str) -> None:
    """A policy is judged, and a pod with a network that nobody has made."""
    policy = {"resourceName": "fast", "numVfs": 1, "nicSelector": {"vendor": "8086"}, "nodeSelector": {"a": "b"}}
    container = {"name": "a", "image": "registry.example/a:1"}
    path, kind, metadata, spec = {
        "webhook": ("/validating-custom-resource", "SriovNetworkNodePolicy", {}, policy),
        "injector": ("/mutate", "Pod", {"k8s.v1.cni.cncf.io/networks": "no-such"}, {"containers": [container]}),
    }[command]
    group, version = ("", "v1") if kind == "Pod" else (GROUP, "v1")
    head = {"apiVersion": f"{group}/{version}".lstrip("/"), "kind": kind}
    meta = {"name": "a", "namespace": namespace, "annotations": metadata}
    request = {
        "uid": "u",
        "operation": "CREATE",
        "kind": {"group": group, "version": version, "kind": kind},
        "namespace": namespace,
        "object": {**head, "metadata": meta, "spec": spec},
    }
    asked = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    status, text = process.ask(path, asked)
    assert status == 200, text
    assert json.loads(text)["response"]["uid"] == "u"


def deployed(whole: Cluster, **spec: Any) -> None:
    """The configuration is that, and all of it is done."""
    path = whole.stage.path("SriovOperatorConfig", "default")
    whole.configure(**spec)

    def is_done() -> bool:
        found = whole.server.admin.done("GET", path)
        ready = [one for one in found.get("status", {}).get("conditions", []) if one["type"] == "Ready"]
        done = (found["metadata"]["generation"], "True")
        return any((one.get("observedGeneration"), one["status"]) == done for one in ready)

    whole.until(is_done)


def spoiled(whole: Cluster) -> None:
    """Somebody changes everything that is deployed, and the operator takes it back."""
    admin = whole.server.admin
    for path, found in _of_ours(whole):
        if found["kind"].endswith("WebhookConfiguration"):
            hook = {**found["webhooks"][0], "name": "theirs.example.com", "failurePolicy": "Ignore"}
            admin.done("PATCH", path, [{"op": "add", "path": "/webhooks/-", "value": hook}], content_type=JSON)
        elif found["kind"] == "ValidatingAdmissionPolicy":
            exception = {"name": "theirs", "expression": "false"}
            conditions = [*found["spec"].get("matchConditions", []), exception]
            change = [{"op": "add", "path": "/spec/matchConditions", "value": conditions}]
            admin.done("PATCH", path, change, content_type=JSON)
        elif found["kind"].endswith("Role"):
            admin.done("PATCH", path, {"rules": []}, content_type=MERGE)
        elif change := LEFT_BEHIND.get(found["kind"]):
            admin.done("PATCH", path, change, content_type=MERGE)
        else:
            continue
        whole.until(lambda path=path, found=found: _told(admin.find(path)) == _told(found))


def replaced(whole: Cluster) -> None:
    """While no operator runs, others put their own into the place of what nobody can change: it is made anew."""
    admin = whole.server.admin
    whole.rest()
    theirs = [(path, _theirs(found)) for path, found in _of_ours(whole) if found["kind"] in (*BINDINGS, "DaemonSet")]
    for path, document in theirs:
        admin.remove(path)
        admin.done("POST", path.rpartition("/")[0], document)
    whole.operate(timing=QUICK)
    for path, document in theirs:
        whole.until(lambda path=path, document=document: not _is_still(admin.find(path), document))


def cleaned_up(whole: Cluster) -> None:
    """The command before a removal, under the account that the operator has."""
    clean_up(client_at(whole.operator_config), whole.namespace, 60.0, lambda _: None, keep_vfs=True)


def _of_ours(whole: Cluster) -> list[tuple[str, Document]]:
    """The path and the object of everything that is deployed."""
    return [one for kind in RESOURCES.values() for one in _of_kind(whole, kind)]


def _of_kind(whole: Cluster, kind: Resource) -> Iterator[tuple[str, Document]]:
    place = kind.path(whole.namespace if kind.namespaced else "")
    status, listing = whole.server.admin.request("GET", f"{place}?labelSelector={OURS}")
    for one in listing["items"] if status == 200 else ():
        yield f"{place}/{one['metadata']['name']}", {**one, "apiVersion": kind.api_version, "kind": kind.kind}


def _told(found: Document | None) -> Document:
    """What of an object the operator says."""
    return {
        key: value for key, value in (found or {}).items() if key not in ("metadata", "status", "kind", "apiVersion")
    }


def _theirs(found: Document) -> Document:
    here = found["metadata"]
    head = {"apiVersion": found["apiVersion"], "kind": found["kind"]}
    meta = {key: here[key] for key in ("name", "namespace") if key in here}
    if found["kind"] != DAEMON_SETS.kind:
        return {
            **head,
            "metadata": meta,
            "subjects": found["subjects"],
            "roleRef": {**found["roleRef"], "name": "theirs"},
        }
    template = found["spec"]["template"]
    labels = {**template["metadata"]["labels"], "theirs": "1"}
    spec = {
        "selector": {"matchLabels": {"theirs": "1"}},
        "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
    }
    return {**head, "metadata": meta, "spec": spec}


def _is_still(found: Document | None, document: Document) -> bool:
    """True when it is theirs, or nothing is there yet."""
    if found is None:
        return True
    if "roleRef" in document:
        return bool(found["roleRef"] == document["roleRef"])
    return bool(found["spec"]["selector"] == document["spec"]["selector"])


def told(whole: Cluster, folder: Path, elsewhere: str, watched: Watched) -> list[Any]:
    """All of it; what was asked of the API server meanwhile."""
    whole.configure(featureGates={"blockDevicePluginUntilConfigured": True})
    whole.operate(timing=QUICK)
    nodes(whole)
    networks(whole, elsewhere)
    plugin_pod(whole, "one", folder)
    visitor(whole, elsewhere)
    deployed(whole, **EVERYTHING)
    serve(whole, folder, elsewhere, watched)
    spoiled(whole)
    replaced(whole)
    deployed(whole, featureGates={"blockDevicePluginUntilConfigured": False})
    whole.forget()
    whole.settled(0)
    whole.stage.delete_node("two")
    whole.until(lambda: whole.stage.state("two") is None)
    cleaned_up(whole)
    return whole.audited()


def of(requests: Iterable[Any], user: str) -> list[Any]:
    """Those of one user, about objects."""
    return [one for one in requests if one["user"].get("username") == user and "objectRef" in one]
