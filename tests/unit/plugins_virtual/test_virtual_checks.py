"""What is refused of a NIC that is itself a VF, each with its reason and what to do."""

import attrs
import pytest
from virtual_machines import DRIVER, ENA, engine, nic, wish, world

from sriov_core.model.desired import NO_GUID, Baseline, DeviceType, NicSpec, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.planning.planner import plan

VFIO = DeviceType.VFIO_PCI


def own_problems(found, wished) -> list[str]:
    return [problem.code for problem in DRIVER.check(found, wished) if problem.code.startswith("virtual-")]


@pytest.mark.parametrize(
    "wished",
    [
        pytest.param(NicSpec(address=ENA, num_vfs=1), id="ungrouped"),
        pytest.param(wish(), id="netdevice"),
        pytest.param(wish(VFIO), id="vfio-pci"),
        pytest.param(wish(DeviceType.IGB_UIO), id="igb_uio"),
        pytest.param(wish(DeviceType.UIO_PCI_GENERIC), id="uio_pci_generic"),
        pytest.param(wish(group={"is_rdma": True}), id="rdma"),
        pytest.param(wish(mtu=1500), id="the-mtu-that-it-has"),
        pytest.param(wish(group={"mtu": 1400}), id="a-smaller-mtu"),
        pytest.param(wish(VFIO, externally_managed=True), id="externally-managed"),
        pytest.param(wish(link_type=LinkType.ETH), id="the-link-type-that-it-has"),
        pytest.param(wish(autoprobe=True), id="autoprobe-on"),
    ],
)
def test_binding_the_one_vf_is_possible(wished):
    assert DRIVER.check(nic(link_type=LinkType.ETH), wished) == ()


@pytest.mark.parametrize(
    ("wished", "code"),
    [
        pytest.param(NicSpec(address=ENA, num_vfs=0), "virtual-one-vf", id="no-vf"),
        pytest.param(NicSpec(address=ENA, num_vfs=2), "virtual-one-vf", id="two-vfs"),
        pytest.param(
            NicSpec(address=ENA, num_vfs=1, groups=(VfGroup(first=1, last=1),)),
            "virtual-one-vf",
            id="a-range-without-0",
        ),
        pytest.param(
            NicSpec(address=ENA, num_vfs=1, groups=(VfGroup(first=0, last=3),)), "virtual-one-vf", id="a-longer-range"
        ),
        pytest.param(wish(eswitch_mode=EswitchMode.SWITCHDEV), "virtual-outside", id="switchdev"),
        pytest.param(wish(group={"vdpa_type": VdpaType.VIRTIO}), "virtual-outside", id="vdpa"),
        pytest.param(wish(link_type=LinkType.IB), "virtual-outside", id="another-link-type"),
        pytest.param(wish(autoprobe=False), "virtual-outside", id="autoprobe-off"),
        pytest.param(wish(mtu=9000), "virtual-mtu", id="a-larger-mtu"),
        pytest.param(wish(group={"mtu": 1501}), "virtual-mtu", id="a-larger-mtu-of-the-group"),
    ],
)
def test_all_else_is_refused_with_a_reason(wished, code):
    found = nic(link_type=LinkType.ETH)
    assert own_problems(found, wished) == [code]
    objections = [problem for problem in DRIVER.check(found, wished) if problem.code == code]
    assert all(problem.nic == ENA and problem.text and problem.remedy for problem in objections)


def test_infiniband_is_refused():
    assert own_problems(nic(link_type=LinkType.IB), wish()) == ["virtual-outside"]


def test_rdma_without_a_guid_is_refused():
    found = nic()
    without = attrs.evolve(found, vfs=(attrs.evolve(found.vfs[0], guid=NO_GUID),))
    assert own_problems(without, wish()) == []
    assert own_problems(without, wish(group={"is_rdma": True})) == ["virtual-outside"]


def test_two_groups_cannot_share_the_one_vf():
    wished = attrs.evolve(wish(), groups=(VfGroup(first=0, last=0), VfGroup(first=0, last=0, device_type=VFIO)))
    assert "groups-overlap" in [problem.code for problem in DRIVER.check(nic(), wished)]


def test_without_a_netdev_no_mtu_can_be_too_large():
    assert own_problems(nic(kernel_driver="vfio-pci", name=None, mac=None, mtu=None), wish(VFIO, mtu=9000)) == []


def test_what_was_there_before_can_always_be_given_back():
    given_back = wish(group={"mtu": 9001}, restore=Baseline(num_vfs=1, mtu=9001))
    assert DRIVER.check(nic(mtu=1500), given_back) == ()


def test_a_vf_without_a_kernel_driver_can_be_bound():
    found = nic(kernel_driver=None, name=None, mac=None, mtu=None)
    assert DRIVER.check(found, wish(VFIO)) == ()
    assert DRIVER.check(found, wish()) == ()


def test_a_refusal_says_what_is_wanted_where_and_what_to_do():
    (problem,) = DRIVER.check(nic(), wish(mtu=9000))
    assert str(problem) == (
        "0000:00:06.0: MTU 9000 is wanted of a VF with MTU 1500, and its network is outside this machine. "
        "Raise it with the machine's network configuration, or ask for 1500 or less, or for none"
    )


def test_a_nic_with_a_problem_gets_no_step():
    working = engine(world())
    found = plan(working.snapshot(), NodeSpec(nics=(wish(VFIO, num_vfs=2),)), working.drivers)
    assert found.nics[0].problems
    assert found.is_empty
