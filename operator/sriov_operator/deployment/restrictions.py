"""One ValidatingAdmissionPolicy for one service account, whose tokens say which node or pod it is of. No I/O.

Expressions are CEL. They may use ``variables.claim`` (the name in the token), ``variables.name`` (that of the object, a
star in a request for all of them), ``variables.part`` (the subresource, empty for the object itself) and
``variables.asked`` (the request in words).
"""

import attrs

from sriov_operator.deployment.deployed import cluster_wide
from sriov_operator.objects import Object

API = "admissionregistration.k8s.io/v1"
_CLAIMS = "authentication.kubernetes.io"
_WRITES = ("CREATE", "UPDATE", "DELETE", "CONNECT")
_NAME = "has(request.name) ? request.name : '*'"
_ASKED = "request.operation + ' of ' + request.resource.resource + '/' + variables.name"
_PART = "(variables.part == '' ? '' : ' (' + variables.part + ')')"

ONLY_UPDATES = "request.operation == 'UPDATE' && variables.part == ''"
"""True for a change of the object itself."""


@attrs.frozen
class Check:
    """An expression that has to be true, what it means, and what to do where it is not."""

    expression: str
    meaning: str
    remedy: str


@attrs.frozen(kw_only=True)
class Restriction:
    """What a service account may write of these resources; ``claim`` has to be in its token, ``who`` names it."""

    name: str
    account: str
    who: str
    group: str
    version: str
    resources: tuple[str, ...]
    claim: str
    checks: tuple[Check, ...]


def manifest(policy: Restriction, namespace: str) -> Object:
    """The policy for the service account of that namespace. What it refuses it tells, with what was found."""
    user = f"system:serviceaccount:{namespace}:{policy.account}"
    claim = f"{_CLAIMS}/{policy.claim}"
    found = f"has(request.userInfo.extra) && '{claim}' in request.userInfo.extra"
    return {
        **cluster_wide(API, "ValidatingAdmissionPolicy", policy.name),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": matches(policy.group, policy.version, policy.resources, _WRITES),
            "matchConditions": [{"name": "who", "expression": f"request.userInfo.username == '{user}'"}],
            "variables": [
                {"name": "claim", "expression": f"{found} ? request.userInfo.extra['{claim}'][0] : ''"},
                {"name": "name", "expression": _NAME},
                {"name": "part", "expression": "has(request.subResource) ? request.subResource : ''"},
                {"name": "asked", "expression": f"{_ASKED} + {_PART}"},
            ],
            "validations": [_identified(policy, namespace), *(_validation(check, policy) for check in policy.checks)],
        },
    }


def _identified(policy: Restriction, namespace: str) -> Object:
    """What a token has to have; the remedy for people who try by hand."""
    kind, name = ("Node", "NODE") if policy.claim == "node-name" else ("Pod", "POD")
    by_hand = (
        f"kubectl create token {policy.account} --namespace {namespace} "
        f"--bound-object-kind {kind} --bound-object-name {name}"
    )
    meaning = (
        f"{policy.who} may change something only with a token that names its {kind.lower()}; found: one without the "
        f"claim {policy.claim}"
    )
    remedy = f"Run it as the pod that the operator deploys, which has such a token; by hand, take one of `{by_hand}`"
    return {"expression": "variables.claim != ''", "message": f"{meaning}. {remedy}", "reason": "Forbidden"}


def _validation(check: Check, policy: Restriction) -> Object:
    kind = "node" if policy.claim == "node-name" else "pod"
    found = f"'{check.meaning}; found: ' + variables.asked + ' with the token of {kind} ' + variables.claim"
    return {
        "expression": check.expression,
        "message": f"{check.meaning}. {check.remedy}",
        "messageExpression": f"{found} + '. {check.remedy}'",
        "reason": "Forbidden",
    }


def matches(group: str, version: str, resources: tuple[str, ...], operations: tuple[str, ...]) -> Object:
    """The requests that a policy is asked about; those of other versions are converted."""
    rule = {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": list(resources),
    }
    return {"resourceRules": [rule]}


def binding(name: str, *actions: str) -> Object:
    """Puts a policy in force everywhere; ``actions`` are Deny, Warn, Audit."""
    head = cluster_wide(API, "ValidatingAdmissionPolicyBinding", name)
    return {**head, "spec": {"policyName": name, "validationActions": list(actions)}}


def same_but(annotations: tuple[str, ...]) -> str:
    """True for an update that changes these annotations and nothing else that a client can write.

    What the API server counts (resourceVersion, generation, managedFields) changes with every write.
    """
    own = ", ".join(f"'{one}'" for one in annotations)
    metadata = " && ".join(
        f"(has(object.metadata.{field}) ? has(oldObject.metadata.{field}) && object.metadata.{field} == "
        f"oldObject.metadata.{field} : !has(oldObject.metadata.{field}))"
        for field in ("labels", "finalizers", "ownerReferences")
    )
    before = "(has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {})"
    after = "(has(object.metadata.annotations) ? object.metadata.annotations : {})"
    kept = f"{before}.all(key, key in [{own}] || (key in {after} && {after}[key] == {before}[key]))"
    added = f"{after}.all(key, key in [{own}] || key in {before})"
    return (
        "object != null && oldObject != null && "
        f"(has(object.spec) ? has(oldObject.spec) && object.spec == oldObject.spec : !has(oldObject.spec)) && "
        f"{metadata} && {kept} && {added}"
    )
