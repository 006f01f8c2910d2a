"""What users run into in a cluster: `kubectl sriov` names each trouble of docs/failures.md with what to do about it.

The ids begin with the rows of that page, which tests/contract/test_failures_documented.py compares.
"""

from collections.abc import Iterator

import pytest
from failing_nodes import Failing, Told, scene
from kube_clients import until
from servers import Server


@pytest.fixture(scope="module")
def failing(server: Server, recent: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    with scene(server, tmp_path_factory.mktemp("failures")) as made:
        yield made


def tells(told: Told, code: str, fact: str, remedy: str) -> bool:
    """Whether that is the end of the chain, with this fact and this remedy."""
    return told.code == code and fact in told.fact and remedy in f"{told.fact} {told.remedy}"


@pytest.mark.parametrize(
    ("name", "code", "fact", "remedy"),
    [
        pytest.param("no-sriov", "K8S-421", "offers no SR-IOV", "Enable SR-IOV in the firmware", id="1a-no-sriov"),
        pytest.param(
            "no-vf-driver", "K8S-421", "vf0: kernel driver none", "load the one that drives it", id="1d-no-vf-driver"
        ),
        pytest.param(
            "no-plugin", "K8S-427", "no pod of the device plugin", "kubectl describe pods", id="1f-no-device-plugin"
        ),
        pytest.param(
            "healthy", "K8S-431", "the kubelet offers none of fast", "log of the device plugin", id="1g-not-registered"
        ),
        pytest.param(
            "no-vt-d", "K8S-421", "although no kernel argument is missing", "Enable VT-d, AMD-Vi", id="2b-no-vt-d"
        ),
        pytest.param(
            "busy",
            "LIFE-721",
            "pod failures/user may not be evicted: PodDisruptionBudget keep allows 0",
            "Have more of them run, or change the budget",
            id="3a-a-budget-blocks-the-drain",
        ),
        pytest.param(
            "no-boot-manager",
            "K8S-421",
            "no known boot manager can set intel_iommu=on",
            "Set these kernel arguments yourself",
            id="20a-nobody-can-set-kernel-arguments",
        ),
        pytest.param(
            "no-module", "K8S-421", "no module vfio_pci", "install the package that holds it", id="20c-no-module"
        ),
    ],
)
def test_why_a_node_is_not_as_wished(failing: Failing, name: str, code: str, fact: str, remedy: str) -> None:
    told = failing.answered("node", name, lambda told: tells(told, code, fact, remedy))
    assert tells(told, code, fact, remedy), told
    assert told.remedy


def test_2b_one_reboot_was_spent_and_no_second_one(failing: Failing) -> None:
    machine = failing.whole.kubelets.machines[failing.whole.stage.name("no-vt-d")]
    assert machine.reboots == 1


@pytest.mark.parametrize(
    ("name", "code", "fact", "remedy"),
    [
        pytest.param("nowhere", "POL-503", "NoNodeMatched", "kubectl get nodes --show-labels", id="1j-no-node"),
        pytest.param("renamed", "POL-504", "NoNicMatched", "kubectl sriov nodes", id="4b-no-nic"),
        pytest.param(
            "outdone", "POL-505", "Displaced: other policies won VFs", "Give it a lower priority", id="4d-displaced"
        ),
        pytest.param(
            "off", "POL-501", "Failed: 1 node could not", "Enable SR-IOV in the firmware", id="5a-not-applied"
        ),
        pytest.param("renamed", "POL-504", "eth0np0 exists as eth0", "Compare spec.nicSelector", id="12a-renamed"),
    ],
)
def test_why_a_policy_is_not_in_place(failing: Failing, name: str, code: str, fact: str, remedy: str) -> None:
    told = failing.answered("policy", name, lambda told: tells(told, code, fact, remedy))
    assert tells(told, code, fact, remedy), told


@pytest.mark.parametrize(
    ("name", "code", "fact", "remedy"),
    [
        pytest.param(
            "no-driver",
            "POD-470",
            "VFs without a kernel driver",
            "`sriov-core probe eth0` on the node",
            id="1d-no-driver",
        ),
        pytest.param("nobody-offers", "POD-464", "no policy in namespace", "Write a policy", id="1e-nobody-offers-it"),
        pytest.param("no-device-plugin", "POD-469", "no pod of", "kubectl describe pods", id="1f-no-device-plugin"),
        pytest.param("not-registered", "POD-470", "does not know", "Read the log", id="1g-not-registered"),
        pytest.param("node-is-drained", "POD-467", "cordoned", "`kubectl sriov drains`", id="3a-the-node-is-drained"),
        pytest.param("policy-takes-nothing", "POD-465", "NoNicMatched", "Compare", id="4b-its-policy-takes-nothing"),
        pytest.param("not-made", "POD-468", "has no VFs yet", "Set these kernel arguments", id="14c-no-iommu"),
    ],
)
def test_why_a_pod_is_pending(failing: Failing, name: str, code: str, fact: str, remedy: str) -> None:
    told = failing.answered("pod", name, lambda told: tells(told, code, fact, remedy))
    assert tells(told, code, fact, remedy), told


def test_9b_a_port_without_carrier_is_told_and_no_other(failing: Failing) -> None:
    (told,) = until(lambda: [one for (code, _), one in failing.findings().items() if code == "K8S-432"])
    assert "eth0 shows no speed, as without a carrier: its 2 VFs" in told.fact
    assert "Check cable, transceiver and switch port" in told.remedy


def test_what_is_in_place_is_told_as_good(failing: Failing) -> None:
    text = "in place: 2 VFs of 1 NIC on 1 node"
    assert failing.answered("policy", "good", lambda told: told.text == text).text == text
