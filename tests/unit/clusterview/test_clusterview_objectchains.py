"""Why a node is not as it is wished, why a policy is not in place: the first broken link."""

import pytest
from cluster_scene import codes, scene

from sriov_core.clusterview.objectchains import explain_node, explain_policy
from sriov_core.clusterview.overview import every_finding
from sriov_core.clusterview.policies import detail_grid

WAITS = """
Node/worker-1: {metadata: {annotations: {sriovnetwork.openshift.io/state: Drain_Required}}}
SriovNetworkNodeState/worker-1:
  status: {conditions: [{type: Drained, status: "False", reason: Waiting, message: one place}]}
"""


def said(kind, reason):
    conditions = f"[{{type: {kind}, status: 'False', reason: {reason}}}]"
    return f"SriovNetworkNodeState/worker-1: {{status: {{conditions: {conditions}}}}}"


MOVING = "[{type: Progressing, status: 'True', reason: WaitingForReboot, message: soon}]"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param("SriovOperatorConfig/default: null", "K8S-401", "there is none", id="no-configuration"),
        pytest.param(
            "SriovOperatorConfig/default: {spec: {configDaemonNodeSelector: {sriov: 'yes'}}}",
            "K8S-428",
            "lacks the label sriov",
            id="not-managed",
        ),
        pytest.param("SriovNetworkNodeState/worker-1: null", "K8S-429", "no SriovNetworkNodeState", id="no-state"),
        pytest.param(
            said("AgentReporting", "NotReported"),
            "K8S-422",
            "NotReported",
            id="a-silent-agent",
        ),
        pytest.param(
            said("PluginsChosen", "Blocked"),
            "K8S-423",
            "Blocked",
            id="no-plugin",
        ),
        pytest.param(
            "SriovNetworkNodeState/worker-1: {status: {syncStatus: Failed, lastSyncError: no IOMMU}}",
            "K8S-421",
            "no IOMMU",
            id="it-failed",
        ),
        pytest.param(WAITS, "LIFE-722", "one place", id="it-waits-for-a-drain"),
        pytest.param(
            f"SriovNetworkNodeState/worker-1: {{status: {{conditions: {MOVING}}}}}",
            "K8S-430",
            "WaitingForReboot: soon",
            id="it-is-on-its-way",
        ),
        pytest.param(
            """
SriovNetworkNodeState/worker-1:
  metadata: {generation: 3}
  status: {conditions: [{type: Ready, status: "True", reason: Configured, observedGeneration: 2}]}
""",
            "K8S-430",
            "it reports of generation 2, not 3",
            id="its-agent-has-not-taken-it-up",
        ),
        pytest.param(
            "{Pod/sriov-device-plugin-x: null, Node/worker-1: {status: {allocatable: {openshift.io/rail0: '0'}}}}",
            "K8S-427",
            "no pod",
            id="no-device-plugin",
        ),
        pytest.param(
            "Node/worker-1: {status: {allocatable: {openshift.io/rail0: null}}}",
            "K8S-431",
            "none of rail0",
            id="no-vfs",
        ),
        pytest.param(
            """
Node/worker-1: {status: {allocatable: {openshift.io/rail0: null}}}
SriovNetworkNodeState/worker-1: {status: {interfaces: [
  {pciAddress: "0000:86:00.0", name: ens1f0, numVfs: 1, Vfs: [{pciAddress: "0000:86:02.0", vfID: 0}]}]}}
""",
            "K8S-431",
            "none of rail0: VFs without a kernel driver, which the device plugin passes over: 1 of ens1f0",
            id="vfs-without-a-driver",
        ),
        pytest.param(
            """
Node/worker-1: {status: {allocatable: {openshift.io/rail0: null}}}
SriovNetworkNodeState/worker-1:
  spec: {interfaces: [{pciAddress: "0000:86:00.0", numVfs: 1, vfGroups: [{resourceName: rail0, vfRange: many}]}]}
  status: {interfaces: [
    {pciAddress: "0000:86:00.0", name: ens1f0, numVfs: 1, Vfs: [{pciAddress: "0000:86:02.0", vfID: 0}]}]}
""",
            "K8S-431",
            "the kubelet offers none of rail0",
            id="a-range-that-is-none",
        ),
    ],
)
def test_why_a_node_is_not_as_it_is_wished(changes, code, words):
    story = explain_node("worker-1", scene(changes))
    assert story.broken is not None
    assert (story.broken.code, words in story.broken.fact) == (code, True)


def test_a_node_that_is_as_wished_is_told_so_and_one_that_nobody_knows_is_none():
    story = explain_node("worker-1", scene())
    assert (story.broken, story.verdict) == (None, "it is as it is wished")
    assert explain_node("worker-9", scene()) is None


@pytest.mark.parametrize("rollouts", ["[]", "[{name: sriov-device-plugin}]"])
def test_a_device_plugin_of_ones_own_is_as_good_where_the_node_offers_what_is_wished(rollouts):
    deployed = f"SriovOperatorConfig/default: {{status: {{rollouts: {rollouts}}}}}"
    story = explain_node("worker-1", scene(f"Pod/sriov-device-plugin-x: null\n{deployed}"))
    assert (story.broken, story.verdict) == (None, "it is as it is wished")
    (link,) = [one for one in story.links if one.what == "its device plugin runs"]
    assert link.holds == "yes"
    assert link.fact == "no Ready pod of the operator's, and the Node offers some of each resource that is wished"


@pytest.mark.parametrize(
    ("reason", "code", "link"),
    [
        pytest.param("Invalid", "POL-502", "it is valid", id="invalid"),
        pytest.param("NoVfs", "POL-508", "it asks for VFs", id="no-vfs"),
        pytest.param("NoNodeMatched", "POL-503", "it selects nodes", id="no-node"),
        pytest.param("NoNicMatched", "POL-504", "it selects NICs there", id="no-nic"),
        pytest.param("Displaced", "POL-505", "no other policy won its VFs", id="displaced"),
        pytest.param("Failed", "POL-501", "the nodes could be configured", id="failed"),
        pytest.param("Progressing", "POL-507", "the nodes are done", id="on-its-way"),
    ],
)
def test_why_a_policy_is_not_in_place(reason, code, link):
    conditions = f"[{{type: Ready, status: 'False', observedGeneration: 1, reason: {reason}, message: because}}]"
    details = "[{node: worker-1, outcome: failed, reason: no IOMMU}]"
    cluster = scene(f"SriovNetworkNodePolicy/rail0: {{status: {{details: {details}, conditions: {conditions}}}}}")
    story = explain_policy(cluster.policies.items[0], cluster)
    assert (story.broken.code, story.links[-1].what) == (code, link)
    assert story.grids[0].rows == (("worker-1", "failed", "no IOMMU"),)


def test_a_policy_that_is_in_place_is_told_so():
    cluster = scene()
    story = explain_policy(cluster.policies.items[0], cluster)
    assert story.verdict == "in place: 2 VFs of 1 NIC on 1 node"
    assert all(one.holds == "yes" for one in story.links)


MISSPELLED = (
    "{type: Accepted, status: 'False', reason: UnknownFields, "
    "message: 'nobody acts on these; spec.mttu: unknown field. Did you mean mtu?'}"
)


def of_rail0(*conditions, more=""):
    return f"SriovNetworkNodePolicy/rail0: {{status: {{{more}conditions: [{', '.join(conditions)}]}}}}"


def ready(reason, status="False"):
    return f"{{type: Ready, status: '{status}', observedGeneration: 1, reason: {reason}, message: because}}"


def explained(changes):
    cluster = scene(changes)
    return explain_policy(cluster.policies.items[0], cluster)


def test_an_unknown_field_is_warned_of_and_does_not_hide_the_link_that_is_broken():
    story = explained(of_rail0(MISSPELLED, ready("NoNicMatched")))
    assert story.broken.code == "POL-504"
    assert [one.code for one in story.warnings] == ["K8S-408"]
    assert (story.links[1].holds, story.links[1].fact) == (
        "warn",
        "spec.mttu: unknown field, nobody acts on it. Did you mean mtu?",
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param(of_rail0(MISSPELLED, ready("Applied", "True")), "K8S-408", id="an-unknown-field"),
        pytest.param(of_rail0(ready("PartlyDisplaced", "True")), "POL-505", id="some-vfs-lost"),
    ],
)
def test_a_policy_that_is_in_place_with_a_warning_is_not_broken(changes, code):
    story = explained(changes)
    assert (story.broken, [one.code for one in story.warnings]) == (None, [code])
    assert story.verdict.startswith("in place")
    assert story.data()["warnings"][0]["code"] == code


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        pytest.param(
            "appliedNics: 0, failedNodes: 1, ",
            "1 NIC is selected (worker-1: ens1f0); its VFs could not be made as wished; 2 VFs are there",
            id="failed",
        ),
        pytest.param(
            "appliedNics: 0, pendingNodes: 1, ",
            "1 NIC is selected (worker-1: ens1f0); its VFs are not made yet",
            id="pending",
        ),
        pytest.param("appliedNics: 1, failedNodes: 1, ", "VFs of 1 NIC are held", id="held"),
    ],
)
def test_nics_that_are_selected_are_told_when_their_vfs_are_not_there(counts, told):
    wish = (
        "SriovNetworkNodeState/worker-1: {spec: {interfaces: [{pciAddress: '0000:86:00.0', name: ens1f0, numVfs: 99, "
        "vfGroups: [{resourceName: rail0, vfRange: 0-98, policyName: rail0}]}]}}"
    )
    story = explained(f"{of_rail0(ready('Failed'), more=counts)}\n{wish}")
    assert told in [one.fact for one in story.links]


def test_without_a_vf_there_they_could_not_be_made_at_all():
    wish = """
SriovNetworkNodeState/worker-1:
  spec: {interfaces: [{pciAddress: "0000:86:00.0", numVfs: 2, vfGroups: [{vfRange: 0-1, policyName: rail0}]}]}
  status: {interfaces: [{pciAddress: "0000:86:00.0", numVfs: 0}]}
"""
    story = explained(f"{of_rail0(ready('Failed'), more='appliedNics: 0, failedNodes: 1, ')}\n{wish}")
    assert any(one.fact.endswith("its VFs could not be made") for one in story.links)


@pytest.mark.parametrize(
    ("details", "title", "empty"),
    [
        pytest.param(
            "", "where rail0 is not in place", "nowhere: it is in place on 1 node, all that it selects", id="all"
        ),
        pytest.param("unmatched", "where rail0 takes no NIC", "", id="no-nic-on-some"),
        pytest.param("failed", "where rail0 is not in place", "", id="failed"),
        pytest.param("failed unmatched", "where rail0 is not in place or takes no NIC", "", id="both"),
    ],
)
def test_the_table_of_nodes_has_a_title_that_is_true_for_each_of_them(details, title, empty):
    rows = ", ".join(f"{{node: worker-{at}, outcome: {one}}}" for at, one in enumerate(details.split()))
    grid = detail_grid(scene(of_rail0(ready("Applied", "True"), more=f"details: [{rows}], ")).policies.items[0])
    assert (grid.title, len(grid.rows)) == (title, len(details.split()))
    assert not empty or grid.empty == empty


def test_a_policy_that_was_changed_since_is_not_called_in_place():
    old = ready("Applied", "True").replace("observedGeneration: 1", "observedGeneration: 0")
    assert detail_grid(scene(of_rail0(old)).policies.items[0]).empty == "its status names no such node"


def test_nodes_of_which_nobody_tells_are_not_called_done():
    grid = detail_grid(scene(of_rail0(ready("NoNodeMatched"))).policies.items[0])
    assert grid.empty == "its status names no such node"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param("{}", ["K8S-433"], id="at-rest"),
        pytest.param(
            "{metadata: {annotations: {sriovnetwork.openshift.io/current-state: Draining}}}", [], id="drained"
        ),
    ],
)
def test_a_cordon_of_somebody_else_is_told_and_breaks_nothing(changes, told):
    cluster = scene(f"Node/worker-1: {{spec: {{unschedulable: true}}}}\nSriovNetworkNodeState/worker-1: {changes}")
    story = explain_node("worker-1", cluster)
    assert (story.broken, codes(story.warnings)) == (None, told)
    assert all(one.remedy.endswith("kubectl uncordon worker-1") for one in story.warnings)
    assert codes(every_finding(cluster)) == told


@pytest.mark.parametrize(
    ("selector", "others", "told"),
    [
        pytest.param("{nic: null, sriov: 'yes'}", "", "; nearest: worker-1 lacks sriov=yes", id="the-managed-one"),
        pytest.param("{sriov: 'yes'}", "", "; nearest: worker-1 lacks sriov=yes", id="one-of-two-labels"),
        pytest.param(
            "{}",
            "SriovNetworkNodeState/worker-1: null",
            "; worker-1 has them and is not managed (`kubectl sriov explain node worker-1` says why)",
            id="not-managed",
        ),
        pytest.param("{}", "", "because", id="labelled-since"),
        pytest.param("{}", "Node/worker-1: null\nNode/control-1: null", "because", id="no-node-at-all"),
    ],
)
def test_a_policy_without_a_node_tells_which_comes_nearest(selector, others, told):
    conditions = ready("NoNodeMatched")
    changes = f"{{spec: {{nodeSelector: {selector}}}, status: {{conditions: [{conditions}]}}}}"
    assert explained(f"SriovNetworkNodePolicy/rail0: {changes}\n{others}").broken.fact.endswith(told)
