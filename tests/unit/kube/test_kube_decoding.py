"""Answers become types; one bad object costs only itself."""

import gc
import json
import subprocess  # noqa: TID251  # what would go wrong ends a process
import sys

import attrs
import msgspec
import pytest

from sriov_core.kube.decoding import Decoders, Line, Unreadable, collector_at_rest
from sriov_core.kube.lean import LeanMeta


class Lean(msgspec.Struct):
    metadata: LeanMeta
    size: int = 0


@attrs.frozen
class Bounded:
    """An attrs type with a rule of its own."""

    size: int = attrs.field(validator=attrs.validators.lt(10))


def page(*items, **meta):
    return json.dumps({"kind": "ThingList", "metadata": {"resourceVersion": "7", **meta}, "items": items}).encode()


def thing(name, size=0, **more):
    return {"metadata": {"name": name, "namespace": "ns", "managedFields": [{"manager": "x"}]}, "size": size, **more}


@pytest.fixture
def decoders():
    return Decoders()


def test_a_page_is_read(decoders):
    read = decoders.page(page(thing("a"), thing("b", 2, unknown=[1])), Lean)
    assert [(item.metadata.name, item.size) for item in read.items] == [("a", 0), ("b", 2)]
    assert (read.resource_version, read.token, read.unreadable) == ("7", "", ())


def test_the_token_of_the_next_page_is_read(decoders):
    assert decoders.page(page(**{"continue": "abc"}), Lean).token == "abc"


def test_no_items_may_be_null(decoders):
    assert decoders.page(b'{"metadata": {"resourceVersion": "1"}, "items": null}', Lean).items == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(thing("bad", "many"), id="wrong-type"),
        pytest.param({**thing("bad"), "size": None}, id="null"),
        pytest.param({**thing("bad"), "size": {"x": 1}}, id="a-map"),
    ],
)
def test_a_bad_object_costs_only_itself(decoders, bad):
    read = decoders.page(page(thing("a"), bad, thing("b")), Lean)
    assert [item.metadata.name for item in read.items] == ["a", "b"]
    (unreadable,) = read.unreadable
    assert unreadable.key == "ns/bad"
    assert "$.size" in unreadable.why


def test_an_object_that_has_not_even_a_name_is_told_too(decoders):
    read = decoders.page(page("garbage", thing("a")), Lean)
    assert [item.metadata.name for item in read.items] == ["a"]
    assert read.unreadable == (Unreadable("", "Expected `object`, got `str`"),)


def test_the_rules_of_attrs_types_hold(decoders):
    read = decoders.page(page({"size": 3}, {"metadata": {"name": "big"}, "size": 30}), Bounded)
    assert read.items == [Bounded(3)]
    assert [one.key for one in read.unreadable] == ["big"]


def test_any_object(decoders):
    assert decoders.page(page(thing("a")), dict[str, object]).items[0]["metadata"]["managedFields"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"metadata": {}, "items": [', id="cut"),
        pytest.param(b'{"items": []}', id="no-list"),
        pytest.param(b'{"metadata": {}, "items": 3}', id="items-that-are-none"),
        pytest.param(b"\xff\xfe", id="no-text"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(decoders, body):
    with pytest.raises(msgspec.DecodeError):
        decoders.page(body, Lean)


def test_a_line_of_a_watch_keeps_its_object_as_it_came(decoders):
    line = decoders.one(b'{"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "3"}}}', Line)
    head = decoders.head(line.object)
    assert (line.type, head.key, head.resource_version) == ("ADDED", "a", "3")


def test_lean_metadata_leaves_out_what_is_managed(decoders):
    meta = decoders.one(json.dumps(thing("a")).encode(), Lean).metadata
    assert not hasattr(meta, "managed_fields")


class TestCollector:
    @pytest.fixture(autouse=True)
    def _as_before(self):
        on = gc.isenabled()
        yield
        (gc.enable if on else gc.disable)()

    def test_it_rests_and_goes_on(self):
        gc.enable()
        with collector_at_rest():
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_it_goes_on_after_an_error(self):
        gc.enable()
        with pytest.raises(ZeroDivisionError), collector_at_rest():
            raise ZeroDivisionError
        assert gc.isenabled()

    def test_who_switched_it_off_finds_it_off(self):
        gc.disable()
        with collector_at_rest():
            pass
        assert not gc.isenabled()


MANY_AT_ONCE = """
import sys, threading
from typing import Generic, TypeVar
import msgspec
from sriov_core.kube.decoding import Decoders

T = TypeVar("T")
sys.setswitchinterval(1e-6)
for number in range(100):
    early, decoders = sys.argv[1] == "known", Decoders()
    leaves = [msgspec.defstruct(f"Leaf{number}_{n}", [("x", int, 0)]) for n in range(20)]
    shared = msgspec.defstruct(f"Shared{number}", [(f"f{n}", leaf, None) for n, leaf in enumerate(leaves)])
    kinds = [msgspec.defstruct(f"Kind{number}_{n}", [("meta", shared)]) for n in range(4)]
    if early:
        Decoders()
    start = threading.Barrier(len(kinds))

    def read(kind):
        start.wait()
        body = b'{"meta": {"f19": {"x": 3}}}'
        found = msgspec.json.decode(body, type=kind) if early else decoders.one(body, kind)
        pages = decoders.page(b'{"metadata": {}, "items": [{"f19": {"x": 3}}]}', shared)
        read_by.append((found.meta.f19.x, pages.items[0].f19.x))

    read_by = []
    threads = [threading.Thread(target=read, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert read_by == [(3, 3)] * len(kinds), read_by
"""


@pytest.mark.parametrize("when", ["known", "met-later"])
def test_threads_that_meet_a_type_at_the_same_time_do_not_end_the_process(when):
    ran = subprocess.run(
        [sys.executable, "-c", MANY_AT_ONCE, when], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
