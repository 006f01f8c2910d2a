"""Does a plain value have the shape of a wire type? A decoder stops at the first mistake; this names every one."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec.inspect as shapes

from sriov_core.api.fault import Fault, join, legible, shown
from sriov_core.api.scalars import NumberLike


def faults(value: Any, shape: shapes.Type, path: str = "") -> Iterator[Fault]:
    """Every fault but unknown fields, in the order of the declared fields."""
    match shape:
        case shapes.Metadata():
            yield from faults(value, shape.type, path)
        case shapes.UnionType():
            yield from () if value is None else faults(value, _member(shape, value), path)
        case shapes.StructType():
            yield from _struct(value, shape, path)
        case shapes.DictType():
            yield from _dict(value, shape, path)
        case shapes.VarTupleType():
            yield from _list(value, shape, path)
        case shapes.StrType() | shapes.LiteralType():
            yield from _text(value, shape, path)
        case shapes.IntType():
            yield from _integer(value, shape, path)
        case shapes.BoolType():
            yield from _truth(value, path)
        case shapes.AnyType():
            return
        case _:
            raise NotImplementedError(f"no wire type uses {type(shape).__name__}")


def unknown(value: Any, shape: shapes.Type, path: str = "") -> Iterator[Fault]:
    """Every field that the wire type does not declare, with the one that was meant when there is one like it."""
    if isinstance(shape, shapes.Metadata):
        yield from unknown(value, shape.type, path)
    elif isinstance(shape, shapes.UnionType):
        yield from unknown(value, _member(shape, value), path)
    elif isinstance(shape, shapes.StructType) and isinstance(value, dict):
        declared = {field.encode_name: field.type for field in shape.fields}
        for name, item in value.items():
            if name in declared:
                yield from unknown(item, declared[name], join(path, name))
            else:
                yield Fault(join(path, legible(name)), "unknown field", meant(name, sorted(declared)))
    elif isinstance(shape, shapes.VarTupleType) and isinstance(value, list):
        for position, item in enumerate(value):
            yield from unknown(item, shape.item_type, f"{path}[{position}]")


def meant(name: str, allowed: Sequence[str]) -> str:
    """The remedy for a misspelled word: the nearest allowed one, else all of them."""
    folded = {word.casefold(): word for word in allowed}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    if near:
        return f"Did you mean {folded[near[0]]}?"
    return f"Allowed here: {', '.join(allowed)}" if allowed else "No field is allowed here"


def described(value: Any) -> str:
    """What was found, in words: kind and value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case NumberLike():
            return f"the unquoted number {value}"
        case str():
            return f"the text {shown(value)}"
        case int():
            return f"the integer {shown(value)}"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return f"the number {shown(value)}"


def _struct(value: Any, shape: shapes.StructType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _not_a_mapping(value, path)
        return
    for field in shape.fields:
        if field.encode_name in value:
            yield from faults(value[field.encode_name], field.type, join(path, field.encode_name))
        elif field.required:
            yield _missing(value, shape, join(path, field.encode_name), field.encode_name)


def _missing(value: dict[str, Any], shape: shapes.StructType, path: str, name: str) -> Fault:
    declared = {field.encode_name for field in shape.fields}
    near = difflib.get_close_matches(name, [other for other in value if other not in declared], n=1, cutoff=0.7)
    remedy = f"The field {legible(near[0])} is not it: write {name}" if near else "It is required: add it"
    return Fault(path, "the field is missing", remedy)


def _dict(value: Any, shape: shapes.DictType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _not_a_mapping(value, path)
        return
    for key, item in value.items():
        yield from faults(item, shape.value_type, f"{path}[{legible(key)}]")


def _list(value: Any, shape: shapes.VarTupleType, path: str) -> Iterator[Fault]:
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from faults(item, shape.item_type, f"{path}[{position}]")
    elif isinstance(value, str):
        yield Fault(path, f"found {described(value)}, wanted a list", f'Write it as a list: ["{shown(value)[1:-1]}"]')
    else:
        yield Fault(path, f"found {described(value)}, wanted a list", "Write a list, or leave the field out")


def _text(value: Any, shape: shapes.StrType | shapes.LiteralType, path: str) -> Iterator[Fault]:
    if not isinstance(value, str) or isinstance(value, NumberLike):
        yield Fault(path, f"found {described(value)}, wanted text", _quoting(value))
    elif isinstance(shape, shapes.LiteralType) and value not in shape.values:
        allowed = [str(word) for word in shape.values if word]
        yield Fault(path, f"found {shown(value)}, wanted one of {', '.join(allowed)}", "Write one of them")


def _integer(value: Any, shape: shapes.IntType, path: str) -> Iterator[Fault]:
    if isinstance(value, str) and value.isascii() and value.isdigit() and not isinstance(value, NumberLike):
        yield Fault(path, f"found {described(value)}, wanted an integer", "Write it without quotes")
    elif isinstance(value, bool) or not isinstance(value, int):
        yield Fault(path, f"found {described(value)}, wanted an integer", "Write a whole number in decimal digits")
    elif (shape.ge is not None and value < shape.ge) or (shape.le is not None and value > shape.le):
        wanted = f"{shape.ge} or more" if shape.le is None else f"{shape.ge} to {shape.le}"
        yield Fault(path, f"found {shown(value)}, wanted {wanted}", "Write a number within that range")


def _truth(value: Any, path: str) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield Fault(path, f"found {described(value)}, wanted true or false", "Write true or false, unquoted")


def _quoting(value: Any) -> str:
    match value:
        case bool():
            return "YAML reads true, false, yes, no, on and off as truth values: put the word in quotes"
        case int() | NumberLike():
            return f'Put it in quotes: "{value}"'
        case None:
            return "Write a text, or leave the field out"
        case dict() | list():
            return "Write a text; JSON goes below `field: |` as it is"
        case _:
            return "Write a text"


def _not_a_mapping(value: Any, path: str) -> Fault:
    return Fault(path, f"found {described(value)}, wanted a mapping", "Write `field: value` lines below it")


def _member(shape: shapes.UnionType, value: Any) -> shapes.Type:
    """The type that a value is measured by: its own kind where there is a choice (int-or-string), else the only one."""
    members = [member for member in shape.types if not isinstance(member, shapes.NoneType)]
    texts = [member for member in members if isinstance(member, shapes.StrType)]
    return texts[0] if texts and isinstance(value, str) else members[0]
