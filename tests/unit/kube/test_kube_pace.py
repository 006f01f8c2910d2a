"""How often the same trouble is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.kube.pace import GAPS_S, Pace

MINUTE = 60.0


@pytest.fixture
def pace():
    return Pace()


def minutes_told(pace, until, start=0):
    """At which minutes there is a word when somebody asks each minute."""
    return [minute for minute in range(start, until) if pace.tells(minute * MINUTE)]


def test_it_is_told_at_once_and_then_after_1_5_and_30_minutes_and_each_half_an_hour(pace):
    assert minutes_told(pace, 100) == [0, 1, 5, 30, 60, 90]


def test_what_begins_anew_is_told_at_once(pace):
    minutes_told(pace, 3)
    pace.ends()
    assert not pace.told
    assert minutes_told(pace, 15, start=10) == [10, 11]


def test_what_comes_and_goes_is_told_once_a_minute(pace):
    told = []
    for second in range(180):
        if pace.tells(float(second)):
            told.append(second)
        pace.ends()
    assert told == [0, 60, 120]


def test_what_grew_is_told_within_a_minute(pace):
    minutes_told(pace, 7)
    pace.grew(7 * MINUTE)
    assert minutes_told(pace, 100, start=7) == [8, 38, 68, 98]


@given(st.lists(st.tuples(st.floats(0, 600), st.sampled_from(["ask", "grew", "ends"])), max_size=80))
def test_no_two_words_are_closer_than_the_shortest_gap(steps):
    pace, now, last = Pace(), 0.0, -GAPS_S[0]
    for passed, step in steps:
        now += passed
        if step == "ask" and pace.tells(now):
            assert now - last >= GAPS_S[0]
            last = now
        elif step != "ask":
            getattr(pace, step)(*([now] if step == "grew" else []))
