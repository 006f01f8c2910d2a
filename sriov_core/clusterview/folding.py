"""What is only the consequence of another finding is told there, and not a second time. No I/O."""

from collections.abc import Iterable, Mapping

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.clusterview.finding import ClusterFinding

_CAUSES: Mapping[str, tuple[str, frozenset[str]]] = {
    "POL-501": ("failed", frozenset({"K8S-421"})),
    "POL-507": ("waiting", frozenset({"LIFE-721", "LIFE-722"})),
}
"""A finding of a policy: the outcome on the nodes that it comes from, and the findings of nodes that explain it."""


def folded(findings: Iterable[ClusterFinding], policies: Iterable[NodePolicy]) -> tuple[ClusterFinding, ...]:
    """The findings, without those of policies of which every node in the way has a finding of its own.

    The findings of these nodes name the policies. A policy with more such nodes than its status lists stays.
    """
    every = tuple(findings)
    known = {(one.code, one.about) for one in every}
    by_name = {f"{one.kind} {one.metadata.name}": one for one in policies}
    gone: set[tuple[str, str]] = set()
    held_up: dict[tuple[str, str], list[str]] = {}
    for one in every:
        causes = _causes(one, by_name.get(one.about), known)
        for cause in causes:
            gone.add((one.code, one.about))
            held_up.setdefault(cause, []).append(by_name[one.about].metadata.name)
    return tuple(
        _with(one, held_up.get((one.code, one.about), [])) for one in every if (one.code, one.about) not in gone
    )


def _causes(
    finding: ClusterFinding, policy: NodePolicy | None, known: set[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Code and object of the findings that explain this one; empty when they do not explain all of it."""
    if policy is None or finding.code not in _CAUSES:
        return ()
    outcome, codes = _CAUSES[finding.code]
    status = policy.status
    nodes = [one.node for one in status.details if one.outcome == outcome]
    found = [[(code, f"Node {node}") for code in sorted(codes) if (code, f"Node {node}") in known] for node in nodes]
    if not all(found) or len(nodes) < (status.failed_nodes if outcome == "failed" else status.pending_nodes):
        return ()
    return tuple(each[0] for each in found)


def _with(finding: ClusterFinding, policies: list[str]) -> ClusterFinding:
    if not policies:
        return finding
    what = "policy" if len(policies) == 1 else "policies"
    fact = f"{finding.fact.rstrip('.')}. Also holds up {what} {', '.join(sorted(policies))}"
    return attrs.evolve(finding, fact=fact)
