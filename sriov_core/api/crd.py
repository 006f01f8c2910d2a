"""The kinds as CustomResourceDefinitions (apiextensions.k8s.io/v1), made from the wire types. Nothing here does I/O.

What is valid for the definitions of the SR-IOV network operator is valid here, but for what the rules refuse: mostly
what its webhook refused, else what no pod could have started with (docs/compatibility.md names these). An object that
is stored already and breaks a rule can be changed elsewhere: API servers from 1.30 on judge only the parts that an
update changes. Older ones refuse every update of it, its finalizers included; so do all of them when it has an unknown
field as well, which they cannot compare.

No field is required at the root of an object, and so spec is not, although some kinds are nothing without it: a server
judges the root at each update, and an object without spec could not even be deleted when it has a finalizer.
"""

from typing import Any

import msgspec.inspect as shapes

from sriov_core.api.kinds import KINDS, Column, Kind
from sriov_core.api.schema import Schema, schema
from sriov_core.api.wire import GROUP, VERSION

_SPEC = "What is wished."
_STATUS = "What was found and what has become of the wish; not for people to write."


def definitions() -> tuple[dict[str, Any], ...]:
    """The CustomResourceDefinition of each kind, in the order of `KINDS`."""
    return tuple(definition(kind) for kind in KINDS)


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind, as plain data."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.resource},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "schema": {"openAPIV3Schema": object_schema(kind)},
                }
            ],
        },
    }


def object_schema(kind: Kind) -> Schema:
    """The schema of a whole object of the kind."""
    shape = shapes.type_info(kind.body)
    if not isinstance(shape, shapes.StructType):
        raise TypeError(f"{kind.body.__name__} is no struct")
    parts = {field.encode_name: field.type for field in shape.fields}
    return {
        "description": kind.about,
        "type": "object",
        "properties": {
            "apiVersion": {"description": f"{GROUP}/{VERSION}.", "type": "string"},
            "kind": {"description": f"{kind.name}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": {"description": _SPEC, **schema(parts["spec"], wish=True)},
            "status": {"description": _STATUS, **schema(parts["status"], wish=False)},
        },
    }


def _column(column: Column) -> dict[str, Any]:
    priority = {"priority": column.priority} if column.priority else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.path, **priority}
