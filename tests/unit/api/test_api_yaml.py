"""YAML text to plain values: what a word stands for, what is expanded, and what is refused before it hurts."""

import time

import pytest

from sriov_core.api.documents import read
from sriov_core.api.scalars import NumberLike, plain
from sriov_core.api.yamlvalues import load
from sriov_core.errors import SpecError

WORDS = [
    pytest.param("0000:19:00.0", "0000:19:00.0", id="address-like-base-60"),
    pytest.param("01:02:03:04:05:06", "01:02:03:04:05:06", id="mac-like-base-60"),
    pytest.param("2001-12-14", "2001-12-14", id="date"),
    pytest.param("15b3", "15b3", id="hex"),
    pytest.param("1583", 1583, id="integer"),
    pytest.param("-5", -5, id="negative"),
    pytest.param("~", None, id="nothing"),
    pytest.param("off", False, id="off"),
    pytest.param("y", "y", id="single-letter"),
]


@pytest.mark.parametrize(("word", "value"), WORDS)
def test_a_plain_word_stands_for_what_kubernetes_takes_it_for(word: str, value: object) -> None:
    assert plain(word) == value
    assert not isinstance(plain(word), NumberLike)


@pytest.mark.parametrize("word", ["0158", "0x1583", "0o17", "1_000", "1.5", "10e9", ".5", ".inf", "-.inf", "9" * 30])
def test_a_word_that_readers_take_for_some_number_is_marked(word: str) -> None:
    assert isinstance(plain(word), NumberLike)


@pytest.mark.parametrize("text", ['a: "08"', "a: '08'", "a: |-\n  08", "a: !!str 08"])
def test_a_quoted_word_is_text(text: str) -> None:
    found = load(text)[0]["a"]
    assert found == "08"
    assert not isinstance(found, NumberLike)


def test_aliases_and_merged_mappings_are_read() -> None:
    text = "a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}\nd: {<<: [*x, {m: 4}]}\n"
    assert load(text) == [
        {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 2}, "c": {"k": 1, "l": 3}, "d": {"k": 1, "l": 2, "m": 4}}
    ]


BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + step)}: &{chr(98 + step)} [{','.join(['*' + chr(97 + step)] * 10)}]\n" for step in range(20)
)
ATTACKS = [
    pytest.param(BOMB, "the aliases (*) stand for more than 10000 values. Write the values out", id="alias-bomb"),
    pytest.param(
        "- " * 100_000, "lists and mappings are nested deeper than 100. Flatten the document", id="block-nesting"
    ),
    pytest.param(
        "{a: " * 100_000, "lists and mappings are nested deeper than 100. Flatten the document", id="flow-nesting"
    ),
    pytest.param("[" * 1_000_000, "lists and mappings are nested too deep. Flatten the document", id="json-nesting"),
    pytest.param("a" * 10_000_001, "found 10000001 bytes, at most 10 MB are read. Split the file", id="size"),
    pytest.param("a: \udc80", "character 4 is no valid text. Save the file as UTF-8", id="not-utf-8"),
]


@pytest.mark.parametrize(("text", "expected"), ATTACKS)
def test_a_hostile_file_is_refused_at_once(text: str, expected: str) -> None:
    started = time.thread_time()
    with pytest.raises(SpecError) as raised:
        read(text, "f.yaml")
    assert str(raised.value).endswith(expected)
    assert time.thread_time() - started < 2
