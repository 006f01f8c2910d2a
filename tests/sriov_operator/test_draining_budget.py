"""Whose turn it is, and what the others are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_operator.draining.budget import SHOWN, PoolView, listed, obstacle, overlap, turn


def pool(limit=1, *, name="rails", members=10, busy=(), waiting=()):
    return PoolView(name=name, limit=limit, members=members, busy=tuple(busy), waiting=tuple(waiting))


@pytest.mark.parametrize(
    ("view", "node", "held", "why"),
    [
        pytest.param(pool(1, waiting="a"), "a", (), "", id="a-free-place"),
        pytest.param(
            pool(2, busy="ab", waiting="c"),
            "c",
            (),
            "pool rails drains 2 nodes at a time, now a, b",
            id="none-free",
        ),
        pytest.param(
            pool(1, name="", busy="a", waiting="b"),
            "b",
            (),
            "the built-in pool drains 1 node at a time, now a",
            id="the-built-in-pool",
        ),
        pytest.param(
            pool(1, busy="a", waiting="bcd"),
            "d",
            (),
            "pool rails drains 1 node at a time, now a; 2 wait longer",
            id="behind-others",
        ),
        pytest.param(
            pool(2, busy="a", waiting="bc"),
            "c",
            (),
            "pool rails drains 2 nodes at a time, now a; 1 waits longer",
            id="a-free-place-is-the-others",
        ),
        pytest.param(pool(2, busy="a", waiting="bc"), "b", (), "", id="the-longest-wait-is-first"),
        pytest.param(pool(None, busy="abcdefgh", waiting="ij"), "j", (), "", id="no-limit"),
        pytest.param(pool("30%", busy="ab", waiting="c"), "c", (), "", id="a-percentage-of-ten"),
        pytest.param(
            pool("39%", busy="abc", waiting="d"),
            "d",
            (),
            "pool rails drains 3 nodes at a time, now a, b, c",
            id="percentages-round-down",
        ),
        pytest.param(
            pool(1, waiting="ab"),
            "b",
            ("a",),
            "pool rails drains 1 node at a time, now a",
            id="the-ledger-knows-more-than-the-cache",
        ),
        pytest.param(pool(2, waiting="ab"), "b", ("a",), "", id="who-has-a-place-does-not-queue"),
        pytest.param(pool(1, waiting="ab"), "b", ("b",), "", id="who-has-a-place-goes-on"),
        pytest.param(
            pool(1, busy="cd", waiting="ab"), "b", ("b", "c", "d"), "", id="goes-on-when-the-limit-has-shrunk"
        ),
        pytest.param(pool(1), "z", (), "", id="the-cache-does-not-know-yet-that-it-waits"),
    ],
)
def test_a_node_is_told_why_it_waits(view, node, held, why):
    assert turn(view, node, frozenset(held)) == why


def test_far_behind_the_words_do_not_change_with_every_turn():
    names = [f"n{number:03}" for number in range(100)]
    first = pool(1, members=100, busy=names[:1], waiting=names[1:])
    second = pool(1, members=100, busy=names[1:2], waiting=names[2:])
    assert turn(first, names[60]) == turn(second, names[60])
    assert turn(first, names[60]) == "pool rails drains 1 node at a time, and more than 20 wait longer than this one"
    assert turn(first, names[SHOWN]) == "pool rails drains 1 node at a time, now n000; 19 wait longer"


@pytest.mark.parametrize(
    ("view", "says"),
    [
        pytest.param(pool(0), "pool rails: maxUnavailable is 0, so no node is ever drained", id="zero"),
        pytest.param(pool(0), "Raise maxUnavailable of SriovNetworkPoolConfig rails", id="zero-and-what-to-do"),
        pytest.param(pool("5%"), "5% of 10 nodes is less than one", id="less-than-one"),
        pytest.param(pool("120%"), "maxUnavailable of pool rails makes no sense: found '120%'", id="nonsense"),
        pytest.param(pool(-1), "found -1, wanted 0 or more", id="negative"),
    ],
)
def test_a_pool_that_drains_nobody_says_so(view, says):
    assert says in obstacle(view)
    assert turn(view, "a") == obstacle(view)
    assert view.most == 0


@given(
    st.one_of(st.integers(1, 5), st.integers(10, 100).map(lambda percent: f"{percent}%")),
    st.sets(st.sampled_from("abcdefghij")),
    st.sets(st.sampled_from("abcdefghij")),
    st.permutations("abcdefghij"),
)
def test_no_more_begin_than_there_are_places_and_none_is_left_unused(limit, busy, held, order):
    waiting = [name for name in order if name not in busy]
    view = pool(limit, busy=busy, waiting=waiting)
    free = max(0, view.most - len(busy | held))
    admitted = [name for name in waiting if name not in held and not turn(view, name, held)]
    assert admitted == [name for name in waiting if name not in held][:free]


def test_long_lists_are_cut():
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"


def test_a_node_in_two_pools_is_told_which():
    assert "the pools x and y select the node" in overlap(("x", "y"))
