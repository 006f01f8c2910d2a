"""Wire types to schemas, and the schemas against the program's own check of the same types."""

from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import msgspec.inspect as shapes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from sriov_core.api import documents, metaschemas, shape
from sriov_core.api.conditions import Condition
from sriov_core.api.crd import object_schema
from sriov_core.api.kinds import KINDS, Kind
from sriov_core.api.schema import schema
from sriov_core.api.wire import LabelRequirement, LabelSelector, Wire

MANIFESTS = Path(__file__).parents[2] / "vectors" / "manifests"


class Part(Wire, frozen=True, kw_only=True):
    """A struct with every sort of default."""

    needed: int
    level: Annotated[Literal["", "a", "b"], Meta(description="The level.")] = "a"
    chosen: Annotated[Literal["", "a"], Meta(extra_json_schema={"default": "a", "enum": ["a", ""]})] = ""
    count: int = 3
    zero: int = 0
    maybe: Annotated[int, Meta(ge=1, le=2, description="Perhaps.")] | None = None


KEPT = {"x-kubernetes-preserve-unknown-fields": True}
TYPES = {
    "text": (str, {"type": "string"}, {"type": "string"}),
    "number": (int, {"type": "integer"}, {"type": "integer"}),
    "truth": (bool, {"type": "boolean"}, {"type": "boolean"}),
    "range": (Annotated[int, Meta(ge=0, le=7)], {"type": "integer", "minimum": 0, "maximum": 7}, {"type": "integer"}),
    "at-least": (Annotated[int, Meta(ge=0)], {"type": "integer", "minimum": 0}, {"type": "integer"}),
    "words": (Literal["", "on", "off"], {"type": "string", "enum": ["off", "on"]}, {"type": "string"}),
    "map": (
        dict[str, bool],
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
    ),
    "list": (
        tuple[str, ...],
        {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}},
        {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}},
    ),
    "number-or-text": (
        int | str | None,
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    ),
    "perhaps": (str | None, {"type": "string"}, {"type": "string"}),
    "described": (
        Annotated[str, Meta(description="A.", extra_json_schema={"maxLength": 3})],
        {"description": "A.", "type": "string", "maxLength": 3},
        {"description": "A.", "type": "string"},
    ),
    "struct": (
        Part,
        {
            "type": "object",
            "required": ["needed"],
            **KEPT,
            "properties": {
                "needed": {"type": "integer"},
                "level": {"description": "The level.", "type": "string", "enum": ["a", "b"], "default": "a"},
                "chosen": {"type": "string", "enum": ["a", ""], "default": "a"},
                "count": {"type": "integer", "default": 3},
                "zero": {"type": "integer"},
                "maybe": {"description": "Perhaps.", "type": "integer", "minimum": 1, "maximum": 2},
            },
        },
        {
            "type": "object",
            "required": ["needed"],
            "properties": {
                "needed": {"type": "integer"},
                "level": {"description": "The level.", "type": "string"},
                "chosen": {"type": "string"},
                "count": {"type": "integer"},
                "zero": {"type": "integer"},
                "maybe": {"description": "Perhaps.", "type": "integer"},
            },
        },
    ),
}


@pytest.mark.parametrize(("type_", "wish", "report"), TYPES.values(), ids=TYPES)
def test_a_type_is_checked_in_a_wish_and_less_in_a_report(type_: Any, wish: Any, report: Any) -> None:
    found = shapes.type_info(type_)
    assert schema(found, wish=True) == wish
    assert schema(found, wish=False) == report


@pytest.mark.parametrize(
    "type_",
    [
        pytest.param(float, id="a-fraction"),
        pytest.param(Annotated[str, Meta(pattern="a")], id="a-pattern"),
        pytest.param(Annotated[int, Meta(gt=0)], id="an-open-limit"),
        pytest.param(int | bool, id="a-choice"),
        pytest.param(Annotated[tuple[str, ...], Meta(max_length=3)], id="a-limited-list"),
    ],
)
def test_a_type_or_limit_that_no_wire_type_has_is_no_silent_gap(type_: Any) -> None:
    # A field that the schema silently lacks would be dropped by the API server.
    with pytest.raises(NotImplementedError):
        schema(shapes.type_info(type_), wish=True)


def test_a_description_comes_first_and_what_is_long_last() -> None:
    described = Annotated[Part, Meta(description="A part.", extra_json_schema={"x-kubernetes-map-type": "atomic"})]
    found = list(schema(shapes.type_info(described), wish=True))
    assert (found[:2], found[-1]) == (["description", "type"], "properties")


@pytest.mark.parametrize(
    ("type_", "found"),
    [
        pytest.param(Condition, metaschemas.conditions()["items"], id="condition"),
        pytest.param(LabelSelector, metaschemas.label_selector(), id="selector"),
        pytest.param(
            LabelRequirement,
            metaschemas.label_selector()["properties"]["matchExpressions"]["items"],
            id="requirement",
        ),
    ],
)
def test_parts_that_kubernetes_defines_have_the_fields_of_their_wire_types(type_: Any, found: Any) -> None:
    assert set(found["properties"]) == {field.encode_name for field in msgspec.structs.fields(type_)}


def examples() -> list[Any]:
    found = [one for path in sorted(MANIFESTS.glob("*.yaml")) for one in documents.parse(path.read_text(), path.name)]
    names = {kind.name for kind in KINDS}
    return [pytest.param(one.raw, id=one.source) for one in found if one.kind in names]


@pytest.mark.parametrize("example", examples())
def test_examples_are_valid_under_the_schema_of_their_kind(example: dict[str, Any]) -> None:
    (kind,) = (kind for kind in KINDS if kind.name == example["kind"])
    assert [error.message for error in jsonschema_rs.validator_for(object_schema(kind)).iter_errors(example)] == []


JUNK = st.sampled_from(("word", "7", 1.5, True, False, -1, 0, 1, 5, 50, 5000, [], ["a"], {}, {"a": "b"}, {"a": 1}))


def values(of: shapes.Type, *, wild: bool) -> st.SearchStrategy[Any]:
    """Good values for a type; when wild, a bad one here and there.

    Left out are null, which a server drops, and the empty word of an enum, which stands for a field that is left out.
    """
    right = shaped(of, wild=wild)
    return st.one_of(*[right] * 9, JUNK) if wild else right


def shaped(of: shapes.Type, *, wild: bool) -> st.SearchStrategy[Any]:
    match of:
        case shapes.Metadata():
            return shaped(of.type, wild=wild)
        case shapes.UnionType():
            members = [member for member in of.types if not isinstance(member, shapes.NoneType)]
            return st.one_of(*(shaped(member, wild=wild) for member in members))
        case shapes.StructType():
            required = {field.encode_name: values(field.type, wild=wild) for field in of.fields if field.required}
            optional = {field.encode_name: values(field.type, wild=wild) for field in of.fields if not field.required}
            whole = st.fixed_dictionaries(required, optional=optional)
            return st.one_of(whole, st.fixed_dictionaries({}, optional=required | optional)) if wild else whole
        case shapes.VarTupleType():
            return st.lists(values(of.item_type, wild=wild), max_size=2)
        case shapes.DictType():
            return st.dictionaries(st.sampled_from(("a", "b/c")), values(of.value_type, wild=wild), max_size=2)
        case shapes.LiteralType():
            return st.sampled_from([word for word in of.values if word])
        case shapes.IntType():
            limits = [limit for limit in (of.ge, of.le) if limit is not None]
            beyond = [limit + off for limit in limits for off in (-1, 1)] if wild else []
            return st.sampled_from([*limits, 2, *beyond])
        case shapes.BoolType():
            return st.booleans()
        case _:
            return st.sampled_from(("", "text", "on", "30%"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_schema_and_our_own_check_accept_the_same_specs(kind: Kind) -> None:
    (wanted,) = (field.type for field in shapes.type_info(kind.body).fields if field.name == "spec")
    validator = jsonschema_rs.validator_for(object_schema(kind)["properties"]["spec"])

    @given(st.one_of(values(wanted, wild=False), values(wanted, wild=True)))
    def agreed(spec: Any) -> None:
        assert validator.is_valid(spec) == (not list(shape.faults(spec, wanted)))

    agreed()
