"""What runs on the nodes: the agent and the device plugin, by configuration."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_deployments import NAMESPACE, SETTINGS, container, deployed, everything, named, pod

from sriov_core.agent.waitforconfig import verb as wait_for_config
from sriov_core.cli.agent import verb as agent
from sriov_core.cli.agentsetup import UNIT_PROGRAM
from sriov_operator.deployment.environmentvars import RESERVED, added
from sriov_operator.deployment.names import CONFIG_DAEMON, DEVICE_PLUGIN, EXPORTER, INJECTOR, OPERATOR_WEBHOOK
from sriov_operator.process.settings import Images
from sriov_operator.serving.commands import injector, webhook

LINUX_WORKER = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
ENABLED = {"sriovnetwork.openshift.io/device-plugin": "Enabled"}
THREE = {"kubernetes.io/os": "linux", "a": "1", "b": ""}
TWO = {"kubernetes.io/os": "linux", "a": "1"}


@pytest.mark.parametrize(
    ("selector", "agent", "plugin"),
    [
        pytest.param(None, LINUX_WORKER, {"kubernetes.io/os": "linux", **ENABLED}, id="left-out"),
        pytest.param({}, LINUX_WORKER, {"kubernetes.io/os": "linux", **ENABLED}, id="empty"),
        pytest.param(THREE, THREE, {**THREE, **ENABLED}, id="three-labels"),
        pytest.param(TWO, TWO, {**TWO, **ENABLED}, id="two-labels"),
    ],
)
def test_the_selector_replaces_that_of_the_agent_and_everything_beside_it(
    selector: dict[str, str] | None, agent: dict[str, str], plugin: dict[str, str]
) -> None:
    here = everything(**({} if selector is None else {"configDaemonNodeSelector": selector}))
    assert pod(here, CONFIG_DAEMON)["nodeSelector"] == agent
    assert pod(here, DEVICE_PLUGIN)["nodeSelector"] == plugin
    assert pod(here, EXPORTER)["nodeSelector"] == agent


@pytest.mark.parametrize("name", [CONFIG_DAEMON, DEVICE_PLUGIN, EXPORTER])
def test_what_runs_on_the_nodes_tolerates_everything(name: str) -> None:
    assert pod(everything(), name)["tolerations"] == [{"operator": "Exists"}]
    assert pod(everything(), name)["priorityClassName"] == "system-node-critical"


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"disablePlugins": ["mellanox"]}, ["--disable-plugins=mellanox"], id="one-plugin"),
        pytest.param({"disablePlugins": ["mellanox", "intel"]}, ["--disable-plugins=mellanox,intel"], id="two"),
        pytest.param({"configurationMode": "daemon"}, [], id="daemon"),
        pytest.param({"configurationMode": "systemd"}, ["--use-systemd-service"], id="systemd"),
        pytest.param(
            {"featureGates": {"parallelNicConfig": True, "manageSoftwareBridges": True}},
            [],
            id="gates-it-follows-itself",
        ),
    ],
)
def test_the_agent_is_told_by_arguments(spec: dict[str, Any], arguments: list[str]) -> None:
    found = container(deployed(**spec), CONFIG_DAEMON)
    assert found["command"] == ["sriov-core", "agent"]
    assert found["args"] == ["--root=/host", *arguments]


def test_the_agent_serves_metrics_where_the_environment_says() -> None:
    found = container(deployed(attrs.evolve(SETTINGS, agent_metrics=":9111")), CONFIG_DAEMON)
    assert found["args"] == ["--root=/host", "--metrics-bind-address=:9111"]


def variables(found: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in found["env"]}


def test_the_agent_knows_its_place_and_what_people_add() -> None:
    settings = attrs.evolve(SETTINGS, external_drainer=True, dev_mode=True)
    found = variables(
        container(deployed(settings, configDaemonEnvVars={"TEST_ENV_VAR": "a b", "A": ""}), CONFIG_DAEMON)
    )
    assert found == {
        "NODE_NAME": {"fieldRef": {"fieldPath": "spec.nodeName"}},
        "NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "CLUSTER_TYPE": "kubernetes",
        "DEV_MODE": "TRUE",
        "RESOURCE_PREFIX": "openshift.io",
        "USE_EXTERNAL_DRAINER": "true",
        "A": "",
        "TEST_ENV_VAR": "a b",
    }
    assert "USE_EXTERNAL_DRAINER" not in variables(container(deployed(), CONFIG_DAEMON))


def test_a_variable_of_the_operator_is_not_overridden_and_one_without_a_name_breaks_nothing() -> None:
    found = added({"NODE_NAME": "other", "1A": "x", "": "x", "B": "y"})
    assert found.values == {"B": "y"}
    impossible = (
        "this is no name of an environment variable, and it was left out. Use letters, digits, '_', '-' and '.', with "
        "no digit at the start"
    )
    assert [str(fault) for fault in found.faults] == [
        f"spec.configDaemonEnvVars[]: {impossible}",
        f"spec.configDaemonEnvVars[1A]: {impossible}",
        "spec.configDaemonEnvVars[NODE_NAME]: the operator sets this variable itself, and it was left out. Remove it",
    ]


@given(st.dictionaries(st.text() | st.sampled_from(sorted(RESERVED)), st.text()))
def test_every_variable_is_either_taken_as_it_is_or_told_of(asked: dict[str, str]) -> None:
    found = added(asked)
    assert found.values.items() <= asked.items()
    assert not found.values.keys() & RESERVED
    assert len(found.values) + len(found.faults) == len(asked)


def test_the_agent_sees_the_host_and_may_touch_it() -> None:
    here = pod(deployed(), CONFIG_DAEMON)
    assert (here["hostNetwork"], here["hostPID"]) == (True, True)
    found = container(deployed(), CONFIG_DAEMON)
    assert found["securityContext"] == {"privileged": True, "readOnlyRootFilesystem": True}
    assert {"name": "host", "mountPath": "/host", "mountPropagation": "HostToContainer"} in found["volumeMounts"]
    assert {"name": "host", "hostPath": {"path": "/"}} in here["volumes"]
    assert here["serviceAccountName"] == CONFIG_DAEMON


def first(settings: Any, **spec: Any) -> list[str]:
    return [one["name"] for one in pod(deployed(settings, **spec), CONFIG_DAEMON)["initContainers"]]


def test_each_cni_is_copied_by_its_own_image_if_there_is_one() -> None:
    bare = attrs.evolve(SETTINGS, images=Images(config_daemon="agent", sriov_cni="a", infiniband_cni="b"))
    assert first(bare) == ["sriov-cni", "sriov-infiniband-cni"]
    assert first(SETTINGS) == ["sriov-cni", "sriov-infiniband-cni", "ovs-cni", "rdma-cni"]
    assert first(bare, configurationMode="systemd") == ["sriov-cni", "sriov-infiniband-cni", "sriov-service-copy"]
    copies = pod(deployed(), CONFIG_DAEMON)["initContainers"]
    assert {one["name"]: one.get("args") for one in copies} == {
        "sriov-cni": ["--no-sleep"],
        "sriov-infiniband-cni": ["--no-sleep"],
        "ovs-cni": None,
        "rdma-cni": ["--no-sleep"],
    }
    for one in copies:
        assert {"name": "cnibin", "mountPath": "/host/opt/cni/bin"} in one["volumeMounts"]


def test_in_systemd_mode_the_program_is_put_where_its_units_look_for_it() -> None:
    copy = pod(deployed(configurationMode="systemd"), CONFIG_DAEMON)["initContainers"][-1]
    *_, source, target = copy["command"]
    assert (source, target) == ("/opt/sriov-core/.", "/host" + UNIT_PROGRAM.removesuffix("/bin/sriov-core"))


def test_the_agent_understands_what_it_is_told() -> None:
    everything_on = deployed(configurationMode="systemd", disablePlugins=["mellanox"])
    options = {name for one in agent.params for name in one.opts}
    for argument in container(everything_on, CONFIG_DAEMON)["args"]:
        assert argument.partition("=")[0] in options
    waits = pod(everything_on, DEVICE_PLUGIN)["initContainers"][0]
    options = {name for one in wait_for_config.params for name in one.opts}
    assert {argument.partition("=")[0] for argument in waits["args"]} <= options
    for name, commands in ((OPERATOR_WEBHOOK, webhook), (INJECTOR, injector)):
        options = {name for one in commands.params for name in one.opts}
        found = container(everything(), name)
        for argument in (*found["command"][2:], *found["args"]):
            assert argument.partition("=")[0] in options


def test_no_container_runs_a_shell() -> None:
    here = everything(configurationMode="systemd")
    for name in (CONFIG_DAEMON, DEVICE_PLUGIN, EXPORTER):
        for one in (*pod(here, name).get("initContainers", []), *pod(here, name)["containers"]):
            assert not [word for word in (one.get("command") or [""])[:1] if word.endswith("sh")]


def test_the_device_plugin_is_given_the_config_of_its_node() -> None:
    found = container(deployed(), DEVICE_PLUGIN)
    assert found["args"] == [
        "--log-level=10",
        "--resource-prefix=openshift.io",
        "--config-file=/etc/pcidp/$(NODE_NAME)",
    ]
    assert {"name": "config-volume", "configMap": {"name": "device-plugin-config"}} in pod(deployed(), DEVICE_PLUGIN)[
        "volumes"
    ]
    assert {"name": "config-volume", "mountPath": "/etc/pcidp", "readOnly": True} in found["volumeMounts"]


def test_configs_in_several_maps_are_one_folder() -> None:
    here = deployed(facts={"config_maps": ("device-plugin-config", "device-plugin-config-1")})
    (volume,) = [one for one in pod(here, DEVICE_PLUGIN)["volumes"] if one["name"] == "config-volume"]
    assert volume["projected"]["sources"] == [
        {"configMap": {"name": "device-plugin-config"}},
        {"configMap": {"name": "device-plugin-config-1", "optional": True}},
    ]


def test_cdi_comes_and_goes_with_its_folder() -> None:
    on, off = deployed(useCDI=True), deployed()
    folder = {"name": "dynamic-cdi", "hostPath": {"path": "/var/run/cdi", "type": "DirectoryOrCreate"}}
    assert "--use-cdi" in container(on, DEVICE_PLUGIN)["args"]
    assert folder in pod(on, DEVICE_PLUGIN)["volumes"]
    assert "--use-cdi" not in container(off, DEVICE_PLUGIN)["args"]
    assert folder not in pod(off, DEVICE_PLUGIN)["volumes"]


@pytest.mark.parametrize(
    ("gates", "waits"),
    [
        pytest.param({}, True, id="by-default"),
        pytest.param({"blockDevicePluginUntilConfigured": False}, False, id="switched-off"),
    ],
)
def test_the_device_plugin_waits_for_its_node(gates: dict[str, bool], waits: bool) -> None:
    here = deployed(featureGates=gates)
    labels = named(here, "DaemonSet", DEVICE_PLUGIN)["spec"]["template"]["metadata"]["labels"]
    assert labels["init-container-enabled"] == str(waits).lower()
    found = pod(here, DEVICE_PLUGIN).get("initContainers", [])
    assert [one["command"] for one in found] == ([["sriov-core", "agent", "wait-for-config"]] if waits else [])
    assert not waits or found[0]["args"] == ["--pod-name=$(POD_NAME)", "--pod-namespace=$(POD_NAMESPACE)"]


def test_names_labels_and_selectors_are_those_of_a_cluster_that_is_taken_over() -> None:
    infrastructure = {"component": "network", "type": "infra", "openshift.io/component": "network"}
    for name in (CONFIG_DAEMON, DEVICE_PLUGIN):
        found = named(deployed(), "DaemonSet", name)
        assert found["metadata"]["namespace"] == NAMESPACE
        assert found["spec"]["selector"] == {"matchLabels": {"app": name}}
        assert found["spec"]["template"]["metadata"]["labels"].items() >= {"app": name, **infrastructure}.items()
        assert found["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": "33%"}
    assert container(deployed(), CONFIG_DAEMON)["name"] == CONFIG_DAEMON
    assert container(deployed(), DEVICE_PLUGIN)["name"] == DEVICE_PLUGIN


def test_pull_secrets_and_the_release_are_passed_on() -> None:
    settings = attrs.evolve(SETTINGS, pull_secrets=("mirror", "other"), release="1.2.3")
    for name in (CONFIG_DAEMON, DEVICE_PLUGIN):
        found = named(deployed(settings), "DaemonSet", name)
        assert found["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}, {"name": "other"}]
        assert found["metadata"]["annotations"] == {"release.openshift.io/version": "1.2.3"}
