"""A policy on the nodes that it selects: does it take a NIC there, and can the NIC serve it? Nothing here does I/O."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from sriov_core.admission.cluster import Cluster, ClusterNode
from sriov_core.admission.decision import Finding, denied, warned
from sriov_core.admission.policypairs import Ports, pair, unreported
from sriov_core.api.fault import legible
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.observed import Nic
from sriov_core.policy.claims import claim, strength
from sriov_core.policy.judging import DEPRECATED_NAME, Candidate, candidates
from sriov_core.policy.merging import merge
from sriov_core.policy.nodeindex import NodeIndex
from sriov_core.policy.render import render_candidates
from sriov_core.policy.selector import refusals

_VDPA_VENDOR = "15b3"
_FACTS = (
    *("address", "vendor", "device", "name", "alt_names", "net_filter"),
    *("total_vfs", "num_vfs", "mtu", "link_type"),
)
"""What the rules look at of a NIC."""

_Selector = frozenset[tuple[str, str]]
_Group = tuple[frozenset[str], tuple[Candidate, ...]]
"""Nodes by name, and the policies beside the judged one that select each of them."""


@attrs.frozen(kw_only=True)
class Place:
    """Nodes that are alike for the rules: NICs that differ in nothing that counts, the same policies beside the judged.

    ``nics`` are those of the first; the nodes differ at most in who uses VFs.
    """

    nodes: tuple[ClusterNode, ...]
    others: tuple[Candidate, ...] = attrs.field(repr=False)

    @property
    def node(self) -> ClusterNode:
        """The first node, which stands for all of them."""
        return self.nodes[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(node.name for node in self.nodes)


@attrs.frozen(kw_only=True)
class Seen:
    """What a policy does in one place: whether it takes a supported NIC, and what is found, on which nodes."""

    place: Place
    selects: bool
    findings: tuple[tuple[Finding, tuple[str, ...]], ...] = ()


def places(policy: NodePolicy, cluster: Cluster) -> tuple[Place, ...]:
    """The nodes that the policy selects, those that are alike together, by the name of the first.

    Of the other nodes nothing is looked at but their labels.
    """
    wanted = policy.spec.node_selector.items()
    chosen = [node for node in cluster.nodes if node.labels is None or wanted <= node.labels.items()]
    groups = _beside(chosen, others_of(policy, cluster)) if chosen else []
    group_of = {name: number for number, (names, _) in enumerate(groups) for name in names}
    looks: dict[int, tuple[object, ...]] = {}
    alike: dict[tuple[object, ...], list[ClusterNode]] = {}
    for node in chosen:
        alike.setdefault((group_of[node.name], *_looks(node, looks)), []).append(node)
    return tuple(Place(nodes=tuple(found), others=groups[group_of[found[0].name]][1]) for found in alike.values())


def _beside(chosen: Sequence[ClusterNode], others: Sequence[Candidate]) -> list[_Group]:
    """The nodes apart by which of the others select them; policies with the same nodeSelector cost as much as one."""
    asked = {label for other in others for label in other.policy.spec.node_selector}
    index = NodeIndex()
    for node in chosen:
        labels = node.labels
        index.put(node.name, None if labels is None else {label: labels[label] for label in asked & labels.keys()})
    apart = [(frozenset(node.name for node in chosen), frozenset[_Selector]())]
    for selector, pairs in {_selector(other): other.policy.spec.node_selector for other in others}.items():
        selected = index.selected(pairs)
        inside = [(names & selected, {*by, selector}) for names, by in apart]
        outside = [(names - selected, by) for names, by in apart]
        apart = [(names, frozenset(by)) for names, by in (*inside, *outside) if names]
    return [(names, tuple(other for other in others if _selector(other) in by)) for names, by in apart]


def _selector(candidate: Candidate) -> _Selector:
    return frozenset(candidate.policy.spec.node_selector.items())


def others_of(policy: NodePolicy, cluster: Cluster) -> tuple[Candidate, ...]:
    """The policies that count beside this one, weakest first; those that are invalid or ask for no VFs do not."""
    left_out = {policy.metadata.name, DEPRECATED_NAME}
    found = candidates(other for other in cluster.counting_policies if other.metadata.name not in left_out)
    return tuple(candidate for candidate in found if candidate.is_usable and candidate.policy.spec.num_vfs)


def certain_pairs(policy: NodePolicy, cluster: Cluster) -> Iterator[Finding]:
    """What is wrong on any node, without knowing one: with the policies that meet this one wherever either is.

    That is so when one nodeSelector has all labels of the other.
    """
    own = policy.spec.node_selector.items()
    for candidate in others_of(policy, cluster):
        theirs = candidate.policy.spec.node_selector.items()
        if own <= theirs or theirs <= own:
            yield from pair(policy, candidate.policy, Ports(unreported=unreported(policy, ())))


def look(policy: NodePolicy, place: Place, cluster: Cluster) -> Seen:
    """The policy in one place: by itself on each NIC that it takes, and compared with each policy that is there."""
    taken = _taken(policy, place)
    found = [finding for nic in taken for rule in _RULES for finding in rule(policy, nic)]
    ports = Ports(nics=place.node.nics, taken=taken, unreported=unreported(policy, place.node.nics))
    for other in place.others:
        found.extend(pair(policy, other.policy, ports))
    return Seen(
        place=place,
        selects=any(_is_supported(nic, policy, place.node, cluster) for nic in taken),
        findings=(*((finding, place.names) for finding in dict.fromkeys(found)), *_shrinking(policy, place, taken)),
    )


def hint(policy: NodePolicy, place: Place) -> str:
    """For a policy that takes no supported NIC in a place: what came nearest; empty when nothing did."""
    for nic in _taken(policy, place):
        return f"{_called(nic)}, which is not among the supported NICs ({legible(nic.vendor)}:{legible(nic.device)})"
    (own,) = render_candidates(candidates([policy]), place.node.nics).summaries
    return next((f"{legible(verdict.nic_name or str(verdict.nic))}: {verdict.reason}" for verdict in own.nearest), "")


def _taken(policy: NodePolicy, place: Place) -> tuple[Nic, ...]:
    return tuple(nic for nic in place.node.nics if not refusals(policy.spec.nic_selector, nic))


def _looks(node: ClusterNode, known: dict[int, tuple[object, ...]]) -> tuple[object, ...]:
    """What the rules look at of a node, as a value that can be compared; who uses VFs would make each one different.

    ``known`` is that of reports by their identity: nodes that report the same share one in memory.
    """
    nics = known.get(id(node.nics))
    if nics is None:
        nics = known[id(node.nics)] = tuple(tuple(getattr(nic, fact) for fact in _FACTS) for nic in node.nics)
    return (nics, node.is_virtual, node.has_state, node.unreadable)


def _is_supported(nic: Nic, policy: NodePolicy, node: ClusterNode, cluster: Cluster) -> bool:
    """A NIC in the table; in a cloud also a VF of one, when netFilter selects it."""
    if cluster.dev_mode or cluster.nic_ids.has_model(nic.vendor, nic.device):
        return True
    by_network = node.is_virtual and bool(policy.spec.nic_selector.net_filter)
    return by_network and cluster.nic_ids.has_vf(nic.vendor, nic.device)


def _too_many(policy: NodePolicy, nic: Nic) -> Iterator[Finding]:
    for problem in merge(nic, [claim(policy, nic)]).problems:
        yield denied("spec.numVfs", problem.text, problem.remedy)


def _external(policy: NodePolicy, nic: Nic) -> Iterator[Finding]:
    """Of a PF that somebody else configures, no more can be asked for than it has."""
    spec = policy.spec
    if not spec.externally_managed:
        return
    if spec.num_vfs > nic.num_vfs:
        text = f"found {spec.num_vfs}, and the externally managed {_called(nic)} has {nic.num_vfs} VFs"
        yield denied("spec.numVfs", text, "Lower it, or have the VFs created first")
    if isinstance(nic.mtu, int) and spec.mtu > nic.mtu:
        text = f"found {spec.mtu}, and the externally managed {_called(nic)} has MTU {nic.mtu}"
        yield denied("spec.mtu", text, "Lower it, or have the MTU of the PF raised first")
    if spec.link_type and nic.link_type and spec.link_type.upper() != nic.link_type.value.upper():
        text = f"found {spec.link_type}, and the externally managed {_called(nic)} has {nic.link_type.value}"
        yield denied("spec.linkType", text, "Correct it, or leave it out")


def _vdpa(policy: NodePolicy, nic: Nic) -> Iterator[Finding]:
    if policy.spec.vdpa_type and nic.vendor != _VDPA_VENDOR:
        text = f"{_called(nic)} by vendor {legible(nic.vendor)} makes no vDPA devices; those by {_VDPA_VENDOR} do"
        yield denied("spec.vdpaType", text, "Drop vdpaType, or select other NICs")


def _shrinking(policy: NodePolicy, place: Place, taken: Iterable[Nic]) -> Iterator[tuple[Finding, tuple[str, ...]]]:
    """The kernel changes a count of VFs by way of 0, so that all VFs of the PF go."""
    given = sorted((*candidates([policy]), *place.others), key=lambda candidate: strength(candidate.policy))
    for nic in taken:
        users = tuple(node.name for node in place.nodes if node.in_use.get(nic.address))
        if not users or policy.spec.num_vfs >= nic.num_vfs:
            continue
        rendering = render_candidates(given, [nic])
        own = next(summary for summary in rendering.summaries if summary.policy == policy.metadata.name)
        (wish,) = rendering.spec.nics
        if own.taken and not wish.externally_managed and wish.num_vfs < nic.num_vfs:
            text = f"{_called(nic)} shrinks from {nic.num_vfs} to {wish.num_vfs} VFs while pods have some of them"
            yield warned("spec.numVfs", text, "All its VFs are made anew: expect the pods to be drained first"), users


def _called(nic: Nic) -> str:
    return legible(nic.name or str(nic.address))


_RULES: tuple[Callable[[NodePolicy, Nic], Iterator[Finding]], ...] = (_too_many, _external, _vdpa)
