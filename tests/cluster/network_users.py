"""Networks and attachments as a user of the cluster sees them, while an operator serves them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from operator_runs import Running, account, until
from servers import Server
from servers_admin import MERGE

KINDS = {"SriovNetwork": "sriovnetworks", "SriovIBNetwork": "sriovibnetworks", "OVSNetwork": "ovsnetworks"}
HOME = "networks-operator"
GROUP = "sriovnetwork.openshift.io"
CONFIG = f"/apis/{GROUP}/v1/namespaces/{HOME}/sriovoperatorconfigs/default"
OWNER = f"{GROUP}/owner-ref"
FINALIZER = f"netattdef.finalizers.{GROUP}"
NADS = "network-attachment-definitions"
COST = 4
"""Writes for a new network: its finalizer, its note, its attachment, its condition."""


@attrs.define
class Cluster:
    """The view of a user: networks in, attachments and status out."""

    server: Server
    operator: Running

    def path(self, kind: str, name: str, namespace: str = HOME) -> str:
        return f"/apis/{GROUP}/v1/namespaces/{namespace}/{KINDS[kind]}/{name}"

    def create(self, kind: str, name: str, namespace: str = HOME, **spec: Any) -> dict[str, Any]:
        """A network; ``annotations`` and ``labels`` go to its metadata."""
        metadata = {"name": name, "namespace": namespace}
        metadata |= {key: spec.pop(key) for key in ("annotations",) if key in spec}
        body = {"kind": kind, "metadata": metadata, "spec": {"resourceName": "resource_1", **spec}}
        collection = self.path(kind, name, namespace).rpartition("/")[0]
        made: dict[str, Any] = self.server.admin.done("POST", collection, {"apiVersion": f"{GROUP}/v1", **body})
        return made

    def change(self, kind: str, name: str, namespace: str = HOME, **spec: Any) -> dict[str, Any]:
        """Set fields of the spec; None removes one."""
        path = self.path(kind, name, namespace)
        changed: dict[str, Any] = self.server.admin.done("PATCH", path, {"spec": spec}, content_type=MERGE)
        return changed

    def delete(self, kind: str, name: str, namespace: str = HOME) -> None:
        self.server.admin.done("DELETE", self.path(kind, name, namespace))

    def network(self, kind: str, name: str, namespace: str = HOME) -> dict[str, Any] | None:
        return self.server.admin.find(self.path(kind, name, namespace))

    def nad(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.server.admin.find(f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/{NADS}/{name}")

    def patch_nad(self, namespace: str, name: str, patch: dict[str, Any]) -> dict[str, Any]:
        path = f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/{NADS}/{name}"
        changed: dict[str, Any] = self.server.admin.done("PATCH", path, patch, content_type=MERGE)
        return changed

    def delete_nad(self, namespace: str, name: str) -> None:
        self.server.admin.done("DELETE", f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/{NADS}/{name}")

    def config(self, namespace: str, name: str) -> dict[str, Any]:
        found = self.nad(namespace, name)
        assert found is not None
        config: dict[str, Any] = json.loads(found["spec"]["config"])
        return config

    def condition(self, kind: str, name: str, namespace: str = HOME) -> dict[str, Any]:
        found = self.network(kind, name, namespace) or {}
        conditions = (found.get("status") or {}).get("conditions") or []
        return next((one for one in conditions if one["type"] == "Ready"), {})

    def ready(self, kind: str, name: str, namespace: str = HOME, *, status: str = "True") -> dict[str, Any]:
        """The condition, once it says so of the spec as it is now."""

        def found() -> dict[str, Any] | None:
            network = self.network(kind, name, namespace)
            condition = self.condition(kind, name, namespace)
            current = network and condition.get("observedGeneration") == network["metadata"]["generation"]
            return condition if current and condition["status"] == status else None

        return until(found)

    def events(self, name: str, namespace: str = HOME) -> list[tuple[str, str]]:
        """Type and reason of what was told about a network, in any order."""
        listed = self.server.admin.done("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")["items"]
        return [(one["type"], one["reason"]) for one in listed if one["regarding"]["name"] == name]

    def asked(self, name: str, *methods: str) -> int:
        """How often this operator has asked for that about networks that are called so, and their attachments.

        These have to be in a namespace of that name, too. What other tests have left is looked after at any time.
        """
        resources, found = {*KINDS.values(), NADS}, 0
        for method, path in self.operator.sent.requests:
            parts = path.partition("?")[0].split("/")
            is_about = any(part.startswith(name) for part in parts) and not resources.isdisjoint(parts)
            found += method in methods and is_about
        return found

    def writes_about(self, name: str) -> int:
        """How many of these change something."""
        return self.asked(name, "POST", "PUT", "PATCH", "DELETE")

    def settled(self) -> None:
        """Wait until the operator has seen all that happened before."""
        self.create("SriovNetwork", "last-of-all")
        self.ready("SriovNetwork", "last-of-all")
        self.delete("SriovNetwork", "last-of-all")
        until(lambda: not self.network("SriovNetwork", "last-of-all"))

    def unconfigure(self) -> None:
        """Take the configuration away, and wait until the operator knows: of networks it hears by other watches."""
        self.server.admin.remove(CONFIG)
        until(lambda: self.operator.counted("config_missing") == 1)

    def clear(self) -> None:
        """Take away the networks that tests have left; whatever becomes of those may come at any time."""
        for kind, plural in KINDS.items():
            listed = f"/apis/{GROUP}/v1/namespaces/{HOME}/{plural}"
            for found in self.server.admin.done("GET", listed)["items"]:
                self.server.admin.remove(self.path(kind, found["metadata"]["name"]))

    def start_operator(self) -> None:
        """Another one, after the last has ended."""
        self.operator = Running.start(account(self.server, HOME), HOME)


def configure(server: Server) -> None:
    """The configuration without which nothing is touched."""
    config = {"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig", "spec": {}}
    server.admin.create({**config, "metadata": {"name": "default", "namespace": HOME}})


@contextmanager
def served(server: Server) -> Iterator[Cluster]:
    """An operator in a namespace of its own that serves all networks."""
    server.admin.create_namespace(HOME)
    configure(server)
    try:
        cluster = Cluster(server, Running.start(account(server, HOME), HOME))
        until(lambda: cluster.operator.leads)
        yield cluster
        assert cluster.operator.stop() == 0
    finally:
        server.admin.remove_namespace(HOME)
