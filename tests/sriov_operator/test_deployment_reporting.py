"""The status of the configuration: conditions, words, rollouts, and what stands still."""

import math
from typing import Any

import pytest
from some_deployments import config

from sriov_core.api.operatorconfig import Rollout
from sriov_core.kube.lean import LeanMeta
from sriov_operator.deployment.owned import LeanDaemonSet, LeanRollout, mark_of
from sriov_operator.deployment.reporting import STUCK_S, Progress, Standing, conditions, words
from sriov_operator.deployment.rollouts import SLOW_S, Stalls, progress

WEBHOOK, INJECTOR, AGENT = "operator-webhook", "network-resources-injector", "sriov-network-config-daemon"


def counted(name: str, desired: int, updated: int, available: int, *, current: bool = True) -> Progress:
    counts = Rollout(name=name, desired=desired, updated=updated, available=available)
    return Progress(counts=counts, is_current=current)


def said(standing: Standing) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status, one.reason) for one in conditions(standing, 7)}


def messages(standing: Standing) -> dict[str, str]:
    return {one.type: one.message for one in conditions(standing, 7)}


DONE = counted(AGENT, 3, 3, 3)
GOOD = {
    "Ready": ("True", "OperatorConfigReady"),
    "Progressing": ("False", "RolledOut"),
    "Degraded": ("False", "AsExpected"),
}


@pytest.mark.parametrize(
    ("standing", "differs"),
    [
        pytest.param(Standing(rollouts=(DONE,)), {}, id="all-is-well"),
        pytest.param(Standing(remarks=("a suite was left out",)), {}, id="a-remark-is-no-fault"),
        pytest.param(
            Standing(failures=("x",)),
            {"Ready": ("False", "OperatorConfigSyncFailed"), "Degraded": ("True", "OperatorConfigSyncFailed")},
            id="something-cannot-be-written",
        ),
        pytest.param(
            Standing(unsupported="no"),
            {"Ready": ("False", "UnsupportedConfiguration"), "Degraded": ("True", "UnsupportedConfiguration")},
            id="unsupported",
        ),
        pytest.param(Standing(faults=("x",)), {"Degraded": ("True", "SettingsIgnored")}, id="settings-without-effect"),
        pytest.param(
            Standing(rollouts=(DONE, counted(WEBHOOK, 3, 2, 3))),
            {"Progressing": ("True", "RollingOut")},
            id="not-all-updated",
        ),
        pytest.param(
            Standing(rollouts=(counted(WEBHOOK, 3, 3, 1),)),
            {"Progressing": ("True", "RollingOut")},
            id="not-all-available",
        ),
        pytest.param(
            Standing(rollouts=(counted(WEBHOOK, 3, 3, 3, current=False),)),
            {"Progressing": ("True", "RollingOut")},
            id="counts-of-an-older-version",
        ),
        pytest.param(
            Standing(rollouts=(counted(AGENT, 3, 1, 1),), stuck=frozenset({AGENT})),
            {"Progressing": ("True", "RollingOut"), "Degraded": ("True", "RolloutStuck")},
            id="stuck",
        ),
        pytest.param(
            Standing(rollouts=(counted(WEBHOOK, 0, 0, 0),)), {"Degraded": ("True", "NoNodes")}, id="no-control-plane"
        ),
        pytest.param(
            Standing(rollouts=(counted(INJECTOR, 0, 0, 0),)),
            {"Degraded": ("True", "NoNodes")},
            id="nor-for-the-injector",
        ),
        pytest.param(Standing(rollouts=(counted(AGENT, 0, 0, 0),)), {}, id="no-node-is-managed"),
    ],
)
def test_conditions(standing: Standing, differs: dict[str, tuple[str, str]]) -> None:
    assert said(standing) == {**GOOD, **differs}
    assert {one.observed_generation for one in conditions(standing, 7)} == {7}


def test_messages_say_what_and_how_far() -> None:
    found = messages(
        Standing(
            failures=("DaemonSet ns/a: refused",),
            faults=("spec.featureGates.x: there is no such feature gate",),
            rollouts=(counted(AGENT, 5, 3, 2), counted(WEBHOOK, 3, 0, 0, current=False)),
            stuck=frozenset({AGENT}),
        )
    )
    assert found == {
        "Ready": "DaemonSet ns/a: refused",
        "Progressing": f"{AGENT}: 3 of 5 nodes updated, 2 available; {WEBHOOK}: not begun",
        "Degraded": (
            f"DaemonSet ns/a: refused; {AGENT}: 3 of 5 nodes updated, 2 available, and nothing has changed for 10 "
            "minutes. See its pods; spec.featureGates.x: there is no such feature gate"
        ),
    }
    assert messages(Standing())["Ready"] == "SriovOperatorConfig reconciled successfully"
    assert messages(Standing(faults=("a",), remarks=("b",)))["Ready"].endswith("successfully; a; b")


def test_pods_say_why_a_rollout_stands_still() -> None:
    slow = counted(AGENT, 5, 3, 2)
    why = "pod agent-x on worker-1: image registry.example/agent:1 cannot be pulled"
    found = messages(Standing(rollouts=(slow,), reasons={AGENT: why}))
    assert found["Progressing"] == f"{AGENT}: 3 of 5 nodes updated, 2 available ({why})"
    assert found["Degraded"] == "nothing is wrong"
    stuck = messages(Standing(rollouts=(slow,), reasons={AGENT: why}, stuck=frozenset({AGENT})))
    assert stuck["Degraded"].endswith(f"nothing has changed for 10 minutes. {why}")


def test_a_long_tale_is_cut() -> None:
    found = messages(Standing(failures=tuple(f"failure {number}" for number in range(40))))["Ready"]
    assert found.endswith("failure 9; and 30 more")


@pytest.mark.parametrize(
    ("spec", "standing", "injector", "webhook"),
    [
        pytest.param({}, Standing(), "Disabled", "Disabled", id="off"),
        pytest.param({"enableInjector": True}, Standing(), "Blocked", "Disabled", id="not-deployed"),
        pytest.param(
            {"enableInjector": True},
            Standing(rollouts=(counted(INJECTOR, 0, 0, 0, current=False),)),
            "Progressing",
            "Disabled",
            id="not-begun",
        ),
        pytest.param(
            {"enableInjector": True, "enableOperatorWebhook": True},
            Standing(rollouts=(counted(INJECTOR, 3, 3, 3), counted(WEBHOOK, 3, 3, 2))),
            "Deployed",
            "Progressing",
            id="one-of-two",
        ),
        pytest.param(
            {"enableInjector": True},
            Standing(rollouts=(counted(INJECTOR, 0, 0, 0),)),
            "Blocked",
            "Disabled",
            id="on-no-node",
        ),
        pytest.param(
            {"enableOperatorWebhook": True},
            Standing(rollouts=(counted(WEBHOOK, 3, 3, 2),), stuck=frozenset({WEBHOOK})),
            "Disabled",
            "Blocked",
            id="stuck",
        ),
    ],
)
def test_words(spec: dict[str, Any], standing: Standing, injector: str, webhook: str) -> None:
    assert words(config(**spec), standing) == {"injector": injector, "operatorWebhook": webhook}


def daemon_set(generation: int, observed: int) -> LeanDaemonSet:
    status = LeanRollout(
        desired_number_scheduled=3, updated_number_scheduled=2, number_available=1, observed_generation=observed
    )
    return LeanDaemonSet(metadata=LeanMeta(name=AGENT, generation=generation), status=status)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(None, counted(AGENT, 0, 0, 0, current=False), id="not-there"),
        pytest.param(daemon_set(1, 0), counted(AGENT, 3, 2, 1, current=False), id="not-seen-by-its-controller"),
        pytest.param(daemon_set(2, 1), counted(AGENT, 3, 2, 1, current=False), id="changed-since"),
        pytest.param(daemon_set(2, 2), counted(AGENT, 3, 2, 1), id="current"),
    ],
)
def test_how_far_a_daemon_set_has_come(seen: LeanDaemonSet | None, expected: Progress) -> None:
    assert progress(AGENT, seen) == expected


def test_only_what_is_under_way_and_does_not_move_is_stuck() -> None:
    stalls, slow, done = Stalls(), counted(AGENT, 3, 1, 1), counted(WEBHOOK, 3, 3, 3)
    assert stalls.stuck((slow, done), 0.0) == frozenset()
    assert stalls.stuck((slow, done), STUCK_S - 1) == frozenset()
    assert stalls.stuck((slow, done), STUCK_S) == {AGENT}
    moved = counted(AGENT, 3, 2, 1)
    assert stalls.stuck((moved, done), STUCK_S + 1) == frozenset()
    assert stalls.stuck((moved,), 2 * STUCK_S) == frozenset()
    assert stalls.stuck((moved,), 2 * STUCK_S + 1) == {AGENT}


def test_what_stands_still_is_looked_at_again_when_that_says_something_new() -> None:
    stalls, slow, done = Stalls(), counted(AGENT, 3, 1, 1), counted(WEBHOOK, 3, 3, 3)
    stalls.stuck((done,), 0.0)
    assert stalls.next_look_s(0.0) == math.inf
    stalls.stuck((slow, done), 10.0)
    assert (stalls.next_look_s(10.0), stalls.still(SLOW_S, 10.0)) == (SLOW_S, frozenset())
    assert stalls.still(SLOW_S, 10.0 + SLOW_S) == {AGENT}
    assert stalls.next_look_s(10.0 + SLOW_S) == STUCK_S - SLOW_S
    assert stalls.next_look_s(10.0 + STUCK_S) == math.inf


BARE: dict[str, Any] = {"uid": "u", "resourceVersion": "1"}
FULL: dict[str, Any] = {**BARE, "generation": 3, "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        pytest.param(FULL, {**FULL, "resourceVersion": "2"}, True, id="its-status-changed"),
        pytest.param(FULL, {**FULL, "generation": 4}, False, id="its-spec-changed"),
        pytest.param(FULL, {**FULL, "labels": {}}, False, id="a-label-is-gone"),
        pytest.param(FULL, {**FULL, "annotations": {"a": "b"}}, False, id="an-annotation-came"),
        pytest.param(FULL, {**FULL, "uid": "v"}, False, id="made-anew"),
        pytest.param(FULL, {**FULL, "deletionTimestamp": "2026-01-01T00:00:00Z"}, False, id="being-deleted"),
        pytest.param(BARE, {**BARE, "resourceVersion": "2"}, False, id="one-without-generation"),
        pytest.param(BARE, {**BARE, "generation": 0, "labels": {}}, True, id="empty-parts"),
    ],
)
def test_a_mark_changes_with_the_object_and_not_with_its_status(
    before: dict[str, Any], after: dict[str, Any], is_same: bool
) -> None:
    assert (mark_of(before) == mark_of(after)) is is_same
