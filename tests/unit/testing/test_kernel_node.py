"""The fake kernel's node: RDMA namespaces, parameters of modules, vfio without an IOMMU, and what a boot brings."""

import pytest
from machines import PF, VF0, machine, vfs_up

from sriov_core.errors import HostError, StepFailed
from sriov_core.testing.tree import Access
from sriov_core.testing.world import FakeWorld

OWN = "/etc/modprobe.d/sriov-core.conf"
NOIOMMU = ("vfio", "enable_unsafe_noiommu_mode", "Y")


def node(**facts):
    return FakeWorld(machine(node=facts))


REFUSED = {
    "a mode without an RDMA subsystem": ({}, lambda k: k.set_rdma_mode("exclusive"), "ENOENT .* ib_core"),
    "a mode that is none": ({"rdma_mode": "shared"}, lambda k: k.set_rdma_mode("both"), "EINVAL"),
    "a mode while namespaces exist": (
        {"rdma_mode": "shared", "other_net_namespaces": 2},
        lambda k: k.set_rdma_mode("exclusive"),
        "RDMA namespaces: exclusive refused with EBUSY .* 2 other",
    ),
    "a mode without root": (
        {"rdma_mode": "shared", "access": Access.USER},
        lambda k: k.set_rdma_mode("exclusive"),
        "EPERM",
    ),
    "a parameter of a module that is not loaded": (
        {"modules": [], "noiommu_built": True},
        lambda k: k.set_module_parameter(*NOIOMMU),
        "parameter enable_unsafe_noiommu_mode of module vfio: Y refused with ENOENT",
    ),
    "a parameter that the kernel was built without": ({}, lambda k: k.set_module_parameter(*NOIOMMU), "ENOENT"),
    "another parameter": ({}, lambda k: k.set_module_parameter("igb", "max_vfs", "7"), "ENOENT"),
    "a value that is neither yes nor no": (
        {"noiommu_built": True},
        lambda k: k.set_module_parameter("vfio", "enable_unsafe_noiommu_mode", "maybe"),
        "EINVAL",
    ),
    "a service that is not there": ({}, lambda k: k.restart_service("x.service"), "Unit x.service not found"),
}


@pytest.mark.parametrize(("facts", "deed", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_the_errno_and_changes_nothing(facts, deed, message):
    kernel = node(**facts)
    before = kernel.tree()
    with pytest.raises(StepFailed, match=message):
        deed(kernel)
    assert kernel.tree() == before


class TestRdmaMode:
    def test_it_changes_while_there_is_no_other_namespace(self):
        kernel = node(rdma_mode="shared")
        kernel.set_rdma_mode("exclusive")
        assert kernel.node().rdma_mode == "exclusive"

    def test_what_is_so_already_is_not_refused(self):
        node(rdma_mode="shared", other_net_namespaces=3).set_rdma_mode("shared")

    @pytest.mark.parametrize(
        ("text", "mode"),
        [
            pytest.param("options ib_core netns_mode=0\n", "exclusive", id="written-down"),
            pytest.param("options ib_core netns_mode=1\n", "shared", id="written-down-as-shared"),
            pytest.param("# options ib_core netns_mode=0\n", "shared", id="a-comment"),
            pytest.param("options mlx5_core netns_mode=0\n", "shared", id="of-another-module"),
            pytest.param(None, "shared", id="nothing-written"),
        ],
    )
    def test_a_boot_brings_what_is_written_down(self, text, mode):
        kernel = node(rdma_mode="shared", other_net_namespaces=2)
        kernel.write_file(OWN, text)
        kernel.reboot()
        assert (kernel.node().rdma_mode, kernel.node().other_net_namespaces) == (mode, 0)

    def test_what_was_set_by_hand_ends_with_the_boot(self):
        kernel = node(rdma_mode="shared")
        kernel.set_rdma_mode("exclusive")
        kernel.reboot()
        assert kernel.node().rdma_mode == "shared"


class TestNoIommu:
    def machine(self, **facts):
        return vfs_up(1, node={"iommu_groups": 0, "modules": [], "noiommu_built": True, **facts})

    def test_the_parameter_appears_with_the_module(self):
        kernel = self.machine()
        assert kernel.node().noiommu is None
        kernel.load_module("vfio-pci")
        assert kernel.node().noiommu is False
        assert {"vfio", "vfio_pci"} <= kernel.node().modules

    def test_with_it_vfio_serves_a_vf_without_an_iommu(self):
        kernel = self.machine()
        kernel.load_module("vfio_pci")
        with pytest.raises(StepFailed, match="IOMMU"):
            kernel.bind(VF0, "vfio-pci")
        kernel.set_module_parameter(*NOIOMMU)
        kernel.bind(VF0, "vfio-pci")
        assert kernel.function(VF0).kernel_driver == "vfio-pci"

    def test_a_boot_takes_it_back_unless_it_is_written_down(self):
        kernel = self.machine(modules=["vfio"])
        kernel.set_module_parameter(*NOIOMMU)
        kernel.reboot()
        assert kernel.node().noiommu is False
        kernel.write_file(OWN, "options vfio enable_unsafe_noiommu_mode=1\n")
        kernel.reboot()
        assert kernel.node().noiommu is True


class TestCloud:
    def test_networks_are_told_by_mac(self):
        networks = {"02:00:00:00:00:01": "openstack/NetworkID:blue"}
        assert node(network_ids=networks).network_ids() == networks
        assert node().network_ids() == {}

    def test_a_cloud_that_does_not_answer_is_an_error(self):
        with pytest.raises(HostError, match="no answer within 5 s"):
            node(network_ids_error="metadata: no answer within 5 s").network_ids()


def test_a_pf_bound_elsewhere_comes_back_at_boot():
    kernel = vfs_up(1)
    kernel.unbind(PF)
    kernel.reboot()
    assert kernel.function(PF).kernel_driver == "igb"
    assert [link.name for link in kernel.links(PF)] == ["eth0"]
