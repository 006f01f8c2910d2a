"""The plain driver, on a card that no vendor's driver claims."""

from pathlib import Path

import sriov_plugins.generic
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parent.parent / "trees"


class TestGeneric(DriverConformance):
    plugin = sriov_plugins.generic
    samples = (trees.load(TREES / "broadcom-bcm57414.yaml"),)
