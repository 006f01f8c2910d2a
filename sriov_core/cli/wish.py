"""``-f``: files with policies and node states to the wish for this machine, with every mistake named."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.cli.files import documents_in
from sriov_core.engine.converge import pins_of
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Problem
from sriov_core.model.record import NicRecord
from sriov_core.policy.bridges import bridges
from sriov_core.policy.bridgespec import to_bridges
from sriov_core.policy.judging import candidates
from sriov_core.policy.nodestate import to_spec
from sriov_core.policy.render import render_candidates
from sriov_core.policy.verdict import Rendering, Unmatched

_SERVE = "Install a plugin for it, or pin one (--pin ADDRESS=PLUGIN); see `sriov-core plugins`"
_SINGLE_MACHINE = "nodeSelector is not looked at: without Kubernetes, every policy given is meant for this machine"


@attrs.frozen(kw_only=True)
class Input:
    """What the files hold: policies, the wishes of node states by their document's place, and remarks."""

    policies: tuple[NodePolicy, ...] = ()
    states: tuple[tuple[str, NodeSpec], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def pins(self) -> dict[Address, str]:
        """The owners that node states ask for."""
        return pins_of(spec for _, spec in self.states)


@attrs.frozen(kw_only=True)
class Wish:
    """The wish for one machine, how the policies came to it, and what must be changed before it can be met."""

    spec: NodeSpec
    rendering: Rendering
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def read_input(files: Sequence[str]) -> Input:
    """Read every file before anything is judged; SpecError or HostError with a line for each mistake."""
    found = documents_in(files)
    policies = tuple(document.body for document in found if isinstance(document.body, NodePolicy))
    states = tuple((doc.where, to_spec(doc.body)) for doc in found if isinstance(doc.body, NodeState))
    read = "policies (SriovNetworkNodePolicy) and node states"
    notes = [document.unread(read) for document in found if not isinstance(document.body, (NodePolicy, NodeState))]
    if not policies and not states:
        kinds = ", ".join(sorted({document.kind for document in found}))
        text = f"{', '.join(files)}: no policy and no node state (found: {kinds})"
        raise SpecError(f"{text}. Give a SriovNetworkNodePolicy or a SriovNetworkNodeState")
    if any(policy.spec.node_selector for policy in policies):
        notes.append(_SINGLE_MACHINE)
    return Input(policies=policies, states=states, notes=tuple(notes))


def wish_for(given: Input, snapshot: Snapshot, records: Mapping[Address, NicRecord]) -> Wish:
    """The wish on a machine with these NICs; SpecError when two inputs wish for one NIC.

    ``records`` are the NICs that were configured before: one that has another name by now is recognised.
    """
    rendering = render_candidates(candidates(given.policies), snapshot.nics, bridges=True)
    parts = [(f"policy {_policies(nic)}", nic) for nic in rendering.spec.nics]
    parts += [(where, nic) for where, spec in given.states for nic in spec.nics]
    _refuse_rivals(parts)
    modes = sorted({spec.rdma_mode for _, spec in given.states if spec.rdma_mode})
    if len(modes) > 1:
        raise SpecError(f"two node states ask for RDMA modes {' and '.join(modes)}. Leave out one of them")
    spec = NodeSpec(
        nics=tuple(nic for _, nic in parts), rdma_mode=modes[0] if modes else "", bridges=_bridges(given, rendering)
    )
    missing = (_missing(entry, snapshot, records) for entry in rendering.unmatched)
    problems = (*rendering.problems, *missing)
    return Wish(spec=spec, rendering=rendering, problems=problems, notes=tuple(_idle(rendering)))


def _bridges(given: Input, rendering: Rendering) -> tuple[Bridge, ...]:
    policies = {policy.metadata.name: policy for policy in given.policies}
    parts = [("a policy", bridge) for bridge in to_bridges(bridges(rendering, policies))]
    parts += [(where, bridge) for where, spec in given.states for bridge in spec.bridges]
    first: dict[str, str] = {}
    for where, bridge in parts:
        if bridge.name in first:
            both = f"{first[bridge.name]} and {where}"
            raise SpecError(f"bridge {bridge.name} is wished for twice, by {both}. Leave out one of the two")
        first[bridge.name] = where
    return tuple(bridge for _, bridge in parts)


def _missing(entry: Unmatched, snapshot: Snapshot, records: Mapping[Address, NicRecord]) -> Problem:
    """The problem of a PF that is not here; a name it had when it was configured beats a guess at the spelling."""
    for left in snapshot.unmanaged:
        record = records.get(left.function.address)
        if entry.wanted in (str(left.function.address), record and record.name):
            text = f"{entry.wanted} is here and no plugin serves it: {left.reason}"
            return attrs.evolve(entry.problem, code="unmanaged", text=text, remedy=_SERVE)
    for record in records.values():
        nic = snapshot.nic(record.address)
        if entry.wanted == record.name and nic and nic.name:
            remedy = f"It was {entry.wanted} when it was configured and is {nic.name} at {nic.address} now: write that"
            return attrs.evolve(entry.problem, remedy=remedy)
    return entry.problem


def _idle(rendering: Rendering) -> Iterator[str]:
    """Policies that do nothing here and name no PF that is missing, which would be a problem of its own."""
    missing = {entry.policy for entry in rendering.unmatched}
    for summary in rendering.summaries:
        if summary.matched or summary.faults or summary.policy in missing:
            continue
        near = [
            f"; nearest is {verdict.nic}: {verdict.reason}" for verdict in (summary.nearest or summary.verdicts)[:1]
        ]
        why = f" ({summary.skipped})" if summary.skipped else ""
        yield f"policy {summary.policy} takes no NIC of this machine{why}{''.join(near)}"


def _refuse_rivals(parts: Iterable[tuple[str, NicSpec]]) -> None:
    first: dict[Address, str] = {}
    for where, nic in parts:
        if nic.address in first:
            both = f"{first[nic.address]} and {where}"
            raise SpecError(f"{nic.address} is wished for twice, by {both}. Leave out one of the two")
        first[nic.address] = where


def _policies(nic: NicSpec) -> str:
    return ", ".join(dict.fromkeys(group.policy_name for group in nic.groups if group.policy_name)) or "(unnamed)"
