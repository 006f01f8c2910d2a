"""What keeps VFs from coming or working: a NIC and what is around it in, findings out; and read from a machine."""

import attrs
import pytest
from generic_nics import PF, SIMULATED, nic, vf
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.model.observed import LinkType
from sriov_core.testing import trees
from sriov_core.testing.tree import FunctionFacts, LinkFacts, NodeFacts, SriovFacts, Tree, VfFacts
from sriov_core.testing.world import FakeWorld
from sriov_plugins import generic
from sriov_plugins.generic.surroundings import Surroundings, findings, reachable

GIVEN, UNSET = (0x38000000000, 0x14220C), (0, 0x14220C)
NOTHING = (0, 0)
OWN_BARS = "0x00000000c4000000 0x00000000c5ffffff 0x000000000014220c\n" * 7
VF_BAR = "0x0000038000000000 0x00000380001fffff 0x000000000014220c\n"
NO_BAR = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"


def codes(found, around=Surroundings()) -> list[str]:  # noqa: B008  # a frozen value
    return [finding.code for finding in findings(found, around)]


@pytest.mark.parametrize(
    ("windows", "count", "expected"),
    [
        pytest.param((GIVEN, NOTHING, GIVEN, NOTHING, NOTHING, NOTHING), 0, [], id="all-have-an-address"),
        pytest.param((UNSET, NOTHING, GIVEN, NOTHING, NOTHING, NOTHING), 0, ["HW-112"], id="one-has-none"),
        pytest.param((NOTHING,) * 6, 0, ["HW-112"], id="the-kernel-gave-up-on-all"),
        pytest.param(((0x1000, 0x2014220C), *(NOTHING,) * 5), 0, ["HW-112"], id="marked-as-unset"),
        pytest.param((), 0, [], id="a-kernel-that-tells-nothing"),
        pytest.param((NOTHING,) * 6, 2, [], id="vfs-are-there-all-the-same"),
    ],
)
def test_vfs_without_memory_are_told_before_anybody_makes_them(windows, count, expected):
    assert codes(nic(count=count), Surroundings(windows=windows)) == expected


@pytest.mark.parametrize(
    ("last_bus", "offset", "stride", "expected"),
    [
        pytest.param(0x3C, 0x80, 2, 16, id="all-on-the-own-bus"),
        pytest.param(0x3B, 0xF8, 2, 4, id="the-rest-would-need-another-bus"),
        pytest.param(0x3C, 0xF8, 2, 16, id="another-bus-is-there"),
        pytest.param(0x3B, 0x100, 1, 0, id="none-fits"),
        pytest.param(None, 0x100, 1, None, id="no-bridge-above"),
        pytest.param(0x3B, 0, 0, None, id="a-card-that-tells-no-offset"),
    ],
)
def test_bus_numbers_suffice_for_so_many_vfs(last_bus, offset, stride, expected):
    around = Surroundings(last_bus=last_bus, offset=offset, stride=stride)
    assert reachable(nic(), around) == expected
    assert codes(nic(), around) == (["HW-113"] if expected not in (None, 16) else [])


@given(
    offset=st.integers(1, 600), stride=st.integers(1, 40), last_bus=st.integers(0x3B, 0x40), total=st.integers(1, 256)
)
def test_the_number_of_reachable_vfs_is_that_of_counting_them(offset, stride, last_bus, total):
    around = Surroundings(last_bus=last_bus, offset=offset, stride=stride)
    counted = sum(((0x3B << 8) + offset + stride * index) >> 8 <= last_bus for index in range(total))
    assert reachable(attrs.evolve(nic(), total_vfs=total), around) == counted


def test_a_port_without_ari_is_named_as_a_cause():
    around = Surroundings(last_bus=0x3B, offset=0x100, stride=1, ari=False)
    (found,) = findings(nic(), around)
    assert found.fact == "there are bus numbers for 0 of 16 VFs: the port above ends at bus 3b and has ARI off"


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        pytest.param(frozenset({"igb"}), ["VF-204"], id="not-loaded"),
        pytest.param(frozenset({"igb", "igbvf"}), [], id="loaded"),
        pytest.param(None, [], id="not-asked-for"),
    ],
)
def test_the_module_of_the_vfs_is_named(modules, expected):
    without = attrs.evolve(nic(), num_vfs=1, vfs=(vf(0, None),))
    assert codes(without, Surroundings(modules=modules)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"name": None}, ["VF-205"], id="missing"),
        pytest.param({"name": "ens1v0"}, [], id="there"),
        pytest.param({"name": None, "used_by": "network namespace pod"}, [], id="in-a-pod"),
        pytest.param({"name": None, "vdpa_type": "virtio"}, [], id="given-to-vdpa"),
        pytest.param({"name": None, "kernel_driver": "vfio-pci"}, [], id="under-a-userspace-driver"),
        pytest.param({"name": None, "kernel_driver": None}, [], id="without-a-driver"),
    ],
)
def test_a_vf_with_a_driver_and_without_a_netdev_is_told(facts, expected):
    one = attrs.evolve(vf(0, "iavf"), **facts)
    assert codes(attrs.evolve(nic(), link_type=LinkType.ETH, num_vfs=1, vfs=(one,))) == expected


def test_vfs_that_are_no_devices_need_no_netdev():
    assert codes(nic("netdevsim", 2, address=SIMULATED, link_type=LinkType.ETH)) == []


@pytest.mark.parametrize(
    ("groups", "own", "expected"),
    [
        pytest.param((11, 12), 10, [], id="each-its-own"),
        pytest.param((11, 11), 10, ["PLT-105"], id="two-vfs-share-one"),
        pytest.param((10, 12), 10, ["PLT-105"], id="with-the-pf"),
        pytest.param((None, None), None, [], id="no-iommu"),
    ],
)
def test_vfs_for_vfio_that_share_a_group_are_told(groups, own, expected):
    vfs = tuple(vf(index, "vfio-pci", iommu_group=group) for index, group in enumerate(groups))
    assert codes(attrs.evolve(nic(), num_vfs=2, iommu_group=own, vfs=vfs)) == expected


def machine(
    *, resource: str = "", last_bus: str = "", modules: tuple[str, ...] = ("igb", "igbvf"), vfs=()
) -> FakeWorld:
    function = FunctionFacts(
        address=str(PF),
        vendor="8086",
        device="10c9",
        kernel_driver="igb",
        iommu_group=7,
        attributes={"resource": resource} if resource else {},
        links=[LinkFacts(name="ens1", up=True, carrier=True)],
        sriov=SriovFacts(total_vfs=7, vf_device="10ca", vf_offset=0xF8, vf_stride=2, vfs=list(vfs)),
    )
    files = {"/sys/class/pci_bus/0000:3b/device/subordinate_bus_number": last_bus} if last_bus else {}
    node = NodeFacts(modules=list(modules), other_files=files, iommu_groups=9)
    return FakeWorld(Tree(format=trees.FORMAT, node=node, functions=[function]))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(machine(), [], id="a-kernel-that-tells-little"),
        pytest.param(machine(resource=OWN_BARS + VF_BAR * 2 + NO_BAR * 4, last_bus="60\n"), [], id="all-is-well"),
        pytest.param(machine(resource=OWN_BARS + NO_BAR * 6), ["HW-112"], id="no-memory-for-vfs"),
        pytest.param(machine(resource=OWN_BARS), [], id="a-kernel-without-sriov"),
        pytest.param(machine(resource="nonsense\n" * 13), [], id="a-resource-file-of-another-form"),
        pytest.param(machine(last_bus="59\n"), ["HW-113"], id="too-few-bus-numbers"),
        pytest.param(
            machine(modules=("igb",), vfs=[VfFacts(index=0, address="0000:3b:1f.0")]),
            ["VF-201", "VF-204"],
            id="the-vf-module-is-missing",
        ),
    ],
)
def test_a_machine_gives_its_findings(world, expected):
    (function,) = world.functions()
    found = generic.diagnose(generic.discover(function, world), world)
    assert [finding.code for finding in found] == expected
    assert all(finding.remedy and finding.evidence and finding.nic == PF for finding in found)
