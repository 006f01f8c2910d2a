"""What `probe` says about a NIC that plain SR-IOV serves."""

import attrs
import pytest
from generic_nics import SIMULATED, nic

from sriov_core.plugin import Address
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
