"""The status that is written for a policy."""

import msgspec
import pytest
from some_nodestates import policy

from sriov_core.api.conditions import Condition
from sriov_core.api.nodepolicy import PolicyDetail, PolicyStatus
from sriov_core.policy.reach import Standing
from sriov_operator.nodestates.policystatus import body, conditions, status, waiting

NOW = "2026-11-21T16:00:00Z"
LATER = "2026-11-21T17:00:00Z"


def standing(reason: str = "Applied", *, ready: bool = True, **counts: int) -> Standing:
    found = PolicyStatus(**{"matched_nodes": 3, "applied_nodes": 3, "applied_nics": 6, **counts})
    return Standing(status=found, ready=ready, reason=reason, message="in words")


CASES = {
    "applied": (standing(), ("True Applied", "False NodesDone", "False AsAsked")),
    "under-way": (
        standing("Progressing", ready=False, pending_nodes=1),
        ("False Progressing", "True NodesPending", "False AsAsked"),
    ),
    "failed": (
        standing("Failed", ready=False, failed_nodes=1, pending_nodes=1, displaced_nodes=1),
        ("False Failed", "True NodesPending", "True NodesFailed"),
    ),
    "displaced": (
        standing("PartlyDisplaced", displaced_nodes=1),
        ("True PartlyDisplaced", "False NodesDone", "True Displaced"),
    ),
    "invalid": (standing("Invalid", ready=False), ("False Invalid", "False NodesDone", "True Invalid")),
}


@pytest.mark.parametrize(("found", "wanted"), CASES.values(), ids=CASES.keys())
def test_the_conditions_of_a_policy(found, wanted):
    told = conditions(found, 4)
    assert tuple(f"{one.status} {one.reason}" for one in told) == wanted
    assert [one.type for one in told] == ["Ready", "Progressing", "Degraded"]
    assert {one.observed_generation for one in told} == {4}


def test_a_status_that_says_the_same_is_not_written():
    found = status(policy(), standing(), NOW)
    held = msgspec.structs.replace(policy(), status=found)
    assert status(held, standing(), LATER) == found


def test_the_time_of_a_condition_is_that_of_its_last_turn():
    held = msgspec.structs.replace(policy(), status=status(policy(), standing(), NOW))
    after = status(held, standing("Failed", ready=False, failed_nodes=1), LATER)
    assert [one.last_transition_time for one in after.conditions] == [LATER, NOW, LATER]


def test_every_count_is_sent_and_nothing_of_others():
    foreign = Condition(type="Audited", status="True", reason="Yes")
    held = msgspec.structs.replace(policy(), status=PolicyStatus(conditions=(foreign,)))
    found = status(held, standing(), NOW)
    assert found.conditions[0] == foreign
    sent = body(found)["status"]
    assert {key: sent[key] for key in ("matchedNodes", "failedNodes", "pendingNodes", "displacedNodes")} == {
        "matchedNodes": 3,
        "failedNodes": 0,
        "pendingNodes": 0,
        "displacedNodes": 0,
    }
    assert [one["type"] for one in sent["conditions"]] == ["Ready", "Progressing", "Degraded"]
    assert "details" not in sent


def test_details_are_sent():
    detail = PolicyDetail(node="n1", outcome="failed", reason="no IOMMU")
    found = status(policy(), Standing(status=PolicyStatus(details=(detail,)), ready=False, reason="A", message=""), NOW)
    assert body(found)["status"]["details"] == ({"node": "n1", "outcome": "failed", "reason": "no IOMMU"},)


def test_without_a_configuration_a_policy_has_nothing_and_waits():
    found = status(policy(priority=7), waiting(policy(priority=7), "waits for it"), NOW)
    assert (found.priority, found.matched_nodes, found.applied_vfs) == (7, 0, 0)
    assert [f"{one.status} {one.reason}" for one in found.conditions] == [
        "False NoConfiguration",
        "False NodesDone",
        "False AsAsked",
    ]
    assert found.conditions[0].message == "waits for it"


def test_fields_that_nobody_acts_on_are_sent_until_they_are_gone():
    unknown = Condition(
        type="Accepted", status="False", reason="UnknownFields", message="spec.x", observed_generation=3
    )
    found = status(policy(), standing(), NOW, unknown)
    assert [one["type"] for one in body(found)["status"]["conditions"]] == [
        *("Ready", "Progressing", "Degraded", "Accepted")
    ]
    held = msgspec.structs.replace(policy(), status=found)
    assert status(held, standing(), LATER, found.conditions[-1]) == found
    assert [one.type for one in status(held, standing(), LATER).conditions] == ["Ready", "Progressing", "Degraded"]
