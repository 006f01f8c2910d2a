"""Guests with one NIC that was handed to them, and the driver for it with its base."""

from pathlib import Path

import attrs

import sriov_plugins.virtual
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import Nic, Vf
from sriov_core.plugin.registry import drivers
from sriov_core.testing import trees
from sriov_core.testing.tree import FunctionFacts
from sriov_core.testing.workbench import catalogue_of
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
CATALOGUE = catalogue_of(sriov_plugins.virtual)
DRIVERS = drivers(CATALOGUE)
DRIVER = DRIVERS["virtual"]

ENA = Address("0000:00:06.0")
"""The second interface of the tree aws-ena, which carries nothing of the machine's own."""

ENA_MAC = "02:00:00:00:00:b2"
ENA_NETWORK = "aws/NetworkID:0000000000000002"


def world(change=lambda _: None, name: str = "aws-ena") -> FakeWorld:
    """The machine of a tree; ``change`` gets the tree first."""
    tree = trees.load(TREES / f"{name}.yaml")
    change(tree)
    return FakeWorld(tree)


def function(tree, address: Address = ENA) -> FunctionFacts:
    return next(function for function in tree.functions if function.address == str(address))


def engine(host, journal: Journal | None = None) -> Engine:
    return Engine(host=host, catalogue=CATALOGUE, drivers=DRIVERS, journal=journal or Journal(path=None))


def look(host, address: Address = ENA) -> Nic:
    nic = engine(host).snapshot().nic(address)
    assert nic is not None
    return nic


def nic(**facts) -> Nic:
    """A NIC as the driver shows it; the VF has the NIC's facts."""
    own = {"kernel_driver": "ena", "name": "ens6", "mac": ENA_MAC, "mtu": 1500, **facts}
    shared = {key: own[key] for key in ("kernel_driver", "name", "mac", "mtu")}
    vf = Vf(index=0, address=ENA, **shared)
    given = {"address": ENA, "vendor": "1d0f", "device": "ec20", "platform": "aws", "total_vfs": 1, "num_vfs": 1}
    return Nic(**{**given, "vfs": (vf,), **own})


def wish(device_type: DeviceType = DeviceType.NETDEVICE, **facts) -> NicSpec:
    """A wish for the one VF; ``group`` changes what it says of it."""
    group = VfGroup(first=0, last=0, device_type=device_type, **facts.pop("group", {}))
    return attrs.evolve(NicSpec(address=ENA, num_vfs=1, groups=(group,)), **facts)


def converge(working: Engine, *wishes: NicSpec, release: bool = False):
    return working.converge(NodeSpec(nics=wishes), release=release, approve=lambda _: None)
