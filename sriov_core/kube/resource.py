"""Which objects of the API there are and where: group, version, plural, and the paths made of them. No I/O."""

from urllib.parse import quote

import attrs

from sriov_core.api.kinds import KINDS
from sriov_core.api.wire import GROUP, VERSION
from sriov_core.kube.failures import Invalid


@attrs.frozen
class Resource:
    """One kind of object as the API server serves it; the core group is empty."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of a collection, an object or its subresource. Invalid when a name cannot stand in a path."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", _segment("namespace", namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_segment(self.kind, name))
        if subresource:
            parts.append(subresource)
        return "/" + "/".join(parts)


def _segment(what: str, name: str) -> str:
    """A name as a part of a path. The API server unescapes a path before it takes it apart, so escaping is not enough.

    k8s.io/apimachinery/pkg/api/validation/path (IsValidPathSegmentName) has the same rule.
    """
    if name in (".", "..") or "/" in name or "%" in name:
        raise Invalid(f"{name!r} is no name of a {what}: a name is not '.' or '..', and has neither '/' nor '%' in it")
    return quote(name, safe="")


OURS = {kind.name: Resource(GROUP, VERSION, kind.plural, kind.name) for kind in KINDS}
"""The kinds of this project by name."""

POLICIES = OURS["SriovNetworkNodePolicy"]
NODE_STATES = OURS["SriovNetworkNodeState"]
POOLS = OURS["SriovNetworkPoolConfig"]
CONFIGS = OURS["SriovOperatorConfig"]

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
PODS = Resource("", "v1", "pods", "Pod")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICES = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
MUTATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
ADMISSION_POLICIES = Resource(
    "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False
)
ADMISSION_POLICY_BINDINGS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
    namespaced=False,
)
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
ATTACHMENTS = Resource("k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition")
SERVICE_MONITORS = Resource("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
PROMETHEUS_RULES = Resource("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule")
MACHINE_CONFIGS = Resource(
    "machineconfiguration.openshift.io", "v1", "machineconfigs", "MachineConfig", namespaced=False
)
MACHINE_CONFIG_POOLS = Resource(
    "machineconfiguration.openshift.io", "v1", "machineconfigpools", "MachineConfigPool", namespaced=False
)
INFRASTRUCTURES = Resource("config.openshift.io", "v1", "infrastructures", "Infrastructure", namespaced=False)
OPENSHIFT_API_SERVERS = Resource("config.openshift.io", "v1", "apiservers", "APIServer", namespaced=False)
