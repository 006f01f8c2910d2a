"""Conditions: which are set, which keep their time, which are somebody else's, and the events that tell of them."""

import re
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import metaschemas
from sriov_core.api.conditions import Change, Condition, changes, merged

OLD, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
Status = Literal["True", "False", "Unknown"]


def condition(status: Status = "True", kind: str = "Ready", **more: Any) -> Condition:
    facts = {"reason": "NetworkReady", "message": "in place", "observed_generation": 1, **more}
    return Condition(type=kind, status=status, **facts)


READY = condition(last_transition_time=OLD)
FOREIGN = condition("False", "Degraded", reason="Other", message="not ours", last_transition_time=OLD)


@pytest.mark.parametrize(
    ("current", "wanted", "time"),
    [
        pytest.param((), condition(), NOW, id="added"),
        pytest.param((READY,), condition("False", reason="NamespaceNotFound"), NOW, id="status-differs"),
        pytest.param((READY,), condition("Unknown"), NOW, id="status-becomes-unknown"),
        pytest.param((READY,), condition(reason="OperatorConfigReady"), OLD, id="reason-differs"),
        pytest.param((READY,), condition(message="still in place"), OLD, id="message-differs"),
        pytest.param((READY,), condition(observed_generation=2), OLD, id="generation-differs"),
        pytest.param((condition(),), condition(message="a"), NOW, id="had-no-time"),
        pytest.param(
            (), condition(last_transition_time="2020-01-01T00:00:00Z"), NOW, id="time-of-the-wanted-is-no-time"
        ),
    ],
)
def test_a_condition_that_says_something_new_is_set_with_the_time_of_its_status(
    current: tuple[Condition, ...], wanted: Condition, time: str
) -> None:
    (found,) = merged(current, (wanted,), NOW)
    assert found.last_transition_time == time
    assert (found.status, found.reason, found.message, found.observed_generation) == (
        wanted.status,
        wanted.reason,
        wanted.message,
        wanted.observed_generation,
    )


@pytest.mark.parametrize("current", [(), (READY,), (FOREIGN, READY)], ids=["none", "ours", "two"])
def test_nothing_wanted_changes_nothing(current: tuple[Condition, ...]) -> None:
    assert merged(current, (), NOW) == current


@pytest.mark.parametrize("held", [READY, condition()], ids=["with-time", "without-time"])
def test_what_is_already_said_is_not_sent_again(held: Condition) -> None:
    assert merged((held,), (condition(),), NOW) == (held,)


def test_a_condition_is_written_with_every_part_that_the_definitions_require() -> None:
    written = msgspec.to_builtins(Condition(type="Ready", status="True"))
    assert written.keys() >= {*metaschemas.conditions()["items"]["required"]}


def test_two_field_managers_keep_their_own_types_and_their_order() -> None:
    wanted = condition("False", reason="NamespaceNotFound")
    found = merged((FOREIGN, READY), (wanted, condition("True", "Drained")), NOW)
    assert [one.type for one in found] == ["Degraded", "Ready", "Drained"]
    assert found[0] == FOREIGN
    theirs = condition("True", "Degraded", reason="Other")
    again = merged(found, (theirs,), "2026-03-03T00:00:00Z")
    assert again[1:] == found[1:]
    assert again[0].status == "True"


def test_of_two_wanted_conditions_of_one_type_the_last_counts() -> None:
    (found,) = merged((), (condition("True"), condition("False")), NOW)
    assert found.status == "False"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((), (READY,), [("Normal", "ReadyAdded", "in place")], id="added"),
        pytest.param((), (condition("False"),), [("Warning", "ReadyAdded", "in place")], id="added-false"),
        pytest.param(
            (READY,), (condition("False", message="gone"),), [("Warning", "ReadyChanged", "gone")], id="fails"
        ),
        pytest.param(
            (condition("False"),),
            (condition("False", message="b"),),
            [],
            id="another-message",
        ),
        pytest.param((condition("False"),), (READY,), [("Normal", "ReadyChanged", "in place")], id="recovers"),
        pytest.param((READY,), (condition("Unknown"),), [("Normal", "ReadyChanged", "in place")], id="unknown"),
        pytest.param((READY,), (condition(reason="B"),), [("Normal", "ReadyChanged", "in place")], id="reason"),
        pytest.param((READY,), (condition(observed_generation=2),), [], id="generation-only"),
        pytest.param(
            (condition("False"),),
            (condition("False", reason="Worse", message="b"),),
            [("Warning", "ReadyChanged", "b")],
            id="fails-for-another-reason",
        ),
        pytest.param((READY,), (condition(last_transition_time=NOW),), [], id="time-only"),
        pytest.param((condition("False", message="bad"),), (), [("Normal", "ReadyRemoved", "bad")], id="removed"),
        pytest.param((), (FOREIGN,), [("Normal", "DegradedAdded", "not ours")], id="another-type-is-no-warning"),
        pytest.param(
            (), (condition("True", "Degraded"),), [("Warning", "DegradedAdded", "in place")], id="degraded-is-a-warning"
        ),
        pytest.param(
            (), (condition("False", "Accepted"),), [("Warning", "AcceptedAdded", "in place")], id="refused-is-a-warning"
        ),
        pytest.param(
            (),
            (condition("False"), condition("True", "Progressing"), condition("False", "Degraded")),
            [
                ("Normal", "ReadyAdded", "in place"),
                ("Normal", "ProgressingAdded", "in place"),
                ("Normal", "DegradedAdded", "in place"),
            ],
            id="on-its-way-is-no-warning",
        ),
        pytest.param(
            (READY,),
            (condition("False"), condition("True", "Progressing"), condition("True", "Degraded")),
            [
                ("Warning", "ReadyChanged", "in place"),
                ("Normal", "ProgressingAdded", "in place"),
                ("Warning", "DegradedAdded", "in place"),
            ],
            id="on-its-way-and-degraded-is-one",
        ),
        pytest.param(
            (FOREIGN, READY),
            (condition("True", "Drained"), condition("False")),
            [
                ("Normal", "DrainedAdded", "in place"),
                ("Warning", "ReadyChanged", "in place"),
                ("Normal", "DegradedRemoved", "not ours"),
            ],
            id="several",
        ),
    ],
)
def test_each_condition_whose_status_or_reason_differs_makes_one_event(
    before: tuple[Condition, ...],
    after: tuple[Condition, ...],
    expected: list[tuple[Literal["Normal", "Warning"], str, str]],
) -> None:
    assert changes(before, after) == tuple(
        Change(event_type=kind, reason=reason, action="StatusChange", note=note) for kind, reason, note in expected
    )


@pytest.mark.parametrize(
    ("message", "note"),
    [
        pytest.param("a" * 1024, "a" * 1024, id="just-fits"),
        pytest.param("a" * 1025, "a" * 1021 + "...", id="too-long"),
        pytest.param("ö" * 600, "ö" * 510 + "...", id="cut-between-letters"),
        pytest.param("\ud800" * 1025, "?" * 1021 + "...", id="no-text"),
    ],
)
def test_a_note_is_no_longer_than_the_api_server_takes(message: str, note: str) -> None:
    (found,) = changes((), (condition(message=message),))
    assert found.note == note
    assert len(found.note.encode()) <= 1024


RULES = metaschemas.conditions()["items"]["properties"]
REASONS = {
    "word": ("NetworkReady", True),
    "letter": ("a", True),
    "digits-and-lines": ("a_1_", True),
    "separated": ("Net:Ready,1", True),
    "longest": ("r" * 1024, True),
    "empty": ("", False),
    "digit-first": ("1a", False),
    "line-first": ("_a", False),
    "separator-last": ("a:", False),
    "blank": ("not ready", False),
    "dash": ("not-ready", False),
    "newline-behind": ("Ready\n", False),
    "letters-of-another-script": ("Gr\u00f6\u00dfe", False),
    "too-long": ("r" * 1025, False),
}


@pytest.mark.parametrize(("reason", "taken"), REASONS.values(), ids=REASONS)
def test_a_reason_is_taken_exactly_when_the_definitions_of_the_kinds_take_it(reason: str, taken: bool) -> None:
    rule = RULES["reason"]
    in_schema = bool(re.search(rule["pattern"].replace("$", r"\Z"), reason)) and len(reason) <= rule["maxLength"]
    assert in_schema is taken
    if taken:
        assert merged((), (condition(reason=reason),), NOW)[0].reason == reason
        return
    with pytest.raises(ValueError, match=f"reason of the condition Ready is {re.escape(repr(reason))}, wanted letters"):
        merged((), (condition(reason=reason),), NOW)


def test_reasons_that_others_have_set_are_not_judged() -> None:
    foreign = condition(kind="Degraded", reason="")
    assert merged((foreign,), (condition(),), NOW)[0] == foreign


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        pytest.param("\u00f6" * 32768, "\u00f6" * 32768, id="just-fits"),
        pytest.param("\u00f6" * 32769, "\u00f6" * 32765 + "...", id="too-long"),
    ],
)
def test_a_message_is_no_longer_than_the_api_server_takes_and_is_not_sent_again(message: str, sent: str) -> None:
    once = merged((), (condition(message=message),), NOW)
    assert once[0].message == sent
    assert len(sent) == RULES["message"]["maxLength"]
    assert merged(once, (condition(message=message),), "2026-03-03T00:00:00Z") == once


def conditions(*reasons: str) -> st.SearchStrategy[tuple[Condition, ...]]:
    """Up to one condition of each type, with one of these reasons."""
    one = st.builds(
        Condition,
        type=st.sampled_from(["Ready", "Degraded", "Drained"]),
        status=st.sampled_from(["True", "False", "Unknown"]),
        observed_generation=st.integers(0, 1),
        last_transition_time=st.sampled_from(["", OLD]),
        reason=st.sampled_from(reasons),
        message=st.sampled_from(["", "a", "b"]),
    )
    return st.lists(one, unique_by=lambda found: found.type).map(tuple)


CURRENT, WANTED = conditions("", "a", "b"), conditions("a", "b")


@given(CURRENT, WANTED)
def test_setting_twice_is_setting_once(current: tuple[Condition, ...], wanted: tuple[Condition, ...]) -> None:
    once = merged(current, wanted, NOW)
    assert merged(once, wanted, "2027-01-01T00:00:00Z") == once


@given(CURRENT, WANTED)
def test_no_event_tells_of_conditions_that_stay(current: tuple[Condition, ...], wanted: tuple[Condition, ...]) -> None:
    after = merged(current, wanted, NOW)
    assert after != current or changes(current, after) == ()
    assert after[: len(current)] == tuple(
        one if one.type not in {other.type for other in wanted} else found
        for one, found in zip(current, after, strict=False)
    )
