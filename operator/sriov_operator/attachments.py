"""What to do about one network: which NetworkAttachmentDefinition is made, changed or deleted, and what is reported.

One pass looks at the network and at the attachments at its `places`, decides here, and carries the actions out.
Each is safe to repeat, so a pass that breaks off anywhere is continued by the next. Nothing here does I/O.
"""

import enum
from collections.abc import Sequence
from typing import Any, Literal

import attrs

from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_core.api.fault import Fault
from sriov_core.api.networks import Network
from sriov_core.policy.attachment import API, KIND, attachment, faults, owner, target_namespace
from sriov_core.policy.names import is_namespace_name
from sriov_operator.configuration import MISSING

_MOST_TOLD = 10


class Reason(enum.StrEnum):
    """Why a network is ready, or not: the words that existing alerts look for."""

    READY = "NetworkReady"
    INVALID = "NetworkAttachmentDefinitionInvalid"
    UNREAD = "NetworkAttachmentDefinitionNotFound"
    NO_NAMESPACE = "NamespaceNotFound"
    NO_CONFIGURATION = MISSING


@attrs.frozen
class AddFinalizer:
    """Put `keys.NETWORK_FINALIZER` on the network."""


@attrs.frozen
class RemoveFinalizer:
    """Take `keys.NETWORK_FINALIZER` off the network; whatever else is there stays."""


@attrs.frozen
class SetLastNamespace:
    """Write the annotation `keys.LAST_NAMESPACE` of the network; its other annotations stay."""

    namespace: str


@attrs.frozen
class DeleteAttachment:
    """Delete the attachment if it still is what was seen; one that has gone is no error.

    ``uid`` and ``resource_version`` are preconditions of the request: whoever took the attachment over in the meantime
    keeps it.
    """

    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""


@attrs.frozen
class CreateAttachment:
    """Create the attachment."""

    body: dict[str, Any]


@attrs.frozen
class UpdateAttachment:
    """Replace the attachment by ``body``, which has the resource version that was seen."""

    body: dict[str, Any]


Action = AddFinalizer | RemoveFinalizer | SetLastNamespace | DeleteAttachment | CreateAttachment | UpdateAttachment


@attrs.frozen(kw_only=True)
class Decision:
    """Actions in their order. ``ready`` is the condition once all have succeeded; None leaves the status alone."""

    actions: tuple[Action, ...] = ()
    ready: Condition | None = None


@attrs.frozen(kw_only=True)
class Places:
    """Namespaces in which an attachment of the network's name matters; an empty one is not to be looked at.

    ``target`` is where it belongs, ``former`` where an earlier one may be left.
    """

    target: str
    former: str


def places(network: Network) -> Places:
    """Where to look before `decide`. Texts that cannot be the name of a namespace are left out."""
    target, last = target_namespace(network), network.metadata.annotations.get(keys.LAST_NAMESPACE, "")
    return Places(
        target=target if is_namespace_name(target) else "",
        former=last if last != target and is_namespace_name(last) else "",
    )


def decide(
    network: Network,
    *,
    found: dict[str, Any] | None,
    former: dict[str, Any] | None,
    namespace_exists: bool,
    operator_namespace: str,
    resource_prefix: str,
) -> Decision:
    """What to do about the network, given the attachments of its name at both `places`, None where there is none.

    ``namespace_exists`` tells of the target namespace. An attachment is changed only if it is nobody's or this
    network's, and deleted only if it is this network's. A move deletes the old one first, and the annotation names the
    new place before anything is there: wherever a pass breaks off, nothing is left that nobody knows of.
    """
    if network.metadata.deletion_timestamp:
        return _deletion(network, found, former)
    watched = network.metadata.namespace != operator_namespace or keys.NETWORK_FINALIZER in network.metadata.finalizers
    first: tuple[Action, ...] = () if watched else (AddFinalizer(),)
    mistakes = faults(network, operator_namespace=operator_namespace)
    if mistakes:
        return Decision(actions=first, ready=invalid(network, mistakes))
    gone = _deletions(network, former)
    cleared = (SetLastNamespace(""),) if places(network).former else ()
    target = target_namespace(network)
    obstacle = _obstacle(network, found, target, namespace_exists=namespace_exists)
    if obstacle:
        return Decision(actions=(*first, *gone, *cleared), ready=obstacle)
    wanted = attachment(network, operator_namespace=operator_namespace, resource_prefix=resource_prefix)
    noted = network.metadata.annotations.get(keys.LAST_NAMESPACE) == target
    noting = () if noted else (SetLastNamespace(target),)
    return Decision(actions=(*first, *gone, *noting, *_making(found, wanted)), ready=_ready(network, target))


def not_ready(network: Network, reason: Reason, message: str) -> Condition:
    """The condition of a network that is not in place; also for whoever carries out a decision and fails."""
    return _condition(network, "False", reason, message)


def invalid(network: Network, mistakes: Sequence[Fault]) -> Condition:
    """The condition of a network with mistakes."""
    return not_ready(network, Reason.INVALID, _told(mistakes))


def _condition(network: Network, status: Literal["True", "False"], reason: Reason, message: str) -> Condition:
    return Condition(
        type="Ready",
        status=status,
        observed_generation=network.metadata.generation,
        reason=reason.value,
        message=message,
    )


def _ready(network: Network, target: str) -> Condition:
    text = f"the {KIND} {target}/{network.metadata.name} is in place"
    return _condition(network, "True", Reason.READY, text)


def _told(mistakes: Sequence[Fault]) -> str:
    """One text, short enough for a condition (32768 characters) whatever a list in the network holds."""
    more = [f"and {len(mistakes) - _MOST_TOLD} more"] if len(mistakes) > _MOST_TOLD else []
    return "; ".join((*map(str, mistakes[:_MOST_TOLD]), *more))


def _deletion(network: Network, found: dict[str, Any] | None, former: dict[str, Any] | None) -> Decision:
    """Networks without our finalizer have their attachment removed by the garbage collector."""
    if keys.NETWORK_FINALIZER not in network.metadata.finalizers:
        return Decision()
    return Decision(actions=(*_deletions(network, former), *_deletions(network, found), RemoveFinalizer()))


def _deletions(network: Network, seen: dict[str, Any] | None) -> tuple[DeleteAttachment, ...]:
    if seen is None or _owner_of(seen) != owner(network):
        return ()
    metadata = seen["metadata"]
    return (
        DeleteAttachment(
            metadata["namespace"], metadata["name"], metadata.get("uid", ""), metadata.get("resourceVersion", "")
        ),
    )


def _obstacle(
    network: Network, found: dict[str, Any] | None, target: str, *, namespace_exists: bool
) -> Condition | None:
    """What is in the way of an attachment at the target."""
    name = network.metadata.name
    if found is None:
        if namespace_exists:
            return None
        text = f"the namespace {target} of the {KIND} does not exist. Create it, or correct networkNamespace"
        return not_ready(network, Reason.NO_NAMESPACE, text)
    holder = _owner_of(found)
    # The other operator writes "unknown" for an owner whose kind it has lost.
    if holder in {"", owner(network), f"unknown/{network.metadata.namespace}/{name}"}:
        return None
    text = f"the {KIND} {target}/{name} belongs to {holder}. Delete that one, or give this one another name"
    return not_ready(network, Reason.INVALID, text)


def _making(found: dict[str, Any] | None, wanted: dict[str, Any]) -> tuple[CreateAttachment | UpdateAttachment, ...]:
    """Nothing when the attachment is as wanted, whatever else others have written into its metadata."""
    if found is None:
        return (CreateAttachment(wanted),)
    metadata = {
        **found["metadata"],
        "annotations": {**(found["metadata"].get("annotations") or {}), **wanted["metadata"]["annotations"]},
    }
    owners = found["metadata"].get("ownerReferences") or []
    added = [own for own in wanted["metadata"].get("ownerReferences", []) if not _has(owners, own)]
    if added:
        metadata["ownerReferences"] = [*(one for one in owners if not _is_former_life(one, added[0])), *added]
    if metadata == found["metadata"] and wanted["spec"] == found.get("spec"):
        return ()
    return (UpdateAttachment({**found, "apiVersion": API, "kind": KIND, "metadata": metadata, "spec": wanted["spec"]}),)


def _has(owners: list[dict[str, Any]], wanted: dict[str, Any]) -> bool:
    return any(one.get("uid") == wanted["uid"] for one in owners)


def _is_former_life(one: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """True for a reference to an object of this kind and name that was deleted and created anew."""
    return all(one.get(key) == wanted[key] for key in ("apiVersion", "kind", "name"))


def _owner_of(seen: dict[str, Any]) -> str:
    return str((seen["metadata"].get("annotations") or {}).get(keys.OWNER) or "")
