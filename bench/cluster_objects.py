"""The objects that a cluster is filled with: Nodes, node states as an agent reports them, policies."""

from typing import Any

from sriov_core.api import keys
from sriov_core.api.wire import API_VERSION, GROUP

Document = dict[str, Any]

NAMESPACE = "sriov-network-operator"
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
NODES = "/api/v1/nodes"
_OURS = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}"
STATES, POLICIES, CONFIGS = (
    f"{_OURS}/{plural}" for plural in ("sriovnetworknodestates", "sriovnetworknodepolicies", "sriovoperatorconfigs")
)
WORKER = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
CONFIG: Document = {
    "apiVersion": API_VERSION,
    "kind": "SriovOperatorConfig",
    "metadata": {"name": "default"},
    "spec": {"enableInjector": False, "enableOperatorWebhook": False},
}
FIRST, SECOND = "ens803f0", "ens803f1"
"""The ports of each node: those of ../shared/examples/nodestate-xl710.yaml, an XL710 with its two."""
_XL710 = {
    "vendor": "8086",
    "deviceID": "1583",
    "driver": "i40e",
    "mtu": 1500,
    "totalvfs": 64,
    "linkType": "ETH",
    "linkAdminState": "up",
}
_PORTS = {FIRST: "0000:86:00.0", SECOND: "0000:86:00.1"}


def node(name: str) -> Document:
    """A worker."""
    labels = {**WORKER, "kubernetes.io/hostname": name}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def state(name: str) -> Document:
    """Its node state with what the agent found, and without a wish."""
    nics = [{**_XL710, "pciAddress": address, "name": port} for port, address in _PORTS.items()]
    return {
        "apiVersion": API_VERSION,
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": name, "annotations": {keys.RENDERED: "true"}},
        "spec": {},
        "status": {"interfaces": nics, "syncStatus": "Succeeded"},
    }


def policy(name: str, port: str = FIRST, on: str = "", **spec: Any) -> Document:
    """A policy for four VFs of that port, of one node or of all workers, unless the spec says otherwise."""
    known = {
        "resourceName": name.replace("-", "_"),
        "nodeSelector": {"kubernetes.io/hostname": on} if on else {"node-role.kubernetes.io/worker": ""},
        "nicSelector": {"vendor": "8086", "deviceID": "1583", "pfNames": [port]},
        "numVfs": 4,
        "mtu": 1500,
        "deviceType": "netdevice",
    }
    head = {"apiVersion": API_VERSION, "kind": "SriovNetworkNodePolicy", "metadata": {"name": name}}
    return {**head, "spec": {**known, **spec}}


def wish(port: str, resource: str) -> Document:
    """The spec of a node state as such a policy makes it."""
    group = {"deviceType": "netdevice", "mtu": 1500, "policyName": resource, "resourceName": resource, "vfRange": "0-3"}
    nic = {"pciAddress": _PORTS[port], "name": port, "mtu": 1500, "numVfs": 4, "vfGroups": [group]}
    return {"interfaces": [nic]}


def asks_for(document: Document, resource: str) -> bool:
    """True for a node state whose wish has that resource."""
    nics = document.get("spec", {}).get("interfaces", [])
    return any(group.get("resourceName") == resource for nic in nics for group in nic.get("vfGroups", []))
