"""One resource of a node's device plugin config, from the policies that ask for it. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from sriov_core.api.fault import Fault
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors
from sriov_core.model.observed import Nic
from sriov_core.policy.nicids import NicIds
from sriov_core.policy.pfitems import joined_ranges
from sriov_core.policy.pluginremarks import Remark, RemarkCode
from sriov_core.policy.pluginselectors import Flags, Function, known_form, precise_form, primary
from sriov_core.policy.ranges import Range
from sriov_core.policy.selection import DevicePool, check
from sriov_core.policy.selector import refusals

_MOST_SHOWN = 3
_NOTHING_TO_DO = "Nothing has to be done"
_NAME_FAULT = "metadata.name"


@attrs.frozen(kw_only=True, eq=False)
class PoolFacts:
    """What all resources of a node are judged by: its NICs and functions, and what its policies hold.

    ``held_for`` is ``held`` by resource. ``faults`` and ``displaced`` go by the name of the policy; displaced is one
    that lost all its VFs of some NIC.
    """

    nics: tuple[Nic, ...]
    ids: NicIds
    pool: DevicePool
    held: Mapping[Function, NodePolicy]
    held_for: Mapping[str, Mapping[Function, NodePolicy]]
    faults: Mapping[str, tuple[Fault, ...]]
    displaced: frozenset[str]


Answer = tuple[Resource | None, tuple[Remark, ...]]


def resource_for(name: str, policies: Sequence[NodePolicy], node: PoolFacts) -> Answer:
    """The resource of that name, None when it must not be offered, and what is worth saying about it.

    ``policies`` are those of the resource that select the node, weakest first, the invalid ones among them.
    """
    return _checked(name, policies, node) if node.nics else _unchecked(name, policies, node)


def _unchecked(name: str, policies: Sequence[NodePolicy], node: PoolFacts) -> Answer:
    """The form that other tools know, of all policies that the plugin can make sense of."""
    remarks: list[Remark] = []
    usable: list[NodePolicy] = []
    for policy in policies:
        faults = [fault for fault in node.faults.get(policy.metadata.name, ()) if fault.path == _NAME_FAULT]
        alone = _known(name, [policy], policy, node)
        faults.extend(_refused(alone))
        if not faults:
            usable.append(policy)
        elif alone.alternatives[0].takes_everything:
            remarks.append(_without_filter(policy))
        else:
            remarks.append(_invalid(policy, faults[0]))
    if not usable:
        return None, tuple(remarks)
    if len({Flags.of(policy) for policy in usable}) > 1:
        remarks.append(_flags_of_the_weakest(usable))
    said = (*remarks, *_small_remarks(usable, node.nics), *_topology(name, usable))
    return _known(name, usable, usable[-1], node), said


def _checked(name: str, policies: Sequence[NodePolicy], node: PoolFacts) -> Answer:
    """The known form if the plugin hands out by it what the policies hold, else that of fewer policies, or precise."""
    valid = [policy for policy in policies if policy.metadata.name not in node.faults]
    remarks = [_invalid(own, node.faults[own.metadata.name][0]) for own in policies if own.metadata.name in node.faults]
    if not valid:
        return None, tuple(remarks)
    wanted = node.held_for.get(name, {})
    names = {own.metadata.name for own in wanted.values()}
    holders = [own for own in valid if own.metadata.name in names]
    widest = _known(name, valid, (holders or valid)[-1], node)
    taken = _taken(widest, node)
    remarks.extend((*_small_remarks(valid, node.nics), *_contested(name, taken, valid, node)))
    if not wanted:
        resource, more = _idle(widest, valid, taken, node)
        return resource, (*remarks, *more)
    remarks.extend(_topology(name, holders))
    if _serves(widest, taken, wanted, node):
        return widest, tuple(remarks)
    remarks.extend(_displaced(own) for own in valid if own.metadata.name in node.displaced - names)
    narrower = _known(name, holders, holders[-1], node)
    if _serves(narrower, _taken(narrower, node), wanted, node):
        return narrower, tuple(remarks)
    remarks.append(_precise(name, taken, wanted, node))
    selectors = precise_form({function: Flags.of(own) for function, own in wanted.items()})
    return _resource(name, selectors, holders[-1]), tuple(remarks)


def _idle(widest: Resource, valid: Sequence[NodePolicy], taken: frozenset[Function], node: PoolFacts) -> Answer:
    """A resource whose policies hold nothing here: kept only where its selectors take nothing either."""
    displaced = [own for own in valid if own.metadata.name in node.displaced]
    if displaced:
        return None, tuple(_displaced(own) for own in displaced)
    text = "its policies take no NIC of this node"
    if taken:
        text = f"{text}; it is left out, because its selectors alone would take {_shown(taken, node)}"
    remedy = "Correct nicSelector, or narrow nodeSelector to the nodes that have such NICs"
    remark = Remark(code=RemarkCode.SELECTS_NOTHING, resource=widest.resource_name, text=text, remedy=remedy)
    return (None if taken else widest), (remark,)


def _known(name: str, policies: Sequence[NodePolicy], strongest: NodePolicy, node: PoolFacts) -> Resource:
    return _resource(name, known_form(policies, node.nics, node.ids), strongest)


def _resource(name: str, selectors: Selectors | tuple[Selectors, ...], strongest: NodePolicy) -> Resource:
    return Resource(resource_name=name, exclude_topology=strongest.spec.exclude_topology, selectors=selectors)


def _refused(resource: Resource) -> tuple[Fault, ...]:
    return check(PluginConfig(resource_list=(resource,)))


def _taken(resource: Resource, node: PoolFacts) -> frozenset[Function]:
    """What the resource would get if it were the only one."""
    return frozenset(node.pool.devices[place].function for place in node.pool.taken(resource))


def _serves(
    resource: Resource, taken: frozenset[Function], wanted: Mapping[Function, NodePolicy], node: PoolFacts
) -> bool:
    """True when the resource surely takes what its policies hold, and pods get with it what each policy says."""
    given = {Flags(one.is_rdma, one.need_vhost_net, one.vdpa_type) for one in resource.alternatives}
    asked = {Flags.of(own) for own in {own.metadata.name: own for own in wanted.values()}.values()}
    guessed = any(one.devices for one in resource.alternatives) and _has_unknown_id(wanted, node)
    return taken == wanted.keys() and given == asked and not guessed and not _refused(resource)


def _has_unknown_id(wanted: Mapping[Function, NodePolicy], node: PoolFacts) -> bool:
    """True when a device id decides about functions of which it is not known."""
    return not node.pool.without_id.isdisjoint(wanted)


def _contested(
    name: str, taken: frozenset[Function], policies: Sequence[NodePolicy], node: PoolFacts
) -> Iterator[Remark]:
    rivals: dict[tuple[str, str], list[Function]] = {}
    for function in sorted(taken & node.held.keys()):
        owner = node.held[function]
        if owner.spec.resource_name != name:
            rivals.setdefault((owner.spec.resource_name, owner.metadata.name), []).append(function)
    for (resource, policy), functions in sorted(rivals.items()):
        text = f"its selectors match {_shown(functions, node)} too, which policy {policy} holds for {resource}"
        advice = _mistaken_id(policies, node) or "Give the policies ranges (pfNames) or NICs that do not overlap"
        remedy = f"They go to {resource}. {advice}"
        yield Remark(code=RemarkCode.CLAIMED_TWICE, resource=name, text=text, remedy=remedy)


def _mistaken_id(policies: Iterable[NodePolicy], node: PoolFacts) -> str:
    """What to write where a policy gives the device id of VFs as that of a PF; empty where none does."""
    for policy in policies:
        for nic in node.nics:
            found = next((one for one in refusals(policy.spec.nic_selector, nic) if one.is_vf_id), None)
            if found:
                what = f"deviceID {found.wanted[0]} of policy {policy.metadata.name} is the id of VFs"
                return f"{what} of {nic.name or nic.address}; write {found.found[0]}"
    return ""


def _small_remarks(policies: Iterable[NodePolicy], nics: Sequence[Nic]) -> Iterator[Remark]:
    for policy in policies:
        called, resource = policy.metadata.name, policy.spec.resource_name
        for entry in policy.spec.nic_selector.pf_names:
            if (found := primary(entry, nics)) != entry:
                text = f"pfNames {entry} is written as {found}, by the PF's primary name"
                yield Remark(
                    code=RemarkCode.ALT_NAME, resource=resource, policy=called, text=text, remedy=_NOTHING_TO_DO
                )
        if policy.spec.is_rdma and policy.spec.vdpa_type:
            text = "isRdma is left out, because isRdma beside vdpaType stops the plugin of the whole node"
            remedy = "Drop isRdma or vdpaType"
            yield Remark(code=RemarkCode.RDMA_WITH_VDPA, resource=resource, policy=called, text=text, remedy=remedy)


def _topology(name: str, policies: Sequence[NodePolicy]) -> Iterator[Remark]:
    if len({policy.spec.exclude_topology for policy in policies}) > 1:
        strongest = policies[-1]
        value = "true" if strongest.spec.exclude_topology else "false"
        text = f"its policies differ in excludeTopology; policy {strongest.metadata.name}, the strongest, says {value}"
        remedy = "Set it in all of them or in none"
        yield Remark(code=RemarkCode.EXCLUDE_TOPOLOGY, resource=name, text=text, remedy=remedy)


def _invalid(policy: NodePolicy, fault: Fault) -> Remark:
    return _of(policy, RemarkCode.INVALID, f"the policy is left out: {fault.text}", fault.remedy)


def _displaced(policy: NodePolicy) -> Remark:
    text = "the policy is left out: other policies won all its VFs on this node"
    remedy = "Give the policies ranges (pfNames) or NICs that do not overlap, or change the priorities"
    return _of(policy, RemarkCode.DISPLACED, text, remedy)


def _without_filter(policy: NodePolicy) -> Remark:
    if policy.spec.nic_selector.net_filter:
        text = "netFilter goes by what the NICs report, and this node has reported none yet, so nothing is offered"
        return _of(policy, RemarkCode.SELECTS_NOTHING, text, f"{_NOTHING_TO_DO}: the node's report changes it")
    text = "the policy is left out: nothing of its nicSelector filters, so every network device would be taken"
    remedy = "Give vendor, pfNames or rootDevices, or list the device id in the ConfigMap supported-nic-ids"
    return _of(policy, RemarkCode.UNFILTERED, text, remedy)


def _flags_of_the_weakest(policies: Sequence[NodePolicy]) -> Remark:
    weakest = policies[0]
    text = (
        f"its policies differ in isRdma, needVhostNet or vdpaType; those of policy {weakest.metadata.name}, the "
        "weakest, count until the node reports its NICs"
    )
    remedy = "Set them in all of the policies alike, or use different resource names"
    return Remark(code=RemarkCode.FLAGS, resource=weakest.spec.resource_name, text=text, remedy=remedy)


def _precise(name: str, taken: frozenset[Function], wanted: Mapping[Function, NodePolicy], node: PoolFacts) -> Remark:
    more, less = taken - wanted.keys(), wanted.keys() - taken
    reasons = [
        f"also take {_shown(more, node)}" if more else "",
        f"miss {_shown(less, node)}" if less else "",
        "not be certain to take them, or not give pods beside the VF what each policy says"
        if taken == wanted.keys()
        else "",
    ]
    told = " and ".join(reason for reason in reasons if reason)
    text = f"its devices are listed one by one, because the selectors of its policies together would {told}"
    return Remark(code=RemarkCode.PRECISE, resource=name, text=text, remedy=_NOTHING_TO_DO)


def _of(policy: NodePolicy, code: RemarkCode, text: str, remedy: str) -> Remark:
    resource, called = policy.spec.resource_name, policy.metadata.name
    return Remark(code=code, resource=resource, policy=called, text=text, remedy=remedy)


def _shown(functions: Iterable[Function], node: PoolFacts) -> str:
    """The functions in words, PF by PF: ``VFs 0-3,6-6 of ens1f0``."""
    names = {str(nic.address): nic.name or str(nic.address) for nic in node.nics}
    by_pf: dict[str, list[int]] = {}
    for pf, index in sorted(functions):
        by_pf.setdefault(pf, []).append(index)
    told = []
    for pf, indexes in by_pf.items():
        ranges = joined_ranges(Range(index, index) for index in indexes if index >= 0)
        vfs = f"VFs {','.join(f'{one.first}-{one.last}' for one in ranges)} of " if ranges else "the PF "
        told.append(f"{vfs}{names.get(pf, pf)}")
    more = [f"{len(told) - _MOST_SHOWN} more PFs"] if len(told) > _MOST_SHOWN else []
    return ", ".join((*told[:_MOST_SHOWN], *more))
