"""What a list or an event changes in the cache, and what is told of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.kube.client import Listing, WatchEvent
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.store import Change, Store, key_of


class Thing(msgspec.Struct, frozen=True):
    metadata: LeanMeta


def thing(name, version="1", namespace=""):
    return Thing(LeanMeta(name=name, namespace=namespace, resource_version=version))


def event(kind, value, key=""):
    return WatchEvent(kind, value, "9", key or key_of(value))


def listing(*things, unreadable=()):
    return Listing(things, "9", unreadable)


@pytest.fixture
def store():
    filled = Store()
    filled.replace(listing(thing("b"), thing("a")))
    return filled


def test_keys_have_the_namespace_when_there_is_one():
    assert (key_of(thing("a")), key_of(thing("a", namespace="ns"))) == ("a", "ns/a")


def test_the_first_list_is_all_new():
    assert Store().replace(listing(thing("a"))) == (Change(None, thing("a")),)


def test_objects_stand_in_the_order_of_their_keys(store):
    assert store.items() == (thing("a"), thing("b"))


def test_a_list_tells_differences_only(store):
    changes = store.replace(listing(thing("a"), thing("b", "2"), thing("c")))
    assert changes == (Change(thing("b"), thing("b", "2")), Change(None, thing("c")))


def test_what_a_list_has_no_more_is_gone(store):
    assert store.replace(listing(thing("b"))) == (Change(thing("a"), None),)
    assert store.get("a") is None


def test_what_cannot_be_read_stays_as_it_was(store):
    assert store.replace(listing(thing("b"), unreadable=("a", "never-seen"))) == ()
    assert store.get("a") == thing("a")
    assert store.get("never-seen") is None


@pytest.mark.parametrize(
    ("told", "change"),
    [
        pytest.param(event("ADDED", thing("c")), Change(None, thing("c")), id="added"),
        pytest.param(event("MODIFIED", thing("a", "2")), Change(thing("a"), thing("a", "2")), id="modified"),
        pytest.param(
            event("DELETED", thing("a", "3")), Change(thing("a", "3"), None), id="deleted-with-its-last-state"
        ),
        pytest.param(event("ADDED", thing("a")), None, id="what-is-known"),
        pytest.param(event("DELETED", thing("z")), None, id="the-end-of-what-was-never-seen"),
        pytest.param(event("MODIFIED", None, "a"), None, id="unreadable"),
        pytest.param(event("DELETED", None, "a"), Change(thing("a"), None), id="unreadable-and-deleted"),
        pytest.param(WatchEvent("BOOKMARK", None, "9"), None, id="bookmark"),
    ],
)
def test_an_event_tells_its_change(store, told, change):
    assert store.take(told) == change


def test_an_unreadable_change_leaves_the_last_good_value(store):
    store.take(event("MODIFIED", None, "a"))
    assert store.get("a") == thing("a")


@pytest.mark.parametrize(
    ("told", "unreadable"),
    [
        pytest.param(event("MODIFIED", None, "a"), {"a", "bad"}, id="became-so"),
        pytest.param(event("MODIFIED", thing("bad")), set(), id="mended"),
        pytest.param(event("DELETED", None, "bad"), set(), id="gone"),
        pytest.param(WatchEvent("BOOKMARK", None, "9"), {"bad"}, id="bookmark"),
    ],
)
def test_what_cannot_be_read_is_known_by_its_key(store, told, unreadable):
    store.replace(listing(thing("a"), thing("b"), unreadable=("bad",)))
    store.take(told)
    assert store.unreadable == unreadable
    store.replace(listing(thing("a"), unreadable=("worse",)))
    assert store.unreadable == {"worse"}


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)), max_size=6))
def test_whoever_follows_the_changes_knows_what_the_store_knows(lists):
    store, follower = Store(), {}
    for state in lists:
        for change in store.replace(listing(*(thing(name, str(version)) for name, version in state.items()))):
            key = key_of(change.after or change.before)
            assert follower.get(key) == change.before
            follower[key] = change.after
        assert tuple(value for _, value in sorted(follower.items()) if value) == store.items()
