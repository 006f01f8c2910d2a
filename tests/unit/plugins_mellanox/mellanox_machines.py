"""Machines with ConnectX cards, an engine for them, and what the tests read of them: cards, counts, reboots."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from sriov_core.engine.converge import Engine, Result
from sriov_core.engine.journal import Journal
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.plugin.registry import drivers
from sriov_core.testing import trees
from sriov_core.testing.facts import CardFacts
from sriov_core.testing.tree import Tree, copy
from sriov_core.testing.workbench import catalogue_of
from sriov_core.testing.world import FakeWorld
from sriov_plugins import mellanox

TREES = Path(__file__).parents[2] / "trees"
CATALOGUE = catalogue_of(mellanox)
DRIVERS = drivers(CATALOGUE)
A1, A2 = Address("0000:3b:00.0"), Address("0000:3b:00.1")
B1, B2 = Address("0000:5e:00.0"), Address("0000:5e:00.1")
NEVER = 99


def tree(name: str = "connectx5") -> Tree:
    return trees.load(TREES / f"mellanox-{name}.yaml")


def two_cards() -> Tree:
    """Two dual-port ConnectX-5, the second like the first but for its place, its serial number and its addresses."""
    first = tree()
    twin = msgspec.convert(msgspec.to_builtins(first), Tree)
    for number, function in enumerate(twin.functions):
        function.address = function.address.replace("3b", "5e")
        function.serial = f"{function.serial}-2"
        function.iommu_group = 70 + number
        function.node_guid = None
        for link in function.links:
            link.name = link.name.replace("ens2", "ens4")
            link.mac = link.permanent_mac = f"02:00:00:00:01:5{number}"
        if function.eswitch:
            function.eswitch.switch_id = f"02000000015{number}"
    for card in twin.cards:
        card.functions = [address.replace("3b", "5e") for address in card.functions]
    return msgspec.structs.replace(
        first, functions=[*first.functions, *twin.functions], cards=[*first.cards, *twin.cards]
    )


def world(made: Tree | None = None, **card: object) -> FakeWorld:
    """The machine; keyword arguments change a fact of every card."""
    made = copy(made or tree())
    for facts in made.cards:
        for name, value in card.items():
            setattr(facts, name, value)
    return FakeWorld(made)


def wish(address: Address = A1, num_vfs: int = 16, **facts: object) -> NicSpec:
    return NicSpec(address=address, num_vfs=num_vfs, named=True, **facts)  # type: ignore[arg-type]  # a test's shorthand


class Node:
    """A machine with its journal, which outlives a reboot."""

    def __init__(self, host: FakeWorld) -> None:
        self.host = host
        self.journal = Journal(path=None)

    def converge(self, *wishes: NicSpec, release: bool = False) -> Result:
        engine = Engine(host=self.host, catalogue=CATALOGUE, drivers=DRIVERS, journal=self.journal)
        return engine.converge(NodeSpec(nics=wishes), release=release, approve=lambda _: None)

    def alter(self, change: Callable[[Tree], None]) -> None:
        """Somebody changes the machine behind our back."""
        made = self.host.tree()
        change(made)
        self.host = FakeWorld(made)

    def settle(self, *wishes: NicSpec, release: bool = False, most: int = 4) -> int:
        """Converge and reboot until nothing is left to do; how many reboots that took, `NEVER` when it was not done."""
        for reboots in range(most):
            result = self.converge(*wishes, release=release)
            if not required(result):
                return reboots if result.converged else NEVER
            self.host.reboot()
        return NEVER


def required(result: Result) -> list[str]:
    return [reboot.requirement for reboot in result.last.plan.reboots]


def problems(result: Result) -> list[str]:
    return [problem.code for problem in result.last.plan.all_problems]


def calls(result: Result) -> list[str]:
    """The vendor's programs that the first plan of a run had called, with their arguments."""
    return [" ".join(planned.step.argv) for planned in result.first.steps if hasattr(planned.step, "argv")]


def vfs(host: FakeWorld) -> dict[str, int]:
    return {function.address: len(function.sriov.vfs) for function in host.tree().functions if function.sriov}


def card(host: FakeWorld, number: int = 0) -> CardFacts:
    return host.tree().cards[number]


def settings(host: FakeWorld, names: Iterable[str] = ("NUM_OF_VFS", "SRIOV_EN"), number: int = 0) -> dict[str, str]:
    """What the next boot brings."""
    facts = card(host, number)
    return {name: {**facts.default, **facts.current, **facts.next}[name] for name in names}
