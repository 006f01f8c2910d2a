"""What `probe` says about a NIC that plain SR-IOV serves."""

import attrs
import pytest
from generic_nics import SIMULATED, nic

from sriov_core.plugin import Address, Vf
from sriov_plugins.generic import findings


@pytest.mark.parametrize(
    ("address", "iommu_group", "told"),
    [
        pytest.param(Address("0000:3b:00.0"), None, True, id="on-pci-without-an-iommu"),
        pytest.param(Address("0000:3b:00.0"), 7, False, id="on-pci-with-one"),
        pytest.param(SIMULATED, None, False, id="whose-vfs-no-vfio-could-take"),
    ],
)
def test_a_missing_iommu_is_told_where_vfs_could_go_to_vfio(address, iommu_group, told):
    found = attrs.evolve(nic("netdevsim", address=address), iommu_group=iommu_group)

    assert ("PLT-101" in [finding.code for finding in findings.findings(found)]) is told


@pytest.mark.parametrize(
    ("macs", "told"),
    [
        pytest.param((None, None), None, id="none-has-any"),
        pytest.param(("02:00:00:00:00:01", "02:00:00:00:00:02", None), None, id="each-its-own"),
        pytest.param(
            ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:01"),
            "vf0, vf2 share an administrative MAC, so what is sent to one may reach another "
            "(nobody is known to use vf2)",
            id="one-was-left-with-that-of-another",
        ),
    ],
)
def test_vfs_of_one_address_are_told(macs, told):
    vfs = [Vf(index=index, admin_mac=mac, used_by=None if index else "a pod") for index, mac in enumerate(macs)]
    found = findings.findings(attrs.evolve(nic("igb"), num_vfs=len(vfs), vfs=tuple(vfs)))

    assert [one.fact for one in found if one.code == "VF-206"] == ([told] if told else [])
