"""Nodes, their reports and policies on a real API server, as administrators and agents write them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from operator_runs import Running, account, until
from servers import Server
from servers_admin import MERGE

from sriov_core.kube.exchange import Transport

GROUP = "sriovnetwork.openshift.io"
API = f"{GROUP}/v1"
LABEL = f"{GROUP}/device-plugin"
RENDERED = f"{GROUP}/rendered"
KEEP = f"{GROUP}/keep-state-until"
PINS = f"{GROUP}/pinned-plugins"
JSON_PATCH = "application/json-patch+json"
WORKER = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
RULES: tuple[dict[str, Any], ...] = (
    {"apiGroups": [GROUP], "resources": ["sriovnetworknodestates"], "verbs": ["get", "create", "patch", "delete"]},
    {
        "apiGroups": [GROUP],
        "resources": ["sriovnetworknodestates/status", "sriovnetworknodepolicies/status"],
        "verbs": ["patch"],
    },
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
)
"""What the controller of node states needs beside what its process does."""

X710 = {
    "pciAddress": "0000:86:00.0",
    "name": "ens803f0",
    "driver": "i40e",
    "vendor": "8086",
    "deviceID": "158b",
    "linkType": "ETH",
    "totalvfs": 64,
    "mtu": 1500,
}
X710_1 = {**X710, "pciAddress": "0000:86:00.1", "name": "ens803f1"}
CX6 = {
    "pciAddress": "0000:d8:00.0",
    "name": "enp216s0f0np0",
    "driver": "mlx5_core",
    "vendor": "15b3",
    "deviceID": "101d",
    "linkType": "ETH",
    "totalvfs": 16,
    "mtu": 1500,
}
INTEL = {"name": "intel", "api": "1.0", "matches": [{"vendor": "8086", "pciClass": "02"}]}
RIVAL = {**INTEL, "name": "rival"}
GENERIC = {"name": "generic", "api": "1.0", "matches": [{"pciClass": "02"}], "base": True}
PLURALS = {
    "SriovNetworkNodePolicy": "sriovnetworknodepolicies",
    "SriovNetworkNodeState": "sriovnetworknodestates",
    "SriovNetworkPoolConfig": "sriovnetworkpoolconfigs",
    "SriovOperatorConfig": "sriovoperatorconfigs",
}

Document = dict[str, Any]


@attrs.define
class Stage:
    """One namespace of an operator, with nodes of its own: their names begin with the namespace's.

    Nodes are managed by the label ``stage``, so that those of other tests are none of its business.
    """

    server: Server
    namespace: str
    operators: list[Running] = attrs.field(factory=list)

    def name(self, node: str) -> str:
        return f"{self.namespace}-{node}"

    def labels(self, node: str, **more: str) -> dict[str, str]:
        return {"stage": self.namespace, "one": self.name(node), **more}

    # Setting up

    def configure(self, **spec: Any) -> Document:
        """The operator's configuration; of the node selector, the label of this stage unless given."""
        found = {"configDaemonNodeSelector": {"stage": self.namespace}, **spec}
        return self.put("SriovOperatorConfig", "default", found)

    def node(self, node: str, labels: Mapping[str, str] | None = None, **spec: Any) -> Document:
        metadata = {"name": self.name(node), "labels": dict(self.labels(node) if labels is None else labels)}
        document = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec}
        return self.server.admin.create(document)

    def relabel(self, node: str, **labels: str | None) -> None:
        path = f"/api/v1/nodes/{self.name(node)}"
        self.server.admin.done("PATCH", path, {"metadata": {"labels": labels}}, content_type=MERGE)

    def delete_node(self, node: str) -> None:
        self.server.admin.remove(f"/api/v1/nodes/{self.name(node)}")

    def put(self, kind: str, name: str, spec: Document, **metadata: Any) -> Document:
        """Create an object of ours, or replace its spec."""
        path = self.path(kind, name)
        found = self.server.admin.find(path)
        if found is not None:
            change = [{"op": "add", "path": "/spec", "value": spec}]  # the operator writes its status meanwhile
            return self.server.admin.done("PATCH", path, change, content_type=JSON_PATCH)
        body = {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": self.namespace, **metadata}}
        return self.server.admin.done("POST", path.rpartition("/")[0], {**body, "spec": spec})

    def policy(self, name: str, *, on: str = "", **spec: Any) -> Document:
        """A policy for four VFs of Intel NICs, on one node or on all of this stage."""
        selector = {"one": self.name(on)} if on else {"stage": self.namespace}
        known = {"resourceName": f"{name}res", "nodeSelector": selector, "numVfs": 4, "nicSelector": {"vendor": "8086"}}
        return self.put("SriovNetworkNodePolicy", name, {**known, **spec})

    def delete(self, kind: str, name: str) -> None:
        self.server.admin.remove(self.path(kind, name))

    def report(self, node: str, *nics: Document, **status: Any) -> None:
        """What an agent reports: these NICs (an X710 if none is given), and that it is done."""
        self.status(node, interfaces=list(nics or (X710,)), **{"syncStatus": "Succeeded", **status})

    def status(self, node: str, **status: Any) -> None:
        until(lambda: self.state(node))
        path = f"{self.path('SriovNetworkNodeState', self.name(node))}/status"
        self.server.admin.done("PATCH", path, {"status": status}, content_type=MERGE)

    def annotate(self, node: str, **annotations: str | None) -> None:
        path = self.path("SriovNetworkNodeState", self.name(node))
        named = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.server.admin.done("PATCH", path, {"metadata": {"annotations": named}}, content_type=MERGE)

    # Looking

    def path(self, kind: str, name: str) -> str:
        return f"/apis/{API}/namespaces/{self.namespace}/{PLURALS[kind]}/{name}"

    def state(self, node: str) -> Document | None:
        return self.server.admin.find(self.path("SriovNetworkNodeState", self.name(node)))

    def wishes(self, node: str) -> list[str] | None:
        """What the node is wished to have, a line for each group of VFs; None without a node state."""
        found = self.state(node)
        return found and [
            f"{nic['name']} {nic['numVfs']}: {group['resourceName']} {group['vfRange']}"
            for nic in found["spec"].get("interfaces", [])
            for group in nic["vfGroups"]
        ]

    def label(self, node: str) -> str | None:
        found = self.server.admin.find(f"/api/v1/nodes/{self.name(node)}")
        return (found or {"metadata": {"labels": {}}})["metadata"]["labels"].get(LABEL)

    def config_map(self, number: int = 0) -> Document | None:
        name = f"device-plugin-config-{number}" if number else "device-plugin-config"
        return self.server.admin.find(f"/api/v1/namespaces/{self.namespace}/configmaps/{name}")

    def resources(self, node: str) -> list[Document] | None:
        """The resources in the device plugin's config of a node; None without one."""
        text = ((self.config_map() or {}).get("data") or {}).get(self.name(node))
        return None if text is None else json.loads(text)["resourceList"] or []

    def ready(self, policy: str, reason: str = "Applied") -> Document:
        """The status of a policy, once its condition Ready has that reason and belongs to its last change."""

        def found() -> Document | None:
            document = self.server.admin.find(self.path("SriovNetworkNodePolicy", policy)) or {}
            status: Document = document.get("status", {})
            for one in status.get("conditions", []):
                current = one["observedGeneration"] == document["metadata"]["generation"]
                if one["type"] == "Ready" and one["reason"] == reason and current:
                    return status
            return None

        return until(found)

    def condition(self, node: str, name: str = "PluginsChosen") -> Document | None:
        conditions = (self.state(node) or {}).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == name), None)

    def events(self, name: str) -> list[str]:
        found = self.server.admin.done("GET", f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")["items"]
        return [f"{one['type']} {one['reason']}" for one in found if one["regarding"]["name"] == name]

    # The operator

    def start(self, *, way: Callable[[Transport], Transport] | None = None, **environment: str) -> Running:
        running = Running.start(
            self._kubeconfig(),
            self.namespace,
            only=frozenset({"nodestates"}),
            environment={"STALE_NODE_STATE_CLEANUP_DELAY_MINUTES": "0", **environment},
            way=way,
        )
        self.operators.append(running)
        return running

    def _kubeconfig(self) -> Path:
        """That of the operator's service account, with no right but those it needs."""
        made = account(self.server, self.namespace)
        name = f"nodestates-in-{self.namespace}"
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        self.server.admin.apply({**role, "rules": list(RULES)})
        subject = {"kind": "ServiceAccount", "name": "sriov-network-operator", "namespace": self.namespace}
        bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        self.server.admin.apply({**role, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": bound})
        return made

    def settle(self, node: str) -> None:
        """Wait until a policy came and went on a node: whatever was asked for before it is done by then."""
        self.policy("settle", on=node, priority=99)
        self.ready("settle")
        self.delete("SriovNetworkNodePolicy", "settle")
        until(lambda: not any("settleres" in wish for wish in self.wishes(node) or []))
        until(lambda: not any(one["resourceName"] == "settleres" for one in self.resources(node) or []))
        until(lambda: self.label(node) == ("Enabled" if self.resources(node) else "Disabled"))

    def end(self) -> None:
        for running in self.operators:
            running.stop()
        for found in self.server.admin.done("GET", "/api/v1/nodes")["items"]:
            if found["metadata"]["name"].startswith(f"{self.namespace}-"):
                self.server.admin.remove(f"/api/v1/nodes/{found['metadata']['name']}")


@contextmanager
def stage(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage; its operators are stopped and its nodes removed at the end."""
    made = Stage(server, namespace)
    try:
        yield made
    finally:
        made.end()


def requests(running: Running, *, verbs: tuple[str, ...] = (), resource: str = "") -> Callable[[], int]:
    """Counts from now on how often the operator asks for something, by verb and resource; watches are left out.

    A request counts as soon as it is sent, so none comes later than what is seen of it.
    """

    def count() -> int:
        found = [_asked(method, path) for method, path in running.sent.requests]
        return sum((not verbs or verb in verbs) and resource in ("", plural) for verb, plural in found)

    before = count()
    return lambda: count() - before


def made(running: Running) -> list[tuple[str, str]]:
    """Verb and resource of all its writes of Nodes, node states and ConfigMaps."""
    found = [_asked(method, path) for method, path in running.sent.requests]
    plurals = ("nodes", "configmaps", PLURALS["SriovNetworkNodeState"])
    return [(verb, plural) for verb, plural in found if verb in WRITES and plural in plurals]


def _asked(method: str, path: str) -> tuple[str, str]:
    """Verb and resource of a request."""
    parts = path.partition("?")[0].split("/")[1:]
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    return VERBS.get(method) or ("get" if len(parts) > 1 else "list"), parts[0]


VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
WRITES = tuple(VERBS.values())
