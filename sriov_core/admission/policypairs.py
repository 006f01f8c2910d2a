"""Two policies on one node: do they claim the same VFs, and do they agree about what they share? Nothing here does I/O.

Every pair is compared by itself, so that the answer depends on no third policy and on no order. Who claims which VFs,
and who wins them, is asked of rendering (`claim`, `merge`).
"""

from collections.abc import Iterator, Mapping, Sequence

import attrs

from sriov_core.admission.decision import Finding, denied, warned
from sriov_core.api.fault import legible
from sriov_core.api.nodepolicy import NicSelector, NodePolicy
from sriov_core.model.observed import Nic
from sriov_core.policy.claims import claim, strength
from sriov_core.policy.merging import Merged, merge
from sriov_core.policy.ranges import PfName, Range, parse_pf_name
from sriov_core.policy.selector import is_called, refusals, same_address
from sriov_core.policy.verdict import Verdict

_SELECTOR = "spec.nicSelector"
_NO_OVERLAP = "Give the policies ranges (pfNames) or NICs that do not overlap"


@attrs.frozen(kw_only=True)
class Ports:
    """The ports of a node as one policy sees them: all, those it takes, and the names in it that none of them has."""

    nics: tuple[Nic, ...] = ()
    taken: tuple[Nic, ...] = ()
    unreported: Mapping[str, tuple[PfName, ...]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class _Meeting:
    """Two policies that claim VFs of one port; ``alike`` when both name it, and both with a range or both without."""

    port: str
    own: tuple[Range, ...]
    others: tuple[Range, ...]
    alike: bool

    @property
    def overlap(self) -> tuple[Range, Range] | None:
        """The first of this policy's ranges that overlaps one of the other's, with that one."""
        pairs = ((own, other) for own in self.own for other in self.others)
        return next(((own, other) for own, other in pairs if own.first <= other.last and other.first <= own.last), None)


def unreported(policy: NodePolicy, nics: Sequence[Nic]) -> Mapping[str, tuple[PfName, ...]]:
    """The entries of pfNames, by name, whose port a node with these NICs does not have or has not reported yet."""
    found: dict[str, tuple[PfName, ...]] = {}
    for entry in _names(policy):
        if not any(is_called(nic, entry.name) for nic in nics):
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def pair(policy: NodePolicy, other: NodePolicy, ports: Ports) -> Iterator[Finding]:
    """What is wrong between two valid policies on a node that both select; ``ports`` are as ``policy`` sees them."""
    yield from _same_resource(policy, other)
    if _never_meet(policy, other):
        return
    common = [one for one in _common_root_devices(policy, other) if not _is_apart(one, other, ports)]
    for address in common:
        text = f"root device {address} is overlapped: policy {legible(other.metadata.name)} has it, too"
        remedy = "Remove it from one of the two; to share a PF, give both policies pfNames with ranges instead"
        yield denied(f"{_SELECTOR}.rootDevices", text, remedy)
    for nic in ports.taken:
        if not refusals(other.spec.nic_selector, nic):
            is_told = any(same_address(address, nic.address) for address in common)
            yield from _on_nic(policy, other, nic, is_told=is_told)
    if ports.unreported:
        yield from _not_here(policy, other, ports)


def _on_nic(policy: NodePolicy, other: NodePolicy, nic: Nic, *, is_told: bool) -> Iterator[Finding]:
    """Two policies that take one NIC; ``is_told`` when they cannot have it both, and were told so."""
    merged = _merged(policy, other, nic)
    meeting = _meeting(policy, other, nic)
    if _is_inconsistent(policy, other, alike=_both_name(policy, other, nic), merged=merged):
        yield _inconsistent(policy, other, meeting.port)
    elif not is_told:
        yield from _overlap(policy, other, meeting)
    yield from _modes(policy, other, meeting.port, merged)


def _never_meet(policy: NodePolicy, other: NodePolicy) -> bool:
    """True when no NIC can be taken by both, whatever it is called: its vendor and its device are one each."""
    own, theirs = policy.spec.nic_selector, other.spec.nic_selector
    pairs = ((own.vendor, theirs.vendor), (own.device_id, theirs.device_id))
    return any(one and two and one != two for one, two in pairs)


def _common_root_devices(policy: NodePolicy, other: NodePolicy) -> tuple[str, ...]:
    theirs = {entry.lower() for entry in other.spec.nic_selector.root_devices}
    return tuple(dict.fromkeys(entry for entry in policy.spec.nic_selector.root_devices if entry.lower() in theirs))


def _is_apart(address: str, other: NodePolicy, ports: Ports) -> bool:
    """True for the address of a known NIC that one of the two does not take, for another field of its selector."""
    known = [nic for nic in ports.nics if same_address(address, nic.address)]
    both = (nic for nic in known if nic in ports.taken and not refusals(other.spec.nic_selector, nic))
    return bool(known) and next(both, None) is None


def _merged(policy: NodePolicy, other: NodePolicy, nic: Nic) -> Merged:
    """What rendering makes of the two, as if they were alone."""
    return merge(nic, [claim(one, nic) for one in sorted((policy, other), key=strength)])


def _meeting(policy: NodePolicy, other: NodePolicy, nic: Nic) -> _Meeting:
    own, theirs = _entries(policy, nic), _entries(other, nic)
    return _Meeting(
        port=legible(nic.name or str(nic.address)),
        own=_claimed(policy, nic),
        others=_claimed(other, nic),
        alike=bool(own and theirs) and _is_whole(own) == _is_whole(theirs),
    )


def _claimed(policy: NodePolicy, nic: Nic) -> tuple[Range, ...]:
    return tuple(Range(group.first, group.last) for group in claim(policy, nic).groups)


def _entries(policy: NodePolicy, nic: Nic) -> tuple[PfName, ...]:
    """The entries of pfNames that mean the NIC."""
    return tuple(entry for entry in _names(policy) if is_called(nic, entry.name))


def _names(policy: NodePolicy) -> tuple[PfName, ...]:
    return tuple(parse_pf_name(entry, policy.spec.num_vfs) for entry in policy.spec.nic_selector.pf_names)


def _is_whole(entries: Sequence[PfName]) -> bool:
    return any(entry.vfs is None for entry in entries)


def _both_name(policy: NodePolicy, other: NodePolicy, nic: Nic) -> bool:
    return bool(_entries(policy, nic) and _entries(other, nic))


def _not_here(policy: NodePolicy, other: NodePolicy, ports: Ports) -> Iterator[Finding]:
    """Ports that are known by name only: equal names are taken for one port."""
    own, theirs = ports.unreported, unreported(other, ports.nics)
    for name in own:
        if name not in theirs:
            continue
        if policy.spec.externally_managed != other.spec.externally_managed:
            yield _inconsistent(policy, other, legible(name))
            continue
        meeting = _Meeting(
            port=legible(name),
            own=_ranges(policy, own[name]),
            others=_ranges(other, theirs[name]),
            alike=_is_whole(own[name]) == _is_whole(theirs[name]),
        )
        yield from _overlap(policy, other, meeting)


def _ranges(policy: NodePolicy, entries: Sequence[PfName]) -> tuple[Range, ...]:
    return tuple(entry.vfs or Range(0, policy.spec.num_vfs - 1) for entry in entries)


def _overlap(policy: NodePolicy, other: NodePolicy, meeting: _Meeting) -> Iterator[Finding]:
    """An overlap is denied at equal priority, where a name would decide, and where both ask in the same manner."""
    found = meeting.overlap
    if found is None:
        return
    own, theirs = (f"{vfs.first}-{vfs.last}" for vfs in found)
    text = f"VF index range in {meeting.port} is overlapped: {own} here, {theirs} in {_described(other)}"
    path = _shared_field(policy.spec.nic_selector, other.spec.nic_selector)
    if meeting.alike or policy.spec.priority == other.spec.priority:
        yield denied(path, text, _NO_OVERLAP)
        return
    winner, loser = _by_strength(policy, other)
    lost = f"{_described(winner)} is stronger, so {_described(loser)} does not get these VFs"
    yield warned(path, f"{text}; {lost}", f"{_NO_OVERLAP} if that is not meant")


def _shared_field(own: NicSelector, theirs: NicSelector) -> str:
    """The path of the narrowest field that both selectors use; that of the selector when there is none.

    Root devices are left out: two policies that take a NIC by its address are told so, and of no overlap beside it.
    """
    fields = {
        "pfNames": own.pf_names and theirs.pf_names,
        "netFilter": own.net_filter and theirs.net_filter,
        "deviceID": own.device_id and theirs.device_id,
        "vendor": own.vendor and theirs.vendor,
    }
    return next((f"{_SELECTOR}.{field}" for field, both in fields.items() if both), _SELECTOR)


def _is_inconsistent(policy: NodePolicy, other: NodePolicy, *, alike: bool, merged: Merged) -> bool:
    """Differing is wrong where both name the port, and where both get VFs of it."""
    differ = policy.spec.externally_managed != other.spec.externally_managed
    return differ and (alike or _both_hold(merged.verdicts))


def _both_hold(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.groups for verdict in verdicts)


def _inconsistent(policy: NodePolicy, other: NodePolicy, port: str) -> Finding:
    own, theirs = (_word(on=one.spec.externally_managed) for one in (policy, other))
    called = legible(other.metadata.name)
    text = f"externallyManage is inconsistent: it is {own} here and {theirs} in policy {called}"
    return denied("spec.externallyManaged", f"{text}, and both take {port}", "Set it in both or in none")


def _modes(policy: NodePolicy, other: NodePolicy, port: str, merged: Merged) -> Iterator[Finding]:
    """A port has one mode and one link type: those of the stronger of the policies that share it."""
    if not _both_hold(merged.verdicts):
        return
    stronger, _ = _by_strength(policy, other)
    pairs = {
        "eSwitchMode": (policy.spec.eswitch_mode or "legacy", other.spec.eswitch_mode or "legacy"),
        "linkType": (policy.spec.link_type.upper(), other.spec.link_type.upper()),
    }
    for field, (own, theirs) in pairs.items():
        if own and theirs and own != theirs:
            text = f"found {own}, and policy {legible(other.metadata.name)} shares {port} and has {theirs}"
            counts = f"that of {_described(stronger)} counts, the stronger one"
            yield warned(f"spec.{field}", f"{text}; {counts}", "Set it alike in both")


def _same_resource(policy: NodePolicy, other: NodePolicy) -> Iterator[Finding]:
    """Policies of one resource are one entry of the device plugin's config on a node."""
    own, theirs, name = policy.spec, other.spec, legible(other.metadata.name)
    if own.resource_name != theirs.resource_name:
        return
    if own.exclude_topology != theirs.exclude_topology:
        mine, its = (_word(on=spec.exclude_topology) for spec in (own, theirs))
        text = f"excludeTopology[{mine}] field conflicts with policy [{name}].ExcludeTopology[{its}]"
        text = f"{text} as they target the same resource[{own.resource_name}]"
        yield denied("spec.excludeTopology", text, "Set it alike in both, or use different resource names")
    for field, found, its in (
        ("isRdma", _word(on=own.is_rdma), _word(on=theirs.is_rdma)),
        ("needVhostNet", _word(on=own.need_vhost_net), _word(on=theirs.need_vhost_net)),
        ("vdpaType", own.vdpa_type or "none", theirs.vdpa_type or "none"),
    ):
        if found != its:
            text = f"found {found}, and policy {name} of the same resource {own.resource_name} has {its}"
            remedy = "Pods cannot tell these VFs apart: set it alike in both, or use different resource names"
            yield warned(f"spec.{field}", text, remedy)


def _by_strength(policy: NodePolicy, other: NodePolicy) -> tuple[NodePolicy, NodePolicy]:
    """The stronger of the two, and the weaker one."""
    weaker, stronger = sorted((policy, other), key=strength)
    return stronger, weaker


def _described(policy: NodePolicy) -> str:
    return f"policy {legible(policy.metadata.name)} (priority {policy.spec.priority})"


def _word(*, on: bool) -> str:
    return "true" if on else "false"
