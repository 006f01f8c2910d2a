"""Objects that the operator keeps in the cluster: what to send for one that is there, and whether to send at all.

Objects are plain values as parsed from JSON and are never changed. A write replaces the whole object, so `merged` keeps
what belongs to others.

`differs` has to tell a field that the API server filled in from one that was ours and is not any more. It compares the
fields that we set, lists element by element at equal length, and maps such as nodeSelector key by key. For the kinds of
Kubernetes itself a closed table adds the fields that are ours also when we do not set them, each with what the API
server has there then. Any other field that we do not set is taken for a default, so that a newer API server with more
defaults does not make us write for ever. Nothing here does I/O.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sriov_core.api.fault import Fault
from sriov_core.errors import SpecError
from sriov_core.injection.quantity import amount

Object = dict[str, Any]

# The kind is known to whoever asks for an object, and items of lists come without it; the status is not sent.
_NOT_COMPARED = frozenset({"apiVersion", "kind", "status"})
# Maps of text to text in which every key is ours. Those in the metadata of the object have been overlaid before.
_MAPS = frozenset(
    {"labels", "annotations", "matchLabels", "selector", "nodeSelector", "data", "binaryData", "limits", "requests"}
)
_QUANTITIES = frozenset({"limits", "requests", "sizeLimit"})
# The API server leaves out false, 0 and "", but not in these fields, where they differ from a field that is not set.
_OPTIONAL = frozenset(
    {
        *("allowPrivilegeEscalation", "automountServiceAccountToken", "blockOwnerDeletion", "controller", "fsGroup"),
        *("hostUsers", "immutable", "optional", "privileged", "readOnlyRootFilesystem", "replicas", "runAsGroup"),
        *("runAsNonRoot", "runAsUser", "shareProcessNamespace", "tolerationSeconds"),
    }
)


@attrs.frozen
class _Rules:
    """How objects of a kind are compared; custom resources, by the defaults here, as they were sent.

    ``unset`` has the fields that are ours also when we do not set them, with what is there then; None is nothing.
    """

    unset: Mapping[str, Any] = attrs.field(factory=dict)
    maps: frozenset[str] = frozenset()
    drops_zeros: bool = False


def _rules(nothing: str, **defaults: Any) -> _Rules:
    """Rules of a kind of Kubernetes itself: the words of ``nothing`` are fields without a default."""
    return _Rules({**dict.fromkeys((*nothing.split(), *_MAPS)), **defaults}, _MAPS, drops_zeros=True)


_WORKLOAD = _rules(
    "initContainers volumes imagePullSecrets tolerations affinity hostNetwork hostPID hostIPC hostAliases "
    "hostUsers priorityClassName runtimeClassName serviceAccountName automountServiceAccountToken "
    "shareProcessNamespace dnsConfig topologySpreadConstraints command args env envFrom value valueFrom ports "
    "lifecycle preStop postStart livenessProbe readinessProbe startupProbe workingDir volumeMounts volumeDevices "
    "readOnly subPath subPathExpr initialDelaySeconds mountPropagation items optional sizeLimit medium key "
    "operator effect tolerationSeconds values matchExpressions matchFields nodeAffinity podAffinity "
    "podAntiAffinity requiredDuringSchedulingIgnoredDuringExecution "
    "preferredDuringSchedulingIgnoredDuringExecution privileged allowPrivilegeEscalation readOnlyRootFilesystem "
    "runAsUser runAsGroup runAsNonRoot fsGroup supplementalGroups capabilities add drop seccompProfile "
    "seLinuxOptions",
    dnsPolicy="ClusterFirst",
    failureThreshold=3,
    periodSeconds=10,
    protocol="TCP",
    resources={},
    securityContext={},
    successThreshold=1,
    terminationGracePeriodSeconds=30,
    timeoutSeconds=1,
)
_WEBHOOKS = _rules(
    "webhooks rules matchConditions matchExpressions values url path",
    failurePolicy="Fail",
    matchPolicy="Equivalent",
    namespaceSelector={},
    objectSelector={},
    port=443,
    reinvocationPolicy="Never",
    scope="*",
    timeoutSeconds=10,
)
# An exception in a restriction is no default: what has no rule of ours may have been put there to get around it.
_RESTRICTIONS = _rules(
    "excludeResourceRules resourceNames matchConditions variables auditAnnotations paramKind paramRef matchResources "
    "matchExpressions values",
    matchPolicy="Equivalent",
    namespaceSelector={},
    objectSelector={},
    scope="*",
)
_ACCESS = _rules("rules subjects apiGroups resources resourceNames nonResourceURLs verbs aggregationRule")
_KINDS: Mapping[str, _Rules] = {
    "ClusterRole": _ACCESS,
    "ClusterRoleBinding": _ACCESS,
    "ConfigMap": _rules("immutable"),
    "DaemonSet": _WORKLOAD,
    "Deployment": _WORKLOAD,
    "MutatingWebhookConfiguration": _WEBHOOKS,
    "NetworkPolicy": _rules(
        "ingress egress from to ports port endPort podSelector namespaceSelector ipBlock except matchExpressions "
        "values",
        protocol="TCP",
    ),
    "Role": _ACCESS,
    "RoleBinding": _ACCESS,
    "Service": _rules(
        "ports externalIPs externalName loadBalancerSourceRanges publishNotReadyAddresses appProtocol",
        protocol="TCP",
        sessionAffinity="None",
        type="ClusterIP",
    ),
    "ServiceAccount": _rules("automountServiceAccountToken"),
    "ValidatingAdmissionPolicy": _RESTRICTIONS,
    "ValidatingAdmissionPolicyBinding": _RESTRICTIONS,
    "ValidatingWebhookConfiguration": _WEBHOOKS,
}


def check(desired: Object) -> None:
    """Raise SpecError for an object that is never sent: a ServiceAccount that names the secrets of its tokens."""
    secrets = desired.get("secrets")
    if desired.get("kind") != "ServiceAccount" or not secrets:
        return
    metadata = _part(desired, "metadata")
    called = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    text = f"found {len(secrets)}, wanted none, because the cluster fills them in"
    raise SpecError(f"ServiceAccount {called}: {Fault('secrets', text, 'Remove the field from the manifest')}")


def merged(live: Object, desired: Object) -> Object:
    """The object to send: the desired one with what is others' in the live one. SpecError as `check`.

    Kept are labels, annotations, finalizers and owners that we do not set; the annotations of a pod template, because
    taking the mark of a restart by hand away restarts all pods again; and by kind the address of a Service, the secrets
    of a ServiceAccount, the revision of a Deployment, and the certificates of webhooks for which we have none.
    """
    check(desired)
    keep = _KEEPERS.get(str(desired.get("kind")))
    kept = keep(live, desired) if keep else {}
    metadata = _metadata(_part(live, "metadata"), _part(desired, "metadata"), _revision(live, desired))
    return copy.deepcopy(_with(desired, metadata=metadata, **kept))


def differs(live: Object, desired: Object) -> bool:
    """True when `merged` has to be sent. SpecError as `check`."""
    wanted = {key: value for key, value in merged(live, desired).items() if key not in _NOT_COMPARED}
    there = {key: value for key, value in live.items() if key not in _NOT_COMPARED}
    return not _same(there, wanted, "", _KINDS.get(str(desired.get("kind")), _Rules()))


def _metadata(live: Object, desired: Object, revision: Object) -> Object:
    finalizers = live.get("finalizers") or []
    return _with(
        desired,
        labels=_overlaid(live.get("labels"), desired.get("labels")),
        annotations={**_overlaid(live.get("annotations"), desired.get("annotations")), **revision},
        finalizers=[*finalizers, *(one for one in desired.get("finalizers") or [] if one not in finalizers)],
        ownerReferences=_owners(live.get("ownerReferences") or [], desired.get("ownerReferences") or []),
        resourceVersion=live.get("resourceVersion"),
    )


def _revision(live: Object, desired: Object) -> Object:
    """The annotation in which the Deployment controller counts; whatever a manifest says, the count goes on."""
    key = "deployment.kubernetes.io/revision"
    annotations = _part(live, "metadata", "annotations")
    return {key: annotations[key]} if desired.get("kind") == "Deployment" and key in annotations else {}


def _owners(live: list[Object], desired: list[Object]) -> list[Object]:
    """All owners, in place; ours take the place of those of the same name that were deleted and created anew."""
    found: list[Object] = []
    for one in live:
        ours = next((own for own in desired if _is_same_owner(own, one)), one)
        if ours not in found:
            found.append(ours)
    return [*found, *(own for own in desired if own not in found)]


def _is_same_owner(own: Object, other: Object) -> bool:
    return all(own.get(key) == other.get(key) for key in ("apiVersion", "kind", "name"))


def _keep_address(live: Object, desired: Object) -> Object:
    address = _part(live, "spec").get("clusterIP")
    return {"spec": {**_part(desired, "spec"), "clusterIP": address}} if address else {}


def _keep_secrets(live: Object, desired: Object) -> Object:
    """Tokens and pull secrets that the cluster added, before pull secrets of our own."""
    pulls = live.get("imagePullSecrets") or []
    own = [one for one in desired.get("imagePullSecrets") or [] if one not in pulls]
    return {"secrets": live.get("secrets"), "imagePullSecrets": [*pulls, *own]}


def _keep_certificates(live: Object, desired: Object) -> Object:
    bundles = {hook.get("name"): _part(hook, "clientConfig").get("caBundle") for hook in live.get("webhooks") or []}
    return {"webhooks": [_certified(hook, bundles.get(hook.get("name"))) for hook in desired.get("webhooks") or []]}


def _certified(hook: Object, bundle: Any) -> Object:
    client = _part(hook, "clientConfig")
    return hook if client.get("caBundle") or not bundle else {**hook, "clientConfig": {**client, "caBundle": bundle}}


def _keep_restarts(live: Object, desired: Object) -> Object:
    there = _part(live, "spec", "template", "metadata", "annotations")
    if not there:
        return {}
    spec, template = _part(desired, "spec"), _part(desired, "spec", "template")
    metadata = _part(template, "metadata")
    metadata = {**metadata, "annotations": _overlaid(there, metadata.get("annotations"))}
    return {"spec": {**spec, "template": {**template, "metadata": metadata}}}


# What replaces fields of the desired object; a field with nothing in it is not sent.
_KEEPERS: Mapping[str, Callable[[Object, Object], Object]] = {
    "DaemonSet": _keep_restarts,
    "Deployment": _keep_restarts,
    "MutatingWebhookConfiguration": _keep_certificates,
    "Service": _keep_address,
    "ServiceAccount": _keep_secrets,
    "ValidatingWebhookConfiguration": _keep_certificates,
}


def _same(live: Any, wanted: Any, name: str, rules: _Rules) -> bool:
    """True when nothing has to be sent for a field; ``name`` is empty for an element of a list. None is not set."""
    if name in rules.maps:
        return _same_map(live or {}, wanted or {}, name)
    if wanted is None:
        return name not in rules.unset or _is_zero(live, name) or live == rules.unset[name]
    if live is None:
        return rules.drops_zeros and _is_zero(wanted, name)
    if isinstance(live, dict) and isinstance(wanted, dict):
        names = wanted.keys() | (live.keys() & rules.unset.keys())
        return all(_same(live.get(key), wanted.get(key), key, rules) for key in names)
    if isinstance(live, list) and isinstance(wanted, list):
        return len(live) == len(wanted) and all(_same(*pair, "", rules) for pair in zip(live, wanted, strict=True))
    return _same_leaf(live, wanted, name)


def _same_map(live: Any, wanted: Any, name: str) -> bool:
    if not (isinstance(live, dict) and isinstance(wanted, dict)):
        return False
    return live.keys() == wanted.keys() and all(_same_leaf(live[key], wanted[key], name) for key in wanted)


def _same_leaf(live: Any, wanted: Any, name: str) -> bool:
    """Quantities are compared as amounts, because the API server writes 1000m as 1. In Python True equals 1."""
    if name in _QUANTITIES:
        try:
            return amount(live, name) == amount(wanted, name)
        except SpecError:
            return False
    return bool(live == wanted) and isinstance(live, bool) is isinstance(wanted, bool)


def _is_zero(value: Any, name: str) -> bool:
    """True for what stands for a field that is not set."""
    return value is None or value == [] or (name not in _OPTIONAL and value in (False, 0, ""))


def _overlaid(live: Object | None, desired: Object | None) -> Object:
    return {**(live or {}), **(desired or {})}


def _with(value: Object, **fields: Any) -> Object:
    """The object with other fields; those that are empty are left out."""
    return {key: one for key, one in {**value, **fields}.items() if one or key not in fields}


def _part(value: Object, *names: str) -> Object:
    """A mapping inside of an object; empty when there is none."""
    for name in names:
        found = value.get(name)
        value = found if isinstance(found, dict) else {}
    return value
