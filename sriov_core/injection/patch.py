"""Operations of a JSON patch (RFC 6902) as values. Nothing here does I/O."""

from typing import Any

import attrs

Operation = dict[str, Any]

END = "-"
"""The place behind the last entry of a list (RFC 6901)."""


@attrs.frozen
class Change:
    """Operations in the order in which they are applied, and remarks about them."""

    operations: tuple[Operation, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, later: "Change") -> "Change":
        return Change((*self.operations, *later.operations), (*self.warnings, *later.warnings))


def add(value: Any, *place: str | int) -> Operation:
    """The operation that puts a value at a place: a new field, another value of an old one, or a list's entry."""
    return {"op": "add", "path": pointer(*place), "value": value}


def pointer(*place: str | int) -> str:
    """The names and positions on the way to a value as a JSON pointer: ``/spec/containers/0``."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
