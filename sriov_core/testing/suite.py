"""What the parts of the conformance suite share: the driver, its samples, and the machine they are tried on."""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, ClassVar

from sriov_core.host.ports import Host
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import State, every_pair
from sriov_core.testing.workbench import Workbench
from sriov_core.testing.world import FakeWorld


class Suite:
    """A driver and machines to try it on.

    ``plugin`` is the driver's module, ``samples`` are trees all of whose NICs it owns. ``thorough`` walks from every
    state to every state; without it each state is visited once, for hosts where a change takes seconds.
    """

    plugin: ClassVar[ModuleType]
    samples: ClassVar[Sequence[Tree]]
    thorough: ClassVar[bool] = True

    def make_host(self, sample: Tree) -> Host:
        """The machine of a sample; override to run on another kind of host."""
        return FakeWorld(sample)

    def bench(self, sample: Tree) -> Workbench:
        """The driver with its base on the machine of a sample."""
        return Workbench.for_plugin(self.plugin, self.make_host(sample), sample)

    def walk(self, states: Sequence[State]) -> Iterator[State]:
        """The states in the order in which they are visited."""
        return every_pair(states) if self.thorough else iter((*states, states[0]))

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Each test that takes a ``sample`` runs once for each."""
        assert self.samples, "samples is empty: a driver is tested on at least one tree"
        if "sample" in metafunc.fixturenames:
            names = [sample.title or f"sample-{number}" for number, sample in enumerate(self.samples)]
            metafunc.parametrize("sample", self.samples, ids=names)
