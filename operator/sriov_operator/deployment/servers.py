"""The two webhook servers, which are deployed alike: service, network policy and DaemonSet. Nothing here does I/O."""

import attrs

from sriov_core.api import keys
from sriov_operator.deployment.daemonsets import CLUSTER_CRITICAL, LINUX, daemon_set, mount
from sriov_operator.deployment.deployed import Deployed, owned, requests
from sriov_operator.deployment.names import WEBHOOK_PORT
from sriov_operator.deployment.trust import Trust
from sriov_operator.objects import Object
from sriov_operator.tlsoptions import TlsOptions, arguments

_TLS_FOLDER = "/etc/tls"
_CONTROL_PLANE = ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane")
_READY = {"path": "/readyz", "port": WEBHOOK_PORT, "scheme": "HTTPS"}
_ALIVE = {**_READY, "path": "/healthz"}
_NOT_READY = "node.kubernetes.io/not-ready"


@attrs.frozen(kw_only=True)
class Server:
    """One of them. ``network_port`` is where the API server is, and may call from.

    ``metrics`` is where its metrics are served, as in ``:9112``; empty for nowhere.
    """

    name: str
    container: str
    image: str
    command: tuple[str, ...]
    service: str
    service_account: str
    network_port: int
    metrics: str = ""
    environment: tuple[Object, ...] = ()


def service(deployed: Deployed, server: Server, trust: Trust) -> Object:
    """The address at which the API server calls."""
    annotations = {"annotations": dict(trust.service_annotations)} if trust.service_annotations else {}
    return {
        **owned(deployed, "v1", "Service", server.service, **annotations),
        "spec": {
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": WEBHOOK_PORT}],
            "selector": {"app": server.name},
        },
    }


def network_policy(deployed: Deployed, server: Server) -> Object:
    """Lets the API server in, and the server out to it; where the cluster denies everything else, that is all it needs.

    ``network_port`` is the API server's, which a cluster may have elsewhere; the server's own ports are always let in.
    """
    ports = sorted({WEBHOOK_PORT, server.network_port, *_metrics_ports(server)})
    return {
        **owned(deployed, "networking.k8s.io/v1", "NetworkPolicy", f"{server.name}-allow-traffic-api-server"),
        "spec": {
            "podSelector": {"matchLabels": {"app": server.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [_tcp(port) for port in ports]}],
            "egress": [{"ports": [_tcp(server.network_port)]}],
        },
    }


def daemon(deployed: Deployed, server: Server, trust: Trust, tls: TlsOptions) -> Object:
    """The pods, on the nodes of the control plane where the cluster has any."""
    pod = {
        "serviceAccountName": server.service_account,
        "priorityClassName": CLUSTER_CRITICAL,
        "nodeSelector": LINUX,
        **({} if deployed.external_control_plane else _placement()),
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(server, tls)],
        # Of our own Secret, the key of the authority is nothing for the server.
        "volumes": [{"name": "tls", "secret": {"secretName": trust.secret, "items": [_file("crt"), _file("key")]}}],
    }
    # With a control plane of one node, an update in place would refuse policies for as long as a pod takes to start.
    annotations, surges = {keys.REQUIRED_SCC: "restricted-v2"}, deployed.is_recent
    return daemon_set(deployed, server.name, pod, pod_annotations=annotations, surges=surges)


def client_config(deployed: Deployed, server: Server, trust: Trust, path: str) -> Object:
    """How a webhook configuration says where to call and whom to trust."""
    where = {"name": server.service, "namespace": deployed.namespace, "path": path, "port": 443}
    return {"service": where, **({"caBundle": trust.bundle} if trust.bundle else {})}


def _placement() -> Object:
    terms = [{"matchExpressions": [{"key": key, "operator": "Exists"}]} for key in _CONTROL_PLANE]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    tolerated = [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in (*_CONTROL_PLANE, _NOT_READY)]
    return {"affinity": {"nodeAffinity": required}, "tolerations": tolerated}


def _container(server: Server, tls: TlsOptions) -> Object:
    return {
        "name": server.container,
        "image": server.image,
        "command": ["sriov-operator", *server.command],
        "args": [
            f"--port={WEBHOOK_PORT}",
            f"--tls-cert-file={_TLS_FOLDER}/tls.crt",
            f"--tls-private-key-file={_TLS_FOLDER}/tls.key",
            *arguments(tls),
            *([f"--metrics-bind-address={server.metrics}"] if server.metrics else []),
        ],
        "env": list(server.environment),
        "ports": [
            {"name": "https", "containerPort": WEBHOOK_PORT, "protocol": "TCP"},
            *({"name": "metrics", "containerPort": port, "protocol": "TCP"} for port in _metrics_ports(server)),
        ],
        "readinessProbe": {"httpGet": _READY, "timeoutSeconds": 5},
        "livenessProbe": {"httpGet": _ALIVE, "timeoutSeconds": 5, "failureThreshold": 6},
        "resources": requests("10m", "50Mi"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [mount("tls", _TLS_FOLDER, readOnly=True)],
    }


def _metrics_ports(server: Server) -> tuple[int, ...]:
    """The port of the metrics; none where there are none, or where any port will do."""
    port = int(server.metrics.rpartition(":")[2] or 0)
    return (port,) if port else ()


def _file(suffix: str) -> Object:
    return {"key": f"tls.{suffix}", "path": f"tls.{suffix}"}


def _tcp(port: int) -> Object:
    return {"port": port, "protocol": "TCP"}
