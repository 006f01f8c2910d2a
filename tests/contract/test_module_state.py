"""What the search for hidden state finds, and what it lets pass."""

import ast

import pytest
from module_state import hidden_state


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("cache = {}", id="a-dict"),
        pytest.param("_seen: set[str] = set()", id="a-set-with-an-annotation"),
        pytest.param("lock = threading.Lock()", id="a-lock"),
        pytest.param("SEEN = []\ndef f():\n    SEEN.append(1)", id="a-constant-that-grows"),
        pytest.param("TABLE = {}\ndef f():\n    TABLE['a'] = 1", id="a-table-that-is-written"),
        pytest.param("TABLE = {}\ndef f():\n    del TABLE['a']", id="a-table-that-shrinks"),
        pytest.param("TABLE = {}\ndef f():\n    global TABLE\n    TABLE = {}", id="a-global"),
        pytest.param("counter = 0\ndef f():\n    global counter\n    counter += 1", id="a-counter"),
    ],
)
def test_state_is_found(source):
    assert hidden_state(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("TABLE = {'a': 1}\ndef f():\n    return TABLE['a']", id="a-table-that-is-read"),
        pytest.param("_WEIGHTS: Final = {'a': 1}", id="an-annotated-table"),
        pytest.param("Names = tuple[str, ...]", id="an-alias"),
        pytest.param("hookspec = pluggy.HookspecMarker('x')", id="a-marker"),
        pytest.param("def f():\n    seen = []\n    seen.append(1)\n    return seen", id="a-local"),
        pytest.param("class Box:\n    def __init__(self):\n        self.items = []", id="an-object"),
    ],
)
def test_what_is_no_state_passes(source):
    assert hidden_state(ast.parse(source)) == []
