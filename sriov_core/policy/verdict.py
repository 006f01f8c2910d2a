"""What rendering answers: the wish, and for each policy and NIC what became of it and why. Nothing here does I/O."""

import enum

import attrs

from sriov_core.api.fault import Fault
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec, VfGroup
from sriov_core.model.plan import Problem
from sriov_core.policy.selector import Refusal, nearest


class Outcome(enum.StrEnum):
    """What became of a policy on one NIC."""

    TAKEN = "taken"
    DISPLACED = "displaced"
    NOT_MATCHED = "not matched"
    INVALID = "invalid"
    SKIPPED = "skipped"


@attrs.frozen(kw_only=True)
class Loss:
    """A group of VFs that is lost, since another policy, ``winner``, took some of it; ``why`` says by which rule.

    ``taken`` are those that it took. The others of the group are nobody's: a group is given as a whole.
    """

    vfs: str
    winner: str
    why: str
    taken: str

    def __str__(self) -> str:
        went = f"VFs {self.taken} went to policy {self.winner}: {self.why}"
        return went if self.taken == self.vfs else f"{went}, and with them all of the group {self.vfs} is lost"


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of one policy on one NIC.

    ``groups`` are the VFs it holds; ``losses`` those it wanted and did not get; ``refusals`` the selector fields in the
    way; ``note`` is the reason where these do not say it, or an addition to it.
    """

    policy: str
    nic: Address
    nic_name: str = ""
    outcome: Outcome
    groups: tuple[VfGroup, ...] = ()
    losses: tuple[Loss, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    note: str = ""

    @property
    def reason(self) -> str:
        """A sentence for people, without its full stop."""
        held = [f"VFs {', '.join(group.vf_range for group in self.groups)}"] if self.groups else []
        parts = (*held, *map(str, self.losses), *map(str, self.refusals), self.note)
        return "; ".join(part for part in parts if part)


@attrs.frozen(kw_only=True)
class Unmatched:
    """A PF that a policy names and that is not here; ``candidates`` are the names or addresses that are."""

    policy: str
    path: str
    wanted: str
    candidates: tuple[str, ...] = ()

    @property
    def nearest(self) -> tuple[str, ...]:
        """Those that may have been meant, best first."""
        return nearest(self.wanted, self.candidates)

    @property
    def problem(self) -> Problem:
        """The same as a problem: on a single machine, a PF that does not exist is a mistake."""
        near = " or ".join(self.nearest)
        known = ", ".join(self.candidates) or "none"
        remedy = f"Did you mean {near}?" if near else f"NICs that a plugin serves: {known}"
        text = f"policy {self.policy}: {self.path}: this machine has no PF {self.wanted}"
        return Problem(code="no-such-pf", text=text, remedy=remedy)


@attrs.frozen(kw_only=True)
class Summary:
    """What became of one policy on the node.

    ``skipped`` is why the policy is not looked at here. ``faults`` are its mistakes; one that is not usable for them
    holds nothing. ``matched`` says that its selector takes some NIC; ``verdicts`` go by NIC address. ``nearest`` are,
    when it takes none, the NICs that came closest, closest first. ``notes`` are remarks that change nothing.
    """

    policy: str
    priority: int
    verdicts: tuple[Verdict, ...] = ()
    faults: tuple[Fault, ...] = ()
    is_usable: bool = True
    skipped: str = ""
    matched: bool = False
    nearest: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[Address, ...]:
        """The NICs of which the policy holds VFs."""
        return tuple(verdict.nic for verdict in self.verdicts if verdict.outcome is Outcome.TAKEN)


@attrs.frozen(kw_only=True)
class Rendering:
    """The wish for a node with its reasons, independent of the order of policies and NICs.

    ``summaries`` list the strongest policy first. ``problems`` hold what
    must be changed before the wish can be carried out. ``unmatched`` is a problem where the policies are meant for this
    very machine, and normal where they are meant for many.
    """

    spec: NodeSpec
    summaries: tuple[Summary, ...] = ()
    problems: tuple[Problem, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict of every policy on every NIC, the strongest policy first."""
        return tuple(verdict for summary in self.summaries for verdict in summary.verdicts)
