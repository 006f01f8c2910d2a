"""What has become of one policy over all nodes: its status, and why. Nothing here does I/O."""

from collections.abc import Callable, Mapping

import attrs

from sriov_core.api.nodepolicy import PolicyStatus
from sriov_core.policy.judging import DEPRECATED_NAME, Candidate
from sriov_core.policy.verdict import Outcome, Summary

_MOST_NAMED = 3


@attrs.frozen(kw_only=True)
class Reach:
    """What became of a policy on one node that it selects.

    ``reported`` is False while the node has told none of its NICs. ``taken`` counts the NICs of which the policy holds
    VFs, ``displaced`` those of which it lost all, ``cut`` those of which it lost some; ``why`` is the reason on the NIC
    that tells most, empty when there is nothing to tell.
    """

    reported: bool = True
    taken: int = 0
    displaced: int = 0
    cut: int = 0
    why: str = ""


@attrs.frozen(kw_only=True)
class Standing:
    """The status of a policy, and the condition Ready that belongs to it: status, reason and message."""

    status: PolicyStatus
    ready: bool
    reason: str
    message: str


def reach(summary: Summary) -> Reach:
    """What the summary of a policy on one node comes to; without verdicts, the node has not reported its NICs."""
    taken = [verdict for verdict in summary.verdicts if verdict.outcome is Outcome.TAKEN]
    displaced = [verdict for verdict in summary.verdicts if verdict.outcome is Outcome.DISPLACED]
    cut = [verdict for verdict in taken if verdict.losses]
    telling = next(iter((*displaced, *cut, *summary.nearest)), None)
    nic = telling.nic_name or str(telling.nic) if telling else ""
    why = f"{nic}: {telling.reason}" if telling else ""
    return Reach(reported=bool(summary.verdicts), taken=len(taken), displaced=len(displaced), cut=len(cut), why=why)


def standing(candidate: Candidate, reaches: Mapping[str, Reach]) -> Standing:
    """The status of a policy from what became of it on each node that it selects, by the node's name."""
    held = [one for one in reaches.values() if one.taken]
    status = PolicyStatus(
        matched_nodes=len(reaches), applied_nodes=len(held), applied_nics=sum(one.taken for one in held)
    )
    ready, reason, message = _verdict(candidate, reaches, status)
    faults = () if reason == "Invalid" else candidate.faults
    return Standing(status=status, ready=ready, reason=reason, message="; ".join((message, *map(str, faults))))


def _verdict(candidate: Candidate, reaches: Mapping[str, Reach], status: PolicyStatus) -> tuple[bool, str, str]:
    if candidate.policy.metadata.name == DEPRECATED_NAME:
        return False, "Ignored", "a policy named default is never applied: give it another name"
    if not candidate.is_usable:
        return False, "Invalid", "; ".join(map(str, candidate.faults))
    if candidate.policy.spec.num_vfs == 0:
        return False, "NoVfs", "numVfs is 0, so no VFs are asked for"
    if not reaches:
        return False, "NoNodeMatched", "no managed node has the labels of nodeSelector"
    held = f"VFs of {_count(status.applied_nics, 'NIC')} on {_count(status.applied_nodes, 'node')}"
    if any(one.displaced or one.cut for one in reaches.values()):
        lost = f"stronger policies took VFs: {_examples(reaches, lambda one: bool(one.displaced or one.cut))}"
        return (True, "PartlyDisplaced", f"{held}; {lost}") if status.applied_nodes else (False, "Displaced", lost)
    if not status.applied_nodes:
        nodes = _count(status.matched_nodes, "node")
        if not any(one.reported for one in reaches.values()):
            return False, "NotReported", f"nodeSelector selects {nodes}, and none has reported its NICs yet"
        near = _examples(reaches, lambda one: bool(one.why))
        nearest = f"; nearest: {near}" if near else ""
        return False, "NoNicMatched", f"nodeSelector selects {nodes}, and nicSelector takes no NIC there{nearest}"
    return True, "Applied", held


def _examples(reaches: Mapping[str, Reach], wanted: Callable[[Reach], bool]) -> str:
    """The reasons on the first few of the nodes that are wanted, by name, and how many more there are."""
    named = [f"{node}: {one.why}" for node, one in sorted(reaches.items()) if wanted(one)]
    more = [f"and {len(named) - _MOST_NAMED} more nodes"] if len(named) > _MOST_NAMED else []
    return "; ".join((*named[:_MOST_NAMED], *more))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
