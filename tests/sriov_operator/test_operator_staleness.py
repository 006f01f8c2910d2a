"""States of nodes that are gone: kept for a while, then deleted; the node's return stops that."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_operator.staleness import Delay, Delete, Keep, Mark, Unmark, delay, kept_until, served, stale

UNTIL = "sriovnetwork.openshift.io/keep-state-until"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

DELAYS = {
    "not-set": (None, 30),
    "empty": ("", 30),
    "sixty": ("60", 60),
    "at-once": ("0", 0),
    "minus-nothing": ("-0", 0),
    "with-a-plus": ("+5", 5),
    "negative": ("-20", 30),
    "a-word": ("soon", 30),
    "a-fraction": ("1.5", 30),
    "blanks-around": (" 60", 30),
    "digits-of-another-script": ("\u0663\u0660", 30),
    "grouped-digits": ("1_000", 30),
    "more-digits-than-any-number": ("9" * 5000, 30),
    "a-hundred-years-at-most": ("999999999999999999", 52_704_000),
}


@pytest.mark.parametrize(("text", "minutes"), DELAYS.values(), ids=DELAYS)
def test_the_delay_in_the_environment(text: str | None, minutes: int) -> None:
    assert delay(text).minutes == minutes


@pytest.mark.parametrize("text", ["-20", "soon", "1.5", " 60"], ids=["negative", "word", "fraction", "blanks"])
def test_a_delay_that_is_not_understood_is_told(text: str) -> None:
    remark = delay(text).remark
    assert "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES" in remark
    assert repr(text) in remark
    assert "30 minutes" in remark


@pytest.mark.parametrize("text", [None, "", "0", "60"], ids=["not-set", "empty", "at-once", "sixty"])
def test_a_delay_that_is_understood_gives_no_remark(text: str | None) -> None:
    assert delay(text).remark == ""


DECISIONS = {
    "just-gone": ({}, 30, Mark(NOON + 30 * MINUTE)),
    "just-gone-with-a-longer-delay": ({}, 60, Mark(NOON + 60 * MINUTE)),
    "other-annotations-only": ({"owner": "me"}, 30, Mark(NOON + 30 * MINUTE)),
    "time-not-reached": ({UNTIL: "2026-03-01T12:10:00Z"}, 30, Keep(NOON + 10 * MINUTE)),
    "time-not-reached-in-another-zone": ({UNTIL: "2026-03-01T13:10:00+01:00"}, 30, Keep(NOON + 10 * MINUTE)),
    "fraction-of-a-second-left": ({UNTIL: "2026-03-01T12:00:00.5Z"}, 30, Keep(NOON + timedelta(seconds=0.5))),
    "a-marked-time-outlives-a-shorter-delay": ({UNTIL: "2026-03-01T13:00:00Z"}, 5, Keep(NOON + 60 * MINUTE)),
    "time-reached-exactly": ({UNTIL: "2026-03-01T12:00:00Z"}, 30, Delete()),
    "time-passed": ({UNTIL: "2026-03-01T11:59:59Z"}, 30, Delete()),
    "time-passed-in-another-zone": ({UNTIL: "2026-03-01T12:30:00+01:00"}, 30, Delete()),
    "no-delay": ({}, 0, Delete()),
    "no-delay-though-marked": ({UNTIL: "2026-03-01T13:00:00Z"}, 0, Delete()),
    "empty-time": ({UNTIL: ""}, 30, Mark(NOON + 30 * MINUTE)),
    "no-time": ({UNTIL: "tomorrow"}, 30, Mark(NOON + 30 * MINUTE)),
    "date-only": ({UNTIL: "2026-03-01"}, 30, Mark(NOON + 30 * MINUTE)),
    "without-a-zone": ({UNTIL: "2026-03-01T12:10:00"}, 30, Mark(NOON + 30 * MINUTE)),
    "no-such-day": ({UNTIL: "2026-02-30T12:10:00Z"}, 30, Mark(NOON + 30 * MINUTE)),
}


@pytest.mark.parametrize(("annotations", "minutes", "decision"), DECISIONS.values(), ids=DECISIONS)
def test_the_state_of_a_node_that_is_gone(
    annotations: dict[str, str], minutes: int, decision: Keep | Mark | Delete
) -> None:
    assert stale(annotations, NOON, minutes) == decision


def test_a_mark_is_written_in_utc_and_whole_seconds() -> None:
    here = datetime(2026, 3, 1, 14, 0, 7, 654321, tzinfo=timezone(timedelta(hours=2)))
    decision = stale({}, here, 30)
    assert isinstance(decision, Mark)
    assert decision.value == "2026-03-01T12:30:07Z"


def test_a_state_is_marked_once_kept_until_its_time_and_then_deleted() -> None:
    annotations: dict[str, str] = {}
    decisions = []
    for minute in range(0, 45, 5):
        decision = stale(annotations, NOON + minute * MINUTE, delay(None).minutes)
        decisions.append(type(decision))
        if isinstance(decision, Mark):
            annotations[UNTIL] = decision.value
    assert decisions == [Mark, *[Keep] * 5, *[Delete] * 3]


def test_a_node_that_comes_back_in_time_gets_its_state_back_without_the_mark() -> None:
    assert served({UNTIL: "2026-03-01T12:10:00Z", "owner": "me"}) == Unmark()


@pytest.mark.parametrize("text", ["", "tomorrow"], ids=["empty", "no-time"])
def test_a_mark_that_cannot_be_read_is_taken_away_too(text: str) -> None:
    assert served({UNTIL: text}) == Unmark()


def test_the_state_of_a_node_that_was_never_away_is_left_alone() -> None:
    assert served({"owner": "me"}) is None


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(1, 60 * 24 * 366))
@settings(max_examples=100)
def test_a_mark_says_what_it_writes_and_keeps_the_state_until_then(now: datetime, minutes: int) -> None:
    decision = stale({}, now, minutes)
    assert isinstance(decision, Mark)
    written = {UNTIL: decision.value}
    assert kept_until(written) == decision.until
    assert stale(written, now, minutes) == Keep(decision.until)
    assert stale(written, now + minutes * MINUTE, minutes) == Delete()


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", fullmatch=True))
@settings(max_examples=200)
def test_whatever_the_annotation_holds_there_is_a_decision(text: str) -> None:
    decision = stale({UNTIL: text}, NOON, 30)
    assert isinstance(decision, Mark) == (kept_until({UNTIL: text}) is None)


@given(st.text(max_size=30) | st.integers().map(str))
@settings(max_examples=200)
def test_every_delay_can_be_added_to_the_time(text: str) -> None:
    found = delay(text)
    assert isinstance(found, Delay)
    assert isinstance(stale({}, NOON, found.minutes), Mark | Delete)
