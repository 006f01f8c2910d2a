"""Wishes: which VF is in which group, what it is for, and which MTU the PF needs for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS, DeviceType, NicSpec, NodeSpec, VfGroup

PF = Address("0000:3b:00.0")
VFIO = VfGroup(first=1, last=2, device_type=DeviceType.VFIO_PCI, mtu=9000)
SPEC = NicSpec(address=PF, num_vfs=5, mtu=1500, groups=(VFIO, VfGroup(first=4, last=4)))


@pytest.mark.parametrize(
    ("index", "kind", "grouped"),
    [
        pytest.param(0, DeviceType.NETDEVICE, False, id="before-the-groups"),
        pytest.param(1, DeviceType.VFIO_PCI, True, id="first-of-a-group"),
        pytest.param(2, DeviceType.VFIO_PCI, True, id="last-of-a-group"),
        pytest.param(3, DeviceType.NETDEVICE, False, id="between-the-groups"),
        pytest.param(4, DeviceType.NETDEVICE, True, id="a-group-of-one"),
    ],
)
def test_a_vf_outside_all_groups_is_a_netdevice(index, kind, grouped):
    assert (SPEC.device_type(index), SPEC.group_of(index) is not None) == (kind, grouped)


def test_the_pf_needs_the_largest_mtu_of_all():
    assert SPEC.pf_mtu == 9000
    assert NicSpec(address=PF, mtu=9702, groups=(VFIO,)).pf_mtu == 9702
    assert NicSpec(address=PF).pf_mtu is None


ranges = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda ends: VfGroup(first=min(ends), last=max(ends)))


@given(ranges, ranges)
def test_groups_overlap_when_they_share_a_vf(one, other):
    shared = set(range(one.first, one.last + 1)) & set(range(other.first, other.last + 1))
    assert one.overlaps(other) is other.overlaps(one) is bool(shared)
    assert all(index in one and index in other for index in shared)


def test_only_the_kernels_own_choice_is_no_userspace_driver():
    assert {"vfio-pci", "uio_pci_generic", "igb_uio"} == USERSPACE_DRIVERS
    assert DeviceType.NETDEVICE.userspace_driver is None


def test_a_wish_is_found_by_its_address():
    assert NodeSpec(nics=(SPEC,)).nic(PF) is SPEC
    assert NodeSpec(nics=(SPEC,)).nic(Address("0000:3b:00.1")) is None
