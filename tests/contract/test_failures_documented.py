"""docs/failures.md and the tests that provoke what it tells: each row has its test, in which its words are."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import attrs
import pytest
from markdown_pages import headings
from sources import ROOT, parsed, python_files

PAGE = ROOT / "docs" / "failures.md"
TOLD = (ROOT / "tests/unit/cli/test_failures_told.py", ROOT / "tests/cluster/test_cluster_failures_told.py")

ELSEWHERE = (
    (
        "1h",
        "tests/cluster/test_cluster_nodestates_told.py",
        "test_a_policy_waits_for_the_configuration_and_goes_on_with_it",
    ),
    (
        "1h",
        "tests/unit/clusterview/test_clusterview_findings.py",
        "test_each_trouble_has_its_code_its_fact_and_a_remedy",
    ),
    ("1i", "tests/cluster/test_cluster_kubectl.py", "test_a_pod_is_explained_link_by_link_as_each_is_mended"),
    (
        "2c",
        "tests/unit/engine/test_engine_reboots.py",
        "test_a_reboot_for_firmware_comes_before_everything_else_and_once",
    ),
    ("2d", "tests/unit/agent/test_agent_units.py", "test_a_machine_that_does_not_go_down_is_told_after_a_while"),
    ("3b", "tests/cluster/test_cluster_pools.py", "test_a_pool_that_cannot_work_is_not_ready_and_warns"),
    ("4a", "tests/cluster/test_cluster_unknown_fields.py", "test_a_misspelled_field_is_taken_with_a_warning"),
    (
        "4c",
        "tests/cluster/test_cluster_unread.py",
        "test_what_is_not_in_the_operators_namespace_is_taken_with_a_warning",
    ),
    (
        "4c",
        "tests/unit/clusterview/test_clusterview_strays.py",
        "test_what_stands_in_another_namespace_is_told_to_have_no_effect",
    ),
    (
        "5b",
        "tests/cluster/test_cluster_agent_faults.py",
        "test_drift_is_healed_while_the_api_server_is_away_and_told_when_it_is_back",
    ),
    (
        "5c",
        "tests/cluster/test_cluster_nodestates_told.py",
        "test_an_agent_that_is_silent_is_told_where_it_is_waited_for",
    ),
    (
        "6a",
        "tests/cluster/test_cluster_agent.py",
        "test_t70_pods_of_the_device_plugin_wait_until_there_is_something_for_them",
    ),
    (
        "6b",
        "tests/unit/clusterview/test_clusterview_findings.py",
        "test_each_trouble_has_its_code_its_fact_and_a_remedy",
    ),
    (
        "6c",
        "tests/unit/clusterview/test_clusterview_findings.py",
        "test_each_trouble_has_its_code_its_fact_and_a_remedy",
    ),
    (
        "7a",
        "tests/cluster/test_cluster_nodestates_status.py",
        "test_each_nic_gets_its_plugin_and_a_tie_is_settled_by_a_pin",
    ),
    ("14e", "tests/host/test_host_refusals.py", "test_each_refusal_of_a_vf_count_says_what_to_do"),
)
"""Rows that a test of its own subject provokes, in part or whole."""

_ROW = re.compile(
    r"^\| (?P<id>\d+[a-z]) \| (?P<wrong>[^|]+) \| (?P<asked>[^|]+) \| (?P<named>[^|]+) \| (?P<cure>[^|]+) \|$",
    re.MULTILINE,
)
_CODE = re.compile(r"[A-Z0-9]{2,4}-\d{3}|[a-z]+(?:-[a-z]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+")


@attrs.frozen
class Row:
    """A failure as the page tells it, with the words by which it is named."""

    id: str
    wrong: str
    asked: str
    named: tuple[str, ...]
    cure: str


def rows() -> tuple[Row, ...]:
    found = (match.groupdict() for match in _ROW.finditer(PAGE.read_text()))
    return tuple(Row(**{**row, "named": tuple(re.findall(r"`([^`]+)`", row["named"]))}) for row in found)


@cache
def provoked() -> dict[str, str]:
    """The texts of the cases of the two tables, by row; of a test with the row in its name, all of its texts."""
    found: dict[str, list[str]] = {}
    for path in TOLD:
        for function in parsed(path).body:
            if isinstance(function, ast.FunctionDef):
                for row, texts in _cases(function):
                    found.setdefault(row, []).extend(texts)
    return {row: "\n".join(texts) for row, texts in found.items()}


def _cases(function: ast.FunctionDef) -> Iterator[tuple[str, list[str]]]:
    if named := re.match(r"test_(\d+[a-z])_", function.name):
        yield named[1], list(_texts(function))
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.param":
            (case,) = (ast.literal_eval(word.value) for word in call.keywords if word.arg == "id")
            yield case.partition("-")[0], list(_texts(call))


def _texts(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


@cache
def source() -> str:
    return "\n".join(path.read_text() for path in python_files("sriov_core", "sriov_plugins", "operator"))


def test_all_twenty_are_there_with_their_rows_in_order():
    numbers = [int(text.partition(" ")[0]) for text in headings(PAGE) if text[0].isdigit()]
    assert numbers == list(range(1, 21))
    assert sorted({int(row.id[:-1]) for row in rows()}) == numbers
    ids = [row.id for row in rows()]
    assert ids == sorted(set(ids), key=lambda one: (int(one[:-1]), one))
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]
    assert len(lines) == len(ids), "some row is not of the form of the others"


def test_every_row_is_provoked_and_nothing_else_is():
    assert provoked().keys() | {number for number, _, _ in ELSEWHERE} == {row.id for row in rows()}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_the_words_of_a_row_are_in_its_test(row):
    texts = provoked().get(row.id, "")
    texts += "".join((ROOT / path).read_text() for number, path, _ in ELSEWHERE if number == row.id)
    assert [word for word in row.named if word not in texts] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_a_row_says_where_to_ask_what_to_do_and_where_more_is(row):
    assert "](troubleshooting.md#" in row.wrong
    assert "`" in row.asked
    assert len(row.cure) > 10
    codes = [word for word in row.named if _CODE.fullmatch(word)]
    assert [code for code in codes if f'"{code}"' not in source()] == []


@pytest.mark.parametrize(("number", "path", "name"), ELSEWHERE)
def test_a_test_that_is_named_is_there(number, path, name):
    assert re.fullmatch(r"\d+[a-z]", number)
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
