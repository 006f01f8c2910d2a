"""When a device plugin is missed: once for the cluster, for each node, and not where the Node offers what is wished."""

import pytest
from cluster_scene import NO_PLUGIN, scene

from sriov_core.clusterview.overview import every_finding

SECOND = """
Node/worker-2: {metadata: {labels: {nic: x710}}}
SriovNetworkNodeState/worker-2:
  spec: {interfaces: [{pciAddress: "0000:86:00.0", numVfs: 2, vfGroups: [{resourceName: rail0, vfRange: 0-1}]}]}
"""


def test_a_device_plugin_that_is_not_deployed_is_told_once_with_its_reason():
    findings = every_finding(scene(f"{SECOND}{NO_PLUGIN}\nSriovOperatorConfig/default: {{status: {{rollouts: []}}}}"))
    assert [(one.code, one.about) for one in findings] == [("K8S-427", "DaemonSet sriov-device-plugin")]
    assert "there is no DaemonSet sriov-device-plugin: its image is not named (SRIOV_DEVICE_PLUGIN_IMAGE)" in (
        findings[0].fact
    )
    assert "kubectl describe" not in findings[0].remedy


@pytest.mark.parametrize(
    "status",
    [
        pytest.param("{rollouts: [{name: sriov-device-plugin}]}", id="deployed"),
        pytest.param("{rollouts: [], conditions: []}", id="nobody-tells"),
    ],
)
def test_a_device_plugin_that_may_be_deployed_is_told_for_each_node(status):
    findings = every_finding(scene(f"{SECOND}{NO_PLUGIN}\nSriovOperatorConfig/default: {{status: {status}}}"))
    assert [one.about for one in findings if one.code == "K8S-427"] == ["Node worker-1", "Node worker-2"]


RAIL1 = """
SriovNetworkNodeState/worker-1:
  spec: {interfaces: [{pciAddress: "0000:86:00.0", numVfs: 2, vfGroups: [
    {resourceName: rail0, vfRange: 0-0}, {resourceName: rail1, vfRange: 1-1}]}]}
"""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param("", [], id="it-offers-all"),
        pytest.param(SECOND, ["Node worker-2"], id="another-node-offers-none"),
        pytest.param(RAIL1, ["Node worker-1"], id="it-offers-one-of-two"),
    ],
)
def test_of_a_node_that_offers_all_that_is_wished_no_device_plugin_is_missed(changes, told):
    findings = every_finding(scene(f"Pod/sriov-device-plugin-x: null\n{changes}"))
    assert [one.about for one in findings if one.code == "K8S-427"] == told
