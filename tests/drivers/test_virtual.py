"""The driver of VFs that a hypervisor handed over, on guests of three kinds."""

from pathlib import Path

import sriov_plugins.virtual
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parent.parent / "trees"


class TestVirtual(DriverConformance):
    plugin = sriov_plugins.virtual
    samples = tuple(
        trees.load(TREES / f"{name}.yaml") for name in ("virtio-vm", "aws-ena", "openstack-iavf", "openstack-mlx5")
    )
