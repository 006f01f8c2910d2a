"""Offloads, devlink parameters, GUIDs and vDPA of the fake kernel: what is refused, and what becomes of the rest."""

import attrs
import pytest
from machines import PF, VF0, VF1, machine, vfs_up

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.testing.facts import ParameterFacts
from sriov_core.testing.tree import LinkFacts, Refusal
from sriov_core.testing.world import FakeWorld

GUID = "02:00:00:03:00:00:00:aa"
ZERO = "00:00:00:00:00:00:00:00"
GID = "fe:80:00:00:00:00:00:00"
PARAMETERS = {
    "flow_steering_mode": ParameterFacts(value="dmfs", choices=["dmfs", "smfs"]),
    "enable_roce": ParameterFacts(value="true", mode="driverinit"),
    "cmis": ParameterFacts(value="off", mode="permanent"),
}


def parameters():
    return {
        name: ParameterFacts(**{f: getattr(one, f) for f in one.__struct_fields__}) for name, one in PARAMETERS.items()
    }


def with_offload(**facts):
    link = LinkFacts(name="eth0", mac="02:00:00:00:00:01", up=True, carrier=True, features={"hw-tc-offload": False})
    return machine(links=[link], eswitch=True, parameters=parameters(), **facts)


def infiniband(**sriov):
    mac = f"00:00:00:48:{GID}:02:00:00:03:00:00:00:01"
    link = LinkFacts(name="ib0", mac=mac, up=True, mtu=2044, max_mtu=4092, link_type=LinkType.IB)
    return machine(
        pci_class="020700",
        links=[link],
        node_guid="02:00:00:03:00:00:00:01",
        sriov={"vf_rdma": True, "vf_max_mtu": 4092, **sriov},
    )


def bound(tree, count=2):
    kernel = FakeWorld(tree)
    kernel.set_num_vfs(PF, count)
    return kernel


def again(kernel, vf=VF0):
    kernel.unbind(vf)
    kernel.bind_default(vf)


REFUSED = {
    "an offload that it has not": (
        with_offload(),
        lambda k: k.set_feature(PF, "esp-hw-offload", on=True),
        "esp-hw-offload: on refused with EOPNOTSUPP",
    ),
    "a parameter that it has not": (
        with_offload(),
        lambda k: k.set_devlink_parameter(PF, "max_macs", "8"),
        "max_macs: 8 refused with EINVAL",
    ),
    "a value that the parameter does not take": (
        with_offload(),
        lambda k: k.set_devlink_parameter(PF, "flow_steering_mode", "hmfs"),
        "EINVAL .* dmfs, smfs",
    ),
    "a reload where the driver has none": (
        machine(),
        lambda k: k.reload_devlink(PF),
        "devlink: reload refused with EOPN",
    ),
    "a reload that the device refuses": (
        with_offload(refuses=[Refusal.RELOAD]),
        lambda k: k.reload_devlink(PF),
        "EOPNOTSUPP",
    ),
    "a GUID on Ethernet": (
        vfs_up(2).tree(),
        lambda k: k.set_vf_guid(PF, 0, GUID),
        "vf 0 guid: .* EOPNOTSUPP .* InfiniBand",
    ),
    "a GUID of six octets": (
        bound(infiniband()).tree(),
        lambda k: k.set_vf_guid(PF, 0, "02:00:00:00:00:01"),
        "EINVAL .* eight octets",
    ),
    "the GUID of a VF that is not there": (
        bound(infiniband()).tree(),
        lambda k: k.set_vf_guid(PF, 2, GUID),
        "vf 2 guid: .* EINVAL .* 2 VFs",
    ),
    "a MAC on InfiniBand": (
        bound(infiniband()).tree(),
        lambda k: k.set_vf_mac(PF, 0, "02:00:00:00:00:aa"),
        "vf 0 mac: .* EOPNOTSUPP",
    ),
    "vDPA of a VF that offers none": (
        vfs_up(2, node={"modules": ["virtio_vdpa"]}).tree(),
        lambda k: k.set_vdpa(VF0, "virtio"),
        "vdpa: virtio refused with ENODEV",
    ),
    "vDPA of a VF that is not bound": (
        vfs_up(2, sriov={"vdpa": True, "autoprobe": False}).tree(),
        lambda k: k.set_vdpa(VF0, "virtio"),
        "ENODEV .* not bound",
    ),
    "vDPA without the driver": (
        vfs_up(2, sriov={"vdpa": True}).tree(),
        lambda k: k.set_vdpa(VF0, "vhost"),
        "ENOENT .* load module vhost_vdpa",
    ),
    "vDPA of another kind": (
        vfs_up(2, sriov={"vdpa": True}).tree(),
        lambda k: k.set_vdpa(VF0, "block"),
        "EINVAL .* virtio or vhost",
    ),
    "a mode on InfiniBand": (infiniband(), lambda k: k.set_eswitch_mode(PF, EswitchMode.SWITCHDEV), "EOPNOTSUPP"),
    "a tool that is not installed": (machine(), lambda k: k.run_tool(PF, ["mstconfig"]), "mstconfig is not installed"),
}


@pytest.mark.parametrize(("tree", "deed", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_the_errno_and_changes_nothing(tree, deed, message):
    kernel = FakeWorld(tree)
    before = kernel.tree()
    with pytest.raises(StepFailed, match=message):
        deed(kernel)
    assert kernel.tree() == before


class TestOffloads:
    def test_one_is_switched_and_read(self):
        kernel = FakeWorld(with_offload())
        kernel.set_feature(PF, "hw-tc-offload", on=True)
        assert kernel.feature(PF, "hw-tc-offload") is True

    def test_one_that_cannot_be_switched_is_not_told(self):
        assert FakeWorld(with_offload()).feature(PF, "rx-gro-hw") is None

    def test_a_boot_brings_the_defaults_back(self):
        kernel = FakeWorld(with_offload())
        kernel.set_feature(PF, "hw-tc-offload", on=True)
        kernel.reboot()
        assert kernel.feature(PF, "hw-tc-offload") is False


class TestParameters:
    def test_a_runtime_one_takes_effect_at_once_and_ends_with_the_boot(self):
        kernel = FakeWorld(with_offload())
        kernel.set_devlink_parameter(PF, "flow_steering_mode", "smfs")
        assert kernel.devlink_parameter(PF, "flow_steering_mode") == "smfs"
        kernel.reboot()
        assert kernel.devlink_parameter(PF, "flow_steering_mode") == "dmfs"

    def test_a_driverinit_one_waits_for_a_reload(self):
        kernel = FakeWorld(with_offload())
        kernel.set_devlink_parameter(PF, "enable_roce", "false")
        facts = kernel.tree().functions[0].parameters["enable_roce"]
        assert (facts.value, facts.pending) == ("true", "false")
        kernel.reload_devlink(PF)
        facts = kernel.tree().functions[0].parameters["enable_roce"]
        assert (facts.value, facts.pending) == ("false", None)

    def test_a_permanent_one_waits_for_a_boot_and_stays(self):
        kernel = FakeWorld(with_offload())
        kernel.set_devlink_parameter(PF, "cmis", "on")
        kernel.reload_devlink(PF)
        kernel.reboot()
        kernel.reboot()
        assert kernel.tree().functions[0].parameters["cmis"].value == "on"

    def test_mlx5_changes_its_steering_in_legacy_mode_only(self):
        kernel = FakeWorld(with_offload(refuses=[Refusal.PARAMETER_IN_SWITCHDEV]))
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
        with pytest.raises(StepFailed, match=r"flow_steering_mode: smfs refused with EOPNOTSUPP .* legacy mode only"):
            kernel.set_devlink_parameter(PF, "flow_steering_mode", "smfs")
        kernel.set_eswitch_mode(PF, EswitchMode.LEGACY)
        kernel.set_devlink_parameter(PF, "flow_steering_mode", "smfs")

    def test_without_a_kernel_driver_there_is_none(self):
        kernel = FakeWorld(with_offload(versions={"fw": "1"}))
        kernel.unbind(PF)
        assert kernel.devlink_parameter(PF, "flow_steering_mode") is None
        assert kernel.versions(PF) == {}


class TestReload:
    def test_it_takes_the_vfs_and_makes_the_netdev_anew_under_its_name(self):
        kernel = FakeWorld(with_offload())
        kernel.set_num_vfs(PF, 2)
        kernel.set_mtu(PF, 9000)
        before = kernel.links(PF)[0]
        kernel.reload_devlink(PF)
        (after,) = kernel.links(PF)
        assert (after.name, after.mtu, after.up) == (before.name, 1500, False)
        assert after.ifindex > before.ifindex
        assert kernel.attribute(PF, "sriov_numvfs") == "0"

    def test_one_that_fails_half_way_leaves_no_netdev_until_one_succeeds(self):
        tree = with_offload(refuses=[Refusal.RELOAD_UP])
        kernel = FakeWorld(tree)
        with pytest.raises(StepFailed, match=r"reload refused with EINVAL .* until one succeeds"):
            kernel.reload_devlink(PF)
        assert not kernel.links(PF)
        healed = kernel.tree()
        healed.functions[0].refuses.clear()
        kernel = FakeWorld(healed)
        kernel.reload_devlink(PF)
        assert [link.name for link in kernel.links(PF)] == ["eth0"]


class TestGuids:
    def test_a_vf_bound_before_anybody_told_the_pf_shows_zero(self):
        assert bound(infiniband()).node_guid(VF0) == ZERO

    def test_a_guid_is_read_when_the_vf_is_bound_and_not_before(self):
        kernel = bound(infiniband())
        kernel.set_vf_guid(PF, 0, GUID)
        assert (kernel.node_guid(VF0), kernel.vf_guids(PF)) == (ZERO, {0: GUID})
        again(kernel)
        assert kernel.node_guid(VF0) == GUID
        assert kernel.links(VF0)[0].mac.endswith(f"{GID}:{GUID}")

    def test_the_netdev_of_an_infiniband_vf_is_of_its_kind(self):
        (link,) = bound(infiniband()).links(VF1)
        assert (link.link_type, link.mtu, link.max_mtu, len(link.mac.split(":"))) == (LinkType.IB, 2044, 4092, 20)

    def test_a_vf_made_anew_has_forgotten_its_guid(self):
        kernel = bound(infiniband())
        kernel.set_vf_guid(PF, 0, GUID)
        kernel.set_num_vfs(PF, 0)
        kernel.set_num_vfs(PF, 2)
        assert (kernel.node_guid(VF0), kernel.vf_guids(PF)) == (ZERO, {})

    def test_on_ethernet_the_pf_makes_one_of_the_mac_that_it_was_told(self):
        kernel = vfs_up(2, sriov={"vf_rdma": True})
        assert kernel.node_guid(VF0) == ZERO
        kernel.set_vf_mac(PF, 0, "02:11:22:33:44:55")
        again(kernel)
        assert kernel.node_guid(VF0) == "02:11:22:ff:fe:33:44:55"

    def test_under_a_userspace_driver_there_is_no_rdma_device(self):
        kernel = vfs_up(2, sriov={"vf_rdma": True}, node_guid="02:00:00:03:00:00:00:01")
        kernel.bind(VF0, "vfio-pci")
        assert kernel.node_guid(VF0) is None
        assert kernel.node_guid(PF) == "02:00:00:03:00:00:00:01"
        assert vfs_up(1).node_guid(VF0) is None


class TestVdpa:
    def offering(self):
        return vfs_up(2, sriov={"vdpa": True}, node={"modules": ["vfio_pci", "virtio_vdpa", "vhost_vdpa"]})

    def test_a_device_is_made_changed_and_taken_away(self):
        kernel = self.offering()
        for kind in ("virtio", "vhost", None):
            kernel.set_vdpa(VF0, kind)
            assert kernel.vdpa_type(VF0) == kind
        assert kernel.vdpa_type(VF1) is None

    @pytest.mark.parametrize(
        "deed",
        [lambda k: k.unbind(VF0), lambda k: k.bind(VF0, "vfio-pci"), lambda k: k.set_num_vfs(PF, 0)],
        ids=["unbinding", "another driver", "destroying the VF"],
    )
    def test_it_goes_with_what_it_lives_on(self, deed):
        kernel = self.offering()
        kernel.set_vdpa(VF0, "vhost")
        deed(kernel)
        assert kernel.vdpa_type(VF0) is None

    @pytest.mark.parametrize(
        "deed",
        [lambda k: k.set_vdpa(VF0, None), lambda k: k.unbind(VF0), lambda k: k.set_num_vfs(PF, 0)],
        ids=["taking it away", "unbinding", "destroying the VF"],
    )
    def test_whoever_has_it_open_bars_what_would_take_it_away(self, deed):
        kernel = self.offering()
        kernel.set_vdpa(VF0, "vhost")
        kernel.hold(VF0, "pid 77 (qemu)")
        assert kernel.vf_user(VF0) == "pid 77 (qemu)"
        with pytest.raises(StepFailed, match=r"vf0 .* is held by pid 77 \(qemu\)"):
            deed(kernel)
        kernel.let_go(VF0)
        deed(kernel)

    def test_what_virtio_drives_is_no_process_s(self):
        kernel = self.offering()
        kernel.set_vdpa(VF0, "virtio")
        with pytest.raises(ValueError, match="nothing can hold it"):
            kernel.hold(VF0, "pid 77 (qemu)")

    def test_none_of_an_unbound_vf_is_so_already(self):
        kernel = self.offering()
        kernel.unbind(VF0)
        kernel.set_vdpa(VF0, None)


def test_the_answers_of_an_unknown_device_are_empty():
    kernel, nobody = FakeWorld(machine()), Address("0000:ff:00.0")
    told = (kernel.feature(nobody, "x"), kernel.devlink_parameter(nobody, "x"), kernel.node_guid(nobody))
    assert told == (None, None, None)
    assert (kernel.versions(nobody), kernel.vf_guids(nobody), kernel.vdpa_type(nobody)) == ({}, {}, None)
    assert attrs.asdict(kernel.node())["rdma_mode"] is None
