"""What the DaemonSets that the operator deploys have in common. Nothing here does I/O."""

from collections.abc import Mapping
from typing import Any

from sriov_operator.deployment.deployed import Deployed, owned
from sriov_operator.objects import Object

INFRASTRUCTURE = {"component": "network", "type": "infra", "openshift.io/component": "network"}
"""Labels of the pods on the nodes that are managed."""
NODE_CRITICAL = "system-node-critical"
CLUSTER_CRITICAL = "system-cluster-critical"
EVERYWHERE = [{"operator": "Exists"}]
"""Tolerates every taint."""
LINUX = {"kubernetes.io/os": "linux"}

_IN_PLACE = {"maxUnavailable": "33%"}
_SURGING = {"maxSurge": 1, "maxUnavailable": 0}
_RELEASE = "release.openshift.io/version"


def daemon_set(
    deployed: Deployed,
    name: str,
    pod: Object,
    *,
    labels: Mapping[str, str] | None = None,
    pod_labels: Mapping[str, str] | None = None,
    pod_annotations: Mapping[str, str] | None = None,
    surges: bool = False,
) -> Object:
    """A DaemonSet whose pods are found by ``app=<name>``, and of which a third may be replaced at a time.

    One that ``surges`` has the new pod of a node ready before the old one goes; its pods have no ports of the node.
    """
    annotations = {"annotations": {_RELEASE: deployed.settings.release}} if deployed.settings.release else {}
    metadata: Object = {"labels": {"app": name, **(pod_labels or {})}}
    if pod_annotations:
        metadata["annotations"] = dict(pod_annotations)
    return {
        **owned(deployed, "apps/v1", "DaemonSet", name, labels={"app": name, **(labels or {})}, **annotations),
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": _SURGING if surges else _IN_PLACE},
            "template": {"metadata": metadata, "spec": {**pod, **_pulled(deployed)}},
        },
    }


def host_path(name: str, path: str, kind: str = "") -> Object:
    """A volume that is a path of the node; ``kind`` as in DirectoryOrCreate."""
    return {"name": name, "hostPath": {"path": path, **({"type": kind} if kind else {})}}


def mount(name: str, path: str, **more: Any) -> Object:
    """Where a container sees a volume."""
    return {"name": name, "mountPath": path, **more}


def _pulled(deployed: Deployed) -> Object:
    return {"imagePullSecrets": deployed.pull_secrets} if deployed.pull_secrets else {}
