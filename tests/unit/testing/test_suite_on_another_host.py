"""The suite runs on any host: here on one that is no fake kernel to it and keeps its state from test to test."""

from pathlib import Path

import sriov_plugins.intel
from sriov_core.host.ports import Host
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance
from sriov_core.testing.faults import Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.reading import FakeReader

SAMPLE = trees.load(Path(__file__).parents[2] / "trees" / "intel-82576.yaml")
LIVING = struck(FakeKernel(SAMPLE), Faults())


class TestOnALivingMachine(DriverConformance):
    plugin = sriov_plugins.intel
    samples = (SAMPLE,)
    thorough = False

    def make_host(self, sample) -> Host:
        assert not isinstance(LIVING, FakeReader)
        return LIVING
