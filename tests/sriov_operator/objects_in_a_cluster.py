"""A DaemonSet as it is sent and as the API server gives it back, other objects, and changes to any part of them."""

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
POD: Path = ("spec", "template", "spec")


def daemon_set() -> dict[str, Any]:
    """What we send: a device plugin with all the parts that have come and gone."""
    tolerations = [{"operator": "Exists"}, {"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": "sriov-device-plugin",
            "namespace": "operator",
            "labels": {"component": "network"},
            "annotations": {"release.openshift.io/version": "1.0"},
            "ownerReferences": [owner("uid-2")],
        },
        "spec": {
            "selector": {"matchLabels": {"app": "sriov-device-plugin"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "33%"}},
            "template": {
                "metadata": {
                    "labels": {"app": "sriov-device-plugin", "init-container-enabled": "true"},
                    "annotations": {"openshift.io/required-scc": "privileged"},
                },
                "spec": {
                    "hostNetwork": True,
                    "hostPID": False,
                    "dnsPolicy": "ClusterFirstWithHostNet",
                    "nodeSelector": {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""},
                    "tolerations": tolerations,
                    "affinity": _affinity(),
                    "priorityClassName": "system-node-critical",
                    "serviceAccountName": "sriov-device-plugin",
                    "imagePullSecrets": [{"name": "mirror"}],
                    "initContainers": [{"name": "wait", "image": "daemon:1", "args": ["wait-for-config"]}],
                    "containers": [_container()],
                    "volumes": [
                        {"name": "devicesock", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}},
                        {"name": "config", "configMap": {"name": "device-plugin-config"}},
                        {"name": "tmp", "emptyDir": {}},
                    ],
                },
            },
        },
    }


def served_daemon_set() -> dict[str, Any]:
    """The same as an API server gives it back: defaults filled in, zeros left out, amounts in their short form."""
    found = daemon_set()
    found["metadata"] |= {
        "uid": "0a1b",
        "resourceVersion": "4711",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "sriov-network-operator", "operation": "Update", "fieldsV1": {"f:spec": {}}}],
    }
    found["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "3"
    found["status"] = {"currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberMisscheduled": 0}
    found["spec"]["revisionHistoryLimit"] = 10
    found["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] = 0
    template = found["spec"]["template"]
    template["metadata"]["creationTimestamp"] = None
    pod = template["spec"]
    del pod["hostPID"]
    pod |= {
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccount": "sriov-device-plugin",
        "terminationGracePeriodSeconds": 30,
    }
    for container in (*pod["initContainers"], *pod["containers"]):
        container |= {
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
        container.setdefault("resources", {})
    container = pod["containers"][0]
    del container["env"][1]["value"], container["volumeMounts"][1]["readOnly"]
    container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    container["ports"][0]["protocol"] = "TCP"
    container["resources"]["requests"] = {"cpu": "1", "memory": "1Gi"}
    container["readinessProbe"] |= {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1}
    container["readinessProbe"]["httpGet"]["scheme"] = "HTTP"
    pod["volumes"][0]["hostPath"]["type"] = ""
    pod["volumes"][1]["configMap"]["defaultMode"] = 420
    return found


def owner(uid: str) -> dict[str, Any]:
    """A reference to the operator's configuration."""
    return {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovOperatorConfig",
        "name": "default",
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def webhooks(*hooks: tuple[str, str | None]) -> dict[str, Any]:
    """A webhook configuration of names and certificates; None leaves the field out."""
    found = []
    for name, bundle in hooks:
        client: dict[str, Any] = {"service": {"name": "webhook", "namespace": "operator", "path": "/mutate"}}
        found.append({"name": name, "clientConfig": client | ({} if bundle is None else {"caBundle": bundle})})
    return {"kind": "MutatingWebhookConfiguration", "metadata": {"name": "config"}, "webhooks": found}


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything that holds nothing else: texts, numbers, truths, empty lists and mappings."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    paths = [found for key, one in inner for found in leaves(one, (*path, key))]
    yield from paths or [path]


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with another value at the path."""
    found = copy.deepcopy(value)
    at(found, path[:-1])[path[-1]] = new
    return found


def without(value: Any, path: Path) -> Any:
    """A copy without the field or element at the path."""
    found = copy.deepcopy(value)
    del at(found, path[:-1])[path[-1]]
    return found


def at(value: Any, path: Path) -> Any:
    """What is at the path."""
    for key in path:
        value = value[key]
    return value


def _container() -> dict[str, Any]:
    return {
        "name": "device-plugin",
        "image": "device-plugin:1",
        "command": ["sriovdp"],
        "args": ["--log-level=10", "--use-cdi"],
        "env": [
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "EMPTY", "value": ""},
            {"name": "DEV_MODE", "value": "FALSE"},
        ],
        "ports": [{"name": "metrics", "containerPort": 9110}],
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"memory": "2Gi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 9110}, "timeoutSeconds": 5},
        "securityContext": {"privileged": True, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/pcidp", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp", "readOnly": False},
        ],
    }


def _affinity() -> dict[str, Any]:
    expressions = [{"key": "node-role.kubernetes.io/master", "operator": "Exists"}]
    required = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
