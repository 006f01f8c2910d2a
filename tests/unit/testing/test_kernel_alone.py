"""VFs that are not what one expects: one that a hypervisor handed over, and those of netdevsim, which are numbers."""

import pytest
from machines import PF, machine

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.tree import LinkFacts, Quirk
from sriov_core.testing.world import FakeWorld

SIM = Address("netdevsim10", "netdevsim")


def handed_over(**facts):
    tree = machine(is_vf=True, platform="openstack", kernel_driver="iavf", **facts)
    tree.functions[0].sriov = None
    return FakeWorld(tree)


class TestAVfThatStandsForItself:
    def test_it_is_its_own_vf(self):
        assert handed_over().vf_addresses(PF) == {0: PF}
        assert FakeWorld(machine()).vf_addresses(PF) == {}

    def test_its_netdev_goes_and_comes_back_with_its_address(self):
        kernel = handed_over()
        before = kernel.links(PF)[0]
        kernel.bind(PF, "vfio-pci")
        assert (kernel.function(PF).kernel_driver, kernel.links(PF)) == ("vfio-pci", [])
        kernel.bind_default(PF)
        (after,) = kernel.links(PF)
        assert (kernel.function(PF).kernel_driver, after.name, after.mac) == ("iavf", before.name, before.mac)
        assert after.ifindex > before.ifindex

    def test_its_netdev_comes_back_from_a_saved_machine_as_well(self):
        kernel = handed_over()
        kernel.bind(PF, "vfio-pci")
        kernel.unbind(PF)
        later = FakeWorld(kernel.tree())
        later.bind_default(PF)
        assert [link.name for link in later.links(PF)] == ["eth0"]

    def test_whoever_has_it_is_told_and_bars_another_driver(self):
        kernel = handed_over()
        kernel.bind(PF, "vfio-pci")
        kernel.hold(PF, "pid 77 (qemu)")
        assert kernel.vf_user(PF) == "pid 77 (qemu)"
        with pytest.raises(StepFailed, match=r"is held by pid 77 \(qemu\)"):
            kernel.bind_default(PF)
        kernel.let_go(PF)
        kernel.bind_default(PF)

    def test_in_a_namespace_it_is_told_by_that(self):
        kernel = handed_over()
        kernel.move_to_namespace(PF, "pod-1")
        assert (kernel.vf_user(PF), kernel.links(PF)) == ("network namespace pod-1", [])

    def test_a_pf_has_no_user(self):
        kernel = FakeWorld(machine())
        kernel.move_to_namespace(PF, "pod-1")
        assert kernel.vf_user(PF) is None


class TestVfsThatAreNumbers:
    def kernel(self):
        quirks = [Quirk.ZERO_VFS_MEANS_LEGACY, Quirk.VF_MAC_SURVIVES, Quirk.VFS_WITHOUT_DEVICES]
        link = LinkFacts(name="eni10np1", mac="02:00:00:00:00:91", up=True)
        sriov = {"total_vfs": 4, "vf_kernel_driver": None}
        tree = machine(
            address=str(SIM), kernel_driver="netdevsim", links=[link], quirks=quirks, eswitch=True, sriov=sriov
        )
        return FakeWorld(tree)

    def test_they_are_counted_and_no_devices(self):
        kernel = self.kernel()
        kernel.set_num_vfs(SIM, 3)
        assert (kernel.attribute(SIM, "sriov_numvfs"), kernel.vf_addresses(SIM)) == ("3", {})
        assert kernel.node().iommu_groups == 3
        kernel.set_num_vfs(SIM, 0)

    def test_more_than_the_limit_are_a_matter_of_memory(self):
        kernel = self.kernel()
        assert kernel.attribute(SIM, "sriov_totalvfs") == "4"
        with pytest.raises(StepFailed, match="sriov_numvfs: 5 refused with ENOMEM"):
            kernel.set_num_vfs(SIM, 5)

    def test_no_attribute_of_pci_is_there(self):
        kernel = self.kernel()
        names = ("vendor", "device", "class", "driver_override", "sriov_drivers_autoprobe", "sriov_vf_device")
        assert [kernel.attribute(SIM, name) for name in names] == [None] * 6
        with pytest.raises(StepFailed, match="sriov_drivers_autoprobe: 0 refused with ENOENT"):
            kernel.set_autoprobe(SIM, enabled=False)

    def test_in_switchdev_each_has_a_representor(self):
        kernel = self.kernel()
        kernel.set_num_vfs(SIM, 2)
        kernel.set_eswitch_mode(SIM, EswitchMode.SWITCHDEV)
        assert len(kernel.links(SIM)) == 3

    def test_their_addresses_are_told_and_survive(self):
        kernel = self.kernel()
        kernel.set_num_vfs(SIM, 2)
        kernel.set_vf_mac(SIM, 1, "02:00:00:00:00:aa")
        kernel.set_num_vfs(SIM, 0)
        kernel.set_num_vfs(SIM, 2)
        assert kernel.vf_macs(SIM) == {1: "02:00:00:00:00:aa"}
