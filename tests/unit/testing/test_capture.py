"""Captures: a machine becomes a tree that makes the same machine, less what would tell whose it is."""

from pathlib import Path

import attrs
import pytest
from machines import PF, VF0, VF1, machine

import sriov_plugins.intel
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID
from sriov_core.model.observed import EswitchMode, Identity, LinkType, Nic, Use, Vf
from sriov_core.testing import trees
from sriov_core.testing.capture import blank, capture
from sriov_core.testing.conformance import DriverConformance
from sriov_core.testing.facts import ParameterFacts
from sriov_core.testing.simulated import simulated, tree_of
from sriov_core.testing.tree import LinkFacts, Refusal, UseFacts
from sriov_core.testing.world import FakeWorld

SECRET_MAC = "a0:36:9f:12:34:56"


def owned() -> FakeWorld:
    tree = machine(
        serial="a0-36-9f-ff-ff-12-34-56",
        eswitch=True,
        refuses=[Refusal.MODE_WITH_VFS],
        kernel_driver="ice",
        uses=[UseFacts(kind="node-address", detail="192.0.2.7 on enxa0369f123456")],
        links=[
            LinkFacts(
                name="enxa0369f123456",
                mac=SECRET_MAC,
                permanent_mac=SECRET_MAC,
                up=True,
                alt_names=["worker-7.example"],
                min_mtu=68,
                max_mtu=9216,
            )
        ],
        node={"hostname": "worker-7", "cmdline": ["root=UUID=77aa", "intel_iommu=on"], "boot_id": "7" * 36},
    )
    tree.functions[0].eswitch.switch_id = "a0369f123456"
    return FakeWorld(tree)


def with_vfs() -> FakeWorld:
    kernel = owned()
    kernel.set_num_vfs(PF, 3)
    kernel.set_vf_mac(PF, 0, "a0:36:9f:12:34:99")
    kernel.bind(VF0, "vfio-pci")
    kernel.hold(VF0, "pid 4711 (secret-vm)")
    kernel.set_vf_mac(PF, 1, "a0:36:9f:12:34:98")
    kernel.move_to_namespace(VF1, "secret-pod", name="net1-of-shop")
    return kernel


def test_a_capture_holds_no_identity():
    text = trees.dump_json(capture(with_vfs()))
    secrets = ("a0:36:9f", "a0369f", "a0-36-9f", "worker-7", "192.0.2.7", "77aa", "7777777", "4711", "secret-", "shop")
    assert [secret for secret in secrets if secret in text] == []


def test_a_capture_keeps_what_is_equal_equal():
    (function,) = capture(with_vfs()).functions
    (link,) = function.links
    assert link.mac == link.permanent_mac == "02:00:00:00:00:01"
    assert link.name == "enx020000000001"
    assert function.sriov.vfs[0].admin_mac not in (None, link.mac)


def test_a_capture_keeps_the_facts():
    captured = capture(with_vfs())
    (function,) = captured.functions
    assert (function.vendor, function.device, function.kernel_driver) == ("8086", "10c9", "ice")
    assert [vf.kernel_driver for vf in function.sriov.vfs] == ["vfio-pci", "igbvf", "igbvf"]
    assert (function.sriov.total_vfs, function.sriov.vf_offset, function.sriov.vf_stride) == (7, 128, 2)
    assert function.refuses == [Refusal.MODE_WITH_VFS]
    assert captured.node.cmdline == ["intel_iommu=on"]
    assert captured.captured


def test_a_capture_keeps_who_uses_a_vf():
    vm, pod, _ = capture(with_vfs()).functions[0].sriov.vfs
    assert (vm.holder, vm.link) == ("process-1", None)
    assert (pod.holder, pod.link.netns, pod.link.name) == (None, "netns-1", "000001000v1")
    assert pod.link.mac == pod.admin_mac is not None


def test_a_capture_of_captures_numbers_anew():
    kernel = FakeWorld(capture(with_vfs()))
    kernel.let_go(VF0)
    kernel.move_to_namespace(VF1, "netns-5")
    vm, pod, _ = capture(kernel).functions[0].sriov.vfs
    assert (vm.holder, pod.link.netns) == (None, "netns-1")


def test_a_capture_keeps_what_tells_of_memory_and_bus_numbers():
    """Findings HW-112 and HW-113 are read from these."""
    tree = machine()
    telling = {"resource": "0x00000000a0369f00 0x00000000a0369fff 0x0000000000040200", "ari_enabled": "0"}
    tree.functions[0].attributes = {**telling, "label": "worker-7"}
    bus = f"/sys/class/pci_bus/{PF.name.rpartition(':')[0]}/device/subordinate_bus_number"
    tree.node.other_files = {bus: "4\n", "/etc/worker-7": "secret"}
    captured = capture(FakeWorld(tree))
    assert captured.functions[0].attributes == telling
    assert captured.node.other_files == {bus: "4\n"}


def test_a_captured_machine_captures_to_itself():
    once = capture(FakeWorld(capture(with_vfs())))
    assert capture(FakeWorld(once)).functions == once.functions


def test_a_capture_can_be_of_some_nics_only():
    tree = machine()
    tree.functions += machine(address="0000:09:00.0", links=[]).functions
    assert [f.address for f in capture(FakeWorld(tree), only=[Address("0000:09:00.0")]).functions] == ["0000:09:00.0"]


def test_addresses_that_identify_nobody_stay():
    tree = machine(links=[LinkFacts(name="eth0", mac="00:00:00:00:00:00")])
    assert blank(tree).functions[0].links[0].mac == "00:00:00:00:00:00"


def test_an_infiniband_address_keeps_its_length():
    tree = machine(links=[LinkFacts(name="ib0", mac=":".join(["fe"] * 20))])
    assert len(blank(tree).functions[0].links[0].mac.split(":")) == 20


PORT = Nic(
    address=Address("0000:86:00.0"),
    vendor="8086",
    device="1583",
    kernel_driver="i40e",
    name="ens803f0",
    mtu=1500,
    total_vfs=64,
    link_up=True,
)
PORTS = (PORT, attrs.evolve(PORT, address=Address("0000:86:00.1"), name="ens803f1"))


def test_a_description_becomes_a_machine_that_can_be_changed():
    host = simulated(PORTS)
    for nic in PORTS:
        host.set_num_vfs(nic.address, 64)
    vf = host.vf_addresses(PORT.address)[0]
    assert host.function(vf).device == "154c"
    assert host.function(vf).kernel_driver == "iavf"
    host.load_module("vfio_pci")
    host.bind(vf, "vfio-pci")


def test_a_described_vf_is_there_as_described():
    vfs = (
        Vf(index=0, address=VF0, kernel_driver="vfio-pci", device="154c"),
        Vf(index=1, address=VF1, kernel_driver="iavf", name="eth7", mac="02:00:00:00:00:07", mtu=9000),
    )
    nic = attrs.evolve(PORT, address=PF, num_vfs=2, vfs=vfs, mtu=9000, eswitch_mode=EswitchMode.LEGACY)
    host = simulated([nic])
    assert dict(host.vf_addresses(PF)) == {0: VF0, 1: VF1}
    assert [host.function(vf).kernel_driver for vf in (VF0, VF1)] == ["vfio-pci", "iavf"]
    assert (host.links(VF1)[0].name, host.links(VF1)[0].mtu) == ("eth7", 9000)
    assert host.eswitch_mode(PF) is EswitchMode.LEGACY
    host.set_num_vfs(PF, 0)
    host.set_num_vfs(PF, 2)
    assert dict(host.vf_addresses(PF)) == {0: VF0, 1: VF1}


def test_vfs_that_are_only_counted_are_made_up():
    host = simulated([attrs.evolve(PORT, num_vfs=3)])
    assert sorted(host.vf_addresses(PORT.address)) == [0, 1, 2]


def test_who_uses_a_nic_and_what_it_is_survives():
    nic = attrs.evolve(
        PORT, uses=(Use(kind="default-route", detail="default route"),), identity=Identity(serial="s1"), numa_node=1
    )
    host = simulated([nic])
    assert list(host.uses(PORT.address)) == list(nic.uses)
    assert host.identity_serial(PORT.address) == "s1"
    assert host.attribute(PORT.address, "numa_node") == "1"


def test_an_impossible_description_is_refused_in_words():
    with pytest.raises(SpecError, match=r"the description of n1 describes no possible machine: .* is there 2 times"):
        tree_of([PORT, PORT], hostname="n1")


@pytest.mark.parametrize("name", ["intel-82576", "intel-e810"])
def test_a_captured_machine_serves_the_suite_as_a_sample(name):
    sample = capture(FakeWorld(trees.load(Path(__file__).parents[2] / "trees" / f"{name}.yaml")))
    suite = type("Suite", (DriverConformance,), {"plugin": sriov_plugins.intel, "samples": (sample,)})()
    suite.test_it_owns_each_nic_of_the_sample(sample)
    suite.test_every_state_is_reached_from_every_state(sample)


def mellanox(name):
    kernel = FakeWorld(trees.load(Path(__file__).parents[2] / "trees" / f"{name}.yaml"))
    kernel.set_num_vfs(kernel.functions()[0].address, 2)
    return kernel


def test_a_capture_keeps_what_an_eswitch_needs():
    kernel = mellanox("mellanox-connectx6dx")
    pf = kernel.functions()[0].address
    kernel.set_feature(pf, "hw-tc-offload", on=True)
    kernel.load_module("vhost_vdpa")
    kernel.set_vdpa(kernel.vf_addresses(pf)[1], "vhost")
    captured = capture(kernel)
    function = captured.functions[0]
    assert function.links[0].features == {"hw-tc-offload": True}
    assert function.parameters == {"flow_steering_mode": ParameterFacts(value="dmfs", choices=["dmfs", "smfs"])}
    assert (function.sriov.vf_rdma, function.sriov.vdpa) == (True, True)
    assert [vf.vdpa for vf in function.sriov.vfs] == [None, "vhost"]
    assert Refusal.PARAMETER_IN_SWITCHDEV in function.refuses
    assert captured.node.rdma_mode == "shared"


def test_a_capture_of_infiniband_keeps_zero_and_hides_the_rest():
    kernel = mellanox("mellanox-connectx6-ib")
    pf = kernel.functions()[0].address
    kernel.set_vf_guid(pf, 1, "a0:36:9f:03:00:12:34:56")
    captured = capture(kernel)
    (function,) = captured.functions
    zero, told = function.sriov.vfs
    assert (zero.guid, zero.admin_guid) == (NO_GUID, None)
    assert told.admin_guid not in (None, NO_GUID)
    assert "a0:36:9f" not in trees.dump_json(captured)
    assert FakeWorld(captured).vf_guids(pf) == {1: told.admin_guid}


@pytest.mark.parametrize(
    ("facts", "networks", "silence"),
    [
        pytest.param(
            {"network_ids": {"02:00:00:00:00:01": "openstack/NetworkID:secret-vm"}},
            {"02:00:00:00:00:01": "openstack/NetworkID:network-1"},
            "",
            id="networks",
        ),
        pytest.param({"network_ids_error": "no answer from secret-vm"}, {}, "the cloud did not answer", id="silence"),
    ],
)
def test_a_capture_tells_of_a_cloud_without_its_names(facts, networks, silence):
    captured = capture(FakeWorld(machine(node=facts)))
    assert list(captured.node.network_ids.values()) == list(networks.values())
    assert captured.node.network_ids_error.startswith(silence)
    assert "secret-vm" not in trees.dump_json(captured)


def test_a_described_card_of_mellanox_can_be_switched_and_shows_its_guids():
    vfs = (Vf(index=0, kernel_driver="mlx5_core", name="ens1v0", guid="02:00:00:ff:fe:00:00:07", vdpa_type="vhost"),)
    card = Nic(
        address=PF,
        vendor="15b3",
        device="101d",
        kernel_driver="mlx5_core",
        name="ens1",
        mac="02:00:00:00:00:01",
        total_vfs=8,
        num_vfs=1,
        vfs=vfs,
        eswitch_mode=EswitchMode.LEGACY,
        features={"hw-tc-offload": False},
        parameters={"flow_steering_mode": "dmfs"},
    )
    host = simulated([card])
    vf = host.vf_addresses(PF)[0]
    assert (host.node_guid(vf), host.vdpa_type(vf)) == ("02:00:00:ff:fe:00:00:07", "vhost")
    host.set_feature(PF, "hw-tc-offload", on=True)
    host.set_devlink_parameter(PF, "flow_steering_mode", "smfs")
    host.unbind(vf)
    host.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)


def test_a_described_vf_of_a_guest_stands_for_itself():
    nic = attrs.evolve(PORT, platform="openstack", total_vfs=1, num_vfs=1, vfs=(Vf(index=0, address=PORT.address),))
    assert simulated([nic]).vf_addresses(PORT.address) == {0: PORT.address}


def test_a_described_address_of_another_kind_than_its_port_is_left_out():
    nic = attrs.evolve(PORT, link_type=LinkType.IB, mac="02:00:00:00:00:01")
    assert simulated([nic]).links(PORT.address)[0].mac is None
