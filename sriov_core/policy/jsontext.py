"""Reads JSON that users write as text into a field: one object, or several. Nothing here does I/O.

Strings come back exactly as written, keys keep their order, numbers their value. What the standard library's decoder
lets through and other readers refuse or silently change is refused, with its place: keys given twice, NaN and Infinity,
numbers beyond every type, halves of surrogate pairs, and nesting deeper than `DEEPEST`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from sriov_core.api.fault import shown
from sriov_core.errors import SpecError

DEEPEST = 50
"""Objects and lists within each other; real configurations have less than ten."""
LONGEST_NUMBER = 300
"""Characters. The largest number that a double holds has 309 digits."""

_BLANKS = re.compile(r"[ \t\n\r]*")
_AROUND = 15
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|NaN|-?Infinity|-?[0-9][0-9.eE+-]*')
_COLON = re.compile(r"[ \t\n\r]*:")
_HALF_PAIR = re.compile(
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])|\\."
)
_TOO_DEEP = (f"objects and lists are nested more than {DEEPEST} deep", "Flatten them")
_WORDS = {
    "Expecting property name": ("wanted a key in double quotes", 'JSON takes no others than "double quotes"'),
    "Expecting value": ("wanted a value", "Write text in double quotes, a number, true, false, null, {...} or [...]"),
    "Expecting ',' delimiter": ("wanted a comma or the closing bracket", "Add what is missing"),
    "Expecting ':' delimiter": ("wanted a colon", "Write a colon between key and value"),
    "Unterminated string": ("a text starts here and never ends", "Add the closing double quote"),
    "Invalid control character": (
        "a text cannot hold a line break or another control character",
        r"Write it as an escape, such as \n or \t",
    ),
    "Invalid \\": ("JSON does not know this escape", r"Write a backslash as \\"),
    "Illegal trailing comma": ("a comma stands before the closing bracket", "Remove the comma"),
}


class BadJson(SpecError):
    """Text that cannot be read; the parts of its message are for whoever knows the field."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(f"{text}. {remedy}")
        self.text = text
        self.remedy = remedy


def one_object(text: str) -> dict[str, Any]:
    """The object in the text, empty for blank text. Raises BadJson, also when something follows the object."""
    found = _read(text, several=False)
    return found[0] if found else {}


def objects(text: str) -> tuple[dict[str, Any], ...]:
    """The objects in the text, separated by commas; none for blank text. Raises BadJson."""
    return tuple(_read(text, several=True))


def _read(text: str, *, several: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at = _skip(text, 0)
    while at < len(text):
        if text[at] != "{":
            listed = several and text[at] == "["
            remedy = "Write the objects without the brackets of a list" if listed else "Write it as {...}"
            raise _bad(text, at, "wanted an object", remedy)
        value, end = _decoded(text, at)
        found.append(value)
        at = _skip(text, end)
        if several and text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            if at == len(text):
                raise _bad(text, at, "wanted an object after the comma", "Add it, or remove the comma")
        elif at < len(text):
            remedy = "Separate objects by commas" if several else "Remove it, or put it into the object"
            raise _bad(text, at, "something follows the object", remedy)
    return found


def _skip(text: str, at: int) -> int:
    """The place of the next character that is no blank, else the end of the text."""
    blank = _BLANKS.match(text, at)
    return blank.end() if blank else at


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The value that starts there, and where it ends."""
    try:
        value, end = json.JSONDecoder(parse_int=_integer).raw_decode(text, at)
    except json.JSONDecodeError as err:
        words = next((words for start, words in _WORDS.items() if err.msg.startswith(start)), None)
        raise _bad(text, err.pos, *(words or (err.msg, "Correct it"))) from None
    except RecursionError:
        raise _bad(text, at, *_TOO_DEEP) from None
    for place, what, remedy in _odd(text, at, end):
        raise _bad(text, place, what, remedy)
    return value, end


def _integer(digits: str) -> int:
    """Longer ones are refused where their place is known; Python may refuse to convert them, too."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else 0


def _odd(text: str, start: int, end: int) -> Iterator[tuple[int, str, str]]:
    """Place, fault and remedy of what the decoder lets through; ``text[start:end]`` is an object that it read."""
    keys: list[set[str]] = []
    for match in _TOKEN.finditer(text, start, end):
        token, place = match[0], match.start()
        if token[0] in "{[":
            keys.append(set())
            if len(keys) > DEEPEST:
                yield place, *_TOO_DEEP
        elif token[0] in "}]":
            keys.pop()
        elif token[0] == '"':
            if half := next((one for one in _HALF_PAIR.finditer(token) if one[1]), None):
                yield place + half.start(), "half of a surrogate pair is no character", "Write the character itself"
            if _COLON.match(text, match.end()):
                key = json.loads(token)
                if key in keys[-1]:
                    yield place, f"the key {shown(key)} is given twice", "Remove one of them"
                keys[-1].add(key)
        elif words := _no_number(token):
            yield place, *words


def _no_number(token: str) -> tuple[str, str] | None:
    if token.endswith(("NaN", "Infinity")):
        return f"{token} is no number of JSON", "Write a number in digits"
    if len(token) > LONGEST_NUMBER or abs(float(token)) == float("inf"):
        return "this number is too large", "Write a smaller number, or text in double quotes"
    return None


def _bad(text: str, at: int, what: str, remedy: str) -> BadJson:
    """Lines and columns count from 1, columns in characters."""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    around = shown(text[max(0, at - _AROUND) : at + _AROUND].strip())
    return BadJson(f"line {line}, column {column}, near {around}: {what}", remedy)
