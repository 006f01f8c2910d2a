"""How often a warning that goes on to hold is logged."""

import pytest

from sriov_operator.draining.reminders import LONGEST_S, Reminders

HOUR_S, PASS_S = 3600, 5


def given(texts):
    """The seconds at which something is logged, of one text for each pass."""
    reminders = Reminders()
    return [
        number * PASS_S
        for number, text in enumerate(texts)
        if text and reminders.is_due("node a", text, number * PASS_S)
    ]


def test_the_same_is_logged_at_growing_distance_and_at_least_every_hour():
    found = given(["by x"] * (8 * HOUR_S // PASS_S))
    assert found[:5] == [0, 60, 180, 420, 900]
    assert {later - earlier for earlier, later in zip(found[-3:], found[-2:], strict=False)} == {LONGEST_S}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(["by x"] * 4 + ["by y"] * 12, [0, 60], id="another-one-soon-after"),
        pytest.param(["by x"] * 30 + ["by y"] * 3, [0, 60, 150], id="another-one-later"),
        pytest.param(["by x", "by y"] * 12, [0, 60], id="two-that-take-turns"),
        pytest.param(["by x"] * 2 + [""] * 100 + ["by x"] * 2, [0, 510], id="one-that-returns"),
        pytest.param(["by x"] * 2 + [""] * 4 + ["by x"] * 2, [0], id="one-that-returns-at-once"),
    ],
)
def test_another_one_is_logged_as_well(texts, expected):
    assert given(texts) == expected


def test_each_has_its_own():
    reminders = Reminders()
    assert [reminders.is_due(name, "x", 0.0) for name in "aab"] == [True, False, True]
