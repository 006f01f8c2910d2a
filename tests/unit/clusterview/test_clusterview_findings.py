"""What is said of a cluster, object by object: one change, its finding; and nothing of a healthy one."""

import pytest
import yaml
from cluster_scene import NO_PLUGIN, NOW, codes, scene

from sriov_core.clusterview.cluster import age
from sriov_core.clusterview.drains import drain_grid, pool_grid
from sriov_core.clusterview.finding import failed, finding_data
from sriov_core.clusterview.networks import network_grid
from sriov_core.clusterview.nodes import nic_grid, node_grid
from sriov_core.clusterview.overview import every_finding, summary
from sriov_core.clusterview.policies import policy_grid


def config(conditions):
    return f"SriovOperatorConfig/default: {{status: {{conditions: {conditions}}}}}"


def state(text):
    return f"SriovNetworkNodeState/worker-1: {text}"


def condition(kind, reason, message=""):
    return f"{{status: {{conditions: [{{type: {kind}, status: 'False', reason: {reason}, message: {message}}}]}}}}"


def linked(state, speed=""):
    nic = f"{{pciAddress: '0000:86:00.0', name: ens1f0, numVfs: 2, linkAdminState: {state}, linkSpeed: '{speed}', "
    vf = "Vfs: [{pciAddress: '0000:86:02.0', vfID: 0, driver: iavf}]}"
    return f"SriovNetworkNodeState/worker-1: {{status: {{interfaces: [{nic}{vf}]}}}}"


def policy(reason, status="False"):
    return (
        f"SriovNetworkNodePolicy/rail0: {{status: {{conditions: [{{type: Ready, status: '{status}', "
        f"observedGeneration: 1, reason: {reason}, message: because}}]}}}}"
    )


def drained(reason, asks="Drain_Required", answer="Draining"):
    return f"""
Node/worker-1: {{metadata: {{annotations: {{sriovnetwork.openshift.io/state: {asks}}}}}}}
SriovNetworkNodeState/worker-1:
  metadata: {{annotations: {{
    sriovnetwork.openshift.io/current-state: {answer}, sriovnetwork.openshift.io/drain-since: "2030-01-01T11:15:00Z"}}}}
  status: {{conditions: [{{type: Drained, status: "False", reason: {reason}, message: "PDB team-a/db allows 0"}}]}}
"""


def test_a_healthy_cluster_has_no_findings():
    assert every_finding(scene()) == ()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param("SriovOperatorConfig/default: null", "K8S-401", "touches nothing", id="no-configuration"),
        pytest.param(
            config("[{type: Ready, status: 'False', observedGeneration: 1, reason: OperatorConfigSyncFailed}]"),
            "K8S-402",
            "OperatorConfigSyncFailed",
            id="it-cannot-be-carried-out",
        ),
        pytest.param(
            config(
                "[{type: Ready, status: 'True', observedGeneration: 1, reason: A}, "
                "{type: Degraded, status: 'True', reason: RolloutStuck, message: image}]"
            ),
            "K8S-402",
            "RolloutStuck: image",
            id="a-rollout-is-stuck",
        ),
        pytest.param(config("[]"), "K8S-403", "no operator runs", id="no-operator"),
        pytest.param(
            "SriovOperatorConfig/default: {metadata: {generation: 2}}", "K8S-403", "generation 2", id="a-late-operator"
        ),
        pytest.param(
            config(
                "[{type: Ready, status: 'True', observedGeneration: 1}, "
                "{type: Progressing, status: 'True', reason: RollingOut}]"
            ),
            "K8S-404",
            "RollingOut",
            id="it-is-rolling-out",
        ),
        pytest.param(
            "SriovOperatorConfig/default: {spec: {disableDrain: true}}", "K8S-407", "without a drain", id="no-drains"
        ),
        pytest.param(
            "SriovOperatorConfig/default: {spec: {featureGates: {blockDevicePluginUntilConfigured: false}}}",
            "K8S-409",
            "before its node is configured",
            id="the-device-plugin-does-not-wait",
        ),
        pytest.param(linked("down"), "K8S-432", "ens1f0 is down, and so are its 2 VFs", id="a-nic-that-is-down"),
        pytest.param(linked("up"), "K8S-432", "shows no speed", id="a-nic-without-a-carrier"),
        pytest.param(
            "SriovNetwork/rail: {status: {conditions: [{type: Accepted, status: 'False', reason: UnknownFields,"
            " message: 'spec.vlam: unknown field'}, {type: Ready, status: 'True', reason: NetworkReady}]}}",
            "K8S-408",
            "spec.vlam",
            id="an-unknown-field",
        ),
        pytest.param(
            state("{status: {syncStatus: Failed, lastSyncError: no IOMMU}}"), "K8S-421", "no IOMMU", id="a-failed-node"
        ),
        pytest.param(
            state(condition("AgentReporting", "AgentNotReady", "gone")),
            "K8S-422",
            "AgentNotReady: gone",
            id="a-silent-agent",
        ),
        pytest.param(
            state("{status: {conditions: [{type: PluginsChosen, status: 'False', reason: Conflict, message: two}]}}"),
            "K8S-423",
            "Conflict: two",
            id="two-plugins-for-a-nic",
        ),
        pytest.param("Node/worker-1: null", "K8S-424", "no Node", id="the-node-is-gone"),
        pytest.param(
            "Node/worker-1: {status: {conditions: [{type: Ready, status: Unknown}]}}",
            "K8S-425",
            "not Ready",
            id="the-node-is-away",
        ),
        pytest.param(
            state("{status: {conditions: [{type: BootConfigured, status: 'False', reason: Failed}]}}"),
            "K8S-426",
            "Failed",
            id="a-boot-that-failed",
        ),
        pytest.param(NO_PLUGIN, "K8S-427", "no pod of the device plugin", id="no-device-plugin"),
        pytest.param(policy("Failed"), "POL-501", "Failed: because", id="a-policy-failed"),
        pytest.param(policy("Invalid"), "POL-502", "Invalid: because", id="a-policy-is-invalid"),
        pytest.param(policy("NoNodeMatched"), "POL-503", "because", id="a-policy-selects-no-node"),
        pytest.param(policy("NoNicMatched"), "POL-504", "because", id="a-policy-selects-no-nic"),
        pytest.param(policy("Displaced"), "POL-505", "because", id="a-policy-lost-all"),
        pytest.param(policy("PartlyDisplaced", "True"), "POL-505", "because", id="a-policy-lost-some"),
        pytest.param(policy("NotReported"), "POL-506", "because", id="agents-are-silent"),
        pytest.param(policy("Progressing"), "POL-507", "because", id="a-policy-is-on-its-way"),
        pytest.param(policy("NoVfs"), "POL-508", "because", id="no-vfs-wanted"),
        pytest.param(policy("Ignored"), "POL-509", "because", id="a-policy-named-default"),
        pytest.param(policy("NoConfiguration"), "POL-510", "because", id="a-policy-waits-for-the-configuration"),
        pytest.param(policy("SomethingNew"), "POL-511", "SomethingNew", id="an-unknown-reason"),
        pytest.param(
            "SriovNetworkNodePolicy/rail0: {status: {conditions: []}}",
            "POL-511",
            "nobody",
            id="a-policy-without-status",
        ),
        pytest.param(
            "SriovNetworkNodePolicy/rail0: {metadata: {generation: 2}}", "POL-511", "last change", id="a-late-status"
        ),
        pytest.param(drained("Blocked"), "LIFE-721", "since 45m): PDB team-a/db allows 0", id="a-blocked-drain"),
        pytest.param(drained("Waiting", answer="Idle"), "LIFE-722", "waits to be drained", id="a-waiting-drain"),
        pytest.param(
            "Node/worker-1: {metadata: {annotations: {sriovnetwork.openshift.io/state: Drain_Required}}}",
            "LIFE-723",
            "nobody says anything",
            id="nobody-answers",
        ),
        pytest.param(
            "SriovNetworkPoolConfig/p: {status: {conditions: [{type: Ready, status: 'False', reason: Overlap}]}}",
            "LIFE-724",
            "Overlap",
            id="pools-overlap",
        ),
        pytest.param(
            "SriovNetworkPoolConfig/p: {spec: {maxUnavailable: 0}, status: {nodes: 1}}",
            "LIFE-724",
            "wait for ever",
            id="a-pool-that-drains-nobody",
        ),
        pytest.param(
            "SriovNetworkPoolConfig/p: {spec: {maxUnavailable: lots}, status: {nodes: 1}}",
            "LIFE-724",
            "no percentage",
            id="a-limit-that-is-none",
        ),
        pytest.param(
            "SriovNetwork/rail: {status: {conditions: [{type: Ready, status: 'False', reason: NamespaceNotFound}]}}",
            "NET-441",
            "NamespaceNotFound",
            id="a-network-without-namespace",
        ),
        pytest.param(
            "NetworkAttachmentDefinition/rail: null", "NET-442", "team-a/rail", id="a-network-without-attachment"
        ),
        pytest.param("SriovNetwork/rail: {spec: {resourceName: x}}", "NET-443", "no policy offers x", id="no-policy"),
    ],
)
def test_each_trouble_has_its_code_its_fact_and_a_remedy(changes, code, words):
    findings = [one for one in every_finding(scene(changes)) if one.code == code]
    assert findings
    assert words in findings[0].fact
    assert findings[0].remedy


def test_a_nic_that_is_up_with_a_speed_is_no_finding():
    assert every_finding(scene(linked("up", "25000 Mb/s"))) == ()


@pytest.mark.parametrize(
    "part", ["configs", "policies", "states", "pools", "nodes", "networks", "attachments", "own_pods"]
)
def test_what_may_not_be_read_is_unknown_and_makes_nothing_else_look_broken(part):
    findings = every_finding(scene("", **{part: "no rights"}))
    assert codes(findings) == ["K8S-405"]
    assert findings[0].severity == "unknown"


@pytest.mark.parametrize(
    ("answer", "cordoned", "told"),
    [
        pytest.param("Draining", "true", "; the node stays cordoned meanwhile", id="cordoned"),
        pytest.param("Idle", "false", "", id="it-never-began"),
    ],
)
def test_a_blocked_drain_speaks_of_a_cordon_where_there_is_one(answer, cordoned, told):
    node = f"{{spec: {{unschedulable: {cordoned}}}}}"
    changes = yaml.safe_load(drained("Blocked", answer=answer))
    changes["Node/worker-1"] |= yaml.safe_load(node)
    (finding,) = every_finding(scene(yaml.safe_dump(changes)))
    assert finding.remedy == f"Do what the sentence says{told}"


def test_findings_are_told_worst_first_and_only_a_fail_fails():
    findings = every_finding(scene(f"{policy('Invalid')}\n{NO_PLUGIN}"))
    assert codes(findings) == ["POL-502", "K8S-427"]
    assert (failed(findings), failed(findings[1:])) == (True, False)


@pytest.mark.parametrize("reason", ["NoNodeMatched", "NoNicMatched"])
def test_a_policy_that_takes_nothing_anywhere_fails_and_says_what_becomes_of_its_vfs(reason):
    findings = every_finding(scene(policy(reason)))
    assert failed(findings)
    assert "VFs that the policy had are given back" in findings[0].remedy


def held_up(reason, outcome, count, node="worker-1"):
    conditions = f"[{{type: Ready, status: 'False', observedGeneration: 1, reason: {reason}, message: because}}]"
    details = f"[{{node: {node}, outcome: {outcome}, reason: because}}]"
    return f"SriovNetworkNodePolicy/rail0: {{status: {{{count}, details: {details}, conditions: {conditions}}}}}"


NO_IOMMU = state("{status: {syncStatus: Failed, lastSyncError: no IOMMU}}")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(f"{NO_IOMMU}\n{held_up('Failed', 'failed', 'failedNodes: 1')}", ["K8S-421"], id="failed-node"),
        pytest.param(
            f"{drained('Blocked')}\n{held_up('Progressing', 'waiting', 'pendingNodes: 1')}",
            ["LIFE-721"],
            id="blocked-drain",
        ),
        pytest.param(
            f"{NO_IOMMU}\n{held_up('Failed', 'failed', 'failedNodes: 2')}", ["K8S-421", "POL-501"], id="more-nodes"
        ),
        pytest.param(
            f"{NO_IOMMU}\n{held_up('Failed', 'failed', 'failedNodes: 1', 'worker-9')}",
            ["K8S-421", "POL-501"],
            id="another-node",
        ),
    ],
)
def test_what_only_follows_from_a_node_is_told_at_the_node(changes, told):
    findings = every_finding(scene(changes))
    assert codes(findings) == told
    assert ("Also holds up policy rail0" in findings[0].fact) is (len(told) == 1)


def test_a_finding_for_programs_names_its_object():
    (finding,) = every_finding(scene(NO_PLUGIN))
    assert finding_data(finding) == {
        "code": "K8S-427",
        "severity": "warn",
        "object": "Node worker-1",
        "fact": "no pod of the device plugin runs there, so VFs are not offered to pods",
        "evidence": ["Pods with app=sriov-device-plugin"],
        "remedy": "kubectl describe pods -n sriov-network-operator -l app=sriov-device-plugin",
    }


def test_the_tables_of_a_healthy_cluster():
    cluster = scene()
    assert node_grid(cluster).rows == (("worker-1", "Succeeded", "-", 1, 2, 2, "-"),)
    assert policy_grid(cluster).rows == (("rail0", "rail0", 10, 1, 1, 2, 0, 0, "Applied"),)
    assert drain_grid(cluster).rows == ()
    assert pool_grid(cluster).rows == ()
    assert network_grid(cluster).rows == (("rail", "SriovNetwork", "team-a/rail", "rail0", "rail0", "NetworkReady"),)
    assert nic_grid(cluster.states.items[0]).rows == (
        ("0000:86:00.0", "ens1f0", "i40e", "intel", 2, 2, 64, 0, "rail0 0-1", "-"),
    )
    assert summary(cluster)[0] == "nodes     1: 1 Succeeded; 2 VFs made, 2 wished"


def test_drains_say_who_since_when_in_which_pool_and_what_blocks():
    pools = "SriovNetworkPoolConfig/gpu: {spec: {maxUnavailable: 1}, status: {nodes: 1, draining: 1}}"
    cluster = scene(f"{drained('Blocked')}\n{pools}")
    assert drain_grid(cluster).rows == (
        ("worker-1", "Drain_Required", "Draining", "45m", "gpu", "Blocked", "PDB team-a/db allows 0"),
    )
    assert pool_grid(cluster).rows == (("gpu", 1, 1, 1, 0, "not told"),)


def test_people_see_the_beginning_of_a_long_cell_and_programs_all_of_it_with_numbers():
    why = "x" * 100
    grid = node_grid(scene(state(f"{{status: {{syncStatus: Failed, lastSyncError: {why}}}}}")))
    assert grid.shown()[0] == ("worker-1", "Failed", "-", "1", "2", "2", f"{'x' * 57}...")
    assert [grid.data()[0][key] for key in ("drain", "nics", "what_is_wrong")] == [None, 1, why]


def test_a_wish_for_a_nic_that_is_not_there_is_in_the_table():
    cluster = scene(state("{status: {interfaces: []}}"))
    assert nic_grid(cluster.states.items[0]).rows[0][-1] == "wished, and not reported by the node"


@pytest.mark.parametrize(
    ("since", "told"),
    [
        pytest.param("2030-01-01T11:59:30Z", "30s", id="seconds"),
        pytest.param("2030-01-01T11:58:01Z", "119s", id="less-than-two-minutes"),
        pytest.param("2030-01-01T11:00:00Z", "60m", id="minutes"),
        pytest.param("2029-12-31T11:00:00Z", "25h", id="hours"),
        pytest.param("2029-12-22T12:00:00Z", "10d", id="days"),
        pytest.param("2030-01-01T12:00:09Z", "0s", id="a-clock-that-is-ahead"),
        pytest.param("2030-01-01T12:00:09", "", id="no-zone"),
        pytest.param("yesterday", "", id="a-word"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_ages_are_short(since, told):
    assert age(since, NOW) == told
