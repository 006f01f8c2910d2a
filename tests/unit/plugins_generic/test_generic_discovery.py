"""What the base tells of a NIC, from a machine in memory; and what it does not ask, so that a look stays quick."""

from collections.abc import Mapping

import attrs
import pytest
from generic_machines import MLX5, NETDEVSIM, machine

import sriov_plugins.generic
from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID
from sriov_core.model.observed import EswitchMode, LinkType, Nic
from sriov_core.testing.tree import EswitchFacts, LinkFacts, SriovFacts, Tree, VfFacts
from sriov_core.testing.tree import copy as copied
from sriov_core.testing.world import FakeWorld

IPOIB = ":".join(["00"] * 12 + ["02", "00", "00", "00", "00", "00", "00", "01"])
GUID, ADMIN = "02:00:00:00:00:00:00:07", "02:00:00:00:00:00:00:08"


def look(tree: Tree, host_type: type[FakeWorld] = FakeWorld) -> Nic:
    host = host_type(tree)
    function = host.functions()[0]
    return sriov_plugins.generic.discover(function=function, host=host)


def with_vfs(tree: Tree, *vfs: VfFacts, mode: EswitchMode | None = None, link_type: LinkType = LinkType.ETH) -> Tree:
    tree = copied(tree)
    function = tree.functions[0]
    function.sriov.vfs.extend(vfs)
    if mode:
        function.eswitch = EswitchFacts(mode=mode, switch_id="0200000000000001")
    function.sriov.vf_rdma = any(one.guid for one in vfs)
    if link_type is LinkType.IB:
        function.pci_class, function.sriov.vf_rdma = "020700", True
        function.links[0].link_type, function.links[0].mac = link_type, IPOIB
    return tree


def vf(index: int, driver: str | None = "mlx5_core", **facts: object) -> VfFacts:
    link = LinkFacts(name=f"ens1v{index}") if driver == "mlx5_core" else None
    return VfFacts(index=index, address=f"0000:3b:00.{index + 2}", kernel_driver=driver, link=link, **facts)


def test_the_platform_is_that_of_the_function():
    assert look(machine("igb", platform="openstack")).platform == "openstack"


@pytest.mark.parametrize(
    ("eswitch", "features", "expected"),
    [
        pytest.param(EswitchFacts(), {"hw-tc-offload": False}, {"hw-tc-offload": False}, id="off"),
        pytest.param(EswitchFacts(), {"hw-tc-offload": True, "rx-all": True}, {"hw-tc-offload": True}, id="on"),
        pytest.param(EswitchFacts(), {}, {}, id="not-to-be-switched"),
        pytest.param(None, {"hw-tc-offload": True}, {}, id="without-an-eswitch-nobody-asks"),
    ],
)
def test_the_offload_of_flows_is_told_of_nics_with_an_eswitch(eswitch, features, expected):
    assert look(machine("x1_net", eswitch=eswitch, links=[LinkFacts(name="e", features=features)])).features == expected


def test_representors_are_told_in_switchdev_mode_only():
    vfs = (vf(0), vf(1))
    assert [one.representor for one in look(with_vfs(MLX5, *vfs, mode=EswitchMode.SWITCHDEV)).vfs] == [
        "ens1r0",
        "ens1r1",
    ]
    assert [one.representor for one in look(with_vfs(MLX5, *vfs)).vfs] == [None, None]


def test_the_uplink_keeps_its_name_among_its_representors():
    assert look(with_vfs(MLX5, vf(0), mode=EswitchMode.SWITCHDEV)).name == "ens1"


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(
            with_vfs(MLX5, vf(0, guid=GUID, admin_guid=ADMIN), link_type=LinkType.IB), (GUID, ADMIN), id="infiniband"
        ),
        pytest.param(with_vfs(MLX5, vf(0, guid=NO_GUID), link_type=LinkType.IB), (NO_GUID, None), id="not-told-yet"),
        pytest.param(with_vfs(MLX5, vf(0, "vfio-pci"), link_type=LinkType.IB), (None, None), id="for-userspace"),
        pytest.param(with_vfs(MLX5, vf(0, guid=GUID)), (GUID, None), id="roce"),
        pytest.param(with_vfs(MLX5, vf(0)), (None, None), id="plain-ethernet"),
    ],
)
def test_guids_are_told_where_there_is_rdma(tree, expected):
    found = look(tree).vfs[0]
    assert (found.guid, found.admin_guid) == expected


@pytest.mark.parametrize(
    ("driver", "facts", "expected"),
    [
        pytest.param("mlx5_core", {"vdpa": "vhost"}, "vhost", id="there"),
        pytest.param("mlx5_core", {}, None, id="none"),
        pytest.param("vfio-pci", {}, None, id="for-userspace"),
    ],
)
def test_a_vdpa_device_is_told_with_its_vf(driver, facts, expected):
    assert look(with_vfs(MLX5, vf(0, driver, **facts))).vfs[0].vdpa_type == expected


class Thrifty(FakeWorld):
    """A machine of plain VFs: whoever asks what such a VF cannot have wastes a read a VF."""

    def vdpa_type(self, vf: Address) -> str | None:
        raise AssertionError(f"{vf} was asked for vDPA, which its PF's kernel driver cannot do")

    def vf_guids(self, pf: Address) -> Mapping[int, str]:
        raise AssertionError(f"{pf} was asked for GUIDs of VFs without RDMA")

    def feature(self, address: Address, name: str) -> bool | None:
        raise AssertionError(f"{address} has no eswitch and was asked for {name}")


def test_plain_vfs_are_not_asked_for_what_they_cannot_have():
    sriov = SriovFacts(total_vfs=8, vf_device="0002", vf_kernel_driver="igbvf", vf_offset=2)
    sriov.vfs = [VfFacts(index=0, address="0000:3b:00.2", kernel_driver="igbvf")]
    found = look(machine("igb", sriov=sriov), Thrifty)
    assert [one.kernel_driver for one in found.vfs] == ["igbvf"]


def test_vfs_that_are_no_devices_are_numbers_under_the_driver_of_their_pf():
    host = FakeWorld(NETDEVSIM)
    pf = host.functions()[0].address
    host.set_num_vfs(pf, 2)
    host.set_vf_mac(pf, 1, "02:00:00:00:00:99")
    found = sriov_plugins.generic.discover(function=host.functions()[0], host=host)
    assert (found.total_vfs, found.num_vfs, found.unreadable) == (4, 2, ())
    assert [attrs.asdict(one, filter=lambda _, value: value not in (None, "")) for one in found.vfs] == [
        {"index": 0, "kernel_driver": "netdevsim"},
        {"index": 1, "kernel_driver": "netdevsim", "admin_mac": "02:00:00:00:00:99"},
    ]
