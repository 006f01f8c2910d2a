"""What would be done: steps with their cost, problems that forbid them, and reboots with their reason."""

import enum

import attrs

from sriov_core.model.address import Address
from sriov_core.model.step import Step


class Cost(enum.IntEnum):
    """What a step costs the workloads, in rising order; the cost of a plan is the highest of its steps."""

    NONE = 0
    LINK_FLAP = 1
    VF_LOSS = 2
    DRAIN = 3
    REBOOT = 4

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


@attrs.frozen(kw_only=True)
class PlannedStep:
    """A step with what it costs; ``why`` explains the cost and is empty when there is none."""

    step: Step
    cost: Cost = Cost.NONE
    why: str = ""


@attrs.frozen(kw_only=True)
class Problem:
    """A reason why a wish cannot be met: a stable code, what was wanted and found, and what to do."""

    code: str
    text: str
    remedy: str
    nic: Address | None = None

    def __str__(self) -> str:
        where = f"{self.nic}: " if self.nic else ""
        return f"{where}{self.text}. {self.remedy}"


@attrs.frozen(kw_only=True)
class Reboot:
    """A reboot that a wish needs: ``requirement`` names the unmet condition, the same text on every planning."""

    requirement: str
    reason: str


@attrs.frozen(kw_only=True)
class NicPlan:
    """What happens to one NIC: either steps or problems. ``later`` waits for a reboot and is planned afresh then."""

    nic: Address
    name: str = ""
    plugin: str = ""
    steps: tuple[PlannedStep, ...] = ()
    problems: tuple[Problem, ...] = ()
    later: tuple[PlannedStep, ...] = ()
    reboots: tuple[Reboot, ...] = ()
    release: bool = False

    @property
    def cost(self) -> Cost:
        """The highest cost of its steps."""
        return max((planned.cost for planned in self.steps), default=Cost.NONE)


@attrs.frozen(kw_only=True)
class Plan:
    """What happens to a node: its own steps first, then each NIC's in order (NICs are independent), then ``after``.

    ``after`` are steps of the node that need the NICs ready: bridges.
    """

    node: tuple[PlannedStep, ...] = ()
    nics: tuple[NicPlan, ...] = ()
    after: tuple[PlannedStep, ...] = ()
    problems: tuple[Problem, ...] = ()
    reboots: tuple[Reboot, ...] = ()

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """Every step that would be done now, in the order of printing."""
        return (*self.node, *(planned for nic in self.nics for planned in nic.steps), *self.after)

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """The node's problems and every NIC's."""
        return (*self.problems, *(problem for nic in self.nics for problem in nic.problems))

    @property
    def cost(self) -> Cost:
        """The highest cost of all steps."""
        steps = max((planned.cost for planned in self.steps), default=Cost.NONE)
        return Cost.REBOOT if self.reboots else steps

    @property
    def is_empty(self) -> bool:
        """Nothing to do now and nothing waiting for a reboot; problems may still stand."""
        return not self.steps and not self.reboots
