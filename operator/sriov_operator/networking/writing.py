"""Carries out what was decided about a network, action by action, and writes its condition. Nothing is decided here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from sriov_core.api import keys
from sriov_core.api.conditions import ACCEPTED, Condition, changes
from sriov_core.api.networks import Network
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.recorder import reference
from sriov_core.kube.resource import ATTACHMENTS, OURS
from sriov_operator.attachments import (
    Action,
    AddFinalizer,
    CreateAttachment,
    DeleteAttachment,
    RemoveFinalizer,
    SetLastNamespace,
    UpdateAttachment,
)
from sriov_operator.process.context import Context
from sriov_operator.stored import joined


def told(network: Network, ready: Condition, accepted: Condition | None, now: datetime) -> tuple[Condition, ...]:
    """The conditions of the network with these in them; equal to those it has when there is nothing to write."""
    return joined(network.status.conditions, (ready,), accepted, now.strftime("%Y-%m-%dT%H:%M:%SZ"))


@attrs.frozen
class Writer:
    """Writes about one network, as it was just read from the API server. Every method raises `ApiFailure`.

    ``accepted`` is its condition about fields that nobody acts on, None without any.
    """

    context: Context
    network: Network
    accepted: Condition | None

    def carry_out(self, actions: tuple[Action, ...]) -> None:
        """All of it in order; it ends with the first one that fails."""
        for action in actions:
            self._carry_out(action)

    def tell(self, ready: Condition) -> None:
        """Write the conditions and their events, when they say something new."""
        after = told(self.network, ready, self.accepted, self.context.now())
        if after == self.network.status.conditions:
            return
        own = [one for one in after if one.type in (ready.type, ACCEPTED)]
        metadata = {"namespace": self.network.metadata.namespace, "uid": self.network.metadata.uid}
        body = {"metadata": metadata, "status": {"conditions": msgspec.to_builtins(own)}}
        resource, name = OURS[self.network.kind], self.network.metadata.name
        self._client.apply(resource, name, body, self.network.metadata.namespace, subresource="status")
        about = reference(self.network)
        for change in changes(self.network.status.conditions, after):
            self.context.recorder.tell(about, change.event_type, change.reason, change.action, change.note)

    @property
    def _client(self) -> Client:
        return self.context.client

    def _carry_out(self, action: Action) -> None:
        finalizers = self.network.metadata.finalizers
        match action:
            case AddFinalizer():
                self._set_finalizers((*finalizers, keys.NETWORK_FINALIZER))
            case RemoveFinalizer():
                self._set_finalizers(tuple(one for one in finalizers if one != keys.NETWORK_FINALIZER))
            case SetLastNamespace(namespace):
                self._patch({"uid": self.network.metadata.uid, "annotations": {keys.LAST_NAMESPACE: namespace}})
            case DeleteAttachment():
                self._delete(action)
            case CreateAttachment(body):
                self._client.create(ATTACHMENTS, body, body["metadata"]["namespace"])
                self._count("created")
            case UpdateAttachment(body):
                metadata = body["metadata"]
                self._client.replace(ATTACHMENTS, metadata["name"], body, metadata["namespace"])
                self._count("updated")

    def _set_finalizers(self, finalizers: tuple[str, ...]) -> None:
        """The version is a precondition, because the whole list is replaced and others have theirs in it."""
        self._patch({"resourceVersion": self.network.metadata.resource_version, "finalizers": finalizers})

    def _patch(self, metadata: Mapping[str, Any]) -> None:
        """Of the network; the uid or version in it is a precondition (Conflict)."""
        here = self.network.metadata
        self._client.merge_patch(OURS[self.network.kind], here.name, {"metadata": metadata}, here.namespace)

    def _delete(self, action: DeleteAttachment) -> None:
        seen, version = action.uid, action.resource_version
        try:
            self._client.delete(ATTACHMENTS, action.name, action.namespace, uid=seen, resource_version=version)
        except NotFound:
            return
        self._count("deleted")

    def _count(self, action: str) -> None:
        self.context.metrics.count("attachments", action=action)
