"""The fake kernel refuses what the real one refuses, and changes what the real one changes."""

import pytest
from machines import PF, VF0, VF1, machine, vfs_up

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host.ports import Host
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.tree import Access, Quirk, Refusal


def driver_of(kernel, vf):
    return kernel.function(vf).kernel_driver


def mac_of(kernel, vf):
    return kernel.links(vf)[0].mac


REFUSED = {
    "more than totalvfs": (machine(), lambda k: k.set_num_vfs(PF, 8), "sriov_numvfs: 8 refused with ERANGE"),
    "a negative count": (machine(), lambda k: k.set_num_vfs(PF, -1), "EINVAL"),
    "a PF without a driver": (
        machine(kernel_driver=None, links=[]),
        lambda k: k.set_num_vfs(PF, 1),
        "ENOENT .* no kernel driver",
    ),
    "an MTU too large": (machine(), lambda k: k.set_mtu(PF, 9217), "mtu: 9217 refused with EINVAL .* 68 to 9216"),
    "an MTU too small": (machine(), lambda k: k.set_mtu(PF, 67), "EINVAL"),
    "a mode without devlink": (machine(), lambda k: k.set_eswitch_mode(PF, EswitchMode.SWITCHDEV), "EOPNOTSUPP"),
    "a module that is missing": (
        machine(node={"missing_modules": ["igb_uio"]}),
        lambda k: k.load_module("igb-uio"),
        "modprobe: igb_uio refused with ENOENT",
    ),
    "a kernel argument without a boot manager": (
        machine(node={"boot_manager": None}),
        lambda k: k.add_kernel_argument("iommu=pt"),
        "EOPNOTSUPP .* boot manager",
    ),
    "a link without a netdev": (machine(links=[]), lambda k: k.set_link(PF, up=True), "no netdev appeared"),
    "sysfs without root": (
        machine(node={"access": Access.USER}),
        lambda k: k.set_num_vfs(PF, 1),
        "EACCES .* Run it as root",
    ),
    "netlink without root": (machine(node={"access": Access.USER}), lambda k: k.set_mtu(PF, 9000), "EPERM"),
    "a read-only sysfs": (
        machine(node={"access": Access.READ_ONLY_SYSFS}),
        lambda k: k.set_autoprobe(PF, enabled=False),
        "EROFS",
    ),
}


@pytest.mark.parametrize(("tree", "deed", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_device_and_errno_and_changes_nothing(tree, deed, message):
    kernel = FakeKernel(tree)
    before = kernel.tree()
    with pytest.raises(StepFailed, match=message):
        deed(kernel)
    assert kernel.tree() == before


def test_a_device_without_the_capability_has_no_counts():
    tree = machine()
    tree.functions[0].sriov = None
    kernel = FakeKernel(tree)
    assert kernel.attribute(PF, "sriov_totalvfs") is None
    with pytest.raises(StepFailed, match="sriov_numvfs: 1 refused with ENOENT"):
        kernel.set_num_vfs(PF, 1)


def test_it_is_a_host():
    host: Host = FakeKernel(machine())
    assert host.functions()


class TestCounts:
    def test_a_count_changes_only_by_way_of_0(self):
        kernel = vfs_up(2)
        with pytest.raises(StepFailed, match="EBUSY"):
            kernel.set_num_vfs(PF, 3)
        kernel.set_num_vfs(PF, 2)
        kernel.set_num_vfs(PF, 0)
        kernel.set_num_vfs(PF, 3)
        assert kernel.attribute(PF, "sriov_numvfs") == "3"

    def test_vfs_appear_where_offset_and_stride_say(self):
        kernel = vfs_up(7)
        names = ["10.0", "10.2", "10.4", "10.6", "11.0", "11.2", "11.4"]
        assert [str(address) for address in kernel.vf_addresses(PF).values()] == [f"0000:01:{name}" for name in names]

    def test_with_autoprobe_new_vfs_have_the_default_driver_and_a_netdev(self):
        kernel = vfs_up()
        assert driver_of(kernel, VF0) == "igbvf"
        assert kernel.links(VF0)[0].name == "eth0v0"
        assert kernel.iommu_group(VF0) != kernel.iommu_group(VF1)
        assert kernel.node().iommu_groups == 5

    def test_without_autoprobe_new_vfs_have_no_driver(self):
        kernel = vfs_up(sriov={"autoprobe": False})
        assert driver_of(kernel, VF0) is None
        assert not kernel.links(VF0)

    def test_a_vf_loses_its_attributes_when_it_is_destroyed(self):
        kernel = vfs_up()
        kernel.bind(VF0, "vfio-pci")
        kernel.set_vf_mac(PF, 0, "02:00:00:00:00:aa")
        kernel.set_num_vfs(PF, 0)
        kernel.set_num_vfs(PF, 2)
        assert kernel.attribute(VF0, "driver_override") == "(null)"
        assert kernel.vf_macs(PF) == {}
        assert driver_of(kernel, VF0) == "igbvf"

    def test_netdevsim_keeps_the_macs_of_its_vfs(self):
        kernel = vfs_up(quirks=[Quirk.VF_MAC_SURVIVES])
        kernel.set_vf_mac(PF, 1, "02:00:00:00:00:aa")
        kernel.set_num_vfs(PF, 0)
        kernel.set_num_vfs(PF, 2)
        assert kernel.vf_macs(PF) == {1: "02:00:00:00:00:aa"}

    def test_bnxt_takes_the_write_and_makes_no_vf_while_the_pf_is_down(self):
        kernel = FakeKernel(machine(refuses=[Refusal.RESIZE_WITH_LINK_DOWN]))
        kernel.set_link(PF, up=False)
        with pytest.raises(StepFailed, match="taken without an error, yet 0 VFs exist"):
            kernel.set_num_vfs(PF, 1)
        kernel.set_link(PF, up=True)
        kernel.set_num_vfs(PF, 1)

    def test_a_pf_that_loses_its_driver_loses_its_vfs(self):
        kernel = vfs_up()
        kernel.unbind(PF)
        assert kernel.vf_addresses(PF) == {}
        assert kernel.functions()[0].kernel_driver is None
        kernel.bind_default(PF)
        assert kernel.functions()[0].kernel_driver == "igb"
        assert (kernel.links(PF)[0].name, kernel.links(PF)[0].up) == ("eth0", False)


class TestBinding:
    def test_vfio_needs_an_iommu(self):
        kernel = vfs_up(node={"iommu_groups": 0})
        with pytest.raises(StepFailed, match=r"EINVAL .* IOMMU"):
            kernel.bind(VF0, "vfio-pci")
        assert driver_of(kernel, VF0) is None

    def test_a_driver_whose_module_is_not_loaded_is_not_there(self):
        kernel = vfs_up(node={"modules": []})
        with pytest.raises(StepFailed, match=r"ENOENT .* load module vfio_pci"):
            kernel.bind(VF0, "vfio-pci")
        assert driver_of(kernel, VF0) == "igbvf"
        kernel.load_module("vfio_pci")
        kernel.bind(VF0, "vfio-pci")
        assert driver_of(kernel, VF0) == "vfio-pci"

    def test_a_driver_that_does_not_know_the_device_refuses_it(self):
        with pytest.raises(StepFailed, match="ENODEV"):
            vfs_up().bind(VF0, "ixgbevf")

    def test_without_autoprobe_the_default_driver_does_not_come_back(self):
        kernel = vfs_up(sriov={"autoprobe": False})
        with pytest.raises(StepFailed, match="autoprobe of its PF is off"):
            kernel.bind_default(VF0)
        kernel.bind(VF0, "vfio-pci")
        kernel.set_autoprobe(PF, enabled=True)
        kernel.bind_default(VF0)
        assert driver_of(kernel, VF0) == "igbvf"
        assert kernel.attribute(VF0, "driver_override") == "(null)"

    def test_a_vf_that_no_kernel_driver_knows_stays_without(self):
        kernel = vfs_up(sriov={"vf_kernel_driver": None})
        with pytest.raises(StepFailed, match="No kernel driver took"):
            kernel.bind_default(VF0)

    def test_binding_takes_the_netdev_away_and_a_new_one_has_a_new_index(self):
        kernel = vfs_up()
        before = kernel.links(VF0)[0].ifindex
        kernel.bind(VF0, "vfio-pci")
        assert not kernel.links(VF0)
        kernel.bind_default(VF0)
        assert kernel.links(VF0)[0].ifindex > before


class TestAddressesOfVfs:
    def test_without_an_admin_mac_each_bind_gives_another_random_one(self):
        kernel = vfs_up()
        first = mac_of(kernel, VF0)
        kernel.unbind(VF0)
        kernel.bind_default(VF0)
        assert mac_of(kernel, VF0) != first

    def test_an_admin_mac_is_read_when_the_vf_is_bound_and_not_before(self):
        kernel = vfs_up()
        first = mac_of(kernel, VF0)
        kernel.set_vf_mac(PF, 0, "02:00:00:00:00:aa")
        assert mac_of(kernel, VF0) == first
        kernel.unbind(VF0)
        kernel.bind_default(VF0)
        assert mac_of(kernel, VF0) == "02:00:00:00:00:aa"

    def test_an_admin_mac_is_not_read_while_the_pf_is_down(self):
        kernel = vfs_up(sriov={"autoprobe": False})
        kernel.set_vf_mac(PF, 0, "02:00:00:00:00:aa")
        kernel.set_link(PF, up=False)
        kernel.set_autoprobe(PF, enabled=True)
        kernel.bind_default(VF0)
        assert mac_of(kernel, VF0) != "02:00:00:00:00:aa"

    @pytest.mark.parametrize("mac", ["01:00:00:00:00:aa", "02:00:00", "nonsense"], ids=["multicast", "short", "text"])
    def test_a_bad_mac_is_refused(self, mac):
        with pytest.raises(StepFailed, match="EINVAL"):
            vfs_up().set_vf_mac(PF, 0, mac)

    def test_the_mac_of_a_vf_that_is_not_there_is_refused(self):
        with pytest.raises(StepFailed, match=r"vf 2 mac: .* EINVAL .* 2 VFs"):
            vfs_up(2).set_vf_mac(PF, 2, "02:00:00:00:00:aa")

    def test_the_zero_mac_takes_the_admin_mac_back(self):
        kernel = vfs_up()
        kernel.set_vf_mac(PF, 0, "02:00:00:00:00:aa")
        kernel.set_vf_mac(PF, 0, "00:00:00:00:00:00")
        assert kernel.vf_macs(PF) == {}

    def test_a_vf_may_have_a_larger_mtu_than_its_pf(self):
        kernel = vfs_up()
        kernel.set_mtu(VF0, 9000)
        assert (kernel.links(VF0)[0].mtu, kernel.links(PF)[0].mtu) == (9000, 1500)


class TestHolders:
    def held(self, **how):
        kernel = vfs_up()
        kernel.bind(VF1, "vfio-pci")
        kernel.hold(VF1, "pid 77 (qemu)", **how)
        return kernel

    @pytest.mark.parametrize(
        "deed",
        [lambda k: k.set_num_vfs(PF, 0), lambda k: k.unbind(VF1), lambda k: k.bind_default(VF1)],
        ids=["zeroing", "unbinding", "binding"],
    )
    def test_a_held_vf_is_refused_naming_the_holder(self, deed):
        kernel = self.held()
        before = kernel.tree()
        with pytest.raises(StepFailed, match=r"vf1 .* held by pid 77 \(qemu\)") as caught:
            deed(kernel)
        assert not isinstance(caught.value, DeadlineExceeded)
        assert kernel.tree() == before
        assert kernel.vf_user(VF1) == "pid 77 (qemu)"
        kernel.let_go(VF1)
        deed(kernel)

    def test_a_holder_that_cannot_be_seen_blocks_until_the_deadline(self):
        kernel = self.held(hidden=True)
        assert kernel.vf_user(VF1) is None
        with pytest.raises(DeadlineExceeded, match=r"did not end in time: .* pid 77 \(qemu\)"):
            kernel.set_num_vfs(PF, 0)

    def test_a_vf_in_a_namespace_is_invisible_and_goes_all_the_same(self):
        kernel = vfs_up()
        kernel.move_to_namespace(VF0, "pod-1", name="net1")
        assert not kernel.links(VF0)
        assert kernel.vf_user(VF0) == "network namespace pod-1"
        with pytest.raises(DeadlineExceeded, match="network namespace pod-1"):
            kernel.set_mtu(VF0, 9000)
        kernel.set_num_vfs(PF, 0)
        assert kernel.vf_addresses(PF) == {}

    def test_a_vf_that_comes_back_keeps_the_name_it_got_inside(self):
        kernel = vfs_up()
        kernel.move_to_namespace(VF0, "pod-1", name="net1")
        kernel.move_to_namespace(VF0, None)
        assert kernel.links(VF0)[0].name == "net1"


class TestEswitch:
    @pytest.mark.parametrize(
        ("refusal", "count", "message"),
        [
            (Refusal.MODE_WITH_VFS, 1, "EOPNOTSUPP .* no VF exists"),
            (Refusal.MODE_WITH_BOUND_VFS, 1, "EBUSY .* unbind"),
            (Refusal.MODE_WITHOUT_VFS, 0, "EPERM .* exist first"),
        ],
        ids=["with VFs", "with bound VFs", "without VFs"],
    )
    def test_a_mode_that_the_device_does_not_take_now_is_refused(self, refusal, count, message):
        kernel = vfs_up(count, eswitch=True, refuses=[refusal])
        with pytest.raises(StepFailed, match=message):
            kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        assert kernel.eswitch_mode(PF) is EswitchMode.LEGACY

    def test_unbound_vfs_let_the_mode_change(self):
        kernel = vfs_up(1, eswitch=True, refuses=[Refusal.MODE_WITH_BOUND_VFS])
        kernel.unbind(VF0)
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        assert kernel.eswitch_mode(PF) is EswitchMode.SWITCHDEV

    def test_a_resize_in_switchdev_is_refused_where_declared(self):
        kernel = vfs_up(1, eswitch=True, refuses=[Refusal.RESIZE_IN_SWITCHDEV])
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        with pytest.raises(StepFailed, match=r"EOPNOTSUPP .* legacy mode only"):
            kernel.set_num_vfs(PF, 0)

    def test_netdevsim_falls_back_to_legacy_without_vfs(self):
        kernel = vfs_up(1, eswitch=True, quirks=[Quirk.ZERO_VFS_MEANS_LEGACY])
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        kernel.set_num_vfs(PF, 0)
        assert kernel.eswitch_mode(PF) is EswitchMode.LEGACY

    def test_in_switchdev_each_vf_has_a_representor_beside_the_uplink(self):
        kernel = vfs_up(2, eswitch=True)
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        assert [link.phys_port_name for link in kernel.links(PF)] == ["p0", "pf0vf0", "pf0vf1"]
        assert len({link.phys_switch_id for link in kernel.links(PF)}) == 1
