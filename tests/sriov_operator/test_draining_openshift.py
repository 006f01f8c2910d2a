"""What is done about machine config pools, and what a MachineConfig for offload looks like."""

import msgspec
import pytest

from sriov_core.api import keys
from sriov_core.kube.lean import LeanMeta
from sriov_operator.draining.offload import machine_config, machine_config_name, switches_on
from sriov_operator.draining.openshift import MachinePool, after_pausing, before, may_resume
from sriov_operator.process.lean import LeanNode


def machines(*, ours=False, paused=False, wanted="rendered-1", there="rendered-1", selector=True):
    document = {
        "metadata": {"name": "worker", "annotations": {keys.POOL_STATE: "Paused" if ours else "Idle"}},
        "spec": {
            "paused": paused,
            "configuration": {"name": wanted} if wanted else {},
            "nodeSelector": {"matchLabels": {"role": "worker"}} if selector else None,
        },
        "status": {"configuration": {"name": there} if there else {}},
    }
    return msgspec.convert(document, MachinePool)


def node(name, request="Idle", role="worker"):
    annotations = {keys.NODE_STATE: request} if request else {}
    return LeanNode(metadata=LeanMeta(name=name, labels={"role": role}, annotations=annotations))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        pytest.param(machines(ours=True, paused=True), "go", id="paused-by-us"),
        pytest.param(machines(ours=True, paused=True, there="rendered-0"), "go", id="paused-by-us-in-a-change"),
        pytest.param(machines(ours=True), "pause", id="somebody-resumed-it"),
        pytest.param(machines(ours=True, there="rendered-0"), "wait", id="somebody-resumed-it-and-it-changes"),
        pytest.param(machines(ours=True, wanted="", there=""), "wait", id="ours-and-without-configuration"),
        pytest.param(machines(), "pause", id="settled"),
        pytest.param(machines(there="rendered-0"), "wait", id="changing"),
        pytest.param(machines(there=""), "wait", id="never-settled"),
        pytest.param(machines(paused=True), "go", id="paused-by-somebody-else"),
        pytest.param(machines(paused=True, there="rendered-0"), "wait", id="paused-by-somebody-else-in-a-change"),
    ],
)
def test_before_a_drain(pool, expected):
    assert before(pool) == expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        pytest.param(machines(ours=True, paused=True), "go", id="in-time"),
        pytest.param(machines(ours=True, paused=True, there="rendered-0"), "undo", id="too-late"),
    ],
)
def test_after_pausing(pool, expected):
    assert after_pausing(pool) == expected


@pytest.mark.parametrize(
    ("pool", "others", "expected"),
    [
        pytest.param(machines(ours=True, paused=True), [], True, id="the-only-node"),
        pytest.param(machines(ours=True, paused=True), [node("b"), node("c", "")], True, id="nobody-else-asks"),
        pytest.param(machines(ours=True, paused=True), [node("b", "Drain_Required")], False, id="another-one-asks"),
        pytest.param(
            machines(ours=True, paused=True), [node("b", "Drain_Required", role="infra")], True, id="of-another-pool"
        ),
        pytest.param(machines(paused=True), [], False, id="paused-by-somebody-else"),
        pytest.param(machines(ours=True, selector=False), [node("b", "Drain_Required")], True, id="no-selector"),
    ],
)
def test_after_a_drain(pool, others, expected):
    assert may_resume(pool, "a", [node("a", "Drain_Required"), *others]) == expected


def test_the_machine_config_switches_offload_on():
    made = machine_config("worker")
    assert made["metadata"]["name"] == machine_config_name("worker") == "00-worker-ovs-hw-offload"
    assert switches_on(made, "worker")
    assert not switches_on(made, "other")


def spelled(contents, unit="ovs-vswitchd.service", drop_in="10-hw-offload.conf"):
    made = machine_config("worker")
    units = [{"name": unit, "dropins": [{"name": drop_in, "contents": contents}]}]
    return {**made, "spec": {"config": {"ignition": {"version": "3.2.0"}, "systemd": {"units": units}}}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            spelled("[Service]\nExecStartPre=/bin/ovs-vsctl set Open_vSwitch . other_config:hw-offload=true\n"),
            True,
            id="otherwise",
        ),
        pytest.param(spelled("[Service]\n"), False, id="it-does-nothing"),
        pytest.param(spelled("other_config:hw-offload=true", drop_in="x.conf"), False, id="another-drop-in"),
        pytest.param(spelled("other_config:hw-offload=true", unit="x.service"), False, id="another-unit"),
        pytest.param({"metadata": {"name": "x"}, "spec": {}}, False, id="empty"),
        pytest.param({"metadata": {"name": "x"}, "spec": {"config": [1]}}, False, id="nonsense"),
    ],
)
def test_what_does_the_same_is_left_as_it_is(found, expected):
    assert switches_on(found, "worker") == expected
