"""A small healthy cluster as YAML, and what a test changes in it: merge patches by ``Kind/name``, null removes it."""

from datetime import datetime
from typing import Any

import msgspec
import yaml

from sriov_core.api.kinds import KINDS
from sriov_core.clusterview.cluster import Cluster, Part
from sriov_core.clusterview.objects import Attachment, Node, Pod

NAMESPACE = "sriov-network-operator"
NOW = datetime.fromisoformat("2030-01-01T12:00:00Z")

HEALTHY = """
kind: SriovOperatorConfig
metadata: {name: default, generation: 1}
spec: {enableInjector: true}
status:
  injector: Deployed
  operatorWebhook: Disabled
  rollouts: [{name: sriov-device-plugin, desired: 1, updated: 1, available: 1}]
  conditions: [{type: Ready, status: "True", observedGeneration: 1, reason: OperatorConfigReady}]
---
kind: SriovNetworkNodePolicy
metadata: {name: rail0, generation: 1}
spec:
  {resourceName: rail0, nodeSelector: {nic: x710}, nicSelector: {vendor: "8086"}, numVfs: 2, priority: 10}
status:
  {matchedNodes: 1, appliedNodes: 1, appliedNics: 1, appliedVfs: 2,
   conditions: [{type: Ready, status: "True", observedGeneration: 1, reason: Applied}]}
---
kind: SriovNetworkNodeState
metadata: {name: worker-1, annotations: {sriovnetwork.openshift.io/rendered: "true"}}
spec:
  interfaces:
    - {pciAddress: "0000:86:00.0", name: ens1f0, numVfs: 2, vfGroups: [{resourceName: rail0, vfRange: 0-1}]}
status:
  syncStatus: Succeeded
  interfaces:
    - {pciAddress: "0000:86:00.0", name: ens1f0, driver: i40e, plugin: intel, numVfs: 2, totalvfs: 64, vendor: "8086"}
  conditions: [{type: Ready, status: "True", reason: Configured}]
---
kind: Node
metadata:
  name: worker-1
  labels: {nic: x710, kubernetes.io/os: linux, node-role.kubernetes.io/worker: ""}
status:
  allocatable: {cpu: "8", openshift.io/rail0: "2"}
  conditions: [{type: Ready, status: "True"}]
---
kind: Node
metadata: {name: control-1, labels: {kubernetes.io/os: linux}}
status: {conditions: [{type: Ready, status: "True"}]}
---
kind: SriovNetwork
metadata: {name: rail, namespace: sriov-network-operator}
spec: {resourceName: rail0, networkNamespace: team-a}
status: {conditions: [{type: Ready, status: "True", reason: NetworkReady}]}
---
kind: NetworkAttachmentDefinition
metadata: {name: rail, namespace: team-a, annotations: {k8s.v1.cni.cncf.io/resourceName: openshift.io/rail0}}
---
kind: Pod
metadata: {name: sriov-device-plugin-x, namespace: sriov-network-operator, labels: {app: sriov-device-plugin}}
spec: {nodeName: worker-1}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
metadata: {name: web, namespace: team-a, annotations: {k8s.v1.cni.cncf.io/networks: rail}}
spec:
  containers: [{name: main, resources: {requests: {openshift.io/rail0: "1"}, limits: {openshift.io/rail0: "1"}}}]
status:
  phase: Pending
  conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: 0/2 nodes are available}]
"""

NO_PLUGIN = """
Pod/sriov-device-plugin-x: null
Node/worker-1: {status: {allocatable: {openshift.io/rail0: "0"}}}
"""
"""No device plugin runs, so the kubelet has none of what was offered."""

_OURS = {kind.name: kind.body for kind in KINDS}
_FIELDS = {
    "SriovOperatorConfig": "configs",
    "SriovNetworkNodePolicy": "policies",
    "SriovNetworkNodeState": "states",
    "SriovNetworkPoolConfig": "pools",
    "SriovNetwork": "networks",
    "NetworkAttachmentDefinition": "attachments",
    "Node": "nodes",
    "Pod": "pods",
}
_TYPES: dict[str, Any] = {**_OURS, "Node": Node, "Pod": Pod, "NetworkAttachmentDefinition": Attachment}


def documents(changes: str = "") -> dict[str, Any]:
    """The healthy cluster with these changes, by ``Kind/name``."""
    found = {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(HEALTHY)}
    for key, patch in (yaml.safe_load(changes) or {}).items():
        kind, _, name = key.partition("/")
        if patch is None:
            del found[key]
        else:
            found[key] = _merged(found.get(key, {"kind": kind, "metadata": {"name": name}}), patch)
    return found


def scene(changes: str = "", **refused: str) -> Cluster:
    """The cluster; ``refused`` are parts that may not be read, with the reason."""
    items: dict[str, list[Any]] = {field: [] for field in _FIELDS.values()}
    for one in documents(changes).values():
        kind = one["kind"]
        items[_FIELDS[kind]].append(msgspec.convert(one, _TYPES[kind]))
    kinds = {field: kind for kind, field in _FIELDS.items()}
    parts = {field: Part(kind=kinds[field], items=tuple(found)) for field, found in items.items()}
    own = tuple(pod for pod in items["pods"] if pod.metadata.namespace == NAMESPACE)
    parts["own_pods"] = Part(kind="Pod", items=own)
    for field, why in refused.items():
        parts[field] = Part(kind=parts[field].kind, refused=why)
    return Cluster(namespace=NAMESPACE, now=NOW, **parts)


def pod(changes: str = "", name: str = "web") -> Pod:
    return msgspec.convert(documents(changes)[f"Pod/{name}"], Pod)


def codes(findings: Any) -> list[str]:
    return [one.code for one in findings]


def _merged(old: Any, patch: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(patch, dict):
        return patch
    both = {**old, **{key: _merged(old.get(key), value) for key, value in patch.items()}}
    return {key: value for key, value in both.items() if value is not None}
