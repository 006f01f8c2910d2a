"""Warns whoever writes fields that a kind does not have. It refuses nothing, and needs no webhook. No I/O.

The definitions keep unknown fields, so that the API server itself takes a misspelled one without a word.
"""

from collections.abc import Iterator
from typing import Any

import attrs
import msgspec.inspect as shapes

from sriov_core.api.kinds import KINDS, Kind
from sriov_core.api.wire import GROUP, VERSION
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import cluster_wide
from sriov_operator.deployment.restrictions import API, binding, matches
from sriov_operator.objects import Object

KINDS_OF_PEOPLE = tuple(kind for kind in KINDS if kind.name != "SriovNetworkNodeState")
"""Those that people write; node states are written by the operator."""


@attrs.frozen
class Level:
    """A mapping with fixed fields in a spec: where it stands, and the names of its fields on the wire."""

    path: tuple[str, ...]
    fields: tuple[str, ...]


def manifests() -> list[Object]:
    """A policy and its binding."""
    return [_policy(), binding(names.UNKNOWN_FIELDS, "Warn", "Audit")]


def levels(kind: Kind) -> tuple[Level, ...]:
    """The spec of a kind and the mappings with fixed fields below it, lists left out: those the conditions tell of."""
    spec = next(field for field in _fields(shapes.type_info(kind.body)) if field.encode_name == "spec")
    return tuple(_levels(spec.type, ("spec",)))


def _levels(found: shapes.Type, path: tuple[str, ...]) -> Iterator[Level]:
    fields = _fields(found)
    if fields:
        yield Level(path, tuple(sorted(field.encode_name for field in fields)))
    for field in fields:
        yield from _levels(field.type, (*path, field.encode_name))


def _fields(found: shapes.Type) -> tuple[shapes.Field, ...]:
    match found:
        case shapes.Metadata():
            return _fields(found.type)
        case shapes.UnionType():
            return next((fields for one in found.types if (fields := _fields(one))), ())
        case shapes.StructType():
            return found.fields
        case _:
            return ()


def _policy() -> Object:
    unknown = "[]"
    for kind in KINDS_OF_PEOPLE:
        unknown = f"object.kind == '{kind.name}' ? ({' + '.join(map(_unknown, levels(kind)))}) : ({unknown})"
    place = "object.kind + ' ' + request.namespace + '/' + object.metadata.name"
    found = ": no such field, and no effect: "
    advice = "`kubectl explain ' + object.kind.lowerAscii() + '.spec --recursive` has the names of all fields'"
    plurals = tuple(kind.plural for kind in KINDS_OF_PEOPLE)
    validation: dict[str, Any] = {
        "expression": "variables.unknown.size() == 0",
        "message": "it has fields that have no effect, because nobody reads them",
        "messageExpression": f"{place} + '{found}' + variables.unknown.join(', ') + '. {advice}",
    }
    return {
        **cluster_wide(API, "ValidatingAdmissionPolicy", names.UNKNOWN_FIELDS),
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": matches(GROUP, VERSION, plurals, ("CREATE", "UPDATE")),
            "variables": [{"name": "unknown", "expression": unknown}],
            "validations": [validation],
        },
    }


def _unknown(level: Level) -> str:
    """The paths of the fields of an object that the level does not have; ``dyn`` for who checks types by the schema."""
    place = ".".join(("object", *level.path))
    known = ", ".join(f"'{name}'" for name in level.fields)
    parents = [".".join(("object", *level.path[: length + 1])) for length in range(len(level.path))]
    given = " && ".join(f"has({parent})" for parent in parents)
    listed = f"dyn({place}).filter(key, !(key in [{known}])).map(key, '{'.'.join(level.path)}.' + key)"
    return f"({given} ? {listed} : [])"
