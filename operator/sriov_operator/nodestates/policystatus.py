"""The status of a policy as it is written: counts, nodes that need a look, and conditions. Nothing here does I/O."""

from collections.abc import Iterable
from typing import Any

import msgspec

from sriov_core.api.conditions import ACCEPTED, Condition
from sriov_core.api.fault import Fault
from sriov_core.api.nodepolicy import NodePolicy, PolicyStatus
from sriov_core.policy.reach import Standing
from sriov_operator.configuration import MISSING
from sriov_operator.stored import conditions as conditions_of
from sriov_operator.stored import joined

CONDITIONS = ("Ready", "Progressing", "Degraded", ACCEPTED)

_COUNTS = (
    *("matched_nodes", "applied_nodes", "applied_nics", "applied_vfs"),
    *("displaced_nodes", "failed_nodes", "pending_nodes"),
)


def status(policy: NodePolicy, standing: Standing, now: str, accepted: Condition | None = None) -> PolicyStatus:
    """The status that the policy should have; equal to the one that it has when there is nothing to write.

    ``now`` is RFC 3339; ``accepted`` the condition about fields that nobody acts on. Conditions of others stay.
    """
    wanted = conditions(standing, policy.metadata.generation)
    after = joined(policy.status.conditions, wanted, accepted, now)
    return msgspec.structs.replace(standing.status, conditions=after)


def outline(stored: dict[str, Any]) -> NodePolicy:
    """What is sure of a policy that does not fit its kind, as the API server stores it: it asks for nothing."""
    spec = {"resourceName": "", "nodeSelector": {}, "nicSelector": {}, "numVfs": 0}
    status = {"conditions": msgspec.to_builtins(conditions_of(stored))}
    return msgspec.convert({"metadata": stored["metadata"], "spec": spec, "status": status}, NodePolicy)


def unreadable(mistakes: Iterable[Fault]) -> Standing:
    """How a policy stands of which nobody can tell what it asks for."""
    stays = "nodes that have VFs by it keep them until it is corrected or deleted"
    message = "; ".join((*map(str, mistakes), stays))
    return Standing(status=PolicyStatus(), ready=False, reason="Invalid", message=message)


def waiting(policy: NodePolicy, why: str) -> Standing:
    """How a policy stands while there is no configuration to work by."""
    return Standing(status=PolicyStatus(priority=policy.spec.priority), ready=False, reason=MISSING, message=why)


def conditions(standing: Standing, generation: int) -> tuple[Condition, ...]:
    """Ready, Progressing and Degraded. Of the latter two the message has no figures, which change all the time."""
    found = standing.status
    pending, failed, lost = found.pending_nodes > 0, found.failed_nodes > 0, found.displaced_nodes > 0
    ready = standing.reason, standing.message
    progressing = ("NodesPending", "nodes are being configured") if pending else ("NodesDone", "no node is under way")
    if failed:
        degraded = "NodesFailed", "nodes could not be configured"
    elif standing.reason == "Invalid":
        degraded = "Invalid", "the policy holds no VFs anywhere, because it contradicts itself"
    elif lost:
        degraded = "Displaced", "other policies won VFs that this one asks for"
    else:
        degraded = "AsAsked", "no node has failed, and no other policy won VFs"
    return (
        _condition("Ready", ready, generation, true=standing.ready),
        _condition("Progressing", progressing, generation, true=pending),
        _condition("Degraded", degraded, generation, true=failed or lost or standing.reason == "Invalid"),
    )


def body(status: PolicyStatus) -> dict[str, Any]:
    """What is applied: every count, 0 too, for the columns of `kubectl get`, and none of others' conditions."""
    own = tuple(one for one in status.conditions if one.type in CONDITIONS)
    names = dict(zip(PolicyStatus.__struct_fields__, PolicyStatus.__struct_encode_fields__, strict=True))
    counts = {names[field]: getattr(status, field) for field in _COUNTS}
    return {"status": {**counts, **msgspec.to_builtins(msgspec.structs.replace(status, conditions=own))}}


def _condition(name: str, told: tuple[str, str], generation: int, *, true: bool) -> Condition:
    reason, message = told
    return Condition(
        type=name,
        status="True" if true else "False",
        reason=reason,
        message=message,
        observed_generation=generation,
    )
