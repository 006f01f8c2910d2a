"""What the agents and device plugins may change beyond what roles can say: their own node, their own pod. No I/O.

A role cannot speak of "the node that this pod runs on"; an expression (CEL) can, because the token of a pod carries the
names of its pod and its node (Kubernetes 1.32; in beta since 1.30). A token without them may change nothing.

Two more policies refuse nothing: they warn whoever writes what the operator will not look at.
"""

from sriov_core.api import keys
from sriov_core.api.wire import GROUP, VERSION
from sriov_operator.deployment import names, unknownwarning, unreadwarning
from sriov_operator.deployment.restrictions import ONLY_UPDATES, Check, Restriction, binding, manifest, same_but
from sriov_operator.objects import Object

_STATE_ANNOTATIONS = (keys.DESIRED_STATE, keys.REQUESTED_SINCE, keys.EXTERNAL_DRAINER)

_OTHER_NODE = (
    "Give the agent the name of the node that its pod runs on (--node-name, NODE_NAME); who changes other nodes needs "
    "an account of their own"
)
_OTHER_FIELD = (
    "An agent and an operator of the same release agree on that, so bring both to one; who changes anything else needs "
    "an account of their own"
)


def manifests(namespace: str) -> list[Object]:
    """The policies and their bindings, for the agents and device plugins of the operator in that namespace."""
    given = (_nodes(), _states(), _pods(), _events(), _own_pod())
    restrictions = [one for policy in given for one in (manifest(policy, namespace), binding(policy.name, "Deny"))]
    return [*restrictions, *unreadwarning.manifests(namespace), *unknownwarning.manifests()]


def _nodes() -> Restriction:
    return Restriction(
        name=names.AGENT_NODES,
        account=names.CONFIG_DAEMON,
        who="an agent",
        group="",
        version="v1",
        resources=("nodes", "nodes/*"),
        claim="node-name",
        checks=(
            Check("variables.name == variables.claim", "an agent may change its own Node only", _OTHER_NODE),
            Check(ONLY_UPDATES, "an agent may neither create nor delete a Node, nor write its status", _OTHER_FIELD),
            Check(
                same_but((keys.NODE_STATE,)),
                f"of a Node, an agent may change the annotation {keys.NODE_STATE} only",
                _OTHER_FIELD,
            ),
        ),
    )


def _states() -> Restriction:
    noted = ", ".join(_STATE_ANNOTATIONS)
    return Restriction(
        name=names.AGENT_STATES,
        account=names.CONFIG_DAEMON,
        who="an agent",
        group=GROUP,
        version=VERSION,
        resources=("*/*",),
        claim="node-name",
        checks=(
            Check(
                "request.resource.resource == 'sriovnetworknodestates' && variables.name == variables.claim",
                "an agent may change the SriovNetworkNodeState of its own node only",
                _OTHER_NODE,
            ),
            Check(
                "request.operation == 'UPDATE' && variables.part in ['', 'status']",
                "an agent may neither create nor delete a SriovNetworkNodeState",
                _OTHER_FIELD,
            ),
            Check(
                f"variables.part == 'status' || ({same_but(_STATE_ANNOTATIONS)})",
                f"an agent may change the status of its SriovNetworkNodeState and the annotations {noted}",
                _OTHER_FIELD,
            ),
        ),
    )


def _pods() -> Restriction:
    return Restriction(
        name=names.AGENT_PODS,
        account=names.CONFIG_DAEMON,
        who="an agent",
        group="",
        version="v1",
        resources=("pods", "pods/*"),
        claim="node-name",
        checks=(
            Check(
                "variables.part == '' && request.operation in ['DELETE', 'UPDATE']",
                "an agent may not create pods, nor write their status, nor enter them",
                _OTHER_FIELD,
            ),
            Check(
                "oldObject != null && has(oldObject.spec.nodeName) && oldObject.spec.nodeName == variables.claim",
                "an agent may touch pods of its own node only",
                _OTHER_NODE,
            ),
            Check(
                f"request.operation == 'DELETE' || ({same_but((keys.WAITS_FOR_CONFIG,))})",
                f"of a pod, an agent may change the annotation {keys.WAITS_FOR_CONFIG} only",
                _OTHER_FIELD,
            ),
        ),
    )


def _events() -> Restriction:
    own = "has({0}.regarding.kind) && {0}.regarding.kind == 'SriovNetworkNodeState' && has({0}.regarding.name) && "
    about = f"{own}{{0}}.regarding.name == variables.claim"
    before = about.format("oldObject")
    return Restriction(
        name=names.AGENT_EVENTS,
        account=names.CONFIG_DAEMON,
        who="an agent",
        group="events.k8s.io",
        version="v1",
        resources=("events",),
        claim="node-name",
        checks=(
            Check("request.operation in ['CREATE', 'UPDATE']", "an agent may not delete events", _OTHER_FIELD),
            Check(
                f"object != null && {about.format('object')} && (request.operation == 'CREATE' || {before})",
                "an agent may tell events of the SriovNetworkNodeState of its own node only",
                _OTHER_NODE,
            ),
        ),
    )


def _own_pod() -> Restriction:
    return Restriction(
        name=names.DEVICE_PLUGIN_OWN_POD,
        account=names.DEVICE_PLUGIN,
        who="a device plugin",
        group="",
        version="v1",
        resources=("pods", "pods/*"),
        claim="pod-name",
        checks=(
            Check(
                "variables.name == variables.claim",
                "a device plugin may change its own pod only",
                "Give `wait-for-config` the name of the pod that it runs in (--pod-name, from metadata.name)",
            ),
            Check(
                ONLY_UPDATES,
                "a device plugin may neither create nor delete a pod, nor write its status, nor enter it",
                _OTHER_FIELD,
            ),
            Check(
                same_but((keys.WAITS_FOR_CONFIG,)),
                f"of its pod, a device plugin may change the annotation {keys.WAITS_FOR_CONFIG} only",
                _OTHER_FIELD,
            ),
        ),
    )
