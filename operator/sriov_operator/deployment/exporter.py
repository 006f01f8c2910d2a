"""The exporter of VF metrics and the proxy before it, and what Prometheus is told of them. Nothing here does I/O."""

from sriov_core.api import keys
from sriov_operator.deployment import names
from sriov_operator.deployment.daemonsets import EVERYWHERE, NODE_CRITICAL, daemon_set, host_path, mount
from sriov_operator.deployment.deployed import (
    Deployed,
    account,
    cluster_role,
    cluster_role_binding,
    from_field,
    owned,
    requests,
    role,
    role_binding,
)
from sriov_operator.deployment.roles import EXPORTER_CLUSTER, PRIVILEGED, PROMETHEUS, as_objects
from sriov_operator.objects import Object
from sriov_operator.tlsoptions import TlsOptions, proxy_arguments

_PORT_NAME = "sriov-network-metrics"
_CERTIFICATES = "/etc/metrics"
_BUNDLE = "/etc/prometheus/configmaps/serving-certs-ca-bundle/service-ca.crt"
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  # where Prometheus has its own
_SERVING_CERTIFICATE = "service.beta.openshift.io/serving-cert-secret-name"
_READ_ONLY_PATHS = (
    ("sysbuspcidevices", "/sys/bus/pci/devices", "/host/sys/bus/pci/devices", "Directory"),
    ("sysdevices", "/sys/devices", "/host/sys/devices", "Directory"),
    ("sysclassnet", "/sys/class/net", "/host/sys/class/net", "Directory"),
    ("cpucheckpoint", "/var/lib/kubelet/cpu_manager_state", "/host/cpu_manager_state", "File"),
)
_SOCKET = ("kubeletsocket", "/var/lib/kubelet/pod-resources/kubelet.sock", "/host/kubelet.sock", "Socket")
_SERIES = (
    "sriov_vf_tx_packets",
    "sriov_vf_rx_packets",
    "sriov_vf_tx_bytes",
    "sriov_vf_rx_bytes",
    "sriov_vf_tx_dropped",
    "sriov_vf_rx_dropped",
    "sriov_vf_rx_broadcast",
    "sriov_vf_rx_multicast",
)


def manifests(deployed: Deployed) -> list[Object]:
    """Everything of it, and what Prometheus reads if there is one; nothing without both images."""
    settings = deployed.settings
    if not (settings.images.metrics_exporter and settings.images.kube_rbac_proxy):
        return []
    found = [
        account(deployed, names.EXPORTER_ACCOUNT),
        role(deployed, names.EXPORTER_ROLE, as_objects(PRIVILEGED)),
        role_binding(deployed, names.EXPORTER_BINDING, names.EXPORTER_ROLE, names.EXPORTER_ACCOUNT),
        cluster_role(names.EXPORTER_REVIEWS, as_objects(EXPORTER_CLUSTER)),
        cluster_role_binding(deployed, names.EXPORTER_REVIEWS_BINDING, names.EXPORTER_REVIEWS, names.EXPORTER_ACCOUNT),
        _service(deployed),
    ]
    if deployed.tls is not None:
        found.append(_daemon_set(deployed, deployed.tls))
    if settings.metrics_exporter.prometheus:
        found += _prometheus(deployed)
    return found


def _service(deployed: Deployed) -> Object:
    exporter = deployed.settings.metrics_exporter
    serving = {_SERVING_CERTIFICATE: exporter.secret} if deployed.is_openshift else {}
    annotations = {"prometheus.io/target": "true", **serving}
    labels = {"name": names.EXPORTER_SERVICE}
    return {
        **owned(deployed, "v1", "Service", names.EXPORTER_SERVICE, labels=labels, annotations=annotations),
        "spec": {
            "ports": [{"name": _PORT_NAME, "port": exporter.port, "protocol": "TCP", "targetPort": exporter.port}],
            "selector": {"app": names.EXPORTER},
        },
    }


def _daemon_set(deployed: Deployed, tls: TlsOptions) -> Object:
    pod = {
        "hostNetwork": True,
        "nodeSelector": deployed.node_selector,
        "tolerations": EVERYWHERE,
        "serviceAccountName": names.EXPORTER_ACCOUNT,
        "priorityClassName": NODE_CRITICAL,
        "containers": [_exporter(deployed), _proxy(deployed, tls)],
        "volumes": [
            *(host_path(name, path, kind) for name, path, _, kind in (*_READ_ONLY_PATHS, _SOCKET)),
            {"name": "metrics-certs", "secret": {"secretName": deployed.settings.metrics_exporter.secret}},
        ],
    }
    return daemon_set(deployed, names.EXPORTER, pod, pod_annotations={keys.REQUIRED_SCC: "privileged"})


def _exporter(deployed: Deployed) -> Object:
    """It listens on loopback: only the proxy in the same pod reaches it."""
    name, _, path, _ = _SOCKET
    return {
        "name": "metrics-exporter",
        "image": deployed.settings.images.metrics_exporter,
        "args": [
            f"--web.listen-address=127.0.0.1:{deployed.settings.metrics_exporter.port}",
            "--path.kubecgroup=/sys/fs/cgroup",
            "--path.sysbuspci=/host/sys/bus/pci/devices/",
            "--path.sysclassnet=/host/sys/class/net/",
            "--path.cpucheckpoint=/host/cpu_manager_state",
            "--path.kubeletsocket=/host/kubelet.sock",
            "--collector.kubepoddevice=true",
            "--collector.vfstatspriority=netlink,sysfs",
        ],
        "resources": requests("100m", "100Mi"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            *(mount(volume, inside, readOnly=True) for volume, _, inside, _ in _READ_ONLY_PATHS),
            mount(name, path),
        ],
    }


def _proxy(deployed: Deployed, tls: TlsOptions) -> Object:
    port = deployed.settings.metrics_exporter.port
    return {
        "name": "kube-rbac-proxy",
        "image": deployed.settings.images.kube_rbac_proxy,
        "args": [
            "--logtostderr",
            f"--secure-listen-address=[$(HOST_IP)]:{port}",
            *proxy_arguments(tls),
            f"--upstream=http://127.0.0.1:{port}/",
            f"--tls-private-key-file={_CERTIFICATES}/tls.key",
            f"--tls-cert-file={_CERTIFICATES}/tls.crt",
        ],
        "env": [from_field("HOST_IP", "status.hostIP")],
        "ports": [{"name": "https-metrics", "containerPort": port, "protocol": "TCP"}],
        "resources": requests("10m", "20Mi"),
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "volumeMounts": [mount("metrics-certs", _CERTIFICATES, readOnly=True)],
    }


def _prometheus(deployed: Deployed) -> list[Object]:
    exporter = deployed.settings.metrics_exporter
    return [
        role(deployed, names.PROMETHEUS, as_objects(PROMETHEUS)),
        role_binding(
            deployed,
            names.PROMETHEUS,
            names.PROMETHEUS,
            exporter.prometheus_account,
            exporter.prometheus_namespace,
        ),
        _service_monitor(deployed),
        *([_rules(deployed)] if exporter.rules else []),
    ]


def _service_monitor(deployed: Deployed) -> Object:
    endpoint = {
        "interval": "30s",
        "port": _PORT_NAME,
        "scheme": "https",
        "honorLabels": True,
        "bearerTokenFile": _TOKEN,
        "tlsConfig": {"caFile": _BUNDLE, "serverName": f"{names.EXPORTER_SERVICE}.{deployed.namespace}.svc"},
        "relabelings": [
            {
                "action": "replace",
                "sourceLabels": ["__meta_kubernetes_endpoint_node_name"],
                "targetLabel": "node",
            },
            *({"action": "labeldrop", "regex": label} for label in ("pod", "container", "namespace")),
        ],
    }
    return {
        **owned(deployed, "monitoring.coreos.com/v1", "ServiceMonitor", names.EXPORTER),
        "spec": {
            "endpoints": [endpoint],
            "namespaceSelector": {"matchNames": [deployed.namespace]},
            "selector": {"matchLabels": {"name": names.EXPORTER_SERVICE}},
        },
    }


def _rules(deployed: Deployed) -> Object:
    """Each series of a VF once more, with the pod that has the VF."""
    pods = "on (pciAddr,node) group_left(pod,namespace,dev_type) sriov_kubepoddevice"
    rules = [{"record": f"network:{series}", "expr": f"{series} * {pods}"} for series in _SERIES]
    return {
        **owned(deployed, "monitoring.coreos.com/v1", "PrometheusRule", names.PROMETHEUS_RULES),
        "spec": {"groups": [{"name": "sriov-network-metrics-operator.rules", "interval": "30s", "rules": rules}]},
    }
