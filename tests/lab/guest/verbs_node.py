"""The host's verbs about the node on the real kernel: module parameters, and RDMA with a software device (rdma_rxe).

The program ``rdma`` and sysfs judge.
"""

import pytest
from judges import read, said

from sriov_core.errors import StepFailed
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address

PF = Address("0000:01:00.0")


@pytest.fixture(scope="module")
def host():
    with LinuxHost() as host:
        yield host


@pytest.fixture
def rxe():
    """An RDMA device on the first PF, the devices shared between network namespaces."""
    said("modprobe", "rdma_rxe")
    said("rdma", "link", "add", "rxe0", "type", "rxe", "netdev", "enp1s0")
    yield "rxe0"
    said("rdma", "link", "delete", "rxe0")
    said("rdma", "system", "set", "netns", "shared")


@pytest.fixture
def other_namespace():
    said("ip", "netns", "add", "other")
    yield "other"
    said("ip", "netns", "delete", "other")


def _mode():
    return said("rdma", "system", "show").split()[1]  # "netns shared copy-on-fork on"; it knows no JSON


def test_the_mode_changes_at_run_time_with_rdma_devices_present(host, rxe):
    assert (host.node().rdma_mode, _mode()) == ("shared", "shared")

    host.set_rdma_mode("exclusive")

    assert (host.node().rdma_mode, _mode()) == ("exclusive", "exclusive")
    host.set_rdma_mode("exclusive")
    host.set_rdma_mode("shared")
    assert (host.node().rdma_mode, _mode()) == ("shared", "shared")


def test_another_network_namespace_bars_the_change(host, rxe, other_namespace):
    assert host.node().other_net_namespaces == 1

    with pytest.raises(StepFailed) as caught:
        host.set_rdma_mode("exclusive")

    assert "RDMA namespaces: exclusive refused with EBUSY" in str(caught.value)
    assert "network namespace" in str(caught.value)
    assert _mode() == "shared"


def test_after_the_last_namespace_is_gone_the_mode_changes(host, rxe):
    assert host.node().other_net_namespaces == 0

    host.set_rdma_mode("exclusive")

    assert _mode() == "exclusive"


def test_a_software_device_is_not_the_nics_own(host, rxe):
    # It lies below /sys/devices/virtual: its GUID says nothing about the PF's hardware.
    assert read("/sys/class/infiniband/rxe0/node_guid") != "0000:0000:0000:0000"
    assert host.node_guid(PF) is None


def test_an_unknown_mode_is_refused(host, rxe):
    with pytest.raises(StepFailed, match="EINVAL"):
        host.set_rdma_mode("private")

    assert _mode() == "shared"


def test_a_pf_without_infiniband_refuses_guids(host, rxe):
    said("sh", "-c", "echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe")
    host.set_num_vfs(PF, 1)

    with pytest.raises(StepFailed, match="EOPNOTSUPP"):
        host.set_vf_guid(PF, 0, "02:00:00:00:00:00:00:01")

    assert host.vf_guids(PF) == {}
    host.set_num_vfs(PF, 0)
    said("sh", "-c", "echo 1 > /sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe")


UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"


def test_a_parameter_of_a_loaded_module_is_set(host):
    host.load_module("vfio_iommu_type1")
    for value, shown in (("1", "Y"), ("Y", "Y"), ("off", "N")):
        host.set_module_parameter("vfio_iommu_type1", "allow_unsafe_interrupts", value)
        assert read(UNSAFE) == shown


@pytest.mark.parametrize(
    ("module", "parameter", "words"),
    [
        pytest.param("vfio_iommu_type1", "no_such", "no such parameter", id="no-such-parameter"),
        pytest.param("no_such_module", "on", "not loaded", id="no-such-module"),
        pytest.param("ib_core", "netns_mode", "for as long as the module is loaded", id="only-at-load"),
    ],
)
def test_a_parameter_that_cannot_be_set_is_refused_in_words(host, rxe, module, parameter, words):
    host.load_module("vfio_iommu_type1")

    with pytest.raises(StepFailed, match=words):
        host.set_module_parameter(module, parameter, "0")
