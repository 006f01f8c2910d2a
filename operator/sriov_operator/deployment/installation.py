"""What an administrator applies before the operator runs: its namespace, accounts, roles, restrictions and Deployment.

The definitions of the kinds come from ``sriov-core crds``. Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping

from sriov_core.api import keys
from sriov_operator.deployment import admissionpolicies, roles
from sriov_operator.deployment.daemonsets import CLUSTER_CRITICAL, LINUX
from sriov_operator.deployment.deployed import RBAC, environment, from_field, requests
from sriov_operator.deployment.names import CONFIG_DAEMON, MANAGER
from sriov_operator.deployment.roles import Rule
from sriov_operator.objects import Object
from sriov_operator.process.settings import Settings

SERVED_BY_THE_OPERATOR = ("SRIOV_NETWORK_WEBHOOK_IMAGE", "NETWORK_RESOURCES_INJECTOR_IMAGE")
"""The images that have the operator's own program in them."""

_PROBES_PORT = 8081
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def installation(
    settings: Settings, image: str = "", given: Mapping[str, str] | None = None, *, node_config_maps: bool = False
) -> list[Object]:
    """All of it in the order in which it is applied; without an ``image`` everything but the Deployment.

    ``given`` are environment variables of the operator, those that ``settings`` were read from. With
    ``node_config_maps`` the agents may read ConfigMaps, in which the wish for their node may be.
    """
    operator = _granted(MANAGER, settings.namespace, roles.operator(settings), roles.operator_cluster(settings))
    agents = (*roles.AGENT, *(roles.AGENT_OF_CONFIG_MAPS if node_config_maps else ()))
    agent = _granted(CONFIG_DAEMON, settings.namespace, agents, roles.AGENT_CLUSTER)
    restrictions = admissionpolicies.manifests(settings.namespace)
    deployment = [_deployment(settings, image, given or {})] if image else []
    return [_namespace(settings.namespace), *operator, *agent, *restrictions, *deployment]


def _namespace(name: str) -> Object:
    """The agent is privileged, and clusters may forbid that unless the namespace says otherwise."""
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _granted(account: str, namespace: str, home: Iterable[Rule], everywhere: Iterable[Rule]) -> list[Object]:
    """A service account and what it may do, in its namespace and in the whole cluster; all have its name."""
    here = {"name": account, "namespace": namespace}
    subjects = [{"kind": "ServiceAccount", **here}]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here},
        *_bound("Role", here, home, subjects),
        *_bound("ClusterRole", {"name": account}, everywhere, subjects),
    ]


def _bound(kind: str, metadata: Object, rules: Iterable[Rule], subjects: list[Object]) -> list[Object]:
    head = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    reference = {"apiGroup": RBAC, "kind": kind, "name": metadata["name"]}
    return [
        {**head, "kind": kind, "rules": roles.as_objects(rules)},
        {**head, "kind": f"{kind}Binding", "roleRef": reference, "subjects": subjects},
    ]


def _deployment(settings: Settings, image: str, given: Mapping[str, str]) -> Object:
    labels = {"name": MANAGER}
    preferred = {"weight": 1, "preference": {"matchExpressions": [{"key": _CONTROL_PLANE, "operator": "Exists"}]}}
    pulled = [{"name": name} for name in settings.pull_secrets]
    pod = {
        "serviceAccountName": MANAGER,
        "priorityClassName": CLUSTER_CRITICAL,
        "nodeSelector": LINUX,
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}},
        "tolerations": [{"key": _CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(settings, image, given)],
        **({"imagePullSecrets": pulled} if pulled else {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": MANAGER, "namespace": settings.namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {keys.REQUIRED_SCC: "restricted-v2"}},
                "spec": pod,
            },
        },
    }


def _container(settings: Settings, image: str, given: Mapping[str, str]) -> Object:
    built_in = {"RESOURCE_PREFIX": settings.resource_prefix, **dict.fromkeys(SERVED_BY_THE_OPERATOR, image)}
    return {
        "name": MANAGER,
        "image": image,
        "command": ["sriov-operator", "run"],
        "args": [f"--health-probe-bind-address=:{_PROBES_PORT}"],
        "env": [
            from_field("NAMESPACE", "metadata.namespace"),
            from_field("POD_NAME", "metadata.name"),
            *environment({**built_in, **given}),
        ],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": _PROBES_PORT}, "timeoutSeconds": 5},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": _PROBES_PORT}, "timeoutSeconds": 5},
        "resources": requests("100m", "100Mi"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
