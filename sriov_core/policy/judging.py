"""Is a policy valid, is it looked at on this node, and which NICs does its selector take? Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import msgspec

from sriov_core.api.fault import Fault, legible, shown
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic
from sriov_core.model.plan import Problem
from sriov_core.policy.claims import strength
from sriov_core.policy.selector import Refusal, refusals
from sriov_core.policy.validation import contradictions, validate

DEPRECATED_NAME = "default"
"""A policy of this name, which older versions of the other operator made, is never applied."""


@attrs.frozen(kw_only=True, eq=False)
class Candidate:
    """A policy with its faults: what is known of it before any node is looked at.

    One that is not usable holds nothing anywhere; a usable one may have faults, see `validation.contradictions`.
    """

    policy: NodePolicy
    faults: tuple[Fault, ...] = ()
    is_usable: bool = True


@attrs.frozen(kw_only=True, eq=False)
class Judged:
    """A candidate on one node, before any other policy is asked.

    ``skipped`` is why it is not looked at on this node, empty when it is; ``refusals`` then holds, for each NIC, the
    selector fields in the way.
    """

    policy: NodePolicy
    faults: tuple[Fault, ...] = ()
    is_usable: bool = True
    skipped: str = ""
    refusals: Mapping[Address, tuple[Refusal, ...]] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.metadata.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Its faults as problems; none when it is not looked at here."""
        if self.skipped:
            return ()
        called = f"policy {legible(self.name)}"
        return tuple(
            Problem(code="invalid-policy", text=f"{called}: {fault.path}: {fault.text}", remedy=fault.remedy)
            for fault in self.faults
        )

    def takes(self, nic: Nic) -> bool:
        """True when the policy is looked at and its selector, as far as it can be read, takes the NIC."""
        return not self.skipped and not self.refusals[nic.address]

    def claims(self, nic: Nic) -> bool:
        """True when the policy is usable, takes the NIC and asks for VFs."""
        return self.takes(nic) and self.is_usable and self.policy.spec.num_vfs > 0


def candidates(policies: Iterable[NodePolicy]) -> tuple[Candidate, ...]:
    """Every policy once with its faults, in the order in which policies are applied, weakest first.

    Different policies of one name are invalid, all of them; the same policy given twice counts once.
    """
    distinct = {msgspec.json.encode(policy, order="sorted"): policy for policy in policies}
    ordered = [policy for _, policy in sorted(distinct.items(), key=lambda entry: (strength(entry[1]), entry[0]))]
    named: dict[str, int] = {}
    for policy in ordered:
        named[policy.metadata.name] = named.get(policy.metadata.name, 0) + 1
    return tuple(_candidate(policy, named[policy.metadata.name]) for policy in ordered)


def _candidate(policy: NodePolicy, namesakes: int) -> Candidate:
    ambiguous = tuple(_ambiguous(policy, namesakes))
    usable = not ambiguous and not contradictions(policy)
    return Candidate(policy=policy, faults=(*ambiguous, *validate(policy)), is_usable=usable)


def judge(candidate: Candidate, nics: Sequence[Nic], labels: Mapping[str, str] | None) -> Judged:
    """The candidate on a node with these NICs and labels; ``labels`` None stands for "selected in any case"."""
    policy = candidate.policy
    skipped = _skipped(policy, labels)
    if skipped:
        return Judged(policy=policy, skipped=skipped)
    found = {nic.address: refusals(policy.spec.nic_selector, nic) for nic in nics}
    return Judged(policy=policy, faults=candidate.faults, is_usable=candidate.is_usable, refusals=found)


def selects(policy: NodePolicy, labels: Mapping[str, str]) -> bool:
    """True when the policy is looked at on a node with these labels."""
    return not _skipped(policy, labels)


def _skipped(policy: NodePolicy, labels: Mapping[str, str] | None) -> str:
    if policy.metadata.name == DEPRECATED_NAME:
        return "a policy named default is never applied"
    for label, wanted in sorted(policy.spec.node_selector.items()) if labels is not None else ():
        found = labels.get(label) if labels else None
        if found != wanted:
            has = f"the node has {shown(found)}" if found is not None else "the node has no such label"
            return f"nodeSelector wants {legible(label)}={legible(wanted)}, {has}"
    return ""


def _ambiguous(policy: NodePolicy, namesakes: int) -> Iterator[Fault]:
    if namesakes > 1:
        text = f"{namesakes} different policies are named {shown(policy.metadata.name)}"
        yield Fault("metadata.name", text, "Rename or remove all but one")
