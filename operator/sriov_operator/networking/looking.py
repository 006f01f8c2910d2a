"""Asks the API server for a network and its attachments as they are now, also for a network that does not fit its kind.

Such a network shall say what is wrong, and go when it is deleted.
"""

import attrs
import msgspec

from sriov_core.api.conditions import Condition
from sriov_core.api.fault import Fault
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.kube.client import Client, Object
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import ATTACHMENTS, NAMESPACES, OURS
from sriov_operator.networking.index import Key
from sriov_operator.networking.lean import LeanNamespace
from sriov_operator.stored import acceptance, conditions, mistakes, part

TYPES: dict[str, type[Network]] = {
    "SriovNetwork": SriovNetwork,
    "SriovIBNetwork": SriovIBNetwork,
    "OVSNetwork": OVSNetwork,
}


@attrs.frozen(kw_only=True)
class Found:
    """A network as it is now. With ``mistakes``, its spec has nothing but the namespace of its attachment.

    ``accepted`` is the condition about fields that nobody acts on, None without any.
    """

    network: Network
    mistakes: tuple[Fault, ...] = ()
    accepted: Condition | None = None


def network_now(client: Client, key: Key) -> Found | None:
    """The network, None when it has gone. Raises `ApiFailure`."""
    namespace, _, name = key.place.partition("/")
    try:
        return read(key.kind, client.get(OURS[key.kind], name, namespace))
    except NotFound:
        return None


def attachment_now(client: Client, namespace: str, name: str) -> Object | None:
    """The attachment of that name, None when there is none. Raises `ApiFailure`."""
    try:
        return client.get(ATTACHMENTS, name, namespace)
    except NotFound:
        return None


def takes_objects_now(client: Client, namespace: str) -> bool:
    """True when the namespace is there, and is not about to go. Raises `ApiFailure`."""
    try:
        return client.get(NAMESPACES, namespace, type=LeanNamespace).takes_objects
    except NotFound:
        return False


def read(kind: str, stored: Object) -> Found:
    """A network as the API server stores it; nothing of it is sure but its metadata."""
    accepted = acceptance(stored)
    try:
        return Found(network=msgspec.convert(stored, TYPES[kind]), accepted=accepted)
    except msgspec.ValidationError as error:
        found = mistakes(stored) or (Fault("", str(error), "Correct the field"),)
        return Found(network=_outline(kind, stored), mistakes=found, accepted=accepted)


def _outline(kind: str, stored: Object) -> Network:
    namespace = part(stored, "spec").get("networkNamespace")
    outline = {
        "metadata": stored["metadata"],
        "spec": {"resourceName": "", "networkNamespace": namespace if isinstance(namespace, str) else ""},
        "status": {"conditions": msgspec.to_builtins(conditions(stored))},
    }
    return msgspec.convert(outline, TYPES[kind])
