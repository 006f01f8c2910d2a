"""The fixture of the injection tests: pods and networks in a line each, and the operations that recur."""

import copy
from typing import Any

from sriov_core.injection.inject import Injection, inject

NETWORKS = "k8s.v1.cni.cncf.io/networks"
DEFAULT = "v1.multus-cni.io/default-network"
RESOURCE = "k8s.v1.cni.cncf.io/resourceName"
SELECTOR = "k8s.v1.cni.cncf.io/nodeSelector"


def network(**annotations: Any) -> dict[str, Any]:
    """A NetworkAttachmentDefinition with these annotations, named ``resource``, ``selector`` and ``second`` here."""
    keys = {"resource": RESOURCE, "selector": SELECTOR, "second": "vendor/res2"}
    return {"metadata": {"annotations": {keys[name]: value for name, value in annotations.items()}}}


DEFINITIONS: dict[tuple[str, str], Any] = {
    ("ns1", "a"): network(resource="intel.com/nicA"),
    ("ns1", "b"): network(resource="intel.com/nicA"),
    ("ns1", "c"): network(resource="intel.com/nicC"),
    ("ns1", "plain"): {"metadata": {}},
    ("ns1", "ns"): network(resource="intel.com/nicN", selector="zone = east"),
    ("ns1", "west"): network(selector="zone=west"),
    ("ns1", "gpu"): network(selector="gpu"),
    ("ns1", "anywhere"): network(resource="intel.com/nicA", selector=" "),
    ("ns1", "two-labels"): network(selector="a=b=c"),
    ("ns1", "no-label"): network(selector="=east"),
    ("ns1", "empty"): network(resource=" "),
    ("ns1", "number"): network(resource=5),
    ("ns1", "both"): network(resource="intel.com/nicA", second="intel.com/nicB"),
    ("ns1", "net.one"): network(resource="intel.com/nicA"),
    ("ns1", "bare"): {},
    ("ns1", "crooked"): {"metadata": {"annotations": ["x"]}},
    ("kube-system", "main"): network(resource="intel.com/nicM"),
}


def lookup(namespace: str, name: str) -> Any:
    return DEFINITIONS.get((namespace, name))


def pod(
    networks: Any = None, *, default: Any = None, labels: Any = None, containers: Any = None, **spec: Any
) -> dict[str, Any]:
    """A pod as the API server shows it to webhooks; one container c0 unless given."""
    annotations = {key: value for key, value in ((NETWORKS, networks), (DEFAULT, default)) if value is not None}
    metadata = {"annotations": annotations or None, "labels": labels}
    return {
        "metadata": {"name": "p", **{key: value for key, value in metadata.items() if value is not None}},
        "spec": {"containers": [container()] if containers is None else containers, **spec},
    }


def container(name: str = "c0", *, both: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A container; ``both`` are its requests and its limits."""
    resources = {"requests": both, "limits": both} if both else {}
    return {"name": name, "resources": copy.deepcopy(resources), **fields}


def injected(subject: Any, **settings: Any) -> Injection:
    """The answer for a pod of namespace ns1."""
    return inject(subject, **{"namespace": "ns1", "lookup": lookup, **settings})


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


RESOURCES = "/spec/containers/0/resources"
EMPTY = [add(f"{RESOURCES}/requests", {}), add(f"{RESOURCES}/limits", {})]


def pair(resource: str, requests: str = "1", limits: str | None = None) -> list[dict[str, Any]]:
    """The request and the limit of a resource of intel.com."""
    key = f"intel.com~1{resource}"
    return [add(f"{RESOURCES}/requests/{key}", requests), add(f"{RESOURCES}/limits/{key}", limits or requests)]


def mount(position: int = 0) -> list[dict[str, Any]]:
    """The mount of podnetinfo in a container without mounts."""
    path = f"/spec/containers/{position}/volumeMounts"
    return [add(path, []), add(f"{path}/-", {"name": "podnetinfo", "readOnly": True, "mountPath": "/etc/podnetinfo"})]


def volume(*parts: str, hugepages: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    """The volume podnetinfo in a pod without volumes; ``parts`` are labels and annotations."""
    items = [{"path": part, "fieldRef": {"fieldPath": f"metadata.{part}"}} for part in parts]
    value = {"name": "podnetinfo", "downwardAPI": {"items": [*items, *hugepages]}}
    return [add("/spec/volumes", []), add("/spec/volumes/-", value)]


VOL = [*mount(), *volume("annotations")]
