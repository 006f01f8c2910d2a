"""When something is written: not while it still changes, not too late, and not twice."""

import pytest

from sriov_operator.nodestates.calm import Calm
from sriov_operator.nodestates.lag import LONGEST_LAG_S, Lag


def test_a_key_is_due_a_while_after_its_last_change():
    calm: Calm[str] = Calm(quiet_s=1.0, longest_s=5.0)
    assert calm.changed("a", 10.0)
    assert calm.left("a", 10.5) == 0.5
    assert not calm.changed("a", 10.5)
    assert calm.left("a", 11.0) == 0.5
    assert calm.left("a", 11.5) == 0.0
    assert calm.changed("a", 12.0)


def test_a_key_that_never_rests_is_due_all_the_same():
    calm: Calm[str] = Calm(quiet_s=1.0, longest_s=5.0)
    times = [10.0 + 0.5 * step for step in range(11)]
    for now in times:
        calm.changed("a", now)
    assert calm.left("a", 14.5) == 0.5
    assert calm.left("a", 15.0) == 0.0


def test_keys_do_not_wait_for_each_other():
    calm: Calm[str] = Calm(quiet_s=1.0, longest_s=5.0)
    calm.changed("a", 10.0)
    calm.changed("b", 10.9)
    assert calm.left("a", 11.0) == 0.0
    assert calm.left("b", 11.0) == pytest.approx(0.9)
    assert calm.left("unknown", 11.0) == 0.0


def test_a_cache_is_behind_until_it_shows_something_else_than_before_the_write():
    lag = Lag()
    assert not lag.is_behind("n1", seen="1", now=0.0)
    lag.wrote("n1", seen="1", written="2", now=0.0)
    assert lag.is_behind("n1", seen="1", now=0.1)
    assert not lag.is_behind("n2", seen="1", now=0.1)
    assert not lag.is_behind("n1", seen="2", now=0.2)
    assert not lag.is_behind("n1", seen="1", now=0.3)


def test_a_cache_that_never_shows_a_write_is_believed_in_the_end():
    lag = Lag()
    lag.wrote("n1", seen="", written="2", now=0.0)
    assert lag.is_behind("n1", seen="", now=LONGEST_LAG_S - 0.1)
    assert not lag.is_behind("n1", seen="", now=LONGEST_LAG_S)


def test_a_write_that_changed_nothing_is_not_waited_for():
    lag = Lag()
    lag.wrote("n1", seen="2", written="2", now=0.0)
    assert not lag.is_behind("n1", seen="2", now=0.0)
