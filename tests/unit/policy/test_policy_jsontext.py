"""JSON in a field: what is read, and what is refused with its place."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.errors import SpecError
from sriov_core.policy.jsontext import DEEPEST, LONGEST_NUMBER, BadJson, objects, one_object

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=10
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def in_order(text: str) -> Any:
    """The value with objects as lists of pairs, so that the order of keys counts."""
    return json.loads(text, object_pairs_hook=list)


@given(OBJECTS, st.booleans(), st.sampled_from([None, 1]))
def test_every_object_comes_back_with_its_order_and_its_types(
    value: dict[str, Any], ascii_only: bool, indent: Any
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert in_order(json.dumps(one_object(text))) == in_order(text)
    assert repr(one_object(text)) == repr(value)


@given(st.lists(OBJECTS, max_size=4), st.sampled_from([",", " , ", ",\n"]))
def test_several_objects_come_back_in_their_order(values: list[dict[str, Any]], comma: str) -> None:
    assert objects(comma.join(map(json.dumps, values))) == tuple(values)


@given(st.text() | st.text(st.sampled_from('{}[]",:\\ 1-+eE.NaInfty\nu\ud800d8')))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (one_object, objects):
        try:
            found = json.dumps(read(text), ensure_ascii=False)
        except BadJson as err:
            found = err.text
        assert found.startswith(("line ", "{", "["))
        assert found.encode()


@pytest.mark.parametrize("text", ["", " ", "\n\t\r "])
def test_blank_text_is_nothing(text: str) -> None:
    assert one_object(text) == {}
    assert objects(text) == ()


KEPT = [
    pytest.param('{"a": "it\'s  one\\n\\ttext "}', {"a": "it's  one\n\ttext "}, id="quotes-newlines-and-blanks"),
    pytest.param('{"a": 1.0, "b": 1}', {"a": 1.0, "b": 1}, id="a-decimal-stays-one"),
    pytest.param('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}, id="a-long-integer"),
    pytest.param('{"a": "\\ud83d\\ude00\\\\ud800"}', {"a": "\U0001f600\\ud800"}, id="a-surrogate-pair"),
    pytest.param('{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}, id="one-key-in-two-objects"),
    pytest.param('{"a": "a", "b": ["a", "a", ":"]}', {"a": "a", "b": ["a", "a", ":"]}, id="a-key-as-a-value"),
    pytest.param('{"a": "NaN", "b": "{[1e999"}', {"a": "NaN", "b": "{[1e999"}, id="a-text-that-looks-odd"),
]


@pytest.mark.parametrize(("text", "value"), KEPT)
def test_values_are_kept_as_they_are(text: str, value: dict[str, Any]) -> None:
    assert repr(one_object(text)) == repr(value)
    assert repr(objects(text)) == repr((value,))


QUOTES = 'wanted a key in double quotes. JSON takes no others than "double quotes"'
MANY = "9" * (LONGEST_NUMBER + 1)
REFUSED = [
    pytest.param("foo", "line 1, column 1, near 'foo': wanted an object. Write it as {...}", id="a-word"),
    pytest.param("null", "line 1, column 1, near 'null': wanted an object. Write it as {...}", id="null"),
    pytest.param("[{}]", "line 1, column 1, near '[{}]': wanted an object. Write it as {...}", id="a-list"),
    pytest.param("{foo: 1}", f"line 1, column 2, near '{{foo: 1}}': {QUOTES}", id="a-key-without-quotes"),
    pytest.param("{'a': 1}", f"line 1, column 2, near \"{{'a': 1}}\": {QUOTES}", id="single-quotes"),
    pytest.param(
        '{"type":\n  "host-local" "subnet": 1}',
        'line 2, column 16, near \'"host-local" "subnet": 1}\': wanted a comma or the closing bracket. '
        "Add what is missing",
        id="no-comma-on-line-2",
    ),
    pytest.param(
        '{"a" 1}',
        "line 1, column 6, near '{\"a\" 1}': wanted a colon. Write a colon between key and value",
        id="no-colon",
    ),
    pytest.param(
        '{"a": "x}',
        'line 1, column 7, near \'{"a": "x}\': a text starts here and never ends. Add the closing double quote',
        id="no-closing-quote",
    ),
    pytest.param(
        '{"a": "x\ny"}',
        'line 1, column 9, near \'{"a": "x\\ny"}\': a text cannot hold a line break or another control character. '
        "Write it as an escape, such as \\n or \\t",
        id="a-line-break-in-a-text",
    ),
    pytest.param(
        '{"a": "\\q"}',
        'line 1, column 8, near \'{"a": "\\\\q"}\': JSON does not know this escape. Write a backslash as \\\\',
        id="an-escape",
    ),
    pytest.param(
        '{"a": }',
        "line 1, column 7, near '{\"a\": }': wanted a value. "
        "Write text in double quotes, a number, true, false, null, {...} or [...]",
        id="no-value",
    ),
    pytest.param(
        '{"a": 1, "b": {"a": 1}, "\\u0061": 2}',
        'line 1, column 25, near \'"b": {"a": 1}, "\\\\u0061": 2}\': the key \'a\' is given twice. Remove one of them',
        id="a-key-twice-in-two-spellings",
    ),
    pytest.param(
        '{"a": NaN}',
        "line 1, column 7, near '{\"a\": NaN}': NaN is no number of JSON. Write a number in digits",
        id="nan",
    ),
    pytest.param(
        '{"a": [-Infinity]}',
        "line 1, column 8, near '{\"a\": [-Infinity]}': -Infinity is no number of JSON. Write a number in digits",
        id="infinity",
    ),
    pytest.param(
        '{"a": 1e999}',
        "line 1, column 7, near '{\"a\": 1e999}': this number is too large. "
        "Write a smaller number, or text in double quotes",
        id="a-number-beyond-a-double",
    ),
    pytest.param(
        f'{{"a": {MANY * 20}}}',
        "line 1, column 7, near '{\"a\": 999999999999999': this number is too large. "
        "Write a smaller number, or text in double quotes",
        id="a-number-of-thousands-of-digits",
    ),
    pytest.param(
        '{"a": "\\ud800"}',
        'line 1, column 8, near \'{"a": "\\\\ud800"}\': half of a surrogate pair is no character. '
        "Write the character itself",
        id="half-a-pair-as-an-escape",
    ),
    pytest.param(
        '{"a": "\udc00"}',
        'line 1, column 8, near \'{"a": "\\udc00"}\': half of a surrogate pair is no character. '
        "Write the character itself",
        id="half-a-pair-as-it-is",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_mistake_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        one_object(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        pytest.param(
            one_object,
            "{},\n{}",
            "line 1, column 3, near '{},\\n{}': something follows the object. Remove it, or put it into the object",
            id="two-objects-where-one-belongs",
        ),
        pytest.param(
            objects,
            "{}\n{}",
            "line 2, column 1, near '{}\\n{}': something follows the object. Separate objects by commas",
            id="no-comma-between-objects",
        ),
        pytest.param(
            objects,
            "{},",
            "line 1, column 4, near '{},': wanted an object after the comma. Add it, or remove the comma",
            id="a-comma-at-the-end",
        ),
        pytest.param(
            objects, ",{}", "line 1, column 1, near ',{}': wanted an object. Write it as {...}", id="a-comma-first"
        ),
        pytest.param(
            objects,
            "{}, [{}]",
            "line 1, column 5, near '{}, [{}]': wanted an object. Write the objects without the brackets of a list",
            id="a-list-of-objects",
        ),
        pytest.param(
            objects,
            '{"type": "a"},\n{"type" "b"}',
            'line 2, column 9, near \'"a"},\\n{"type" "b"}\': wanted a colon. Write a colon between key and value',
            id="a-mistake-in-the-second-object",
        ),
    ],
)
def test_what_separates_objects_is_looked_at(read: Callable[[str], Any], text: str, message: str) -> None:
    with pytest.raises(BadJson) as refused:
        read(text)
    assert str(refused.value) == message


def nested(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def test_objects_may_be_nested_so_deep_and_no_deeper() -> None:
    assert json.dumps(one_object(nested(DEEPEST)), separators=(",", ":")) == nested(DEEPEST)
    with pytest.raises(BadJson, match=f"nested more than {DEEPEST} deep") as refused:
        one_object(nested(DEEPEST + 1))
    assert refused.value.text.startswith(f"line 1, column {5 * DEEPEST + 1}, ")


@pytest.mark.parametrize("text", ['{"a":' * 100_000, '{"a":' + "[" * 100_000, nested(100_000)])
def test_no_depth_exhausts_the_stack(text: str) -> None:
    for read in (one_object, objects):
        with pytest.raises(BadJson, match=f"nested more than {DEEPEST} deep"):
            read(text)


def test_many_objects_are_read_in_one_go() -> None:
    assert len(objects(",".join(["{}"] * 100_000))) == 100_000
