"""The plain driver, on cards that no vendor's driver claims."""

from pathlib import Path

import sriov_plugins.generic
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parent.parent / "trees"
NAMES = ("broadcom-bcm57414", "broadcom-bcm57508", "marvell-ql41000", "netdevsim", "pensando-dsc")


class TestGeneric(DriverConformance):
    plugin = sriov_plugins.generic
    samples = tuple(trees.load(TREES / f"{name}.yaml") for name in NAMES)
