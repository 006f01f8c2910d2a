"""Tests look at states, not at calls: the seams are arguments, so there is hardly anything to patch."""

import ast

import pytest
from sources import parsed, python_files

MOST_PER_100_TESTS = 5


def patches(tree):
    """Uses of mock objects and of pytest's monkeypatch: each call on one counts."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    roots = [(function, _root(function)) for function in calls]
    return sum(
        1 for function, root in roots if root in ("monkeypatch", "mock", "mocker") or _last(function).endswith("Mock")
    )


def _root(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_there_are_fewer_than_five_patches_per_hundred_tests():
    trees = [parsed(path) for path in python_files("tests")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    tests = sum(1 for function in functions if function.name.startswith("test_"))
    assert tests > 100
    assert sum(map(patches, trees)) * 100 / tests < MOST_PER_100_TESTS


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param("def test(monkeypatch):\n    monkeypatch.setenv('A', 'b')", 1, id="monkeypatch"),
        pytest.param("with mock.patch.object(a, 'b'):\n    pass", 1, id="mock-patch"),
        pytest.param("host = MagicMock()", 1, id="magic-mock"),
        pytest.param("host = FakeKernel(tree)", 0, id="a-fake-is-none"),
    ],
)
def test_patches_are_counted(source, count):
    assert patches(ast.parse(source)) == count
