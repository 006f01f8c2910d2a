"""Shall a pod be admitted, and which patch makes it request the devices of its networks? Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from sriov_core.api.fault import legible, shown
from sriov_core.api.shape import described
from sriov_core.injection.fields import Refused, entries, mapping, refusal, text
from sriov_core.injection.networks import DEFAULT_NETWORK, NETWORKS, default_network, networks
from sriov_core.injection.patch import Change, Operation, add
from sriov_core.injection.podnetinfo import podnetinfo_change
from sriov_core.injection.resources import resource_change
from sriov_core.injection.switches import PLAIN, Switches, UserInjection
from sriov_core.injection.wanted import RESOURCE_NAME, Lookup, Search, wanted

MULTUS_NAMESPACE = "kube-system"

_ALLOWED = "allowed"
# As the network-resources-injector says it, for whoever matches the words.
_SKIPPED = "Pod spec doesn't have network annotations. Skipping..."


@attrs.frozen(kw_only=True)
class Injection:
    """The answer for one pod.

    ``operations`` is its JSON patch, empty when nothing is to be changed; a pod that is not ``allowed`` has none, and
    ``message`` says why, where and what to do. ``warnings`` are for whoever creates the pod.
    """

    allowed: bool
    message: str
    operations: tuple[Operation, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Case:
    """A pod and where it is created; ``own`` and ``annotations`` are before and after user-defined injections."""

    pod: Mapping[str, Any]
    namespace: str
    multus_namespace: str
    own: Mapping[str, Any]
    annotations: Mapping[str, Any]

    def searches(self) -> Iterator[Search]:
        """The pod's networks in the order in which they are counted, and where to look for each."""
        path = _place(DEFAULT_NETWORK)
        default = default_network(text(self.annotations.get(DEFAULT_NETWORK), path), path)
        if default:
            places = (default.namespace,) if default.namespace else (self.multus_namespace, self.namespace)
            yield Search(default, tuple(dict.fromkeys(places)))
        path = _place(NETWORKS)
        for network in networks(text(self.annotations.get(NETWORKS), path), path):
            yield Search(network, (network.namespace or self.namespace,))


def inject(
    pod: Any,
    *,
    namespace: str,
    lookup: Lookup,
    switches: Switches = PLAIN,
    resource_keys: Sequence[str] = (RESOURCE_NAME,),
    multus_namespace: str = MULTUS_NAMESPACE,
) -> Injection:
    """The answer for a pod as parsed from JSON, of whatever shape; the pod is not changed.

    ``namespace`` is the one the pod is created in. ``resource_keys`` are the annotations of a network that name
    resources. A default network without a namespace is looked for in ``multus_namespace``, as multus does, then in the
    pod's own. Only what ``lookup`` raises is raised.
    """
    try:
        metadata = mapping(mapping(pod, "").get("metadata"), "metadata")
        own = mapping(metadata.get("annotations"), "metadata.annotations")
        added, remarks = _user_annotations(mapping(metadata.get("labels"), "metadata.labels"), own, switches.injections)
        annotations = {**own, **added}
        case = _Case(pod=pod, namespace=namespace, multus_namespace=multus_namespace, own=own, annotations=annotations)
        change = _change(case, lookup, switches, resource_keys)
    except Refused as err:
        return Injection(allowed=False, message=str(err))
    named = NETWORKS in annotations or DEFAULT_NETWORK in annotations
    message = _ALLOWED if named or change.operations else _SKIPPED
    return Injection(allowed=True, message=message, operations=change.operations, warnings=(*remarks, *change.warnings))


def _change(case: _Case, lookup: Lookup, switches: Switches, resource_keys: Sequence[str]) -> Change:
    found = wanted(tuple(case.searches()), lookup, resource_keys)
    change = Change(warnings=found.warnings)
    if DEFAULT_NETWORK in case.annotations and not case.annotations[DEFAULT_NETWORK]:
        change += Change(warnings=(f"{_place(DEFAULT_NETWORK)} is empty: multus does not start such a pod. Remove it",))
    if found.resources:
        containers = _containers(case.pod)
        change += resource_change(containers, found.resources, honor_existing=switches.honor_existing)
        change += podnetinfo_change(case.pod, containers, hugepages=switches.hugepages)
    if case.annotations != case.own:
        change += Change((add(dict(case.annotations), "metadata", "annotations"),))
    return change + _node_selector(case.pod, found.labels)


def _user_annotations(
    labels: Mapping[str, Any], own: Mapping[str, Any], injections: Sequence[UserInjection]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The annotations that user-defined injections give a pod with these labels, and remarks about clashes."""
    added: dict[str, str] = {}
    givers: dict[str, str] = {}
    remarks = []
    for injection in sorted(injections, key=lambda one: one.label):
        if text(labels.get(injection.label), f"metadata.labels[{legible(injection.label)}]").lower() != "true":
            continue
        for key, value in injection.annotations:
            if key in added:
                both = f"the labels {legible(givers[key])} and {legible(injection.label)} both inject it"
                remarks.append(f"{_place(key)}: {both}; the first one wins")
                continue
            if own.get(key, value) != value:
                by = f"the injection of the label {legible(injection.label)}"
                remarks.append(f"{_place(key)}: {shown(own[key])} is replaced by {by}")
            added[key], givers[key] = value, injection.label
    return added, tuple(remarks)


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = entries(mapping(pod.get("spec"), "spec").get("containers"), "spec.containers")
    if not found:
        raise refusal("spec.containers", "the pod has no container that could use its networks", "Add one")
    for position, container in enumerate(found):
        if not isinstance(container, Mapping):
            text_ = f"found {described(container)}, wanted a mapping"
            raise refusal(f"spec.containers[{position}]", text_, "Write the container's name and image")
    return found


def _node_selector(pod: Mapping[str, Any], labels: Mapping[str, str]) -> Change:
    """The node labels of the networks beside the pod's own, which they beat."""
    if not labels:
        return Change()
    if pod.get("spec") is None:
        raise refusal("spec", "the field is missing", "Add it, with the pod's containers")
    own = mapping(mapping(pod["spec"], "spec").get("nodeSelector"), "spec.nodeSelector")
    merged = {**own, **labels}
    if merged == own:
        return Change()
    beaten = (key for key, value in labels.items() if own.get(key, value) != value)
    remarks = (
        f"spec.nodeSelector[{legible(key)}]: {shown(own[key])} is replaced by {shown(labels[key])}, as a network wants"
        for key in beaten
    )
    return Change((add(merged, "spec", "nodeSelector"),), tuple(remarks))


def _place(key: str) -> str:
    return f"metadata.annotations[{legible(key)}]"
