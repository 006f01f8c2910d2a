"""How the node stands after a look, and while steps are under way: what the report is made of. Pure."""

from collections.abc import Iterator, Mapping, Set

import attrs

from sriov_core.agent.seams import Waiting
from sriov_core.engine.execute import Failure
from sriov_core.engine.journal import Memory
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Plan, Problem
from sriov_core.planning.render import distinct_problems


@attrs.frozen
class Trouble:
    """Something that is wrong, for the node or one NIC: a reason in one word, and a text that says what to do."""

    reason: str
    text: str
    nic: Address | None = None


@attrs.frozen(kw_only=True)
class Standing:
    """Everything that is known of the node.

    ``plan`` is what is left to do, ``doing`` the NICs on which steps are under way, with a sentence on how far they
    are. ``waiting`` and ``why`` tell what the rest waits for. ``troubles`` are those that are in no plan.
    ``generation`` is that of the wish. ``boot`` is what the units of the boot came to, None where there are none.
    """

    snapshot: Snapshot
    spec: NodeSpec = attrs.field(factory=NodeSpec)
    memory: Memory = attrs.field(factory=Memory)
    plan: Plan = attrs.field(factory=Plan)
    failures: tuple[Failure, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    doing: Mapping[Address, str] = attrs.field(factory=dict)
    waiting: Waiting = ""
    why: str = ""
    generation: int = 0
    boot: "BootStanding | None" = None

    @property
    def all_troubles(self) -> tuple[Trouble, ...]:
        """Whatever is wrong, the wish's own faults first."""
        return (*self.troubles, *map(of_problem, distinct_problems(self.plan)), *_of_failures(self.failures))

    @property
    def is_done(self) -> bool:
        """True when a look found everything as wished."""
        return self.plan.is_empty and not self.doing and not self.waiting and not self.all_troubles


@attrs.frozen(kw_only=True)
class BootStanding:
    """How the units of this boot ended: None while nobody knows, else whether all was well, and their words."""

    succeeded: bool | None = None
    words: tuple[str, ...] = ()


def of_problem(problem: Problem) -> Trouble:
    """A problem of a plan or a wish; its code becomes the reason."""
    return Trouble(word(problem.code), str(problem), problem.nic)


def _of_failures(failures: tuple[Failure, ...]) -> Iterator[Trouble]:
    for failure in failures:
        if not failure.stale:
            text = f"step {failure.step.describe()!r} failed: {failure.error}"
            yield Trouble("StepFailed", text, failure.nic)


def word(code: str) -> str:
    """A code as the one word that a condition takes as its reason: ``no-such-nic`` gives ``NoSuchNic``."""
    return "".join(part.capitalize() for part in code.split("-"))


def addresses(standing: Standing) -> Set[Address]:
    """The NICs of which something is wished, or that are given back now."""
    return {wish.address for wish in standing.spec.nics} | {nic.nic for nic in standing.plan.nics}
