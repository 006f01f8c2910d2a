"""Which pool a node belongs to, and how many nodes of a pool may be drained at once."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.api.poolconfig import PoolConfig
from sriov_core.api.wire import LabelRequirement, LabelSelector
from sriov_core.errors import SpecError
from sriov_core.policy.pools import matches, max_unavailable, pool_of, selector_faults, stuck

ZONE = "topology.kubernetes.io/zone"


def pool(name: str, **spec: Any) -> PoolConfig:
    return msgspec.convert({"metadata": {"name": name}, "spec": spec}, PoolConfig)


def labelled(name: str, **labels: str) -> PoolConfig:
    return pool(name, nodeSelector={"matchLabels": labels})


def where(*expressions: tuple[str, str, tuple[str, ...]], **labels: str) -> LabelSelector:
    """A selector of labels and of expressions (key, operator, values)."""
    found = tuple(LabelRequirement(key=key, operator=operator, values=values) for key, operator, values in expressions)
    return LabelSelector(match_labels=labels, match_expressions=found)


def names(labels: dict[str, str] | None, *pools: PoolConfig) -> list[str]:
    return [found.metadata.name for found in pool_of(labels, pools).pools]


OFFLOAD = pool("offload", ovsHardwareOffloadConfig={"name": "worker"})
UNREADABLE = pool("unreadable", nodeSelector={"matchExpressions": [{"key": "a", "operator": "Near", "values": ["x"]}]})
MALFORMED = pool("malformed", nodeSelector={"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]})
POOLS = {
    "no-pools": ({}, (), []),
    "no-selector-takes-every-node": ({"a": "x"}, (pool("all"),), ["all"]),
    "no-selector-takes-nodes-without-labels": ({}, (pool("all"),), ["all"]),
    "an-empty-selector-takes-every-node": ({}, (pool("all", nodeSelector={}),), ["all"]),
    "selected": ({"a": "x", "b": "y"}, (labelled("one", a="x"),), ["one"]),
    "another-value": ({"a": "y"}, (labelled("one", a="x"),), []),
    "label-missing": ({"b": "x"}, (labelled("one", a="x"),), []),
    "one-of-two": ({"a": "x"}, (labelled("one", a="x"), labelled("two", a="y")), ["one"]),
    "both-by-name": ({"a": "x", "b": "y"}, (labelled("two", b="y"), labelled("one", a="x")), ["one", "two"]),
    "a-pool-without-selector-beside-another": ({"a": "x"}, (labelled("one", a="x"), pool("all")), ["all", "one"]),
    "offload-pools-do-not-count": ({"a": "x"}, (OFFLOAD,), []),
    "offload-pools-make-nothing-ambiguous": ({"a": "x"}, (OFFLOAD, labelled("one", a="x")), ["one"]),
    "an-offload-part-without-a-name-counts": ({}, (pool("all", ovsHardwareOffloadConfig={}),), ["all"]),
    # The incumbent stops for every node as soon as one selector is invalid.
    "an-invalid-selector-selects-nothing": ({"a": "x"}, (UNREADABLE, labelled("one", a="x")), ["one"]),
    "an-invalid-selector-that-would-match-selects-nothing": ({"a": "x"}, (MALFORMED,), []),
    "unknown-labels-are-selected-by-all": (None, (labelled("one", a="x"), UNREADABLE, OFFLOAD), ["one", "unreadable"]),
}


@pytest.mark.parametrize(("labels", "pools", "found"), POOLS.values(), ids=POOLS)
def test_the_pools_of_a_node(labels: dict[str, str] | None, pools: tuple[PoolConfig, ...], found: list[str]) -> None:
    assert names(labels, *pools) == found


def test_a_node_in_no_pool_belongs_to_the_built_in_one() -> None:
    found = pool_of({"a": "x"}, [labelled("one", a="y")])
    assert found.pool is None
    assert not found.is_ambiguous


def test_a_node_in_one_pool_belongs_to_it() -> None:
    mine = labelled("one", a="x")
    found = pool_of({"a": "x"}, [mine, labelled("two", a="y")])
    assert found.pool is mine
    assert not found.is_ambiguous


def test_a_node_in_two_pools_belongs_to_none() -> None:
    found = pool_of({"a": "x", "b": "y"}, [labelled("one", a="x"), labelled("two", b="y")])
    assert found.pool is None
    assert found.is_ambiguous


SELECTORS = {
    "empty": (where(), True),
    "label-equal": (where(a="x"), True),
    "label-differs": (where(a="y"), False),
    "label-missing": (where(c="x"), False),
    "empty-value-is-not-a-missing-label": (where(c=""), False),
    "all-labels": (where(a="x", b=""), True),
    "one-label-of-two": (where(a="x", b="y"), False),
    "in": (where(("a", "In", ("w", "x"))), True),
    "not-among": (where(("a", "In", ("y", "z"))), False),
    "in-with-a-missing-label": (where(("c", "In", ("x",))), False),
    "in-with-an-empty-value": (where(("b", "In", ("",))), True),
    "in-with-an-empty-value-and-a-missing-label": (where(("c", "In", ("",))), False),
    "not-in": (where(("a", "NotIn", ("y",))), True),
    "not-in-though-among": (where(("a", "NotIn", ("w", "x"))), False),
    "not-in-holds-with-a-missing-label": (where(("c", "NotIn", ("x",))), True),
    "not-in-with-an-empty-value": (where(("b", "NotIn", ("",))), False),
    "exists": (where(("a", "Exists", ())), True),
    "exists-with-an-empty-value": (where(("b", "Exists", ())), True),
    "exists-with-a-missing-label": (where(("c", "Exists", ())), False),
    "does-not-exist": (where(("c", "DoesNotExist", ())), True),
    "does-not-exist-though-it-does": (where(("b", "DoesNotExist", ())), False),
    "label-and-expression": (where(("b", "Exists", ()), a="x"), True),
    "label-without-expression": (where(("c", "Exists", ()), a="x"), False),
    "expression-without-label": (where(("b", "Exists", ()), a="y"), False),
    "two-expressions-on-one-key": (where(("a", "Exists", ()), ("a", "NotIn", ("x",))), False),
    "unknown-operator": (where(("a", "Near", ("x",))), False),
}


@pytest.mark.parametrize(("selector", "expected"), SELECTORS.values(), ids=SELECTORS)
def test_a_selector_on_a_node_with_the_labels_a_and_b(selector: LabelSelector, expected: bool) -> None:
    assert matches(selector, {"a": "x", "b": ""}) is expected


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))
VALUES = st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=3).map(tuple)


@given(LABELS, st.sampled_from("abc"), VALUES)
@settings(max_examples=100)
def test_in_and_not_in_are_opposites_and_so_are_the_two_of_existence(
    labels: dict[str, str], key: str, values: tuple[str, ...]
) -> None:
    assert matches(where((key, "In", values)), labels) != matches(where((key, "NotIn", values)), labels)
    assert matches(where((key, "Exists", ())), labels) != matches(where((key, "DoesNotExist", ())), labels)


@given(LABELS)
@settings(max_examples=50)
def test_a_label_is_the_same_as_an_expression_with_one_value(labels: dict[str, str]) -> None:
    assert matches(where(a="x"), labels) == matches(where(("a", "In", ("x",))), labels)


@given(LABELS, LABELS)
@settings(max_examples=100)
def test_labels_are_met_by_whoever_has_them_all(wanted: dict[str, str], more: dict[str, str]) -> None:
    assert matches(where(**wanted), more | wanted)


@given(st.permutations([labelled("one", a="x"), labelled("two", b="y"), pool("all"), OFFLOAD, UNREADABLE]), LABELS)
@settings(max_examples=50)
def test_the_order_of_pools_does_not_matter(pools: list[PoolConfig], labels: dict[str, str]) -> None:
    assert pool_of(labels, pools) == pool_of(labels, sorted(pools, key=lambda one: one.metadata.name))


WELL_FORMED = {
    "empty": where(),
    "plain-label": where(a="x"),
    "empty-value": where(a=""),
    "prefixed-key": where((ZONE, "In", ("a-1.b_2", "C"))),
    "key-ends-in-63-characters": where(("k" * 63, "Exists", ())),
    "longest-prefix": where((f"{'p' * 253}/k", "Exists", ())),
    "value-of-63-characters": where(a="v" * 63),
    "every-operator": where(("a", "In", ("x",)), ("b", "NotIn", ("",)), ("c", "Exists", ()), ("d", "DoesNotExist", ())),
}


@pytest.mark.parametrize("selector", WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_selector_has_no_faults(selector: LabelSelector) -> None:
    assert selector_faults(selector) == ()


FIRST = "spec.nodeSelector.matchExpressions[0]"
FAULTY = {
    "unknown-operator": (where(("a", "in", ("x",))), f"{FIRST}.operator", "wanted one of In, NotIn, Exists"),
    "in-without-values": (where(("a", "In", ())), f"{FIRST}.values", "In needs at least one value"),
    "not-in-without-values": (where(("a", "NotIn", ())), f"{FIRST}.values", "NotIn needs at least one value"),
    "exists-with-values": (where(("a", "Exists", ("x",))), f"{FIRST}.values", "Exists takes no values"),
    "does-not-exist-with-values": (where(("a", "DoesNotExist", ("x",))), f"{FIRST}.values", "takes no values"),
    "empty-key": (where(("", "Exists", ())), FIRST, "'' is no label"),
    "blank-in-a-key": (where(("a b", "Exists", ())), FIRST, "'a b' is no label"),
    "two-slashes": (where(("a/b/c", "Exists", ())), FIRST, "'a/b/c' is no label"),
    "empty-prefix": (where(("/b", "Exists", ())), FIRST, "'/b' is no label"),
    "upper-case-prefix": (where(("A.org/b", "Exists", ())), FIRST, "'A.org/b' is no label"),
    "two-dots-in-a-prefix": (where(("a..b/c", "Exists", ())), FIRST, "'a..b/c' is no label"),
    "dash-before-a-dot-in-a-prefix": (where(("a-.b/c", "Exists", ())), FIRST, "'a-.b/c' is no label"),
    "key-of-64-characters": (where(("k" * 64, "Exists", ())), FIRST, "is no label"),
    "prefix-of-254-characters": (where((f"{'p' * 254}/k", "Exists", ())), FIRST, "is no label"),
    "newline-behind-a-key": (where(("a\n", "Exists", ())), FIRST, "is no label"),
    "bad-value": (where(a="-x"), "spec.nodeSelector.matchLabels[a]", "'-x' is no value of a label"),
    "value-of-64-characters": (where(a="v" * 64), "spec.nodeSelector.matchLabels[a]", "is no value of a label"),
    "one-bad-value-of-two": (where(("a", "In", ("x", "y z"))), FIRST, "'y z' is no value of a label"),
    "bad-key-of-a-label": (where(**{"a b": "x"}), "spec.nodeSelector.matchLabels[a b]", "'a b' is no label"),
    "a-key-that-steers-a-terminal": (
        where(**{"\x1b[2J": "x"}),
        r"spec.nodeSelector.matchLabels['\x1b[2J']",
        "is no label",
    ),
}


@pytest.mark.parametrize(("selector", "path", "text"), FAULTY.values(), ids=FAULTY)
def test_what_the_api_server_would_not_take_is_named(selector: LabelSelector, path: str, text: str) -> None:
    (fault,) = selector_faults(selector)
    assert fault.path == path
    assert text in fault.text
    assert fault.remedy


def test_every_fault_of_a_selector_is_named_below_the_path_that_was_given() -> None:
    faults = selector_faults(where(("a", "Near", ()), ("b", "In", ()), c="-"), "spec.other")
    assert [fault.path for fault in faults] == [
        "spec.other.matchLabels[c]",
        "spec.other.matchExpressions[0].operator",
        "spec.other.matchExpressions[1].values",
    ]


LIMITS = {
    "left-out-is-no-limit": (None, 5, None),
    "left-out-of-no-nodes": (None, 0, None),
    "one-of-one": (1, 1, 1),
    "more-than-there-are": (7, 3, 7),
    "none": (0, 10, 0),
    "a-third-of-ten-is-rounded-down": ("33%", 10, 3),
    "thirty-percent-of-one": ("30%", 1, 0),
    "all": ("100%", 7, 7),
    "one-percent-of-99": ("1%", 99, 0),
    "one-percent-of-100": ("1%", 100, 1),
    "half-of-three": ("50%", 3, 1),
    "half-of-none": ("50%", 0, 0),
    "29-percent-of-100-is-exact": ("29%", 100, 29),
    "leading-zeros": ("030%", 10, 3),
}


@pytest.mark.parametrize(("value", "nodes", "limit"), LIMITS.values(), ids=LIMITS)
def test_how_many_nodes_may_be_drained(value: int | str | None, nodes: int, limit: int | None) -> None:
    assert max_unavailable(value, nodes) == limit


NO_LIMITS = {
    "negative": -1,
    "word": "bla",
    "empty": "",
    "number-as-text": "2",
    "huge-number-with-a-dot": "99999999999999999.",
    "above-a-hundred": "101%",
    "far-above-a-hundred": "10000%",
    "no-percent": "0%",
    "negative-percentage": "-5%",
    "fraction": "1.5%",
    "sign-only": "%",
    "sign-in-front": "%5",
    "blank-before-the-sign": "5 %",
    "newline-behind": "5%\n",
    "digits-of-another-script": "\u0663%",
}


@pytest.mark.parametrize("value", NO_LIMITS.values(), ids=NO_LIMITS)
def test_what_is_no_limit_is_refused_with_what_was_found(value: int | str) -> None:
    shown = repr(value) if isinstance(value, str) else str(value)
    with pytest.raises(SpecError, match=rf"found {re.escape(shown)}, .*from 1% to 100%"):
        max_unavailable(value, 10)


@given(st.integers(1, 100), st.integers(0, 5000))
@settings(max_examples=200)
def test_a_percentage_is_the_most_that_does_not_exceed_it(percent: int, nodes: int) -> None:
    limit = max_unavailable(f"{percent}%", nodes)
    assert limit is not None
    assert limit * 100 <= percent * nodes < (limit + 1) * 100


@given(st.integers(1, 99), st.integers(0, 5000))
@settings(max_examples=100)
def test_a_larger_percentage_or_pool_never_drains_fewer(percent: int, nodes: int) -> None:
    limits = [max_unavailable(f"{percent}%", nodes), max_unavailable(f"{percent + 1}%", nodes + 1)]
    assert limits == sorted(limits, key=lambda limit: limit or 0)


STUCK = {
    "zero": (0, 3, "maxUnavailable is 0, so no node is ever drained"),
    "too-small-a-percentage": ("30%", 3, "30% of 3 nodes is less than one"),
    "large-enough-a-percentage": ("34%", 3, ""),
    "a-number": (1, 3, ""),
    "no-limit": (None, 3, ""),
    "a-percentage-of-no-nodes": ("30%", 0, ""),
    "zero-of-no-nodes": (0, 0, ""),
}


@pytest.mark.parametrize(("value", "nodes", "start"), STUCK.values(), ids=STUCK)
def test_a_limit_that_drains_nothing_ever_is_told(value: int | str | None, nodes: int, start: str) -> None:
    found = stuck(value, nodes)
    assert found.startswith(start)
    assert bool(found) == bool(start)


def test_a_limit_that_is_none_is_refused_here_too() -> None:
    with pytest.raises(SpecError, match="found 'bla'"):
        stuck("bla", 3)


@given(st.none() | st.integers(0, 5) | st.integers(1, 100).map("{}%".format), st.integers(1, 200))
@settings(max_examples=100)
def test_a_pool_with_nodes_is_stuck_exactly_when_none_may_be_drained(value: int | str | None, nodes: int) -> None:
    assert bool(stuck(value, nodes)) == (max_unavailable(value, nodes) == 0)
