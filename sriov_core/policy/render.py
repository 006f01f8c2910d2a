"""Policies and the NICs of one node in, the wish for the node and its reasons out. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Nic
from sriov_core.policy.claims import claim
from sriov_core.policy.judging import Candidate, Judged, candidates, judge
from sriov_core.policy.merging import Merged, merge
from sriov_core.policy.ranges import name_of
from sriov_core.policy.selector import is_called, same_address
from sriov_core.policy.verdict import Outcome, Rendering, Summary, Unmatched, Verdict

_MOST_NEAREST = 3
_NO_BRIDGE = "spec.bridge is not acted on: the feature gate manageSoftwareBridges is off"


def render(
    policies: Iterable[NodePolicy],
    nics: Iterable[Nic],
    labels: Mapping[str, str] | None = None,
    *,
    rdma_mode: str = "",
) -> Rendering:
    """The wish that the policies make for a node with these NICs; it never raises: a bad policy is a problem.

    ``labels`` are the node's; None means a single machine, which every nodeSelector selects. The order of the input
    does not matter, and a bad policy changes nothing of what the others give. NICs are wished for in the order in
    which the policies, weakest first, touch them, then by address.
    """
    return render_candidates(candidates(policies), nics, labels, rdma_mode=rdma_mode)


def render_candidates(
    given: Sequence[Candidate],
    nics: Iterable[Nic],
    labels: Mapping[str, str] | None = None,
    *,
    rdma_mode: str = "",
    bridges: bool = False,
) -> Rendering:
    """As `render`, for candidates in their order: whoever renders many nodes validates each policy once.

    ``bridges`` says that somebody acts on ``spec.bridge``; else a note tells that nobody does.
    """
    ports = sorted(nics, key=lambda nic: nic.address)
    judged = [judge(candidate, ports, labels) for candidate in given]
    merged = _merged(judged, ports)
    strongest_first = judged[::-1]
    return Rendering(
        spec=NodeSpec(nics=tuple(entry.spec for entry in merged.values()), rdma_mode=rdma_mode),
        summaries=tuple(_summary(own, _verdicts(own, ports, merged), bridges=bridges) for own in strongest_first),
        problems=(
            *(problem for own in strongest_first for problem in own.problems),
            *(problem for entry in merged.values() for problem in entry.problems),
        ),
        unmatched=tuple(entry for own in strongest_first for entry in _unmatched(own, ports)),
    )


def _merged(judged: Sequence[Judged], ports: Sequence[Nic]) -> dict[Address, Merged]:
    touched = {nic.address: nic for own in judged for nic in ports if own.claims(nic)}
    return {
        address: merge(nic, [claim(own.policy, nic) for own in judged if own.claims(nic)])
        for address, nic in touched.items()
    }


def _verdicts(own: Judged, ports: Sequence[Nic], merged: Mapping[Address, Merged]) -> tuple[Verdict, ...]:
    return tuple(
        next(verdict for verdict in merged[nic.address].verdicts if verdict.policy == own.name)
        if own.claims(nic)
        else _without_claim(own, nic)
        for nic in ports
    )


def _without_claim(own: Judged, nic: Nic) -> Verdict:
    refusals = own.refusals.get(nic.address, ())
    outcome, note = Outcome.SKIPPED, "numVfs is 0, so no VFs are asked for"
    if own.skipped:
        note = own.skipped
    elif refusals:
        outcome, note = Outcome.NOT_MATCHED, ""
    elif not own.is_usable:
        outcome, note = Outcome.INVALID, f"{own.faults[0].path}: {own.faults[0].text}"
    return Verdict(
        policy=own.name, nic=nic.address, nic_name=nic.name or "", outcome=outcome, refusals=refusals, note=note
    )


def _summary(own: Judged, verdicts: tuple[Verdict, ...], *, bridges: bool) -> Summary:
    matched = any(verdict.outcome is not Outcome.NOT_MATCHED for verdict in verdicts) and not own.skipped
    ignored = own.policy.spec.bridge.ovs is not None and not bridges
    return Summary(
        policy=own.name,
        priority=own.policy.spec.priority,
        verdicts=verdicts,
        faults=own.faults,
        is_usable=own.is_usable,
        skipped=own.skipped,
        matched=matched,
        nearest=() if matched or own.skipped else _nearest(own, verdicts),
        notes=(_NO_BRIDGE,) if ignored else (),
    )


def _nearest(own: Judged, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The NICs that meet some field of the selector, or almost do: those with the fewest refusals first."""
    selector = own.policy.spec.nic_selector
    parts = (selector.vendor, selector.device_id, selector.root_devices, selector.pf_names, selector.net_filter)
    given = sum(bool(part) for part in parts)
    close = [
        verdict
        for verdict in verdicts
        if len(verdict.refusals) < given or any(refusal.near for refusal in verdict.refusals)
    ]
    return tuple(sorted(close, key=lambda verdict: len(verdict.refusals)))[:_MOST_NEAREST]


def _unmatched(own: Judged, ports: Sequence[Nic]) -> Iterator[Unmatched]:
    """The PFs that a valid policy names and that are not here."""
    if own.skipped or own.faults:
        return
    selector = own.policy.spec.nic_selector
    names = tuple(dict.fromkeys(name for nic in ports for name in (nic.name or "", *nic.alt_names) if name))
    addresses = tuple(str(nic.address) for nic in ports)
    for position, entry in enumerate(selector.pf_names):
        wanted = name_of(entry)
        if not any(is_called(nic, wanted) for nic in ports):
            path = f"spec.nicSelector.pfNames[{position}]"
            yield Unmatched(policy=own.name, path=path, wanted=wanted, candidates=names)
    for position, entry in enumerate(selector.root_devices):
        if not any(same_address(entry, nic.address) for nic in ports):
            path = f"spec.nicSelector.rootDevices[{position}]"
            yield Unmatched(policy=own.name, path=path, wanted=entry, candidates=addresses)
