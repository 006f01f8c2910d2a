"""The expressions in docs/metrics.md speak of series, labels and values that there are, and are whole."""

import re

import pytest
from sources import ROOT
from test_metrics_documented import documented

TEXT = (ROOT / "docs" / "metrics.md").read_text()
_ROW = re.compile(r"^\| `(?P<expression>[^`]+)` \| (?P<time>\w+) \| (?P<meaning>.+) \|$", re.MULTILINE)
_SELECTOR = re.compile(r"\b(?P<name>sriov_\w+)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'(?P<label>\w+)(?P<how>=~?)"(?P<value>[^"]*)"')
_OF_EVERY_TARGET = {"instance", "job"}
"""Prometheus gives these to whatever it reads."""

# What is known of a histogram beside its name, and what a counter is called.
_SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("",), "gauge": ("",)}
SERIES = {f"{name}{suffix}": set(labels) for name, kind, labels in documented() for suffix in _SUFFIXES[kind]}
COUNTING = {f"{name}{suffix}" for name, kind, _ in documented() if kind != "gauge" for suffix in _SUFFIXES[kind]}


def expressions(text: str) -> list[str]:
    """Those of the section; a bar is escaped there, or it would end the cell."""
    section = text.partition("\n## What to alert on\n")[2].partition("\n## ")[0]
    return [row["expression"].replace(r"\|", "|") for row in _ROW.finditer(section)]


def values(name: str) -> set[str]:
    """The values that the series' row says its labels have."""
    stem = next(known for known, _, _ in documented() if name.startswith(known))
    (row,) = re.findall(rf"^\| `{stem}` \|.*$", TEXT, re.MULTILINE)
    return set(re.findall(r"`([\w-]+)`", row))


def mistakes(expression: str) -> list[str]:
    """What is wrong with an expression."""
    found = [] if balanced(expression) else ["brackets"]
    for selector in _SELECTOR.finditer(expression):
        name, matchers = selector["name"], selector["matchers"] or ""
        if name not in SERIES:
            found.append(f"no series {name}")
            continue
        for matcher in _MATCHER.finditer(matchers):
            if matcher["label"] not in SERIES[name]:
                found.append(f"{name} has no label {matcher['label']}")
            elif not (matcher["value"] in values(name) or is_known_by_itself(matcher["label"], matcher["value"])):
                found.append(f"{matcher['label']} of {name} is never {matcher['value']}")
        if (name in COUNTING) != bool(re.search(rf"increase\({re.escape(selector[0])}\[\d+[mh]\]\)", expression)):
            found.append(f"{name} has to be under increase(...[...]) exactly when it counts")
    grouped = re.findall(r"(?:by|ignoring) \(([^)]*)\)", expression)
    labels = set().union(*(SERIES.get(one["name"], set()) for one in _SELECTOR.finditer(expression)))
    found += [f"no label {one}" for text in grouped for one in text.split(", ") if one not in labels | _OF_EVERY_TARGET]
    return found


def is_known_by_itself(label: str, value: str) -> bool:
    return label == "code" and bool(re.fullmatch(r"none|\d{3}(\|\d{3})*", value))


def balanced(expression: str) -> bool:
    pairs, waiting = {")": "(", "]": "[", "}": "{"}, []
    for letter in re.sub(r'"[^"]*"', "", expression):
        if letter in pairs.values():
            waiting.append(letter)
        elif letter in pairs and (not waiting or waiting.pop() != pairs[letter]):
            return False
    return not waiting and expression.count('"') % 2 == 0


def test_there_are_some_of_each_process():
    found = expressions(TEXT)
    assert len(found) > 15
    for process in ("sriov_operator_", "sriov_agent_", "sriov_webhook_"):
        assert any(process in one for one in found)


@pytest.mark.parametrize("expression", expressions(TEXT))
def test_an_expression_is_right(expression):
    assert mistakes(expression) == []


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("sriov_operator_leder < 1", id="no-such-series"),
        pytest.param('sriov_operator_policies{stat="failed"} > 0', id="no-such-label"),
        pytest.param('sriov_operator_policies{state="broken"} > 0', id="no-such-value"),
        pytest.param("sum by (node) (sriov_operator_queue_depth) > 0", id="grouped-by-no-label"),
        pytest.param("sriov_agent_drift_total > 10", id="a-counter-as-it-is"),
        pytest.param("increase(sriov_operator_queue_depth[1h]) > 0", id="a-gauge-as-a-counter"),
        pytest.param("max(sriov_operator_leader < 1", id="half-a-pair-of-brackets"),
    ],
)
def test_a_wrong_one_is_found(expression):
    assert mistakes(expression) != []
