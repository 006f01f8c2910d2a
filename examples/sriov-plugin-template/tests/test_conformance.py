from pathlib import Path

import sriov_plugin_acme

from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance


class TestConformance(DriverConformance):
    plugin = sriov_plugin_acme
    samples = trees.load_all(Path(__file__).parent.parent / "trees")
