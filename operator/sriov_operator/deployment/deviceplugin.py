"""The SR-IOV network device plugin on the nodes that offer something. Nothing here does I/O."""

from sriov_core.api import keys
from sriov_core.policy.deviceplugin import CONFIG_MAP
from sriov_operator.deployment.daemonsets import (
    EVERYWHERE,
    INFRASTRUCTURE,
    LINUX,
    NODE_CRITICAL,
    daemon_set,
    host_path,
    mount,
)
from sriov_operator.deployment.deployed import Deployed, account, from_field, requests, role, role_binding
from sriov_operator.deployment.names import DEVICE_PLUGIN, DEVICE_PLUGIN_PODS, DEVICE_PLUGIN_PRIVILEGED
from sriov_operator.deployment.roles import DEVICE_PLUGIN_WAITS, PRIVILEGED, as_objects
from sriov_operator.objects import Object

GATE = "blockDevicePluginUntilConfigured"

_CONFIG_FOLDER = "/etc/pcidp"
_DEVICE_INFO = "/var/run/k8s.cni.cncf.io/devinfo/dp"
_CDI = "/var/run/cdi"
_SOCKETS = "/var/lib/kubelet/device-plugins"
_REGISTRY = "/var/lib/kubelet/plugins_registry"


def manifests(deployed: Deployed) -> list[Object]:
    """The DaemonSet with its service account and roles; nothing without an image, or one for what it waits with."""
    if not deployed.settings.images.device_plugin or lacks_agent(deployed):
        return []
    return [
        account(deployed, DEVICE_PLUGIN),
        role(deployed, DEVICE_PLUGIN_PRIVILEGED, as_objects(PRIVILEGED)),
        role_binding(deployed, DEVICE_PLUGIN_PRIVILEGED, DEVICE_PLUGIN_PRIVILEGED, DEVICE_PLUGIN),
        role(deployed, DEVICE_PLUGIN_PODS, as_objects(DEVICE_PLUGIN_WAITS)),
        role_binding(deployed, DEVICE_PLUGIN_PODS, DEVICE_PLUGIN_PODS, DEVICE_PLUGIN),
        _daemon_set(deployed),
    ]


def lacks_agent(deployed: Deployed) -> bool:
    """True when it has to wait for the agent, and nothing says by which image: the program that waits is in that."""
    return deployed.gates.is_on(GATE) and not deployed.settings.images.config_daemon


def _daemon_set(deployed: Deployed) -> Object:
    waits = deployed.gates.is_on(GATE)
    pod = {
        "hostNetwork": True,
        "nodeSelector": {**(deployed.config.spec.config_daemon_node_selector or LINUX), keys.DEVICE_PLUGIN: "Enabled"},
        "tolerations": EVERYWHERE,
        "serviceAccountName": DEVICE_PLUGIN,
        "priorityClassName": NODE_CRITICAL,
        **({"initContainers": [_waiting(deployed)]} if waits else {}),
        "containers": [_plugin(deployed)],
        "volumes": _volumes(deployed),
    }
    labels = {**INFRASTRUCTURE, "init-container-enabled": "true" if waits else "false"}
    return daemon_set(
        deployed, DEVICE_PLUGIN, pod, pod_labels=labels, pod_annotations={keys.REQUIRED_SCC: "privileged"}
    )


def _waiting(deployed: Deployed) -> Object:
    """Holds the plugin up until the agent of the node says that the NICs are configured."""
    return {
        "name": "sriov-device-plugin-init",
        "image": deployed.settings.images.config_daemon,
        "command": ["sriov-core", "agent", "wait-for-config"],
        "args": ["--pod-name=$(POD_NAME)", "--pod-namespace=$(POD_NAMESPACE)"],
        "env": [from_field("POD_NAME", "metadata.name"), from_field("POD_NAMESPACE", "metadata.namespace")],
        "resources": requests("10m", "50Mi"),
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
    }


def _plugin(deployed: Deployed) -> Object:
    cdi = deployed.config.spec.use_cdi
    return {
        "name": DEVICE_PLUGIN,
        "image": deployed.settings.images.device_plugin,
        "args": [
            "--log-level=10",
            f"--resource-prefix={deployed.settings.resource_prefix}",
            f"--config-file={_CONFIG_FOLDER}/$(NODE_NAME)",
            *(["--use-cdi"] if cdi else []),
        ],
        "env": [from_field("NODE_NAME", "spec.nodeName")],
        "resources": requests("10m", "50Mi"),
        "securityContext": {"privileged": True, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            mount("devicesock", _SOCKETS),
            mount("plugins-registry", _REGISTRY),
            mount("config-volume", _CONFIG_FOLDER, readOnly=True),
            mount("device-info", _DEVICE_INFO),
            *([mount("dynamic-cdi", _CDI)] if cdi else []),
        ],
    }


def _volumes(deployed: Deployed) -> list[Object]:
    return [
        host_path("devicesock", _SOCKETS),
        host_path("plugins-registry", _REGISTRY, "DirectoryOrCreate"),
        {"name": "config-volume", **_configs(deployed)},
        host_path("device-info", _DEVICE_INFO, "DirectoryOrCreate"),
        *([host_path("dynamic-cdi", _CDI, "DirectoryOrCreate")] if deployed.config.spec.use_cdi else []),
    ]


def _configs(deployed: Deployed) -> Object:
    """The configs of all nodes in one folder, however many ConfigMaps carry them.

    The first has to be there: without it the pod waits, and is not started in vain. Of the others, one may be deleted
    when there are fewer; pods of before must start all the same.
    """
    more = deployed.config_maps[1:]
    if not more:
        return {"configMap": {"name": CONFIG_MAP}}
    sources = [{"configMap": {"name": CONFIG_MAP}}, *({"configMap": {"name": one, "optional": True}} for one in more)]
    return {"projected": {"sources": sources}}
