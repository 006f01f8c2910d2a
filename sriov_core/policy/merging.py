"""Several policies on one NIC: who gets which VFs, and what the NIC is wished to be. Nothing here does I/O."""

from collections.abc import Iterator, Sequence

import attrs

from sriov_core.model.desired import NicSpec, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType, Nic
from sriov_core.model.plan import Problem
from sriov_core.policy.claims import Claim
from sriov_core.policy.verdict import Loss, Outcome, Verdict

_LIMIT_BY_FIRMWARE = {"15b3": 128}
"""Cards whose firmware is set to as many VFs as are wished for, up to this many, whatever sriov_totalvfs says now."""


@attrs.frozen(kw_only=True)
class Merged:
    """The wish for a NIC, a verdict for each claim, and what stands in the way."""

    spec: NicSpec
    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...]


@attrs.frozen
class _Clash:
    """VFs of ``loser`` that ``winner``, applied after it, claimed too."""

    loser: Claim
    group: VfGroup
    winner: Claim

    @property
    def loss(self) -> Loss:
        """The clash as the loser sees it."""
        if self.loser.priority == self.winner.priority:
            why = f"both have priority {self.winner.priority}, and the name that sorts last wins"
        else:
            why = f"priority {self.winner.priority} is stronger than {self.loser.priority}"
        shared = (
            attrs.evolve(self.group, first=max(self.group.first, own.first), last=min(self.group.last, own.last))
            for own in self.winner.groups
            if own.overlaps(self.group)
        )
        taken = ", ".join(vfs.vf_range for vfs in sorted(shared, key=lambda vfs: vfs.first))
        return Loss(vfs=self.group.vf_range, winner=self.winner.name, why=why, taken=taken)


def merge(nic: Nic, claims: Sequence[Claim]) -> Merged:
    """Settle the claims on one NIC, given weakest first; there is at least one.

    A group loses to any later claim that overlaps it. The strongest policy decides the modes. The count of VFs and the
    MTU are the largest of the policies that hold VFs and of those as strong as one that does.
    """
    held: list[tuple[Claim, VfGroup]] = []
    clashes: list[_Clash] = []
    for claim in claims:
        lost = [(owner, group) for owner, group in held if any(group.overlaps(own) for own in claim.groups)]
        clashes.extend(_Clash(owner, group, claim) for owner, group in lost)
        kept = [entry for entry in held if entry not in lost]
        held = [*((claim, group) for group in claim.groups), *kept]
    spec = _spec(nic, claims, held)
    holders = [claim for claim in claims if any(owner is claim for owner, _ in held)]
    return Merged(
        spec=spec,
        verdicts=tuple(_verdict(nic, claim, held, clashes, claims[-1]) for claim in claims),
        problems=(
            *_ambiguous(nic, clashes),
            *_inconsistent(nic, holders),
            *_impossible_vdpa(nic, spec, claims[-1]),
            *_too_many(nic, spec, holders),
        ),
    )


def _spec(nic: Nic, claims: Sequence[Claim], held: Sequence[tuple[Claim, VfGroup]]) -> NicSpec:
    strongest = claims[-1].policy.spec
    priorities = {owner.priority for owner, _ in held}
    counting = [claim.policy.spec for claim in claims if claim.priority in priorities]
    return NicSpec(
        address=nic.address,
        name=nic.name or "",
        num_vfs=max(spec.num_vfs for spec in counting),
        mtu=max(spec.mtu for spec in counting) or None,
        eswitch_mode=EswitchMode(strongest.eswitch_mode or EswitchMode.LEGACY),
        link_type=LinkType(strongest.link_type.upper()) if strongest.link_type else None,
        externally_managed=strongest.externally_managed,
        groups=tuple(group for _, group in held),
        named=any(owner.named for owner, _ in held),
    )


def _verdict(
    nic: Nic, claim: Claim, held: Sequence[tuple[Claim, VfGroup]], clashes: Sequence[_Clash], strongest: Claim
) -> Verdict:
    groups = tuple(group for owner, group in held if owner is claim)
    return Verdict(
        policy=claim.name,
        nic=nic.address,
        nic_name=nic.name or "",
        outcome=Outcome.TAKEN if groups else Outcome.DISPLACED,
        groups=groups,
        losses=tuple(clash.loss for clash in clashes if clash.loser is claim),
        note=_overruled(claim, strongest) if groups else "",
    )


def _overruled(claim: Claim, strongest: Claim) -> str:
    """Which modes of a policy that holds VFs do not count, because a stronger one on the NIC differs."""
    own, other = claim.policy.spec, strongest.policy.spec
    pairs: dict[str, tuple[object, object]] = {
        "eSwitchMode": (own.eswitch_mode or "legacy", other.eswitch_mode or "legacy"),
        "linkType": (own.link_type.upper(), other.link_type.upper()),
        "bridge": (own.bridge, other.bridge),
    }
    differing = [field for field, (mine, theirs) in pairs.items() if mine != theirs]
    return f"{' and '.join(differing)} as in policy {strongest.name}, the strongest here" if differing else ""


def _ambiguous(nic: Nic, clashes: Sequence[_Clash]) -> Iterator[Problem]:
    for clash in clashes:
        loser, winner = clash.loser, clash.winner
        if loser.priority != winner.priority:
            continue
        rivals = ", ".join(group.vf_range for group in winner.groups if group.overlaps(clash.group))
        yield Problem(
            code="overlapping-groups",
            nic=nic.address,
            text=(
                f"policies {loser.name} and {winner.name} both have priority {winner.priority} and claim VFs of "
                f"{nic.name or nic.address} that overlap: {clash.group.vf_range} and {rivals}"
            ),
            remedy="Give them ranges that do not overlap (pfNames), or different priorities",
        )


def _inconsistent(nic: Nic, holders: Sequence[Claim]) -> Iterator[Problem]:
    external = [claim.name for claim in holders if claim.policy.spec.externally_managed]
    managed = [claim.name for claim in holders if not claim.policy.spec.externally_managed]
    if external and managed:
        yield Problem(
            code="inconsistent-externally-managed",
            nic=nic.address,
            text=(
                f"externallyManaged is set in {_policies(external)} and not in {_policies(managed)}, and they share "
                f"{nic.name or nic.address}"
            ),
            remedy="Set it in all of them or in none",
        )


def _impossible_vdpa(nic: Nic, spec: NicSpec, strongest: Claim) -> Iterator[Problem]:
    """VDPA devices need switchdev, and the strongest policy decides the mode for all."""
    wanting = [group.policy_name for group in spec.groups if group.vdpa_type]
    if wanting and spec.eswitch_mode is not EswitchMode.SWITCHDEV:
        text = (
            f"{_policies(sorted(set(wanting)))}: vdpaType needs eSwitchMode switchdev, and policy {strongest.name}, "
            f"the strongest on {nic.name or nic.address}, says {spec.eswitch_mode}"
        )
        remedy = f"Set eSwitchMode: switchdev in policy {strongest.name}, or keep the policies on different ports"
        yield Problem(code="vdpa-without-switchdev", nic=nic.address, text=text, remedy=remedy)


def _too_many(nic: Nic, spec: NicSpec, holders: Sequence[Claim]) -> Iterator[Problem]:
    limit = max(nic.total_vfs or 0, _LIMIT_BY_FIRMWARE.get(nic.vendor, 0))
    if spec.externally_managed or spec.num_vfs <= limit:
        return
    names = _policies(sorted(claim.name for claim in holders))
    wanted = f"{names}: {spec.num_vfs} VFs of {nic.name or nic.address} are wanted"
    if limit:
        text, remedy = f"{wanted}, it has at most {limit}", f"Lower numVfs to {limit} or less"
        yield Problem(code="too-many-vfs", nic=nic.address, text=text, remedy=remedy)
    else:
        remedy = "Enable SR-IOV in the firmware set-up of the machine or of the card, or select other NICs"
        yield Problem(code="no-sriov", nic=nic.address, text=f"{wanted}, it offers no SR-IOV", remedy=remedy)


def _policies(names: Sequence[str]) -> str:
    return f"{'policy' if len(names) == 1 else 'policies'} {', '.join(names)}"
