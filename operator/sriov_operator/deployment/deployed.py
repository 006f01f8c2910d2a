"""What all manifests are made from, and the parts that they share. Nothing here does I/O.

A manifest is a function from `Deployed` to plain objects, as they are sent to the API server.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from sriov_core.api.featuregates import FeatureGates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.wire import API_VERSION
from sriov_core.policy.deviceplugin import CONFIG_MAP
from sriov_operator.deployment.names import MANAGED_BY, MANAGER
from sriov_operator.deployment.trust import Trusts
from sriov_operator.objects import Object
from sriov_operator.process.settings import Settings
from sriov_operator.tlsoptions import TlsOptions

OPENSHIFT = "openshift"
SYSTEMD = "systemd"
RBAC = "rbac.authorization.k8s.io"


@attrs.frozen(kw_only=True)
class Deployed:
    """Everything that decides what is deployed.

    ``tls`` and the parts of ``certificates`` are None while they could not be found out: then what depends on them
    stays as it is. ``config_maps`` carry the device plugin's configs, in the order of their numbers.
    ``external_control_plane`` says that no node of the cluster runs the API server. ``injection_labels`` are the labels
    by which the injector takes pods beside those with networks. ``is_recent`` says that it is Kubernetes 1.30:
    webhooks can be told by an expression what they are asked about, and DaemonSets surge.
    """

    settings: Settings
    config: OperatorConfig
    gates: FeatureGates
    tls: TlsOptions | None
    certificates: Trusts
    config_maps: tuple[str, ...] = (CONFIG_MAP,)
    external_control_plane: bool = False
    injection_labels: tuple[str, ...] = ()
    is_recent: bool = True

    @property
    def namespace(self) -> str:
        """Where everything runs."""
        return self.settings.namespace

    @property
    def is_openshift(self) -> bool:
        """True on OpenShift."""
        return self.settings.cluster_type == OPENSHIFT

    @property
    def is_systemd(self) -> bool:
        """True when a service of the nodes configures them before the kubelet starts."""
        return self.config.spec.configuration_mode == SYSTEMD

    @property
    def node_selector(self) -> dict[str, str]:
        """The labels of the nodes that are managed."""
        return dict(
            self.config.spec.config_daemon_node_selector
            or {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
        )

    @property
    def pull_secrets(self) -> list[Object]:
        """How pods get their images."""
        return [{"name": name} for name in self.settings.pull_secrets]


def owned(deployed: Deployed, api_version: str, kind: str, name: str, **metadata: Any) -> Object:
    """The head of an object in the operator's namespace, which goes with the configuration that asked for it."""
    found = cluster_wide(api_version, kind, name, **metadata)
    owner = {
        "apiVersion": API_VERSION,
        "kind": "SriovOperatorConfig",
        "name": deployed.config.metadata.name,
        "uid": deployed.config.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    found["metadata"] |= {"namespace": deployed.namespace, "ownerReferences": [owner]}
    return found


def cluster_wide(api_version: str, kind: str, name: str, **metadata: Any) -> Object:
    """The head of an object of the cluster; nothing in a namespace can own it."""
    labels = {**metadata.pop("labels", {}), MANAGED_BY: MANAGER}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": labels, **metadata}}


def account(deployed: Deployed, name: str) -> Object:
    """A service account."""
    return owned(deployed, "v1", "ServiceAccount", name)


def role(deployed: Deployed, name: str, rules: list[Object]) -> Object:
    """What somebody may do in the operator's namespace."""
    return {**owned(deployed, f"{RBAC}/v1", "Role", name), "rules": rules}


def cluster_role(name: str, rules: list[Object]) -> Object:
    """What somebody may do everywhere."""
    return {**cluster_wide(f"{RBAC}/v1", "ClusterRole", name), "rules": rules}


def role_binding(deployed: Deployed, name: str, role_name: str, account_name: str, namespace: str = "") -> Object:
    """Gives a service account a role; ``namespace`` is its own, when it is not the operator's."""
    head = owned(deployed, f"{RBAC}/v1", "RoleBinding", name)
    return {**head, **_bound("Role", role_name, account_name, namespace or deployed.namespace)}


def cluster_role_binding(deployed: Deployed, name: str, role_name: str, account_name: str) -> Object:
    """Gives a service account a cluster role."""
    head = cluster_wide(f"{RBAC}/v1", "ClusterRoleBinding", name)
    return {**head, **_bound("ClusterRole", role_name, account_name, deployed.namespace)}


def environment(values: Mapping[str, str]) -> list[Object]:
    """Environment variables of a container, in the order given."""
    return [{"name": name, "value": value} for name, value in values.items()]


def from_field(name: str, path: str) -> Object:
    """An environment variable that has a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def requests(cpu: str, memory: str) -> Object:
    """The resources that a container asks for."""
    return {"requests": {"cpu": cpu, "memory": memory}}


def _bound(kind: str, role_name: str, account_name: str, namespace: str) -> Object:
    return {
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role_name},
        "subjects": [{"kind": "ServiceAccount", "name": account_name, "namespace": namespace}],
    }
