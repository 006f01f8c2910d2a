"""What has become of one policy over all nodes: its status, and why. Nothing here does I/O."""

import enum
import heapq
from collections.abc import Callable, Iterator, Mapping

import attrs

from sriov_core.api.nodepolicy import PolicyDetail, PolicyStatus
from sriov_core.policy.judging import DEPRECATED_NAME, Candidate
from sriov_core.policy.verdict import Outcome, Summary, Verdict

MOST_DETAILS = 20
"""How many nodes the status of a policy names."""

_MOST_NAMED = 3
_LONGEST_REASON = 400


class Progress(enum.StrEnum):
    """How far a node is with its wish."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


@attrs.frozen
class Sync:
    """What a node says of its wish: how far it is, and in words what it waits for or what went wrong."""

    progress: Progress
    why: str = ""


DONE = Sync(Progress.DONE)
UNREPORTED = Sync(Progress.PENDING, "no agent has reported from this node yet")
"""What counts for a node of which nothing is known."""


@attrs.frozen(kw_only=True)
class Reach:
    """What became of a policy on one node that it selects.

    ``reported`` is False while the node has told none of its NICs. ``taken`` counts the NICs of which the policy holds
    VFs, and ``vfs`` these VFs; ``displaced`` those of which it lost all, ``cut`` those of which it lost some; ``why``
    is the reason on the NIC that tells most, empty when there is nothing to tell.
    """

    reported: bool = True
    taken: int = 0
    vfs: int = 0
    displaced: int = 0
    cut: int = 0
    why: str = ""

    @property
    def lost(self) -> bool:
        """True when other policies won VFs."""
        return bool(self.displaced or self.cut)

    @property
    def waits(self) -> bool:
        """True when it depends on how far the node is what there is to tell of the policy."""
        return bool(self.taken) or not self.reported


class Place(enum.IntEnum):
    """What a policy's status tells of a node on which it is not in place, what matters most first."""

    FAILED = 0
    DISPLACED = 1
    CUT = 2
    WAITING = 3
    UNMATCHED = 4


@attrs.frozen(kw_only=True)
class Standing:
    """The status of a policy without its conditions, and the condition Ready: status, reason and message."""

    status: PolicyStatus
    ready: bool
    reason: str
    message: str


def reach(summary: Summary) -> Reach:
    """What the summary of a policy on one node comes to; without verdicts, the node has not reported its NICs."""
    taken = [verdict for verdict in summary.verdicts if verdict.outcome is Outcome.TAKEN]
    displaced = [verdict for verdict in summary.verdicts if verdict.outcome is Outcome.DISPLACED]
    cut = [verdict for verdict in taken if verdict.losses]
    telling = next(iter((*displaced, *cut, *(() if taken else _nearest(summary)))), None)
    nic = telling.nic_name or str(telling.nic) if telling else ""
    return Reach(
        reported=bool(summary.verdicts),
        taken=len(taken),
        vfs=sum(group.last - group.first + 1 for verdict in taken for group in verdict.groups),
        displaced=len(displaced),
        cut=len(cut),
        why=f"{nic}: {telling.reason}" if telling else "",
    )


def _nearest(summary: Summary) -> tuple[Verdict, ...]:
    """The NIC that came closest to what the selector wants, were it not close at all."""
    if summary.nearest:
        return summary.nearest[:1]
    refused = [verdict for verdict in summary.verdicts if verdict.refusals]
    return (min(refused, key=lambda verdict: len(verdict.refusals)),) if refused else ()


def standing(candidate: Candidate, reaches: Mapping[str, Reach], syncs: Mapping[str, Sync] | None = None) -> Standing:
    """The status of a policy from what became of it on each node that it selects, by the node's name.

    ``syncs`` is how far these nodes are (`UNREPORTED` for one that is not there); with None, every node counts as done,
    and one that has not reported its NICs is not waited for.
    """
    places = {} if syncs is None or not _asks(candidate) else dict(_places(reaches, syncs))
    undone = {node for node, (place, _) in places.items() if place in (Place.FAILED, Place.WAITING)}
    applied = [one for node, one in reaches.items() if one.taken and node not in undone]
    status = PolicyStatus(
        priority=candidate.policy.spec.priority,
        matched_nodes=len(reaches),
        applied_nodes=len(applied),
        applied_nics=sum(one.taken for one in applied),
        applied_vfs=sum(one.vfs for one in applied),
        displaced_nodes=sum(one.lost for one in reaches.values()),
        failed_nodes=sum(place is Place.FAILED for place, _ in places.values()),
        pending_nodes=sum(place is Place.WAITING for place, _ in places.values()),
        details=_details(places),
    )
    ready, reason, message = _verdict(candidate, reaches, status)
    faults = () if reason == "Invalid" else candidate.faults
    return Standing(status=status, ready=ready, reason=reason, message="; ".join((message, *map(str, faults))))


def _asks(candidate: Candidate) -> bool:
    """False for a policy that holds no VFs on any node, whatever the nodes are."""
    named = candidate.policy.metadata.name
    return candidate.is_usable and named != DEPRECATED_NAME and candidate.policy.spec.num_vfs > 0


def _places(reaches: Mapping[str, Reach], syncs: Mapping[str, Sync]) -> Iterator[tuple[str, tuple[Place, str]]]:
    for node, one in reaches.items():
        told = _place(one, syncs.get(node, UNREPORTED))
        if told:
            yield node, told


def _place(one: Reach, sync: Sync) -> tuple[Place, str] | None:
    """What there is to tell of a node; None where the policy has all that it asks for, and the node is done."""
    waits_for = sync if one.waits else DONE
    if waits_for.progress is Progress.FAILED:
        return Place.FAILED, waits_for.why
    if waits_for.progress is Progress.PENDING:
        return Place.WAITING, waits_for.why
    if one.displaced:
        return Place.DISPLACED, one.why
    if one.cut:
        return Place.CUT, one.why
    if not one.taken:
        return Place.UNMATCHED, one.why or "it reports no NIC"
    return None


def _details(places: Mapping[str, tuple[Place, str]]) -> tuple[PolicyDetail, ...]:
    first = heapq.nsmallest(MOST_DETAILS, ((place, node, why) for node, (place, why) in places.items()))
    return tuple(
        PolicyDetail(node=node, outcome=place.name.lower(), reason=_shortened(why)) for place, node, why in first
    )


def _verdict(candidate: Candidate, reaches: Mapping[str, Reach], status: PolicyStatus) -> tuple[bool, str, str]:
    if not _asks(candidate):
        return _asks_nothing(candidate)
    if not reaches:
        wants = ", ".join(f"{key}={value}" for key, value in candidate.policy.spec.node_selector.items())
        return False, "NoNodeMatched", f"no managed node has the labels of nodeSelector{f' ({wants})' if wants else ''}"
    if status.failed_nodes:
        named = [f"{one.node}: {one.reason}" for one in status.details if one.outcome == "failed"]
        text = f"{_count(status.failed_nodes, 'node')} could not be configured"
        return False, "Failed", f"{text}: {_named(named, status.failed_nodes)}"
    lost = f"other policies won VFs: {_examples(reaches, lambda one: one.lost)}" if status.displaced_nodes else ""
    if not any(one.taken for one in reaches.values()):
        return (False, "Displaced", lost) if lost else _takes_nothing(reaches, status)
    if status.pending_nodes:
        return False, "Progressing", f"not all nodes are done yet{_first_waiting(status)}"
    held = f"VFs of {_count(status.applied_nics, 'NIC')} on {_count(status.applied_nodes, 'node')}"
    return (True, "PartlyDisplaced", f"{held}; {lost}") if lost else (True, "Applied", held)


def _first_waiting(status: PolicyStatus) -> str:
    first = next((one for one in status.details if one.outcome == Place.WAITING.name.lower()), None)
    if first is None:
        return ""
    more = f"; and {_count(status.pending_nodes - 1, 'more node')}" if status.pending_nodes > 1 else ""
    return f": {first.node}: {first.reason}{more}"


def _asks_nothing(candidate: Candidate) -> tuple[bool, str, str]:
    if candidate.policy.metadata.name == DEPRECATED_NAME:
        return False, "Ignored", "a policy named default is never applied: give it another name"
    if not candidate.is_usable:
        return False, "Invalid", "; ".join(map(str, candidate.faults))
    return False, "NoVfs", "numVfs is 0, so no VFs are asked for"


def _takes_nothing(reaches: Mapping[str, Reach], status: PolicyStatus) -> tuple[bool, str, str]:
    nodes = _count(status.matched_nodes, "node")
    if not any(one.reported for one in reaches.values()):
        if status.details and not status.pending_nodes:
            return False, "NoNicMatched", f"nodeSelector selects {nodes}, and no agent there reports a NIC"
        return False, "NotReported", f"nodeSelector selects {nodes}, and none has reported its NICs yet"
    near = _examples(reaches, lambda one: bool(one.why))
    nearest = f"; nearest: {near}" if near else ""
    return False, "NoNicMatched", f"nodeSelector selects {nodes}, and nicSelector takes no NIC there{nearest}"


def _examples(reaches: Mapping[str, Reach], wanted: Callable[[Reach], bool]) -> str:
    """The reasons on the first few of the nodes that are wanted, by name, and how many more there are."""
    nodes = [node for node, one in reaches.items() if wanted(one)]
    return _named([f"{node}: {reaches[node].why}" for node in heapq.nsmallest(_MOST_NAMED, nodes)], len(nodes))


def _named(first: list[str], number: int) -> str:
    """The first few of that many nodes with what is to be told of them."""
    more = [f"and {number - _MOST_NAMED} more nodes"] if number > _MOST_NAMED else []
    return "; ".join((*first[:_MOST_NAMED], *more))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
