"""What the operator is told by its environment, read once at the start. Nothing here does I/O."""

from collections.abc import Mapping

import attrs

from sriov_operator import staleness
from sriov_operator.process.variables import Variables

CONTROLLERS = ("nodestates", "networks", "deployment", "pools", "drain")
"""The names by which controllers are switched off, one by one."""

NETWORK_KINDS = ("SriovNetwork", "SriovIBNetwork", "OVSNetwork")
"""The kinds of networks that the controller ``networks`` looks after."""


@attrs.frozen(kw_only=True)
class Images:
    """The images of what the operator deploys; an empty one is not deployed."""

    config_daemon: str = ""
    device_plugin: str = ""
    sriov_cni: str = ""
    infiniband_cni: str = ""
    ovs_cni: str = ""
    rdma_cni: str = ""
    webhook: str = ""
    injector: str = ""
    metrics_exporter: str = ""
    kube_rbac_proxy: str = ""


@attrs.frozen(kw_only=True)
class CertificateSettings:
    """Where webhooks get their certificates from.

    ``cert_manager`` has them injected; with a ``..._ca`` (base64) they are somebody else's; else they are our own.
    """

    cert_manager: bool = False
    operator_secret: str = "operator-webhook-cert"  # noqa: S105  # the name of a Secret
    operator_ca: str = ""
    injector_secret: str = "network-resources-injector-cert"  # noqa: S105
    injector_ca: str = ""


@attrs.frozen(kw_only=True)
class MetricsExporter:
    """How the metrics of VFs are offered to Prometheus."""

    port: int = 9110
    secret: str = "metrics-exporter-cert"  # noqa: S105
    prometheus: bool = False
    rules: bool = False
    prometheus_account: str = "prometheus-k8s"
    prometheus_namespace: str = "monitoring"


@attrs.frozen(kw_only=True)
class Settings:
    """Everything; ``controllers`` are those that are on (all unless switched off, see `CONTROLLERS`)."""

    namespace: str
    resource_prefix: str
    cluster_type: str = "kubernetes"
    identity: str = ""
    external_drainer: bool = False
    dev_mode: bool = False
    stale_delay_minutes: int = 30
    eviction: str = "evict"
    drain_deadline_s: float = 1800.0
    cni_bin_path: str = "/var/lib/cni/bin"
    pull_secrets: tuple[str, ...] = ()
    images: Images = Images()
    certificates: CertificateSettings = CertificateSettings()
    metrics_exporter: MetricsExporter = MetricsExporter()
    operator_network_policy_port: int = 6443
    injector_network_policy_port: int = 6443
    tls_cipher_suites: str = ""
    tls_min_version: str = ""
    tls_curve_preferences: str = ""
    controllers: frozenset[str] = frozenset(CONTROLLERS)
    network_kinds: frozenset[str] = frozenset(NETWORK_KINDS)
    release: str = ""
    agent_metrics: str = ""
    webhook_metrics: str = ""
    injector_metrics: str = ""
    remarks: tuple[str, ...] = ()


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings; SpecError names every variable that cannot be used, with what was found and what is wanted.

    ``identity`` is POD_NAME, or else HOSTNAME, which a container has. The names are those of the SR-IOV network
    operator, three of its kube-ovn fork (``ENABLE_..._CONTROLLER``, POD_EVICTION_POLICY), and DISABLED_CONTROLLERS,
    DRAIN_DEADLINE_SECONDS and three ``..._METRICS_BIND_ADDRESS``. TLS settings are carried as they are: the cluster may
    overrule them.
    """
    found = Variables(environment)
    delay = staleness.delay(found.text(staleness.DELAY_VARIABLE))
    settings = Settings(
        namespace=found.namespace("NAMESPACE", remedy="Set it to the namespace that the operator runs in"),
        resource_prefix=found.prefix("RESOURCE_PREFIX", remedy="Set it, to openshift.io if in doubt"),
        cluster_type=found.word("CLUSTER_TYPE", "kubernetes", ("kubernetes", "openshift")),
        identity=found.text("POD_NAME", found.text("HOSTNAME")),
        external_drainer=found.exactly("USE_EXTERNAL_DRAINER", "true"),
        dev_mode=found.exactly("DEV_MODE", "TRUE"),
        stale_delay_minutes=delay.minutes,
        eviction=found.word("POD_EVICTION_POLICY", "evict", ("evict", "delete")),
        drain_deadline_s=float(found.number("DRAIN_DEADLINE_SECONDS", 1800, 1, 7 * 24 * 3600)),
        cni_bin_path=found.path("SRIOV_CNI_BIN_PATH", "/var/lib/cni/bin"),
        pull_secrets=found.object_names("IMAGE_PULL_SECRETS"),
        images=_images(found),
        certificates=_certificates(found),
        metrics_exporter=_metrics_exporter(found),
        operator_network_policy_port=found.port("OPERATOR_WEBHOOK_NETWORK_POLICY_PORT", 6443),
        injector_network_policy_port=found.port("INJECTOR_WEBHOOK_NETWORK_POLICY_PORT", 6443),
        tls_cipher_suites=found.text("TLS_CIPHER_SUITES"),
        tls_min_version=found.text("TLS_MIN_VERSION"),
        tls_curve_preferences=found.text("TLS_CURVE_PREFERENCES"),
        controllers=_controllers(found),
        network_kinds=_network_kinds(found),
        release=found.text("RELEASEVERSION", found.text("RELEASE_VERSION")),
        agent_metrics=found.address("CONFIG_DAEMON_METRICS_BIND_ADDRESS"),
        webhook_metrics=found.address("OPERATOR_WEBHOOK_METRICS_BIND_ADDRESS"),
        injector_metrics=found.address("INJECTOR_WEBHOOK_METRICS_BIND_ADDRESS"),
    )
    found.check()
    return attrs.evolve(settings, remarks=(*found.remarks, *([delay.remark] if delay.remark else [])))


def _images(found: Variables) -> Images:
    return Images(
        config_daemon=found.image("SRIOV_NETWORK_CONFIG_DAEMON_IMAGE"),
        device_plugin=found.image("SRIOV_DEVICE_PLUGIN_IMAGE"),
        sriov_cni=found.image("SRIOV_CNI_IMAGE"),
        infiniband_cni=found.image("SRIOV_INFINIBAND_CNI_IMAGE"),
        ovs_cni=found.image("OVS_CNI_IMAGE"),
        rdma_cni=found.image("RDMA_CNI_IMAGE"),
        webhook=found.image("SRIOV_NETWORK_WEBHOOK_IMAGE"),
        injector=found.image("NETWORK_RESOURCES_INJECTOR_IMAGE"),
        metrics_exporter=found.image("METRICS_EXPORTER_IMAGE"),
        kube_rbac_proxy=found.image("METRICS_EXPORTER_KUBE_RBAC_PROXY_IMAGE"),
    )


def _certificates(found: Variables) -> CertificateSettings:
    start, default = "ADMISSION_CONTROLLERS_CERTIFICATES", CertificateSettings()
    return CertificateSettings(
        cert_manager=found.switch(f"{start}_CERT_MANAGER_ENABLED"),
        operator_secret=found.object_name(f"{start}_OPERATOR_SECRET_NAME", default.operator_secret),
        operator_ca=found.certificate(f"{start}_OPERATOR_CA_CRT"),
        injector_secret=found.object_name(f"{start}_INJECTOR_SECRET_NAME", default.injector_secret),
        injector_ca=found.certificate(f"{start}_INJECTOR_CA_CRT"),
    )


def _metrics_exporter(found: Variables) -> MetricsExporter:
    start, default = "METRICS_EXPORTER_PROMETHEUS", MetricsExporter()
    return MetricsExporter(
        port=found.port("METRICS_EXPORTER_PORT", default.port),
        secret=found.object_name("METRICS_EXPORTER_SECRET_NAME", default.secret),
        prometheus=found.switch(f"{start}_OPERATOR_ENABLED"),
        rules=found.switch(f"{start}_DEPLOY_RULES"),
        prometheus_account=found.object_name(f"{start}_OPERATOR_SERVICE_ACCOUNT", default.prometheus_account),
        prometheus_namespace=found.namespace(f"{start}_OPERATOR_NAMESPACE", default.prometheus_namespace),
    )


def _controllers(found: Variables) -> frozenset[str]:
    off = found.names("DISABLED_CONTROLLERS", CONTROLLERS)
    pools = found.switch("ENABLE_POOLCONFIG_CONTROLLER", default=True)
    return frozenset(CONTROLLERS) - off - (frozenset() if pools else {"pools"})


def _network_kinds(found: Variables) -> frozenset[str]:
    off = {kind for kind in NETWORK_KINDS if not found.switch(f"ENABLE_{kind.upper()}_CONTROLLER", default=True)}
    return frozenset(NETWORK_KINDS) - off
