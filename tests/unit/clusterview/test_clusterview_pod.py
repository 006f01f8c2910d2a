"""Why a pod is Pending: each broken link alone, what is said of it, and what may not be looked at."""

import pytest
from cluster_scene import pod, scene

from sriov_core.cli.kubectl.view import story_blocks
from sriov_core.cli.screen import plain
from sriov_core.clusterview.podchain import explain_pod
from sriov_core.clusterview.story import Holds

RAIL = "openshift.io/rail0"
TAKEN = """
Pod/db:
  metadata: {namespace: team-b}
  spec: {nodeName: worker-1, containers: [{name: a, resources: {requests: {openshift.io/rail0: "2"}}}]}
  status: {phase: Running}
"""
NOTHING_OFFERED = "Node/worker-1: {status: {allocatable: {openshift.io/rail0: null}}}"

WITHOUT_DRIVER = """
SriovNetworkNodeState/worker-1:
  status:
    interfaces:
      - pciAddress: "0000:86:00.0"
        name: ens1f0
        numVfs: 2
        Vfs: [{pciAddress: "0000:86:02.0", vfID: 0}, {pciAddress: "0000:86:02.1", vfID: 1}]
"""


DRAINED = """
Node/worker-1: {spec: {unschedulable: true}, metadata: {annotations: {sriovnetwork.openshift.io/state: Drain_Required}}}
SriovNetworkNodeState/worker-1: {metadata: {annotations: {sriovnetwork.openshift.io/current-state: Draining}}}
"""


def told(changes="", **refused):
    return explain_pod(pod(changes), scene(changes, **refused))


@pytest.mark.parametrize(
    ("changes", "code", "fact", "remedy"),
    [
        pytest.param(
            "Pod/web: {metadata: {annotations: {k8s.v1.cni.cncf.io/networks: 'a/b/c'}}}",
            "POD-461",
            "found 'a/b/c', wanted",
            "Correct the annotation",
            id="the-annotation-cannot-be-read",
        ),
        pytest.param(
            "Pod/web: {metadata: {annotations: {k8s.v1.cni.cncf.io/networks: rial}}}",
            "POD-462",
            "no NetworkAttachmentDefinition team-a/rial",
            "Did you mean rail?",
            id="a-network-is-misspelt",
        ),
        pytest.param(
            "NetworkAttachmentDefinition/rail: {metadata: {namespace: team-b}}",
            "POD-462",
            "no NetworkAttachmentDefinition team-a/rail",
            "SriovNetwork sriov-network-operator/rail would make it",
            id="the-network-has-not-made-it",
        ),
        pytest.param(
            "{NetworkAttachmentDefinition/rail: {metadata: {namespace: team-b}}, SriovNetwork/rail: null}",
            "POD-462",
            "no NetworkAttachmentDefinition team-a/rail",
            "write team-b/rail",
            id="it-is-in-another-namespace",
        ),
        pytest.param(
            "Pod/web: {spec: {containers: [{name: main}]}}",
            "POD-463",
            "want 1 openshift.io/rail0, its containers ask for 0",
            "See whether the injector runs",
            id="nobody-added-the-request",
        ),
        pytest.param(
            "{Pod/web: {spec: {containers: [{name: main}]}},"
            " SriovOperatorConfig/default: {spec: {enableInjector: false}}}",
            "POD-463",
            "the injector is off",
            "Switch the injector on",
            id="the-injector-is-off",
        ),
        pytest.param(
            "SriovNetworkNodePolicy/rail0: {spec: {resourceName: rail1}}",
            "POD-464",
            "no policy in namespace sriov-network-operator offers openshift.io/rail0",
            "Did you mean rail1?",
            id="no-policy-offers-it",
        ),
        pytest.param(
            "SriovNetworkNodePolicy/rail0: {status: {conditions: "
            "[{type: Ready, status: 'False', observedGeneration: 1, reason: NoNicMatched, message: nearest x}]}}",
            "POD-465",
            "offered on no node: SriovNetworkNodePolicy rail0: NoNicMatched: nearest x",
            "nicSelector",
            id="its-policy-takes-no-nic",
        ),
        pytest.param(
            "Node/worker-1: {metadata: {labels: {nic: null}}}",
            "POD-466",
            "no policy for openshift.io/rail0 selects it (rail0)",
            "label the node",
            id="its-policy-selects-no-node",
        ),
        pytest.param(
            "Pod/web: {spec: {nodeSelector: {zone: b}}}",
            "POD-467",
            "spec.nodeSelector wants zone=b, the Node has no such label",
            "Change the pod",
            id="the-pod-wants-another-node",
        ),
        pytest.param(
            "Node/worker-1: {spec: {unschedulable: true}}", "POD-467", "cordoned", "uncordon", id="the-node-is-cordoned"
        ),
        pytest.param(
            "Node/worker-1: {spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}]}}",
            "POD-467",
            "worker-1: the Node is not Ready (taint node.kubernetes.io/not-ready:NoSchedule)",
            "`kubectl describe node worker-1`",
            id="the-node-is-not-ready",
        ),
        pytest.param(
            "Node/worker-1: {spec: {taints: [{key: gpu, effect: NoSchedule}]}}",
            "POD-467",
            "the taint gpu:NoSchedule, which the pod does not tolerate",
            "take the taint off",
            id="the-node-has-a-taint",
        ),
        pytest.param(
            DRAINED,
            "POD-467",
            "cordoned (spec.unschedulable): it is drained, Draining",
            "kubectl sriov drains",
            id="the-node-is-drained",
        ),
        pytest.param(
            f"{{{NOTHING_OFFERED}, SriovNetworkNodeState/worker-1: null}}",
            "POD-468",
            "it has no SriovNetworkNodeState",
            "explain node worker-1",
            id="nobody-manages-the-node",
        ),
        pytest.param(
            f"{{{NOTHING_OFFERED}, SriovNetworkNodeState/worker-1: {{spec: {{interfaces: []}}}}}}",
            "POD-468",
            "no VFs of rail0 are wished there",
            "explain policy",
            id="the-policy-takes-no-nic-of-the-node",
        ),
        pytest.param(
            NOTHING_OFFERED
            + """
SriovNetworkNodeState/worker-1:
  status:
    syncStatus: Failed
    lastSyncError: no IOMMU
    interfaces: [{pciAddress: "0000:86:00.0", name: ens1f0, numVfs: 0}]
""",
            "POD-468",
            "ens1f0 has no VFs yet: no IOMMU",
            "explain node worker-1",
            id="the-vfs-could-not-be-made",
        ),
        pytest.param(
            f"{{{NOTHING_OFFERED}, Pod/sriov-device-plugin-x: null}}",
            "POD-469",
            "no pod of the device plugin runs there",
            "kubectl describe pods",
            id="no-device-plugin",
        ),
        pytest.param(
            NOTHING_OFFERED
            + """
Pod/sriov-device-plugin-x:
  status: {conditions: [], containerStatuses: [{name: p, state: {waiting: {reason: ImagePullBackOff}}}]}
""",
            "POD-469",
            "sriov-device-plugin-x is not Ready: ImagePullBackOff",
            "kubectl describe pods",
            id="the-device-plugin-does-not-start",
        ),
        pytest.param(NOTHING_OFFERED, "POD-470", "the kubelet does not know", "log", id="the-kubelet-does-not-know-it"),
        pytest.param(
            "Node/worker-1: {status: {allocatable: {openshift.io/rail0: '0'}}}",
            "POD-470",
            "the kubelet has 0 of openshift.io/rail0",
            "log",
            id="the-kubelet-has-none",
        ),
        pytest.param(
            f"{NOTHING_OFFERED}{WITHOUT_DRIVER}",
            "POD-470",
            "VFs without a kernel driver, which the device plugin passes over: 2 of ens1f0 (vf0 is the first)",
            "sriov-core probe ens1f0",
            id="vfs-without-a-driver",
        ),
        pytest.param(
            f"{NOTHING_OFFERED}{WITHOUT_DRIVER.replace('vfID: 0', 'vfID: 0, driver: iavf')}",
            "POD-470",
            "the kubelet does not know",
            "log",
            id="one-vf-without-a-driver-is-not-why-all-are-missing",
        ),
        pytest.param(
            TAKEN, "POD-471", "2 of 2 are taken by team-b/db; the pod wants 1", "Raise numVfs", id="all-are-taken"
        ),
        pytest.param(
            "Pod/web: {spec: {containers: [{name: a, resources: {requests: {openshift.io/rail0: '3'}}}]}}",
            "POD-471",
            "there are 2, and the pod wants 3",
            "Raise numVfs",
            id="more-than-there-are",
        ),
        pytest.param(
            "Pod/web: {spec: {nodeName: worker-1}, status: "
            "{containerStatuses: [{name: main, state: {waiting: {reason: ContainerCreating}}}]}}",
            "POD-472",
            "have not started: ContainerCreating",
            "kubectl describe pod web -n team-a",
            id="placed-and-not-started",
        ),
    ],
)
def test_the_first_broken_link_is_told(changes, code, fact, remedy):
    story = told(changes)
    assert story.broken is not None
    assert story.broken.code == code
    assert fact in story.broken.fact
    assert remedy in story.broken.remedy
    assert [one.holds for one in story.links] == [Holds.YES] * (len(story.links) - 1) + [Holds.NO]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param("", "node worker-1 has what the pod wants", id="devices-are-free"),
        pytest.param("Pod/web: {status: {phase: Running}}", "it is Running, not Pending", id="it-runs"),
        pytest.param(
            "Pod/sriov-device-plugin-x: null",
            "node worker-1 has what the pod wants",
            id="a-device-plugin-of-ones-own",
        ),
        pytest.param(
            "Pod/web: {metadata: {annotations: null}, spec: {containers: []}}",
            "nothing of SR-IOV keeps it Pending. The scheduler says: 0/2 nodes are available",
            id="no-networks",
        ),
        pytest.param(
            "{NetworkAttachmentDefinition/rail: {metadata: {annotations: null}}, Pod/web: {spec: {containers: []}}}",
            "nothing of SR-IOV",
            id="a-network-without-devices",
        ),
    ],
)
def test_where_no_link_is_broken_the_chain_says_so(changes, verdict):
    story = told(changes)
    assert story.broken is None
    assert verdict in story.verdict


@pytest.mark.parametrize("part", ["attachments", "policies", "nodes", "pods"])
def test_what_may_not_be_looked_at_is_no_broken_link_and_never_good(part):
    story = told("", **{part: "list is forbidden"})
    assert story.broken is None
    assert "Not every link could be looked at" in story.verdict
    assert [one.fact for one in story.links if one.holds is Holds.UNKNOWN] == ["list is forbidden"]


def test_the_node_that_comes_closest_is_told_first_and_every_node_in_the_table():
    story = told(TAKEN)
    assert [row[:2] for row in story.grids[0].rows] == [
        ("worker-1", "enough are free"),
        ("control-1", "the policy selects a node"),
    ]


def other(spec="{}"):
    """A worker whose name comes first, and of which the policy takes no NIC."""
    node = f"{{metadata: {{labels: {{nic: x710}}}}, spec: {spec}}}"
    return f"Node/worker-0: {node}\nSriovNetworkNodeState/worker-0: {{status: {{syncStatus: Succeeded}}}}\n"


@pytest.mark.parametrize(
    ("another", "why"),
    [
        pytest.param(other(), "no VFs of rail0 are wished there: the policy takes no NIC of it", id="no-nic-is-taken"),
        pytest.param(
            other("{unschedulable: true}"),
            "no VFs of rail0 are wished there: the policy takes no NIC of it",
            id="no-nic-is-taken-and-cordoned",
        ),
        pytest.param(
            "Node/worker-0: {metadata: {labels: {nic: x710}}}", "it has no SriovNetworkNodeState", id="not-managed"
        ),
    ],
)
def test_a_node_that_can_never_serve_the_pod_does_not_hide_one_that_is_only_drained(another, why):
    story = told(f"{another}{DRAINED}")
    assert story.broken.code == "POD-467"
    assert "worker-1: the Node is cordoned (spec.unschedulable): it is drained" in story.broken.fact
    assert "kubectl sriov drains" in story.broken.remedy
    assert {row[0]: row[1:] for row in story.grids[0].rows}["worker-0"] == ("the policy selects a node", why)


def test_where_no_node_has_a_nic_that_is_taken_this_is_told():
    story = told(f"{other()}{NOTHING_OFFERED}\nSriovNetworkNodeState/worker-1: {{spec: {{interfaces: []}}}}")
    assert story.broken.code == "POD-468"
    assert "worker-0: no VFs of rail0 are wished there" in story.broken.fact


def test_a_node_that_a_pod_is_tied_to_is_told_even_if_another_one_has_the_nic():
    story = told(f"{other()}\nPod/web: {{spec: {{nodeSelector: {{kubernetes.io/hostname: worker-0}}}}}}")
    assert story.broken.code == "POD-467"
    labelled = other().replace("nic: x710", "nic: x710, only: here")
    story = told(f"{labelled}\nPod/web: {{spec: {{nodeSelector: {{only: here}}}}}}")
    assert story.broken.code == "POD-468"
    assert "worker-0: no VFs of rail0 are wished there" in story.broken.fact


def test_a_drain_is_not_the_reason_where_the_pod_wants_another_node():
    story = told(f"{DRAINED}\nPod/web: {{spec: {{nodeSelector: {{zone: b}}}}}}")
    assert story.broken.fact == "worker-1: spec.nodeSelector wants zone=b, the Node has no such label"


def test_of_a_pod_that_runs_it_is_said_in_words_that_there_is_nothing_to_tell():
    story = told("Pod/web: {status: {phase: Running}, spec: {nodeName: worker-1}}")
    lines = ["Pod team-a/web", "  no findings", "", "it is Running on node worker-1, not Pending"]
    assert list(plain(story_blocks(story))) == lines


def test_finished_pods_hold_no_devices():
    assert told(TAKEN.replace("Running", "Succeeded")).broken is None


def test_all_resources_have_to_be_on_one_node():
    more = """
SriovNetworkNodePolicy/rail1:
  metadata: {generation: 1}
  spec: {resourceName: rail1, nodeSelector: {nic: x710}, nicSelector: {vendor: "15b3"}, numVfs: 1}
Pod/web:
  spec: {containers: [{name: a, resources: {requests: {openshift.io/rail0: "1", openshift.io/rail1: "1"}}}]}
"""
    story = told(more)
    assert story.broken.code == "POD-468"
    assert "no VFs of rail1 are wished there" in story.broken.fact
