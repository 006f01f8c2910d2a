"""Model values as JSON-able structures, for output and for the journal. Field names are the model's."""

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from sriov_core.model.address import Address
from sriov_core.model.step import Step


def to_builtins(value: Any) -> Any:
    """A model value as dicts, lists and scalars; a step carries its ``kind`` and a ``summary`` for people.

    Sets are sorted; an enum becomes what the kernel or the custom resource prints, a `Cost` its name.
    """
    if isinstance(value, Step):
        return {"kind": value.kind, "summary": value.describe(), **_fields(value)}
    if isinstance(value, Address | enum.IntEnum):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if attrs.has(type(value)):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): to_builtins(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(to_builtins(item) for item in value)
    if isinstance(value, list | tuple):
        return [to_builtins(item) for item in value]
    return value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: to_builtins(getattr(value, field.name)) for field in attrs.fields(type(value))}
