"""What the agents and device plugins may change beyond what roles can say: their own node, their own pod. No I/O.

A role cannot speak of "the node that this pod runs on"; an expression (CEL) can, because the token of a pod carries the
names of its pod and its node (Kubernetes 1.32; in beta since 1.30). A token without them may change nothing.
"""

from collections.abc import Mapping

import attrs

from sriov_core.api import keys
from sriov_core.api.wire import GROUP, VERSION
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import cluster_wide
from sriov_operator.objects import Object

_API = "admissionregistration.k8s.io/v1"
_CLAIMS = "authentication.kubernetes.io"
_STATE_ANNOTATIONS = (keys.DESIRED_STATE, keys.REQUESTED_SINCE, keys.EXTERNAL_DRAINER)


@attrs.frozen(kw_only=True)
class _Policy:
    """One policy: ``claim`` is what of the token has to be there, ``checks`` are expressions and what they mean."""

    name: str
    account: str
    group: str
    version: str
    resources: tuple[str, ...]
    claim: str
    checks: Mapping[str, str]


def manifests(namespace: str) -> list[Object]:
    """The policies and their bindings, for the agents and device plugins of the operator in that namespace."""
    policies = (_nodes(), _states(), _pods(), _own_pod())
    return [one for policy in policies for one in (_policy(policy, namespace), _binding(policy))]


def _nodes() -> _Policy:
    return _Policy(
        name=names.AGENT_NODES,
        account=names.CONFIG_DAEMON,
        group="",
        version="v1",
        resources=("nodes", "nodes/*"),
        claim="node-name",
        checks={
            "request.name == variables.claim": "an agent may change its own Node only",
            _only_updates(): "an agent may neither create nor delete a Node, nor write its status",
            _same_but((keys.NODE_STATE,)): f"of a Node, an agent may change the annotation {keys.NODE_STATE} only",
        },
    )


def _states() -> _Policy:
    return _Policy(
        name=names.AGENT_STATES,
        account=names.CONFIG_DAEMON,
        group=GROUP,
        version=VERSION,
        resources=("*/*",),
        claim="node-name",
        checks={
            "request.resource.resource == 'sriovnetworknodestates' && request.name == variables.claim": (
                "an agent may change the SriovNetworkNodeState of its own node only"
            ),
            "request.operation == 'UPDATE' && variables.part in ['', 'status']": (
                "an agent may neither create nor delete a SriovNetworkNodeState"
            ),
            f"variables.part == 'status' || ({_same_but(_STATE_ANNOTATIONS)})": (
                "an agent may change the status of its SriovNetworkNodeState and the annotations "
                f"{', '.join(_STATE_ANNOTATIONS)}"
            ),
        },
    )


def _pods() -> _Policy:
    return _Policy(
        name=names.AGENT_PODS,
        account=names.CONFIG_DAEMON,
        group="",
        version="v1",
        resources=("pods", "pods/*"),
        claim="node-name",
        checks={
            "request.operation == 'DELETE' || (request.operation == 'UPDATE' && variables.part == '')": (
                "an agent may not create pods, nor write their status"
            ),
            "oldObject != null && has(oldObject.spec.nodeName) && oldObject.spec.nodeName == variables.claim": (
                "an agent may touch pods of its own node only"
            ),
            f"request.operation == 'DELETE' || ({_same_but((keys.WAITS_FOR_CONFIG,))})": (
                f"of a pod, an agent may change the annotation {keys.WAITS_FOR_CONFIG} only"
            ),
        },
    )


def _own_pod() -> _Policy:
    return _Policy(
        name=names.DEVICE_PLUGIN_OWN_POD,
        account=names.DEVICE_PLUGIN,
        group="",
        version="v1",
        resources=("pods", "pods/*"),
        claim="pod-name",
        checks={
            "request.name == variables.claim": "a device plugin may change its own pod only",
            _only_updates(): "a device plugin may neither create nor delete a pod, nor write its status",
            _same_but((keys.WAITS_FOR_CONFIG,)): (
                f"of its pod, a device plugin may change the annotation {keys.WAITS_FOR_CONFIG} only"
            ),
        },
    )


def _policy(policy: _Policy, namespace: str) -> Object:
    user = f"system:serviceaccount:{namespace}:{policy.account}"
    claim = f"{_CLAIMS}/{policy.claim}"
    found = f"has(request.userInfo.extra) && '{claim}' in request.userInfo.extra"
    identified = {"variables.claim != ''": f"the token has no {policy.claim}; that of a running pod has"}
    return {
        **cluster_wide(_API, "ValidatingAdmissionPolicy", policy.name),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [policy.group],
                        "apiVersions": [policy.version],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                        "resources": list(policy.resources),
                    }
                ]
            },
            "matchConditions": [{"name": "who", "expression": f"request.userInfo.username == '{user}'"}],
            "variables": [
                {"name": "claim", "expression": f"{found} ? request.userInfo.extra['{claim}'][0] : ''"},
                {"name": "part", "expression": "has(request.subResource) ? request.subResource : ''"},
            ],
            "validations": [
                {"expression": expression, "message": message, "reason": "Forbidden"}
                for expression, message in {**identified, **policy.checks}.items()
            ],
        },
    }


def _binding(policy: _Policy) -> Object:
    head = cluster_wide(_API, "ValidatingAdmissionPolicyBinding", policy.name)
    return {**head, "spec": {"policyName": policy.name, "validationActions": ["Deny"]}}


def _only_updates() -> str:
    return "request.operation == 'UPDATE' && variables.part == ''"


def _same_but(annotations: tuple[str, ...]) -> str:
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
