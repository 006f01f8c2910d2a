"""Nodes, node states and policies as the operator's caches hold them, in a line each."""

from typing import Any

import msgspec

from sriov_core.api import keys
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.nodeoutcome import WORKER
from sriov_operator.process.lean import LeanNode, LeanNodeState

NAMESPACE = "sriov"
X710 = {
    "pciAddress": "0000:86:00.0",
    "name": "ens803f0",
    "driver": "i40e",
    "vendor": "8086",
    "deviceID": "158b",
    "linkType": "ETH",
    "totalvfs": 64,
    "subsystem": "8086:0001",
    "pciClass": "020000",
}
CX6 = {
    "pciAddress": "0000:d8:00.0",
    "name": "enp216s0f0np0",
    "driver": "mlx5_core",
    "vendor": "15b3",
    "deviceID": "101d",
    "linkType": "ETH",
    "totalvfs": 16,
}
INTEL = {"name": "intel", "api": "1.0", "matches": [{"vendor": "8086", "pciClass": "02", "platform": "baremetal"}]}
GENERIC = {"name": "generic", "api": "1.0", "matches": [{"pciClass": "02"}], "base": True}
VIRTUAL = {"name": "virtual", "api": "1.0", "matches": [{"platform": "openstack", "pciClass": "02"}]}
PLUGINS = [INTEL, GENERIC, VIRTUAL]


def node(name: str = "n1", labels: dict[str, str] | None = None, **spec: Any) -> LeanNode:
    metadata = {"name": name, "uid": f"uid-of-{name}", "labels": WORKER if labels is None else labels}
    return msgspec.convert({"metadata": metadata, "spec": spec}, LeanNode)


def state(name: str = "n1", *, spec: Any = None, metadata: Any = None, **status: Any) -> LeanNodeState:
    """A node state; without ``status`` one that its agent has not seen yet."""
    known = {"name": name, "namespace": NAMESPACE, "uid": f"state-{name}", "resourceVersion": "7", "generation": 2}
    body = {"metadata": {**known, **(metadata or {})}, "spec": spec or {}, "status": status}
    return msgspec.convert(body, LeanNodeState)


def reported(name: str = "n1", *nics: dict[str, Any], **status: Any) -> LeanNodeState:
    """A node state whose agent reports these NICs, an X710 unless said otherwise, and is done."""
    return state(name, interfaces=list(nics) or [X710], **{"syncStatus": "Succeeded", **status})


def policy(name: str = "p1", **spec: Any) -> NodePolicy:
    """A policy for all Intel NICs of every node."""
    known = {"resourceName": f"{name}res", "nodeSelector": {}, "numVfs": 4, "nicSelector": {"vendor": "8086"}}
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"policy-{name}", "generation": 3}
    return msgspec.convert({"metadata": metadata, "spec": {**known, **spec}}, NodePolicy)


def pins(text: str) -> dict[str, str]:
    return {keys.PINNED_PLUGINS: text}
