"""The agent on the nodes, and the programs of the CNI that it brings with it. Nothing here does I/O."""

from sriov_core.api import keys
from sriov_operator.deployment.daemonsets import EVERYWHERE, INFRASTRUCTURE, NODE_CRITICAL, daemon_set, host_path, mount
from sriov_operator.deployment.deployed import Deployed, environment, from_field, requests
from sriov_operator.deployment.environmentvars import added
from sriov_operator.deployment.names import CONFIG_DAEMON
from sriov_operator.objects import Object

HOST = "/host"
"""Where the agent sees the root of the node."""

PROGRAM_IN_IMAGE = "/opt/sriov-core"
"""Where the agent's image has an installation that runs on any Linux, with ``bin/sriov-core`` in it."""
PROGRAM_ON_NODE = "/var/lib/sriov-core"
"""Where the units of the boot expect it (the agent's --unit-program)."""

_PROGRAM_LABEL = "system_u:object_r:bin_t:s0"
_CNI_FOLDER = f"{HOST}/opt/cni/bin"
_OS_RELEASE = "/etc/os-release"
_OVS_PROGRAMS = ("/ovs", "/ovs-mirror-producer", "/ovs-mirror-consumer")


def manifests(deployed: Deployed) -> list[Object]:
    """The DaemonSet; nothing without an image. Its service account and roles come with the operator's own."""
    return [_daemon_set(deployed)] if deployed.settings.images.config_daemon else []


def _daemon_set(deployed: Deployed) -> Object:
    pod = {
        "hostNetwork": True,
        "hostPID": True,
        "nodeSelector": deployed.node_selector,
        "tolerations": EVERYWHERE,
        "serviceAccountName": CONFIG_DAEMON,
        "priorityClassName": NODE_CRITICAL,
        "initContainers": _init_containers(deployed),
        "containers": [_agent(deployed)],
        "volumes": [
            host_path("host", "/"),
            host_path("cnibin", deployed.settings.cni_bin_path),
            host_path("os-release", _OS_RELEASE, "File"),
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    annotations = {"kubectl.kubernetes.io/default-container": CONFIG_DAEMON, keys.REQUIRED_SCC: "privileged"}
    return daemon_set(deployed, CONFIG_DAEMON, pod, pod_labels=INFRASTRUCTURE, pod_annotations=annotations)


def _agent(deployed: Deployed) -> Object:
    settings = deployed.settings
    built_in = {
        "CLUSTER_TYPE": settings.cluster_type,
        "DEV_MODE": "TRUE" if settings.dev_mode else "",
        "RESOURCE_PREFIX": settings.resource_prefix,
        **({"USE_EXTERNAL_DRAINER": "true"} if settings.external_drainer else {}),
    }
    return {
        "name": CONFIG_DAEMON,
        "image": settings.images.config_daemon,
        "command": ["sriov-core", "agent"],
        "args": _arguments(deployed),
        "env": [
            from_field("NODE_NAME", "spec.nodeName"),
            from_field("NAMESPACE", "metadata.namespace"),
            from_field("POD_NAME", "metadata.name"),
            *environment(built_in),
            *environment(added(deployed.config.spec.config_daemon_env_vars).values),
        ],
        "resources": requests("100m", "100Mi"),
        "securityContext": {"privileged": True, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            # What the node mounts later (kubelet's folders, debugfs) has to be seen, too.
            mount("host", HOST, mountPropagation="HostToContainer"),
            mount("tmp", "/tmp"),  # noqa: S108  # of the container
        ],
    }


def _arguments(deployed: Deployed) -> list[str]:
    """Feature gates are not among them: the agent follows them by itself, and is not restarted for their sake."""
    plugins, metrics = deployed.config.spec.disable_plugins, deployed.settings.agent_metrics
    return [
        f"--root={HOST}",
        *(["--use-systemd-service"] if deployed.is_systemd else []),
        *([f"--disable-plugins={','.join(plugins)}"] if plugins else []),
        *([f"--metrics-bind-address={metrics}"] if metrics else []),
    ]


def _init_containers(deployed: Deployed) -> list[Object]:
    """The programs of the CNI, each by the image that has it; in systemd mode also the service of the node."""
    images = deployed.settings.images
    copies = [
        _copy("sriov-cni", images.sriov_cni),
        _copy("sriov-infiniband-cni", images.infiniband_cni),
        _copy("ovs-cni", images.ovs_cni, command=["cp", *_OVS_PROGRAMS, _CNI_FOLDER]),
        _copy("rdma-cni", images.rdma_cni),
    ]
    service = [_service(deployed)] if deployed.is_systemd else []
    return [*(one for one in copies if one["image"]), *service]


def _copy(name: str, image: str, command: list[str] | None = None) -> Object:
    """Images of CNIs copy their program by themselves and end, with ``--no-sleep``; that of Open vSwitch does not."""
    run: Object = {"command": command} if command else {"args": ["--no-sleep"]}
    return {
        "name": name,
        "image": image,
        **run,
        "resources": requests("10m", "10Mi"),
        "securityContext": {"privileged": True},
        "volumeMounts": [mount("cnibin", _CNI_FOLDER), mount("os-release", f"{HOST}{_OS_RELEASE}", readOnly=True)],
    }


def _service(deployed: Deployed) -> Object:
    """Puts the program on the node, where the units of the boot look for it; the agent writes the units by itself.

    SELinux lets systemd start it only with the label of programs; without SELinux, cp says so and goes on.
    """
    options = ["--recursive", "--remove-destination", f"--context={_PROGRAM_LABEL}"]
    return {
        "name": "sriov-service-copy",
        "image": deployed.settings.images.config_daemon,
        "command": ["cp", *options, f"{PROGRAM_IN_IMAGE}/.", f"{HOST}{PROGRAM_ON_NODE}"],
        "resources": requests("10m", "10Mi"),
        "securityContext": {"privileged": True, "readOnlyRootFilesystem": True},
        "volumeMounts": [mount("host", HOST)],
    }
