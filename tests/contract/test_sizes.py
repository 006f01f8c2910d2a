"""A module or function that has grown too large to be read at one go is split; nobody is excepted."""

import ast

import pytest
from sources import parsed, python_files, shown

MODULE_LINES = 400
FUNCTION_LINES = 60
EXCEPTIONS: frozenset[str] = frozenset()

Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(function: Function) -> int:
    """The lines from ``def`` to the end, less the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def too_long(tree: ast.AST) -> list[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return [f"{one.name}: {length(one)} lines" for one in functions if length(one) > FUNCTION_LINES]


def test_no_module_has_more_than_400_lines():
    sizes = {shown(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: size for name, size in sizes.items() if size > MODULE_LINES and name not in EXCEPTIONS} == {}


def test_no_function_has_more_than_60_lines_without_its_docstring():
    found = {shown(path): too_long(parsed(path)) for path in python_files()}
    assert {name: functions for name, functions in found.items() if functions and name not in EXCEPTIONS} == {}


def test_nobody_is_excepted():
    assert not EXCEPTIONS


@pytest.mark.parametrize(
    ("docstring_lines", "code_lines", "expected"),
    [
        pytest.param(0, 59, [], id="just-short-enough"),
        pytest.param(0, 60, ["f: 61 lines"], id="one-line-too-long"),
        pytest.param(50, 59, [], id="the-docstring-does-not-count"),
    ],
)
def test_the_length_of_a_function_is_counted_without_its_docstring(docstring_lines, code_lines, expected):
    docstring = ['    """First', *["    more"] * (docstring_lines - 2), '    """'] if docstring_lines else []
    source = "\n".join(["def f():", *docstring, *["    x = 1"] * code_lines])
    assert too_long(ast.parse(source)) == expected
