"""The fake kernel's own workings: planned accidents, and the state that tests compare."""

import errno
import threading

import pytest
from machines import PF, VF0, machine, vfs_up

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.testing.faults import Crash
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.tree import Access, LinkFacts
from sriov_core.testing.world import FakeWorld


class TestAccidents:
    def test_a_planned_failure_strikes_before_anything_changes(self):
        kernel = FakeKernel(machine())
        before = kernel.tree()
        kernel.fail(lambda verb: verb.name == "set_mtu", errno.EIO)
        kernel.set_link(PF, up=True)
        with pytest.raises(StepFailed, match=f"{PF}: set_mtu: .* EIO"):
            kernel.set_mtu(PF, 9000)
        assert kernel.tree() == before
        kernel.heal()
        kernel.set_mtu(PF, 9000)

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    def test_a_crash_strikes_before_or_after_the_effect(self, after):
        kernel = FakeKernel(machine())
        kernel.crash(lambda verb: verb.ordinal == 2, after=after)
        kernel.set_autoprobe(PF, enabled=False)
        with pytest.raises(Crash):
            kernel.set_mtu(PF, 9000)
        assert kernel.links(PF)[0].mtu == (9000 if after else 1500)
        assert kernel.verbs_done == 2

    def test_no_except_exception_hides_a_crash(self):
        assert not issubclass(Crash, Exception)


class TestState:
    def test_the_tree_it_was_made_from_stays_as_it_was(self):
        tree = machine()
        kernel = FakeKernel(tree)
        kernel.set_num_vfs(PF, 2)
        assert tree == machine()

    def test_a_verb_whose_effect_is_there_already_does_nothing_even_without_rights(self):
        kernel = FakeKernel(machine(node={"access": Access.USER}))
        kernel.set_num_vfs(PF, 0)
        kernel.set_mtu(PF, 1500)
        kernel.set_link(PF, up=True)
        kernel.set_autoprobe(PF, enabled=True)

    def test_two_machines_with_the_same_history_are_equal(self):
        assert vfs_up(3).tree() == vfs_up(3).tree()

    def test_ports_are_worked_on_by_several_threads(self):
        tree = machine()
        for number in range(1, 8):
            port = machine(address=f"0000:{number + 1:02x}:00.0", links=[LinkFacts(name=f"eth{number}")])
            tree.functions += port.functions
        kernel = FakeKernel(tree)

        def work(pf):
            for count in (3, 0) * 20:
                kernel.set_num_vfs(pf, count)

        pfs = [function.address for function in kernel.functions()]
        threads = [threading.Thread(target=work, args=(pf,)) for pf in pfs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert kernel.node().iommu_groups == 3
        assert all(kernel.vf_addresses(pf) == {} for pf in pfs)

    def test_an_unknown_device_is_no_device(self):
        kernel = FakeKernel(machine())
        nobody = Address("0000:ff:00.0")
        assert kernel.function(nobody) is None
        assert kernel.links(nobody) == ()
        assert kernel.attribute(nobody, "vendor") is None

    def test_files_and_kernel_arguments_are_kept(self):
        kernel = FakeWorld(machine())
        kernel.write_file("/etc/udev/rules.d/10-x.rules", "text")
        kernel.add_kernel_argument("iommu=pt")
        assert kernel.file("/etc/udev/rules.d/10-x.rules") == "text"
        assert kernel.node().cmdline == ()
        kernel.reboot()
        assert kernel.node().cmdline == ("iommu=pt",)
        kernel.write_file("/etc/udev/rules.d/10-x.rules", None)
        assert kernel.file("/etc/udev/rules.d/10-x.rules") is None

    def test_a_reboot_takes_the_vfs_and_can_bring_the_iommu(self):
        kernel = vfs_up(node={"iommu_groups": 0, "iommu_after_reboot": True})
        kernel.set_mtu(PF, 9000)
        kernel.add_kernel_argument("intel_iommu=on")
        boot = kernel.node().boot_id
        kernel.reboot()
        assert kernel.node().boot_id != boot
        assert kernel.vf_addresses(PF) == {}
        assert kernel.links(PF)[0].mtu == 1500
        assert kernel.node().iommu_groups == 1
        kernel.set_num_vfs(PF, 1)
        kernel.bind(VF0, "vfio-pci")
