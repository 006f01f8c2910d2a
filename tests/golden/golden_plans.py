"""The plans that are kept as text, each as `sriov-core plan` prints it, and what rewrites them.

After a change that is meant::

    python tests/golden/golden_plans.py

Then read the difference line by line (git diff tests/golden): the order of steps is what these files are about.
"""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode
from sriov_core.planning.render import plan_lines
from sriov_core.plugin.registry import drivers
from sriov_core.testing import trees
from sriov_core.testing.workbench import catalogue_of
from sriov_core.testing.world import FakeWorld
from sriov_plugins import intel, mellanox

HERE = Path(__file__).parent
TREES = HERE.parent / "trees"


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every kept plan."""
    card = Address("0000:d8:00.0")
    fewer = _wish(card, vfio(0, 1), vdpa(2, 2, VdpaType.VIRTIO), vdpa(3, 3, VdpaType.VHOST))
    more = _wish(card, vfio(0, 2), vdpa(3, 5, VdpaType.VIRTIO))
    yield from _there_and_back("mlx5-switchdev", mellanox, "mellanox-connectx6dx", fewer, more)
    card = Address("0000:18:00.0")
    fewer = _wish(card, vfio(0, 1), VfGroup(first=2, last=3, mtu=9000))
    more = _wish(card, vfio(0, 2), VfGroup(first=3, last=5, mtu=9000))
    yield from _there_and_back("ice-switchdev", intel, "intel-e810", fewer, more)


def vfio(first: int, last: int) -> VfGroup:
    """VFs for guests."""
    return VfGroup(first=first, last=last, device_type=DeviceType.VFIO_PCI)


def vdpa(first: int, last: int, kind: VdpaType) -> VfGroup:
    """VFs with a vDPA device each."""
    return VfGroup(first=first, last=last, vdpa_type=kind)


def _wish(address: Address, *groups: VfGroup) -> NicSpec:
    return NicSpec(
        address=address,
        num_vfs=groups[-1].last + 1,
        eswitch_mode=EswitchMode.SWITCHDEV,
        groups=groups,
        named=True,
    )


def _there_and_back(
    name: str, plugin: ModuleType, tree: str, fewer: NicSpec, more: NicSpec
) -> Iterator[tuple[str, str]]:
    """The plan for a fresh machine, then for another count, then for giving the NIC back; each is carried out."""
    machine = trees.load(TREES / f"{tree}.yaml")
    machine.node.ovs = None  # bridges have tests of their own
    catalogue = catalogue_of(plugin)
    engine = Engine(
        host=FakeWorld(machine), catalogue=catalogue, drivers=drivers(catalogue), journal=Journal(path=None)
    )
    for what, wishes in (("fresh", (fewer,)), ("count", (more,)), ("back", ())):
        spec = NodeSpec(nics=wishes)
        yield f"{name}-{what}", _printed(engine, spec)
        engine.converge(spec, release=True, approve=lambda _: None)


def _printed(engine: Engine, spec: NodeSpec) -> str:
    parts = plan_lines(engine.look(spec, release=True).plan)
    return "".join(f"{line}\n" for part in parts for line in (part.heading, *(f"  {row}" for row in part.rows)))


if __name__ == "__main__":
    for name, text in texts():
        (HERE / f"{name}.txt").write_text(text)
