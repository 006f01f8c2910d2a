"""Intel's families, each on a tree of its own."""

from pathlib import Path

import sriov_plugins.intel
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parent.parent / "trees"


class TestIntel(DriverConformance):
    plugin = sriov_plugins.intel
    samples = tuple(trees.load(path) for path in sorted(TREES.glob("intel-*.yaml")))
