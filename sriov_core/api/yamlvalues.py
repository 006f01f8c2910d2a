"""YAML text to plain values, from the parser's events: bounded, without recursion, and without silent surprises.

The ready-made loader expands aliases without a limit, lets the last of two equal keys win, reads some PCI addresses as
numbers of base 60, and recurses as deep as the text does.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from sriov_core.api.scalars import plain
from sriov_core.errors import SpecError

DEEPEST = 100
MOST_ALIASED = 10_000
_SYNTAX = "Correct the YAML there; indentation is by blanks, never by tabs"


def load(text: str) -> list[Any]:
    """The value of each document, None for an empty one. Raises SpecError with document, line and column."""
    import yaml  # noqa: PLC0415  a third of the start-up time of `probe`, which reads no YAML

    builder = _Builder()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(type(event).__name__, event)
    except yaml.YAMLError as err:
        raise SpecError(f"document {builder.number}{_syntax(err)}. {_SYNTAX}") from err
    return builder.documents


@attrs.define
class _Open:
    """A list or mapping that is being read; ``key`` is None between two entries of a mapping."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    started_at: int
    key: str | None = None
    merged: list[Any] = attrs.field(factory=list)


class _Builder:
    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0
        self._aliased = 0

    @property
    def number(self) -> int:
        """The number of the document that is being read, from 1."""
        return max(len(self.documents), 1)

    def take(self, kind: str, event: Any) -> None:
        match kind:
            case "ScalarEvent":
                self._scalar(event)
            case "MappingStartEvent":
                self._start(event, {})
            case "SequenceStartEvent":
                self._start(event, [])
            case "MappingEndEvent" | "SequenceEndEvent":
                self._end(event)
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self.documents.append(None)
                self._anchors.clear()

    def _scalar(self, event: Any) -> None:
        self._count += 1
        awaits_key = bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None
        value = event.value if awaits_key or not event.implicit[0] else plain(event.value)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, event, is_word=True)

    def _start(self, event: Any, value: list[Any] | dict[str, Any]) -> None:
        if len(self._open) >= DEEPEST:
            raise self._refusal(event, f"lists and mappings are nested deeper than {DEEPEST}", "Flatten the document")
        self._count += 1
        self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, event.anchor, self._count))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        value = done.value
        if isinstance(value, dict):
            value = self._with_merged(value, done.merged, event)
        if done.anchor:
            self._anchors[done.anchor] = (value, self._count - done.started_at + 1)
        self._add(value, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise self._refusal(event, f"the alias *{event.anchor} stands for nothing", "Define it above with &")
        value, size = self._anchors[event.anchor]
        self._count += size
        self._aliased += size
        if self._aliased > MOST_ALIASED:
            text = f"the aliases (*) stand for more than {MOST_ALIASED} values"
            raise self._refusal(event, text, "Write the values out")
        self._add(value, event)

    def _add(self, value: Any, event: Any, *, is_word: bool = False) -> None:
        if not self._open:
            self.documents[-1] = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            self._set(parent, value)
        elif not is_word:
            raise self._refusal(event, "a list or mapping is used as a field name", "Use a word")
        elif value in parent.value:
            raise self._refusal(event, f"the field {value} is given twice", "Remove one of them")
        else:
            parent.key = value

    def _set(self, parent: _Open, value: Any) -> None:
        if parent.key == "<<":
            parent.merged.extend(value if isinstance(value, list) else [value])
        elif isinstance(parent.value, dict) and parent.key is not None:
            parent.value[parent.key] = value
        parent.key = None

    def _with_merged(self, own: dict[str, Any], merged: list[Any], event: Any) -> dict[str, Any]:
        """The fields of ``<<`` below the mapping's own; of several, the first wins (the YAML merge key)."""
        for addition in merged:
            if not isinstance(addition, dict):
                raise self._refusal(event, "<< is given something that is no mapping", "Give it a mapping's alias")
            for key, value in addition.items():
                own.setdefault(key, value)
        return own

    def _refusal(self, event: Any, text: str, remedy: str) -> SpecError:
        mark = event.start_mark
        return SpecError(f"document {self.number}, line {mark.line + 1}, column {mark.column + 1}: {text}. {remedy}")


def _syntax(err: Any) -> str:
    mark = getattr(err, "problem_mark", None)
    if mark is None:
        return f": no YAML ({getattr(err, 'reason', err)} at character {getattr(err, 'position', 0) + 1})"
    words: Iterable[str | None] = (err.problem, err.context)
    return f", line {mark.line + 1}, column {mark.column + 1}: no YAML ({', '.join(word for word in words if word)})"
