"""A cluster of one worker with three Intel ports, and objects in a line each, as they come from the API server."""

from typing import Any

import msgspec

from sriov_core.admission.admitting import admit
from sriov_core.admission.cluster import Cluster, ClusterNode, cluster_nodes
from sriov_core.admission.decision import Decision
from sriov_core.api.foreign import Node
from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.policy.nicids import NicIds, parse

OPERATOR = "sriov-network-operator"
API = "sriovnetwork.openshift.io/v1"
NIC_IDS: NicIds = parse({"a": "8086 158b 154c", "b": "15b3 1015 1016", "c": "15b3 1017 1018"})[0]

Raw = dict[str, Any]


def of_kind(kind: str, name: str, spec: Raw, namespace: str = OPERATOR) -> Raw:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def policy(name: str = "p0", namespace: str = OPERATOR, **changes: Any) -> Raw:
    """A policy for ens803f1; a field given as None is left out."""
    fields = {
        "resourceName": f"{name}res",
        "nodeSelector": {"worker": ""},
        "nicSelector": {"pfNames": ["ens803f1"]},
        "numVfs": 2,
        "priority": 99,
        "deviceType": "netdevice",
        **changes,
    }
    spec = {field: value for field, value in fields.items() if value is not None}
    return of_kind("SriovNetworkNodePolicy", name, spec, namespace)


def port(number: int, **changes: Any) -> Raw:
    return {
        "name": f"ens803f{number}",
        "pciAddress": f"0000:86:00.{number}",
        "vendor": "8086",
        "deviceID": "1015" if number == 2 else "158b",
        "driver": "i40e",
        "mtu": 1500,
        "numVfs": 4,
        "totalvfs": 64,
        "linkType": "ETH",
        **changes,
    }


PORTS = (port(0), port(1), port(2))


def node(name: str = "worker-1", provider: str = "", **labels: str) -> Raw:
    found = {"metadata": {"name": name, "labels": labels or {"worker": ""}}}
    return {"apiVersion": "v1", "kind": "Node", **found, "spec": {"providerID": provider}}


def state(name: str = "worker-1", *ports: Raw, sync: str = "Succeeded") -> Raw:
    raw = of_kind("SriovNetworkNodeState", name, {})
    return {**raw, "status": {"interfaces": list(ports or PORTS), "syncStatus": sync}}


def nodes(*raws: Raw, stateless_labels: bool = False) -> tuple[ClusterNode, ...]:
    return cluster_nodes(
        [msgspec.convert(raw, Node) for raw in raws if raw["kind"] == "Node"],
        [msgspec.convert(raw, NodeState) for raw in raws if raw["kind"] != "Node"],
        stateless_labels=stateless_labels,
    )


WORKER = nodes(node(), state())


def cluster(
    *policies: Raw, at: tuple[ClusterNode, ...] = WORKER, pools: Any = (), networks: Any = (), **more: Any
) -> Cluster:
    facts: dict[str, Any] = {"nic_ids": NIC_IDS, **more}
    kinds = {"SriovNetwork": SriovNetwork, "SriovIBNetwork": SriovIBNetwork, "OVSNetwork": OVSNetwork}
    return Cluster(
        operator_namespace=OPERATOR,
        policies=tuple(msgspec.convert(raw, NodePolicy) for raw in policies),
        nodes=at,
        pools=tuple(msgspec.convert(raw, PoolConfig) for raw in pools),
        networks=tuple(msgspec.convert(raw, kinds[raw["kind"]]) for raw in networks),
        **facts,
    )


def created(raw: Raw, *beside: Raw, **more: Any) -> Decision:
    """The decision about a new object beside some policies."""
    return admit("CREATE", raw, None, cluster(*beside, **more))


def told(decision: Decision) -> str:
    """Every reason and warning, a line each, the reasons first."""
    reasons = [f"denied: {fault}" for fault in decision.reasons]
    return "\n".join((*reasons, *(f"warning: {text}" for text in decision.warnings)))
