"""The pauses between attempts grow, end growing, and differ between those who failed together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.kube.backoff import pause


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        pytest.param(0, 1.0, id="none-counts-as-one"),
        pytest.param(1, 1.0, id="the-first"),
        pytest.param(2, 2.0, id="doubled"),
        pytest.param(5, 16.0, id="doubled-four-times"),
        pytest.param(6, 30.0, id="no-longer-than-the-longest"),
        pytest.param(10_000, 30.0, id="after-a-very-long-outage"),
    ],
)
def test_pauses_double_up_to_the_longest(failures, expected):
    assert pause(failures, first_s=1.0, longest_s=30.0, share=0.0) == expected


@given(st.integers(1, 100), st.floats(0.0, 1.0))
def test_jitter_takes_away_at_most_half(failures, share):
    whole = pause(failures, first_s=0.05, longest_s=60.0, share=0.0)
    assert whole / 2 <= pause(failures, first_s=0.05, longest_s=60.0, share=share) <= whole
