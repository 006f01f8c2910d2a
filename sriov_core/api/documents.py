"""Text with Kubernetes documents to wire values, with every mistake named. Nothing here does I/O."""

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec
import msgspec.inspect

from sriov_core.api import shape, yamlvalues
from sriov_core.api.fault import Fault, legible, shown
from sriov_core.api.foreign import ConfigMap, Namespace, Node
from sriov_core.api.kinds import KINDS, Body
from sriov_core.api.wire import API_VERSION, GROUP
from sriov_core.errors import SpecError

LARGEST_BYTES = 10_000_000
_MOST_SHOWN = 100
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_EXPECTED = f'A document starts with "apiVersion: {API_VERSION}" and "kind: SriovNetworkNodePolicy"'
_OURS: dict[str, type[Body]] = {kind.name: kind.body for kind in KINDS}
_FOREIGN: dict[tuple[str, str], type[ConfigMap | Namespace | Node]] = {
    ("v1", "ConfigMap"): ConfigMap,
    ("v1", "Namespace"): Namespace,
    ("v1", "Node"): Node,
}
_LISTS = ("List", *(f"{kind}List" for kind in _OURS))


@attrs.frozen(kw_only=True)
class Document:
    """One object of a file. ``number`` counts the file's documents from 1; ``path`` is its place in a List.

    ``body`` is its wire value: of the kinds of this group, of Node, ConfigMap and Namespace; None for any other kind
    and for an object with faults. ``faults`` are its mistakes; ``unknown`` the fields that its kind does not have.
    ``raw`` is the object as it was written, unknown fields included.
    """

    source: str
    number: int
    kind: str = ""
    name: str = ""
    path: str = ""
    body: Body | ConfigMap | Namespace | Node | None = None
    faults: tuple[Fault, ...] = ()
    unknown: tuple[Fault, ...] = ()
    raw: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def where(self) -> str:
        """How messages name it: ``policy.yaml, document 2``."""
        place = f"{self.source}, document {self.number}"
        return f"{place}, {self.path}" if self.path else place

    @property
    def called(self) -> str:
        """Its kind and name, fit for a message."""
        return f"{legible(self.kind)} {legible(self.name)}".strip()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The unknown fields, as lines."""
        return tuple(f"{self.where}: {fault}" for fault in self.unknown)

    def unread(self, wanted: str) -> str:
        """The note of a command that has no use for it; ``wanted`` says what it reads."""
        return f"{self.where}: {self.called} is not read here; {wanted} are"


def read(text: str, source: str, *, strict: bool = True) -> tuple[Document, ...]:
    """Every object in YAML or JSON text, those of a List one by one, in the order of the text.

    ``source`` is what messages call the text. Unknown fields are mistakes when ``strict``, else they are warnings.
    Raises SpecError with one line for each mistake in any document.
    """
    documents = parse(text, source)
    mistakes: list[str] = []
    for document in documents:
        found = (*(document.unknown if strict else ()), *document.faults)
        mistakes.extend(f"{document.where}: {fault}" for fault in found)
    if mistakes:
        more = [f"{source}: and {len(mistakes) - _MOST_SHOWN} more mistakes"] if len(mistakes) > _MOST_SHOWN else []
        raise SpecError("\n".join((*mistakes[:_MOST_SHOWN], *more)))
    return documents


def parse(text: str, source: str) -> tuple[Document, ...]:
    """As `read`, with the mistakes left in the documents; SpecError only for text that holds no documents."""
    values = _values(text, source)
    documents = tuple(
        _document(item, Document(source=source, number=number, path=path))
        for number, value in enumerate(values, 1)
        for path, item in _objects(value, "")
    )
    if not documents:
        what = "the List holds no objects" if any(values) else "the file is empty"
        raise SpecError(f"{source}: {what}. {_EXPECTED}")
    return documents


def _values(text: str, source: str) -> list[Any]:
    """The plain value of each document."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as err:
        raise SpecError(f"{source}: character {err.start + 1} is no valid text. Save the file as UTF-8") from err
    if size > LARGEST_BYTES:
        limit = LARGEST_BYTES // 1_000_000
        raise SpecError(f"{source}: found {size} bytes, at most {limit} MB are read. Split the file")
    values = _parsed(text.removeprefix("\ufeff"), source)
    if _SURROGATE.search(text):
        _whole_characters(values, source)
    return values


def _whole_characters(values: list[Any], source: str) -> None:
    """Refuse an escape that stands for half a character (a lone surrogate): no text can hold it."""
    for number, value in enumerate(values, 1):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            remedy = r"Write both halves, as in \ud83d\ude00"
            raise SpecError(rf"{source}, document {number}: a \u escape is half a character. {remedy}") from None


def _parsed(text: str, source: str) -> list[Any]:
    """The value of each document; JSON is tried first when the text looks like it, for its speed."""
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


def _document(value: Any, empty: Document) -> Document:
    """The document that a value makes, with what is wrong with it."""
    if not isinstance(value, dict):
        fault = Fault("", f"found {shape.described(value)}, wanted a mapping", _EXPECTED)
        return attrs.evolve(empty, faults=(fault,))
    faults = tuple(_identity(value))
    if faults:
        return attrs.evolve(empty, raw=value, faults=faults)
    kind = value["kind"]
    document = attrs.evolve(empty, kind=kind, name=_name(value), raw=value)
    ours, foreign = _OURS.get(kind), _FOREIGN.get((value["apiVersion"], kind))
    wanted = ours or foreign
    if wanted is None:
        return document
    described = msgspec.inspect.type_info(wanted)
    unknown = tuple(shape.unknown(value, described)) if ours else ()
    faults = tuple(shape.faults(value, described))
    if faults:
        return attrs.evolve(document, unknown=unknown, faults=faults)
    try:
        return attrs.evolve(document, unknown=unknown, body=msgspec.convert(value, wanted))
    except msgspec.ValidationError as err:
        return attrs.evolve(document, unknown=unknown, faults=(Fault("", str(err), "Correct the field"),))


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
    if kind in _OURS and version != API_VERSION:
        yield Fault("apiVersion", f"found {shown(version)}, wanted {API_VERSION} for a {kind}", "Correct it")
    elif version.split("/")[0] == GROUP and kind not in (*_OURS, *_LISTS):
        yield Fault("kind", f"{shown(kind)} is no kind of {API_VERSION}", shape.meant(kind, tuple(_OURS)))
    elif kind in _LISTS:
        yield Fault("items", f"found {shape.described(value.get('items'))}, wanted a list", "List the objects there")


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""
