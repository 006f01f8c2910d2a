"""The names of what the operator deploys; those that the SR-IOV network operator has, too, are the same. No I/O.

So a cluster that it leaves is taken over in place: no pod is deleted for the sake of another name.
"""

from sriov_core.api.wire import GROUP

MANAGER = "sriov-network-operator"
"""The field manager of every write, and the value of `MANAGED_BY`."""
MANAGED_BY = f"{GROUP}/managed-by"
"""Label of everything that the operator deploys; by it the caches know what to keep."""
OURS = f"{MANAGED_BY}={MANAGER}"
"""The label selector of all that."""

CONFIG_DAEMON = "sriov-network-config-daemon"
DEVICE_PLUGIN = "sriov-device-plugin"
DEVICE_PLUGIN_PRIVILEGED = "sriov-plugin"
DEVICE_PLUGIN_PODS = "sriov-device-plugin-pod-access"
OPERATOR_WEBHOOK = "operator-webhook"
OPERATOR_WEBHOOK_ACCOUNT = "operator-webhook-sa"
OPERATOR_WEBHOOK_SERVICE = "operator-webhook-service"
OPERATOR_WEBHOOK_BINDING = "operator-webhook-role-binding"
OPERATOR_WEBHOOK_CONFIG = "sriov-operator-webhook-config"
INJECTOR = "network-resources-injector"
INJECTOR_ACCOUNT = "network-resources-injector-sa"
INJECTOR_SERVICE = "network-resources-injector-service"
INJECTOR_BINDING = "network-resources-injector-role-binding"
INJECTOR_CONFIG = "network-resources-injector-config"
EXPORTER = "sriov-network-metrics-exporter"
EXPORTER_ACCOUNT = "metrics-exporter-sa"
EXPORTER_ROLE = "metrics-exporter-role"
EXPORTER_BINDING = "metrics-exporter-rb"
EXPORTER_SERVICE = "sriov-network-metrics-exporter-service"
EXPORTER_REVIEWS = "sriov-metrics-kube-rbac-role"
EXPORTER_REVIEWS_BINDING = "sriov-metrics-kube-rbac-rolebinding"
PROMETHEUS = "prometheus-k8s"
PROMETHEUS_RULES = "sriov-vf-rules"
MACHINE_CONFIG = "sriov-config-service"

WEBHOOK_PORT = 6443
"""Where the webhook and the injector listen in their pods."""

AGENT_NODES = f"{CONFIG_DAEMON}-nodes"
AGENT_STATES = f"{CONFIG_DAEMON}-states"
AGENT_PODS = f"{CONFIG_DAEMON}-pods"
AGENT_EVENTS = f"{CONFIG_DAEMON}-events"
DEVICE_PLUGIN_OWN_POD = f"{DEVICE_PLUGIN}-own-pod"
UNREAD = f"{MANAGER}-unread"
UNKNOWN_FIELDS = f"{MANAGER}-unknown-fields"
WARNINGS = (UNREAD, UNKNOWN_FIELDS)
ADMISSION_POLICIES = (AGENT_NODES, AGENT_STATES, AGENT_PODS, AGENT_EVENTS, DEVICE_PLUGIN_OWN_POD, *WARNINGS)
"""Admission policies of the cluster, and their bindings: what an agent or device plugin may change, and warnings."""

DAEMON_SETS = (CONFIG_DAEMON, DEVICE_PLUGIN, OPERATOR_WEBHOOK, INJECTOR, EXPORTER)
SERVICES = (OPERATOR_WEBHOOK_SERVICE, INJECTOR_SERVICE, EXPORTER_SERVICE)
ACCOUNTS = (DEVICE_PLUGIN, OPERATOR_WEBHOOK_ACCOUNT, INJECTOR_ACCOUNT, EXPORTER_ACCOUNT)
ROLES = (DEVICE_PLUGIN_PRIVILEGED, DEVICE_PLUGIN_PODS, OPERATOR_WEBHOOK, INJECTOR, EXPORTER_ROLE, PROMETHEUS)
ROLE_BINDINGS = (
    DEVICE_PLUGIN_PRIVILEGED,
    DEVICE_PLUGIN_PODS,
    OPERATOR_WEBHOOK_BINDING,
    INJECTOR_BINDING,
    EXPORTER_BINDING,
    PROMETHEUS,
)
CLUSTER_ROLES = (OPERATOR_WEBHOOK, INJECTOR, EXPORTER_REVIEWS)
CLUSTER_ROLE_BINDINGS = (OPERATOR_WEBHOOK_BINDING, INJECTOR_BINDING, EXPORTER_REVIEWS_BINDING)
MUTATING_WEBHOOKS = (OPERATOR_WEBHOOK_CONFIG, INJECTOR_CONFIG)
VALIDATING_WEBHOOKS = (OPERATOR_WEBHOOK_CONFIG,)
NETWORK_POLICIES = tuple(f"{name}-allow-traffic-api-server" for name in (OPERATOR_WEBHOOK, INJECTOR))
