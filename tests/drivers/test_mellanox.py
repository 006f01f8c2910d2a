"""NVIDIA's cards: ConnectX-5 and -6 Dx on Ethernet, ConnectX-6 on InfiniBand, a BlueField-2 that offers no VFs yet."""

from pathlib import Path

import sriov_plugins.mellanox
from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parent.parent / "trees"


class TestMellanox(DriverConformance):
    plugin = sriov_plugins.mellanox
    samples = tuple(trees.load(path) for path in sorted(TREES.glob("mellanox-*.yaml")))
