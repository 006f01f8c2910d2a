"""Wire types to the schemas of CustomResourceDefinitions: structural OpenAPI v3 as plain data.

A wire type is the one place where a field is described; this says the same in the words of the API server. Enums offer
no empty word (it stands for a field that is left out), and a default is written where leaving the field out means
something. What ``Meta(extra_json_schema=...)`` says goes before what is derived.

A wish is checked and a report is not: under spec there are ranges, enums, defaults and rules, and every object with
declared fields keeps undeclared ones, so that a misspelled field reaches who can report it, whichever client wrote it:
a server drops what it does not keep, and tells only clients that ask for strict validation, as kubectl does. The price
is that kubectl is told by admission or by a condition instead. Under status there are types and required fields only,
since older and newer agents write there too, and undeclared fields are dropped. Nothing here does I/O.
"""

from typing import Any

import msgspec
import msgspec.inspect as shapes

from sriov_core.api.conditions import Condition
from sriov_core.api.metaschemas import ATOMIC, KEPT, conditions, label_selector
from sriov_core.api.wire import LabelSelector

Schema = dict[str, Any]

_ABSENT = (None, "", 0, False, (), msgspec.NODEFAULT)
_FIRST = ("description", "type")
_LAST = ("properties", "items", "additionalProperties")


def schema(shape: shapes.Type, *, wish: bool) -> Schema:
    """The schema of a type; ``wish`` is true below spec and false below status.

    NotImplementedError for a type or a limit that no wire type has had so far, rather than a schema without it.
    """
    match shape:
        case shapes.Metadata():
            return _ordered({**schema(shape.type, wish=wish), **_said(shape, wish=wish)})
        case shapes.UnionType():
            return _union(shape, wish=wish)
        case shapes.StructType():
            return label_selector() if shape.cls is LabelSelector else _struct(shape, wish=wish)
        case shapes.VarTupleType(item_type=shapes.StructType(cls=known)) if known is Condition:
            return conditions()
        case shapes.VarTupleType(min_length=None, max_length=None):
            return {"type": "array", **ATOMIC, "items": schema(shape.item_type, wish=wish)}
        case shapes.DictType(min_length=None, max_length=None):
            return {"type": "object", "additionalProperties": schema(shape.value_type, wish=wish)}
        case _:
            return _scalar(shape, wish=wish)


def _scalar(shape: shapes.Type, *, wish: bool) -> Schema:
    match shape:
        case shapes.LiteralType():
            return {"type": "string", **({"enum": [word for word in shape.values if word]} if wish else {})}
        case shapes.StrType(min_length=None, max_length=None, pattern=None):
            return {"type": "string"}
        case shapes.IntType(gt=None, lt=None, multiple_of=None):
            limits = {"minimum": shape.ge, "maximum": shape.le} if wish else {}
            return {"type": "integer", **{name: limit for name, limit in limits.items() if limit is not None}}
        case shapes.BoolType():
            return {"type": "boolean"}
        case _:
            # Met by whoever adds such a field, in the first test; no input of a user leads here.
            raise NotImplementedError(f"no wire type uses {shape}")


def _said(shape: shapes.Metadata, *, wish: bool) -> Schema:
    """What the annotation says itself; a report takes its description only."""
    said = shape.extra_json_schema or {}
    return {key: value for key, value in said.items() if wish or key == "description"}


def _union(shape: shapes.UnionType, *, wish: bool) -> Schema:
    """A type that may be left out, or int-or-string. The server drops a null before it looks at the schema."""
    members = [member for member in shape.types if not isinstance(member, shapes.NoneType)]
    found = [schema(member, wish=wish) for member in members]
    if len(found) == 1:
        return found[0]
    if [one["type"] for one in found] != ["integer", "string"]:
        # The API server knows no other choice; met by whoever adds such a field, never by a user's input.
        raise NotImplementedError(f"no wire type uses {shape}")
    return {"x-kubernetes-int-or-string": True, "anyOf": found}


def _struct(shape: shapes.StructType, *, wish: bool) -> Schema:
    required = [field.encode_name for field in shape.fields if field.required]
    return {
        "type": "object",
        **({"required": required} if required else {}),
        **(KEPT if wish else {}),
        "properties": {field.encode_name: _field(field, wish=wish) for field in shape.fields},
    }


def _field(field: shapes.Field, *, wish: bool) -> Schema:
    found = schema(field.type, wish=wish)
    return found if field.default in _ABSENT or not wish else _ordered({"default": field.default, **found})


def _ordered(found: Schema) -> Schema:
    """The same with what a reader looks for first at the top and what is long at the end."""
    middle = [key for key in found if key not in (*_FIRST, *_LAST)]
    return {key: found[key] for key in (*_FIRST, *middle, *_LAST) if key in found}
