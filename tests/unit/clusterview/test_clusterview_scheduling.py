"""Where the scheduler would put a pod, and how many devices a pod takes."""

import msgspec
import pytest
import yaml

from sriov_core.clusterview.objects import Node, Pod
from sriov_core.clusterview.scheduling import allocatable, asked_for, unfit, used


def a_pod(spec, **status):
    return msgspec.convert(
        {"metadata": {"name": "p", "namespace": "n"}, "spec": yaml.safe_load(spec), "status": status}, Pod
    )


def a_node(text="{}", labels="{zone: a, size: '4'}"):
    return msgspec.convert(
        {"metadata": {"name": "w", "labels": yaml.safe_load(labels)}, "spec": yaml.safe_load(text)}, Node
    )


def affinity(terms):
    required = f"requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: {terms}}}"
    return f"affinity: {{nodeAffinity: {{{required}}}}}"


TAINTED = "taints: [{key: gpu, value: 'yes', effect: NoSchedule}]"


@pytest.mark.parametrize(
    ("pod", "node", "words"),
    [
        pytest.param("{}", "{}", "", id="nothing-asked"),
        pytest.param("nodeSelector: {zone: a}", "{}", "", id="label-there"),
        pytest.param("nodeSelector: {zone: b}", "{}", "wants zone=b, the Node has zone=a", id="other-value"),
        pytest.param("nodeSelector: {rack: '1'}", "{}", "no such label", id="no-label"),
        pytest.param("{}", "unschedulable: true", "cordoned", id="cordoned"),
        pytest.param("tolerations: [{operator: Exists}]", "unschedulable: true", "", id="cordon-tolerated"),
        pytest.param("{}", TAINTED, "taint gpu=yes:NoSchedule", id="tainted"),
        pytest.param("tolerations: [{key: gpu, operator: Exists}]", TAINTED, "", id="taint-tolerated-by-key"),
        pytest.param("tolerations: [{key: gpu, value: 'yes'}]", TAINTED, "", id="taint-tolerated-by-value"),
        pytest.param("tolerations: [{key: gpu, value: 'no'}]", TAINTED, "taint", id="another-value-tolerated"),
        pytest.param(
            "tolerations: [{key: gpu, operator: Exists, effect: NoExecute}]", TAINTED, "taint", id="another-effect"
        ),
        pytest.param("{}", "taints: [{key: a, effect: PreferNoSchedule}]", "", id="a-preference"),
        pytest.param(affinity("[{matchExpressions: [{key: zone, operator: In, values: [a]}]}]"), "{}", "", id="in"),
        pytest.param(
            affinity("[{matchExpressions: [{key: zone, operator: NotIn, values: [a]}]}]"), "{}", "affinity", id="not-in"
        ),
        pytest.param(affinity("[{matchExpressions: [{key: rack, operator: DoesNotExist}]}]"), "{}", "", id="not-there"),
        pytest.param(
            affinity("[{matchExpressions: [{key: rack, operator: Exists}]}]"), "{}", "affinity", id="not-there-wanted"
        ),
        pytest.param(
            affinity("[{matchExpressions: [{key: size, operator: Gt, values: ['3']}]}]"), "{}", "", id="greater"
        ),
        pytest.param(
            affinity("[{matchExpressions: [{key: size, operator: Lt, values: ['3']}]}]"), "{}", "affinity", id="less"
        ),
        pytest.param(
            affinity("[{matchExpressions: [{key: zone, operator: Lt, values: ['3']}]}]"), "{}", "affinity", id="a-word"
        ),
        pytest.param(
            affinity("[{matchFields: [{key: metadata.name, operator: In, values: [w]}]}]"), "{}", "", id="by-name"
        ),
        pytest.param(affinity("[{}]"), "{}", "affinity", id="an-empty-term"),
        pytest.param(
            affinity("[{}, {matchExpressions: [{key: zone, operator: Exists}]}]"), "{}", "", id="one-of-two-terms"
        ),
    ],
)
def test_what_keeps_a_pod_off_a_node(pod, node, words):
    found, remedy = unfit(a_pod(pod), a_node(node))
    assert words in found
    assert bool(words) == bool(found) == bool(remedy)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("not-ready", "the Node is not Ready", id="not-ready"),
        pytest.param("unreachable", "its kubelet does not report", id="unreachable"),
        pytest.param("network-unavailable", "it has no network", id="network"),
        pytest.param("disk-pressure", "short of disk space", id="disk"),
        pytest.param("memory-pressure", "short of memory", id="memory"),
        pytest.param("pid-pressure", "short of process ids", id="pids"),
    ],
)
def test_of_a_node_that_ails_the_kubelet_is_to_be_looked_at_and_not_the_pod(key, words):
    taint = f"node.kubernetes.io/{key}"
    why, remedy = unfit(a_pod("{}"), a_node(f"taints: [{{key: {taint}, effect: NoSchedule}}]"))
    assert words in why
    assert f"(taint {taint}:NoSchedule)" in why
    assert "`kubectl describe node w`" in remedy


def wants(number, **more):
    return {"name": "c", "resources": {"requests": {"x/r": str(number)}}, **more}


@pytest.mark.parametrize(
    ("containers", "init", "number"),
    [
        pytest.param([], [], None, id="none"),
        pytest.param([wants(1), wants(2)], [], 3, id="containers-together"),
        pytest.param([wants(1)], [wants(3), wants(2)], 3, id="the-largest-init-container"),
        pytest.param([wants(2)], [wants(1)], 2, id="a-small-init-container"),
        pytest.param([wants(2)], [wants(1, restartPolicy="Always")], 3, id="a-sidecar"),
        pytest.param([{"name": "c", "resources": {"limits": {"x/r": "2"}}}], [], 2, id="a-limit-alone"),
        pytest.param([{"name": "c", "resources": {"requests": {"x/r": "many"}}}], [], 0, id="nonsense"),
    ],
)
def test_how_many_devices_a_pod_takes(containers, init, number):
    pod = a_pod(yaml.safe_dump({"containers": containers, "initContainers": init}))
    assert asked_for(pod).get("x/r") == number


@pytest.mark.parametrize(
    ("spec", "phase", "expected"),
    [
        pytest.param({"nodeName": "w"}, "Running", {"w": (("n/p", 1),)}, id="it-runs"),
        pytest.param({"nodeName": "w"}, "Pending", {"w": (("n/p", 1),)}, id="it-starts"),
        pytest.param({"nodeName": "w"}, "Failed", {}, id="it-has-ended"),
        pytest.param({}, "Pending", {}, id="it-has-no-node"),
    ],
)
def test_who_uses_devices(spec, phase, expected):
    pod = a_pod(yaml.safe_dump({**spec, "containers": [wants(1)]}), phase=phase)
    assert used([pod], "x/r") == expected


def test_a_resource_that_a_node_does_not_know_is_not_one_with_none():
    node = msgspec.convert({"metadata": {"name": "w"}, "status": {"allocatable": {"x/r": "0"}}}, Node)
    assert (allocatable(node, "x/r"), allocatable(node, "x/s")) == (0, None)
