"""Text with Kubernetes documents to wire values, with every mistake named. Nothing here does I/O."""

import json
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec
import msgspec.inspect

from sriov_core.api import shape, yamlvalues
from sriov_core.api.fault import Fault, legible, shown
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.wire import API_VERSION, GROUP
from sriov_core.errors import SpecError

Body = NodePolicy | NodeState

LARGEST_BYTES = 10_000_000
_MOST_SHOWN = 100
_EXPECTED = f'A document starts with "apiVersion: {API_VERSION}" and "kind: SriovNetworkNodePolicy"'
_READ: dict[str, type[Body]] = {"SriovNetworkNodePolicy": NodePolicy, "SriovNetworkNodeState": NodeState}
_OTHERS = ("SriovNetwork", "SriovIBNetwork", "OVSNetwork", "SriovNetworkPoolConfig", "SriovOperatorConfig")
_LISTS = ("List", *(f"{kind}List" for kind in (*_READ, *_OTHERS)))


@attrs.frozen(kw_only=True)
class Document:
    """One object of a file. ``number`` counts the file's documents from 1; ``path`` is its place in a List.

    ``body`` is None for a kind that is not read, and ``ignored`` then says so. ``raw`` is the object as it was
    written, unknown fields included.
    """

    source: str
    number: int
    kind: str
    name: str
    path: str = ""
    body: Body | None = None
    ignored: str = ""
    warnings: tuple[str, ...] = ()
    raw: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def where(self) -> str:
        """How messages name it: ``policy.yaml, document 2``."""
        return _where(self.source, self.number, self.path)


def read(text: str, source: str, *, strict: bool = True) -> tuple[Document, ...]:
    """Every object in YAML or JSON text, those of a List one by one, in the order of the text.

    ``source`` is what messages call the text. Unknown fields are mistakes when ``strict``, else they are warnings.
    Raises SpecError with one line for each mistake in any document.
    """
    documents: list[Document] = []
    mistakes: list[str] = []
    values = _values(text, source)
    for number, value in enumerate(values, 1):
        for path, item in _objects(value, ""):
            document, faults = _document(item, Document(source=source, number=number, path=path, kind="", name=""))
            documents.append(_with_unknown(document, faults, strict=strict))
            mistakes.extend(f"{document.where}: {fault}" for fault in faults)
    if mistakes:
        more = [f"{source}: and {len(mistakes) - _MOST_SHOWN} more mistakes"] if len(mistakes) > _MOST_SHOWN else []
        raise SpecError("\n".join((*mistakes[:_MOST_SHOWN], *more)))
    if not documents:
        what = "the List holds no objects" if any(values) else "the file is empty"
        raise SpecError(f"{source}: {what}. {_EXPECTED}")
    return tuple(documents)


def _values(text: str, source: str) -> list[Any]:
    """The plain value of each document; JSON is tried first when the text looks like it, for its speed."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as err:
        raise SpecError(f"{source}: character {err.start + 1} is no valid text. Save the file as UTF-8") from err
    if size > LARGEST_BYTES:
        limit = LARGEST_BYTES // 1_000_000
        raise SpecError(f"{source}: found {size} bytes, at most {limit} MB are read. Split the file")
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        try:
            return [json.loads(text, object_pairs_hook=_once)]
        except RecursionError:
            remedy = "Flatten the document"
            raise SpecError(f"{source}, document 1: lists and mappings are nested too deep. {remedy}") from None
        except _Twice as err:
            raise SpecError(f"{source}, document 1: {err}. Remove one of them") from err
        except ValueError:
            pass  # flow style YAML starts like JSON; if it is neither, the YAML reader says where
    try:
        return yamlvalues.load(text)
    except SpecError as err:
        raise SpecError(f"{source}, {err}") from err


class _Twice(ValueError):
    """A JSON object names a field twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"the field {next(name for name in names if names.count(name) > 1)} is given twice")
    return found


def _objects(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The objects in a document with their place: those of a List, else the document itself."""
    if isinstance(value, dict) and value.get("kind") in _LISTS and isinstance(value.get("items"), list):
        for position, item in enumerate(value["items"]):
            yield f"{path}items[{position}]", item
    elif value is not None:
        yield path, value


def _document(value: Any, empty: Document) -> tuple[Document, list[Fault]]:
    """The document that a value makes, and what is wrong with it beside unknown fields."""
    if not isinstance(value, dict):
        return empty, [Fault("", f"found {shape.described(value)}, wanted a mapping", _EXPECTED)]
    faults = list(_identity(value))
    if faults:
        return attrs.evolve(empty, raw=value), faults
    document = attrs.evolve(empty, kind=value["kind"], name=_name(value), raw=value)
    wanted = _READ.get(document.kind)
    if wanted is None:
        return attrs.evolve(document, ignored=_ignored(document)), []
    faults = list(shape.faults(value, msgspec.inspect.type_info(wanted)))
    if faults:
        return document, faults
    try:
        return attrs.evolve(document, body=msgspec.convert(value, wanted)), []
    except msgspec.ValidationError as err:
        return document, [Fault("", str(err), "Correct the field")]


def _with_unknown(document: Document, faults: list[Fault], *, strict: bool) -> Document:
    """Judge unknown fields: mistakes added to ``faults`` when strict, else the document's warnings."""
    wanted = _READ.get(document.kind)
    if wanted is None:
        return document
    unknown = list(shape.unknown(document.raw, msgspec.inspect.type_info(wanted)))
    if strict:
        faults[:0] = unknown
        return document
    return attrs.evolve(document, warnings=tuple(f"{document.where}: {fault}" for fault in unknown))


def _identity(value: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with apiVersion and kind, which decide how the rest is read."""
    for field in ("apiVersion", "kind"):
        if field not in value:
            near = next((name for name in value if name.casefold() == field.casefold()), None)
            remedy = f"The field {near} is not it: write {field}" if near else _EXPECTED
            yield Fault(field, "the field is missing", remedy)
        elif not isinstance(value[field], str):
            yield Fault(field, f"found {shape.described(value[field])}, wanted text", _EXPECTED)
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return
    known = (*_READ, *_OTHERS)
    if kind in known and version != API_VERSION:
        yield Fault("apiVersion", f"found {shown(version)}, wanted {API_VERSION} for a {kind}", "Correct it")
    elif version.split("/")[0] == GROUP and kind not in (*known, *_LISTS):
        yield Fault("kind", f"{shown(kind)} is no kind of {API_VERSION}", shape.meant(kind, known))
    elif kind in _LISTS:
        yield Fault("items", f"found {shape.described(value.get('items'))}, wanted a list", "List the objects there")


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _ignored(document: Document) -> str:
    called = f"{legible(document.kind)} {legible(document.name)}".strip()
    return f"{document.where}: {called} is not read here; policies (SriovNetworkNodePolicy) and node states are"


def _where(source: str, number: int, path: str) -> str:
    place = f"{source}, document {number}"
    return f"{place}, {path}" if path else place
