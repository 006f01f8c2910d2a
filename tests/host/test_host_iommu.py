"""How many IOMMU groups count: those of an IOMMU, and not those that vfio makes without one."""

import pytest
from tree import HostTree

from sriov_core.host.node import facts

PARAMETER = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
MADE_UP = {"sys/kernel/iommu_groups/0/name": "vfio-noiommu\n"}
REAL = {"sys/kernel/iommu_groups/0/type": "identity\n", "sys/kernel/iommu_groups/1/type": "identity\n"}

CASES = {
    "none": ({}, None, 0),
    "of-an-iommu": (REAL, "N\n", 2),
    "of-an-iommu-with-the-mode-on": (REAL, "Y\n", 2),
    "of-vfio-itself": (MADE_UP, "Y\n", 0),
    "of-a-kernel-without-the-mode": (REAL, None, 2),
}


@pytest.mark.parametrize(("files", "mode", "number"), CASES.values(), ids=CASES)
def test_groups_are_counted(tmp_path, files, mode, number):
    tree = HostTree(tmp_path)
    for path, text in {**files, **({PARAMETER: mode} if mode else {})}.items():
        tree.write(path, text)
    assert facts(str(tmp_path)).iommu_groups == number
