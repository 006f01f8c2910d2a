"""What a pod's networks ask of it, read from their NetworkAttachmentDefinitions. Nothing here does I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from sriov_core.api.fault import Fault, legible, shown
from sriov_core.injection.fields import Refused, mapping, refusal, text
from sriov_core.injection.networks import Attachment

RESOURCE_NAME = "k8s.v1.cni.cncf.io/resourceName"
NODE_SELECTOR = "k8s.v1.cni.cncf.io/nodeSelector"

Lookup = Callable[[str, str], Mapping[str, Any] | None]
"""A NetworkAttachmentDefinition by namespace and name, as parsed from JSON; None when there is none."""


@attrs.frozen
class Search:
    """A network and the namespaces in which its definition may be, the right one first."""

    attachment: Attachment
    namespaces: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Wanted:
    """``resources`` counts devices by resource, in the order of first mention; ``labels`` are those of fit nodes."""

    resources: Mapping[str, int] = attrs.field(factory=dict)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    warnings: tuple[str, ...] = ()


def wanted(searches: Sequence[Search], lookup: Lookup, resource_keys: Sequence[str]) -> Wanted:
    """What the networks ask for together.

    Of two networks that want different values of a node label, the later one wins, with a warning. Raises Refused for
    a network whose definition is missing or cannot be read.
    """
    resources: dict[str, int] = {}
    labels: dict[str, str] = {}
    warnings: list[str] = []
    for search in searches:
        called, annotations = _definition(search, lookup, warnings)
        for resource in _resources(called, annotations, resource_keys, warnings):
            resources[resource] = resources.get(resource, 0) + 1
        for key, value in _labels(called, annotations, warnings):
            if labels.get(key, value) != value:
                both = f"{shown(labels[key])} and {shown(value)}"
                warnings.append(f"networks want the node label {legible(key)} to be {both}; the last one wins")
            labels[key] = value
    return Wanted(resources=resources, labels=labels, warnings=tuple(dict.fromkeys(warnings)))


def _definition(search: Search, lookup: Lookup, warnings: list[str]) -> tuple[str, Mapping[str, Any]]:
    """How messages call the definition of a network, and its annotations."""
    wish = search.attachment
    if wish.remark:
        warnings.append(f"{wish.path}: {wish.remark}")
    namespaces = tuple(filter(None, search.namespaces))
    if not namespaces:
        raise refusal(wish.path, "the namespace of the pod is not known", f"Write namespace/{wish.name}")
    for namespace in namespaces:
        found = lookup(namespace, wish.name)
        if found is None:
            continue
        if namespace != namespaces[0]:
            only = f"{wish.name} is in the pod's namespace only, and multus looks for it in {namespaces[0]}"
            warnings.append(f"{wish.path}: {only}. Write {namespace}/{wish.name}")
        called = f"NetworkAttachmentDefinition {namespace}/{wish.name}"
        return called, _annotations(called, found)
    # The words before the first name are those of the network-resources-injector, for whoever matches them.
    places = " or ".join(f"'{namespace}/{wish.name}'" for namespace in namespaces)
    missing = f"could not find network attachment definition {places}: {wish.path} names it"
    raise refusal("", missing, "Create it, or correct the name")


def _annotations(called: str, found: Any) -> Mapping[str, Any]:
    try:
        metadata = mapping(mapping(found, "").get("metadata"), "metadata")
        return mapping(metadata.get("annotations"), "metadata.annotations")
    except Refused as err:
        raise _of(called, err) from err


def _resources(called: str, annotations: Mapping[str, Any], keys: Sequence[str], warnings: list[str]) -> Iterator[str]:
    for key in keys:
        if key not in annotations:
            continue
        resource = _annotation(called, annotations, key)
        if resource.strip():
            yield resource
        else:
            warnings.append(f"{called}: the annotation {key} is empty, so no device is requested for this network")


def _labels(called: str, annotations: Mapping[str, Any], warnings: list[str]) -> Iterator[tuple[str, str]]:
    """The node label that the definition asks for, if it does: ``key=value``, or ``key`` for an empty value."""
    if NODE_SELECTOR not in annotations:
        return
    value = _annotation(called, annotations, NODE_SELECTOR)
    if not value.strip():
        warnings.append(f"{called}: the annotation {NODE_SELECTOR} is empty, so any node will do")
        return
    key, *rest = (part.strip() for part in value.split("="))
    if len(rest) > 1 or not key:
        fault = Fault(
            _place(NODE_SELECTOR), f"found {shown(value)}, wanted one node label as key=value", "Name one label"
        )
        raise _of(called, Refused(fault))
    yield key, "".join(rest)


def _annotation(called: str, annotations: Mapping[str, Any], key: str) -> str:
    try:
        return text(annotations[key], _place(key))
    except Refused as err:
        raise _of(called, err) from err


def _place(key: str) -> str:
    return f"metadata.annotations[{key}]"


def _of(called: str, err: Refused) -> Refused:
    """The same mistake, said to be in that object."""
    return Refused(attrs.evolve(err.fault, path=", ".join(filter(None, (called, err.fault.path)))))
