"""The life of a VF in a guest: bound, given back, plugged in and out, without an IOMMU, in use."""

import pytest
from virtual_machines import DRIVER, ENA, ENA_NETWORK, converge, engine, function, look, nic, wish, world

from sriov_core.engine.journal import Journal
from sriov_core.model.desired import Baseline, DeviceType, NodeSpec
from sriov_core.model.observed import UNKNOWN
from sriov_core.model.plan import Cost
from sriov_core.model.steps import DEFAULT_DRIVER, BindDriver, SetMtu
from sriov_core.planning.planner import plan
from sriov_core.plugin.info import Phase
from sriov_core.testing.world import FakeWorld

VFIO = DeviceType.VFIO_PCI
OTHER_PHASES = [phase for phase in Phase if phase not in (Phase.FIRMWARE, Phase.BIND)]


def as_in_a_vpc(tree):
    """DHCP has set the MTU of the network."""
    function(tree).links[0].mtu = 9001


def lines(working, *wishes):
    found = plan(working.snapshot(), NodeSpec(nics=wishes), working.drivers)
    return [planned.step.describe() for planned in found.steps]


def test_the_one_step_is_to_bind_it():
    host = world(lambda tree: tree.node.modules.append("uio_pci_generic"))
    assert lines(engine(host), wish(DeviceType.UIO_PCI_GENERIC)) == [
        "0000:00:06.0 vf0: kernel driver ena -> uio_pci_generic"
    ]


@pytest.mark.parametrize("phase", OTHER_PHASES)
def test_no_other_phase_has_a_step(phase):
    assert DRIVER.steps(phase, nic(), wish(VFIO)) == ()


def test_a_smaller_mtu_than_it_has_needs_no_step():
    assert lines(engine(world(as_in_a_vpc)), wish(mtu=1500, group={"mtu": 1500})) == []


def test_without_an_iommu_vfio_is_told_to_do_without():
    host = world()
    result = converge(engine(host), wish(VFIO))
    assert result.converged, result.last.plan
    assert host.node().noiommu is True
    assert look(host).vfs[0].kernel_driver == "vfio-pci"


def test_a_guest_with_an_iommu_leaves_noiommu_alone():
    host = world(lambda tree: setattr(tree.node, "iommu_groups", 7))
    assert converge(engine(host), wish(VFIO)).converged
    assert host.node().noiommu is not True


def test_taking_a_vf_from_its_kernel_driver_costs_what_runs_over_it():
    def held(host):
        working = engine(host)
        found = plan(working.snapshot(), NodeSpec(nics=(wish(VFIO),)), working.drivers)
        return next(planned.cost for planned in found.steps if isinstance(planned.step, BindDriver))

    assert held(world()) is Cost.VF_LOSS
    in_pod = world()
    in_pod.move_to_namespace(ENA, "pod-1")
    assert held(in_pod) is Cost.DRAIN


def test_given_back_it_has_its_driver_and_its_mtu_again():
    host, journal = world(as_in_a_vpc), Journal(path=None)
    assert converge(engine(host, journal), wish(VFIO)).converged
    assert converge(engine(host, journal), release=True).converged
    found = look(host)
    assert (found.kernel_driver, found.mtu, found.vfs[0].kernel_driver) == ("ena", 9001, "ena")
    assert journal.read().nics == {}


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        pytest.param(nic(mtu=9001), (), id="as-it-was"),
        pytest.param(nic(mtu=1500), (SetMtu(nic=ENA, was=1500, mtu=9001),), id="changed-meanwhile"),
        pytest.param(nic(kernel_driver="vfio-pci", name=None, mac=None, mtu=None), (), id="no-netdev"),
        pytest.param(
            BindDriver(nic=ENA, vf=0, was="vfio-pci", kernel_driver=DEFAULT_DRIVER).project(nic(mtu=None)),
            (SetMtu(nic=ENA, vf=0, was=UNKNOWN, mtu=9001),),
            id="bound-in-the-same-plan",
        ),
    ],
)
def test_only_a_release_sets_an_mtu(found, steps):
    restore = Baseline(num_vfs=1, mtu=9001)
    assert DRIVER.steps(Phase.VF_OPTIONS, found, wish(restore=restore)) == steps
    assert DRIVER.steps(Phase.VF_OPTIONS, found, wish(mtu=9001)) == ()
    assert DRIVER.steps(Phase.VF_OPTIONS, found, wish(restore=Baseline(num_vfs=1))) == ()


def test_one_that_somebody_else_manages_is_left_as_it_is():
    host, journal = world(), Journal(path=None)
    assert converge(engine(host, journal), wish(VFIO, externally_managed=True)).converged
    assert converge(engine(host, journal), release=True).converged
    assert look(host).vfs[0].kernel_driver == "vfio-pci"


def test_its_network_is_remembered_while_it_has_no_netdev():
    host, journal = world(), Journal(path=None)
    assert converge(engine(host, journal), wish(VFIO)).converged
    found = engine(host, journal).snapshot().nic(ENA)
    assert (found.name, found.net_filter) == (None, ENA_NETWORK)


def test_a_nic_that_carries_the_machines_own_traffic_is_not_taken_unless_it_is_named():
    primary = look(world(), ENA.parse("0000:00:05.0"))
    working = engine(world())
    for named, codes in ((False, ["in-use"]), (True, [])):
        wished = wish(VFIO, address=primary.address, named=named)
        found = plan(working.snapshot(), NodeSpec(nics=(wished,)), working.drivers)
        assert [problem.code for problem in found.nics[0].problems] == codes


def test_nics_may_come_and_go():
    host, journal = world(), Journal(path=None)
    assert converge(engine(host, journal), wish(VFIO)).converged

    tree = host.tree()
    tree.functions.remove(function(tree))
    left = FakeWorld(tree)
    assert ENA not in {found.address for found in engine(left, journal).snapshot().nics}
    gone = converge(engine(left, journal), wish(VFIO))
    assert [problem.code for problem in gone.last.plan.all_problems] == ["no-such-nic"]

    tree.functions.append(function(world().tree()))
    back = FakeWorld(tree)
    assert converge(engine(back, journal), wish(VFIO)).converged
    assert look(back).vfs[0].kernel_driver == "vfio-pci"
