"""Who may do what in the cluster: the permissions of every process, as data. Nothing here does I/O.

A role has what its process calls and nothing else. Constants are rules that are the same everywhere; functions take
what the names of objects depend on. "Cluster" in a name stands for a ClusterRole, else it is a Role in the operator's
namespace.

The operator hands out the roles of the webhook, the injector, the device plugin and the exporter. Kubernetes lets it
hand out only what it has itself, so its own roles contain theirs; nothing here has the verbs ``bind`` and ``escalate``.
"""

from collections.abc import Iterable, Sequence

import attrs

from sriov_core.api.wire import GROUP
from sriov_core.injection.switches import CONFIG_MAP as SWITCHES
from sriov_core.policy.nicids import CONFIG_MAP as NIC_IDS
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import OPENSHIFT
from sriov_operator.deployment.trust import provided
from sriov_operator.objects import Object
from sriov_operator.process.settings import Settings

WATCH = ("list", "watch")
READ = ("get", *WATCH)
KEEP = ("create", "update", "patch", "delete")
"""What it takes to make, change and remove objects."""

NETWORKS = ("sriovnetworks", "sriovibnetworks", "ovsnetworks")
_POLICIES, _STATES, _POOLS, _CONFIGS = (
    "sriovnetworknodepolicies",
    "sriovnetworknodestates",
    "sriovnetworkpoolconfigs",
    "sriovoperatorconfigs",
)


@attrs.frozen
class Rule:
    """One rule of a role: verbs on resources of one API group, or only on the objects of these ``names``."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def grants(self, group: str, resource: str, verb: str, name: str = "") -> bool:
        """True when the rule allows the verb; without a ``name``, on every object."""
        named = not self.names or name in self.names
        return named and group == self.group and resource in self.resources and verb in self.verbs


def as_objects(rules: Iterable[Rule]) -> list[Object]:
    """The rules as a Role or ClusterRole holds them."""
    return [
        {
            "apiGroups": [rule.group],
            "resources": list(rule.resources),
            "verbs": list(rule.verbs),
            **({"resourceNames": list(rule.names)} if rule.names else {}),
        }
        for rule in rules
    ]


def missing(owner: Sequence[Rule], given: Iterable[Rule]) -> list[str]:
    """What ``given`` allows and ``owner`` does not, in words; empty when it may be handed out."""
    asked = [
        (rule.group, resource, verb, name)
        for rule in given
        for resource in rule.resources
        for verb in rule.verbs
        for name in rule.names or ("",)
    ]
    return [
        f"{verb} {resource}.{group} {name}".rstrip(". ")
        for group, resource, verb, name in asked
        if not any(rule.grants(group, resource, verb, name) for rule in owner)
    ]


_EVENTS = Rule("events.k8s.io", ("events",), ("create", "patch"))

PRIVILEGED = (Rule("security.openshift.io", ("securitycontextconstraints",), ("use",), ("privileged",)),)
"""OpenShift: pods may run privileged."""

DEVICE_PLUGIN_WAITS = (Rule("", ("pods",), (*WATCH, "patch")),)
"""The init container of the device plugin marks its own pod, and waits for the agent to take the mark off."""

AGENT_CLUSTER = (Rule("", ("nodes",), ("get", "patch")),)
"""The agent; admission policies restrict it to the objects of its own node."""

AGENT = (
    Rule(GROUP, (_STATES,), (*WATCH, "patch")),
    Rule(GROUP, (f"{_STATES}/status",), ("patch",)),
    Rule(GROUP, (_CONFIGS,), WATCH),
    Rule("", ("pods",), (*WATCH, "patch", "delete")),
    _EVENTS,
    *PRIVILEGED,
)

AGENT_OF_CONFIG_MAPS = (Rule("", ("configmaps",), WATCH),)
"""What an agent needs in addition whose wish is in a ConfigMap of its node."""

WEBHOOK_CLUSTER = (
    Rule("", ("nodes",), WATCH),
    Rule(GROUP, NETWORKS, WATCH),
)
WEBHOOK = (
    Rule(GROUP, (_POLICIES, _STATES, _POOLS), WATCH),
    Rule("", ("configmaps",), WATCH, (NIC_IDS,)),
)

# One that is not in the cache is asked for: it may just have been made.
INJECTOR_CLUSTER = (Rule("k8s.cni.cncf.io", ("network-attachment-definitions",), READ),)
INJECTOR = (Rule("", ("configmaps",), WATCH, (SWITCHES,)),)

EXPORTER_CLUSTER = (
    Rule("authentication.k8s.io", ("tokenreviews",), ("create",)),
    Rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",)),
)
"""The proxy before the metrics asks who the reader is and what it may."""

PROMETHEUS = (Rule("", ("services", "endpoints", "pods"), READ),)
"""What the Prometheus operator needs to find the exporter."""
_RBAC, _MONITORING = "rbac.authorization.k8s.io", "monitoring.coreos.com"


_STAYS = ("create", "update", "patch")
"""What restricts others is not removed by whoever looks after it: it has to outlast them."""

_OPENSHIFT = (
    Rule("config.openshift.io", ("infrastructures",), ("get",)),
    Rule("config.openshift.io", ("apiservers",), WATCH),
    Rule("machineconfiguration.openshift.io", ("machineconfigs",), ("get", "list", *KEEP)),
    Rule("machineconfiguration.openshift.io", ("machineconfigpools",), ("get", "list", "patch")),
)
"""A machine configuration is as good as root on every node, so nobody has this where it is of no use."""


def operator_cluster(settings: Settings) -> tuple[Rule, ...]:
    """The operator's permissions in the whole cluster."""
    deletion = (Rule("", ("pods",), ("delete",)),) if settings.eviction == "delete" else ()
    return (
        Rule("", ("nodes",), (*READ, "patch")),
        Rule("", ("pods",), ("list",)),
        Rule("", ("pods/eviction",), ("create",)),
        *deletion,
        Rule("", ("namespaces",), READ),
        _EVENTS,
        Rule("k8s.cni.cncf.io", ("network-attachment-definitions",), (*READ, "create", "update", "delete")),
        Rule(GROUP, NETWORKS, (*READ, "patch")),
        Rule(GROUP, _under(NETWORKS, "status"), ("patch",)),
        *EXPORTER_CLUSTER,
        *_named("rbac.authorization.k8s.io", "clusterroles", names.CLUSTER_ROLES),
        *_named("rbac.authorization.k8s.io", "clusterrolebindings", names.CLUSTER_ROLE_BINDINGS),
        *_named("admissionregistration.k8s.io", "mutatingwebhookconfigurations", names.MUTATING_WEBHOOKS),
        *_named("admissionregistration.k8s.io", "validatingwebhookconfigurations", names.VALIDATING_WEBHOOKS),
        *_named("admissionregistration.k8s.io", "validatingadmissionpolicies", names.ADMISSION_POLICIES, _STAYS),
        *_named("admissionregistration.k8s.io", "validatingadmissionpolicybindings", names.ADMISSION_POLICIES, _STAYS),
        # The clean-up is not told what kind of cluster it is in, and tells whether this is left.
        Rule("machineconfiguration.openshift.io", ("machineconfigs",), ("get",), (names.MACHINE_CONFIG,)),
        *(_OPENSHIFT if settings.cluster_type == OPENSHIFT else ()),
    )


_FOR_PROMETHEUS = (
    Rule(_MONITORING, ("servicemonitors",), _STAYS, (names.EXPORTER,)),
    Rule(_MONITORING, ("prometheusrules",), _STAYS, (names.PROMETHEUS_RULES,)),
    Rule(_RBAC, ("roles", "rolebindings"), _STAYS, (names.PROMETHEUS,)),
    *PROMETHEUS,
)
"""Where there is a Prometheus operator. Elsewhere, what was made for one is only removed."""


def _secrets(settings: Settings) -> tuple[Rule, ...]:
    """Those with the operator's own certificates; none that somebody else provides."""
    given = settings.certificates
    authorities = {given.operator_secret: given.operator_ca, given.injector_secret: given.injector_ca}
    return tuple(
        Rule("", ("secrets",), (*READ, "create", "patch"), (secret,))
        for secret, bundle in authorities.items()
        if provided(settings, secret, bundle) is None
    )


def operator(settings: Settings) -> tuple[Rule, ...]:
    """The operator's permissions in its namespace.

    The permission to delete the configuration is for the clean-up before a removal.
    """
    return (
        Rule(GROUP, (_POLICIES,), READ),
        Rule(GROUP, (_STATES,), (*READ, "create", "patch", "delete")),
        Rule(GROUP, (_POOLS,), (*WATCH, "patch")),
        Rule(GROUP, (_CONFIGS,), (*READ, "patch", "delete")),
        Rule(GROUP, _under((_POLICIES, _STATES, _POOLS, _CONFIGS), "status"), ("patch",)),
        # The admission plugin OwnerReferencesPermissionEnforcement, which OpenShift has on, wants this of whoever names
        # an owner that is held up until what it owns is gone.
        Rule(GROUP, (f"{_CONFIGS}/finalizers",), ("update",)),
        Rule("", ("configmaps",), (*READ, *KEEP)),
        *_secrets(settings),
        *_named("", "services", names.SERVICES),
        *_named("", "serviceaccounts", names.ACCOUNTS),
        *_named("apps", "daemonsets", names.DAEMON_SETS),
        *_named("networking.k8s.io", "networkpolicies", names.NETWORK_POLICIES),
        *_named(_RBAC, "roles", _but(names.ROLES, names.PROMETHEUS)),
        *_named(_RBAC, "rolebindings", _but(names.ROLE_BINDINGS, names.PROMETHEUS)),
        Rule(_RBAC, ("roles", "rolebindings"), ("get", "delete"), (names.PROMETHEUS,)),
        *_named(_MONITORING, "servicemonitors", (names.EXPORTER,), ("delete",)),
        *_named(_MONITORING, "prometheusrules", (names.PROMETHEUS_RULES,), ("delete",)),
        Rule("coordination.k8s.io", ("leases",), ("create",)),
        Rule("coordination.k8s.io", ("leases",), ("get", "update"), (names.MANAGER,)),
        *DEVICE_PLUGIN_WAITS,
        *WEBHOOK,
        *INJECTOR,
        *PRIVILEGED,
        *(_FOR_PROMETHEUS if settings.metrics_exporter.prometheus else ()),
    )


def _named(group: str, resource: str, called: tuple[str, ...], verbs: tuple[str, ...] = KEEP) -> tuple[Rule, ...]:
    """Keeps objects of these names. A request to apply has the name in it, so that even creating needs no more."""
    return (
        Rule(group, (resource,), WATCH),
        Rule(group, (resource,), ("get", *verbs), called),
    )


def _but(called: tuple[str, ...], other: str) -> tuple[str, ...]:
    return tuple(name for name in called if name != other)


def _under(resources: tuple[str, ...], subresource: str) -> tuple[str, ...]:
    return tuple(f"{one}/{subresource}" for one in resources)
