"""A cluster of networks and attachments as values: decisions are carried out on it, in whole or in part."""

import copy
from typing import Any

import attrs
import msgspec

from sriov_core.api import keys
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_operator.attachments import (
    Action,
    AddFinalizer,
    CreateAttachment,
    Decision,
    DeleteAttachment,
    RemoveFinalizer,
    SetLastNamespace,
    UpdateAttachment,
    decide,
    places,
)

OPERATOR = "operator"
KINDS: dict[str, type[Network]] = {
    "SriovNetwork": SriovNetwork,
    "SriovIBNetwork": SriovIBNetwork,
    "OVSNetwork": OVSNetwork,
}


def network(kind: str = "SriovNetwork", name: str = "net1", namespace: str = OPERATOR, **more: Any) -> dict[str, Any]:
    """A network as the API server has it; ``annotations`` go to the metadata, all else to the spec."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{kind}-{namespace}-{name}", "generation": 1}
    metadata["annotations"] = more.pop("annotations", {})
    return {"kind": kind, "metadata": metadata, "spec": {"resourceName": "resource_1", **more}}


@attrs.define
class Cluster:
    """Namespaces, and attachments by namespace and name. Every write gives an attachment a new resource version."""

    namespaces: set[str] = attrs.field(factory=lambda: {OPERATOR, "default", "blue"})
    attachments: dict[tuple[str, str], dict[str, Any]] = attrs.field(factory=dict)
    version: int = 0

    def decision(self, body: dict[str, Any]) -> Decision:
        """What is decided about the network as things are."""
        wire = msgspec.convert(body, KINDS[body["kind"]])
        looked = places(wire)
        name = wire.metadata.name
        return decide(
            wire,
            found=copy.deepcopy(self.attachments.get((looked.target, name))),
            former=copy.deepcopy(self.attachments.get((looked.former, name))),
            namespace_exists=looked.target in self.namespaces,
            operator_namespace=OPERATOR,
            resource_prefix="openshift.io",
        )

    def settle(self, body: dict[str, Any], steps: int | None = None) -> Decision:
        """One pass; ``steps`` breaks it off after so many actions."""
        decision = self.decision(body)
        for action in decision.actions[:steps]:
            self._carry_out(action, body["metadata"])
        return decision

    def _carry_out(self, action: Action, metadata: dict[str, Any]) -> None:
        match action:
            case AddFinalizer():
                metadata.setdefault("finalizers", []).append(keys.NETWORK_FINALIZER)
            case RemoveFinalizer():
                metadata["finalizers"].remove(keys.NETWORK_FINALIZER)
            case SetLastNamespace(namespace):
                metadata["annotations"][keys.LAST_NAMESPACE] = namespace
            case DeleteAttachment(namespace, name, uid, version):
                seen = self.attachments.pop((namespace, name))["metadata"]
                assert (seen["uid"], seen["resourceVersion"]) == (uid, version)
            case CreateAttachment(body):
                place = (body["metadata"]["namespace"], body["metadata"]["name"])
                assert place not in self.attachments
                assert place[0] in self.namespaces
                self.put(body, uid=f"uid-{self.version}")
            case UpdateAttachment(body):
                place = (body["metadata"]["namespace"], body["metadata"]["name"])
                assert self.attachments[place]["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]
                self.put(body)

    def put(self, body: dict[str, Any], **metadata: Any) -> dict[str, Any]:
        """Store an attachment and give back what is stored."""
        self.version += 1
        stored = copy.deepcopy(body)
        stored["metadata"] |= {"resourceVersion": str(self.version), **metadata}
        self.attachments[stored["metadata"]["namespace"], stored["metadata"]["name"]] = stored
        return stored

    @property
    def there(self) -> list[str]:
        """Where attachments are, in order."""
        return sorted(f"{namespace}/{name}" for namespace, name in self.attachments)
