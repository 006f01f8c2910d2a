"""Tree files: read with errors that say what to change, written in an order that diffs well."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from sriov_core.errors import HostError, SpecError
from sriov_core.testing.plausible import plausible
from sriov_core.testing.tree import FORMAT, STRUCT_AT, Tree

_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]*)`(?: - at `\$(?P<path>[^`]*)`)?")
_NUMBER = re.compile(r"Expected `str(?: \| null)?`, got `(?:int|float)`")
_SEVERAL = "expected a single document in the stream"
"""What yaml says of a second document."""
_SUFFIXES = (".yaml", ".yml", ".json")


def load(path: str | Path) -> Tree:
    """The tree in a file (YAML, or JSON, which loads a hundred times faster). Refuses an impossible machine.

    Raises HostError when the file cannot be read, SpecError when what it says is no plausible tree.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise HostError(f"cannot read the device tree {path}: {err}") from err
    return loads(text, name=str(path))


def load_all(folder: str | Path) -> tuple[Tree, ...]:
    """Every tree of a folder, in the order of the file names. HostError when there is none."""
    paths = sorted(path for path in Path(folder).glob("*") if path.suffix in _SUFFIXES)
    if not paths:
        raise HostError(f"{folder} holds no device tree ({', '.join(_SUFFIXES)})")
    return tuple(load(path) for path in paths)


def loads(text: str, *, name: str = "device tree") -> Tree:
    """The tree in a text; ``name`` opens every error message."""
    if not text.strip():
        raise SpecError(f"{name} is empty; a device tree opens with 'format: {FORMAT}'")
    try:
        tree = _from_json(text, name) if text.lstrip().startswith("{") else _from_data(_parse_yaml(text, name), name)
    except RecursionError as err:
        raise SpecError(f"{name} is no device tree: it nests deeper than any") from err
    _check_format(tree.format, name)
    plausible(tree, name=name)
    return tree


def dump_json(tree: Tree) -> str:
    """The tree as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"


def dump_yaml(tree: Tree) -> str:
    """The tree as YAML, fields in the order of the format."""
    import yaml  # noqa: PLC0415  # slow to import, and needed for writing only

    data: dict[str, Any] = msgspec.to_builtins(tree)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def _from_json(text: str, name: str) -> Tree:
    try:
        return msgspec.json.decode(text, type=Tree)
    except msgspec.ValidationError as err:
        # The format version explains every other mismatch, so it is looked at first.
        _check_format(_format_of(msgspec.json.decode(text)), name)
        raise SpecError(_explain(str(err), name)) from err
    except msgspec.DecodeError as err:
        raise SpecError(f"{name} is no JSON: {err}") from err


def _from_data(data: object, name: str) -> Tree:
    if not isinstance(data, dict):
        raise SpecError(f"{name} is a {type(data).__name__}, not a mapping; it must open with 'format: {FORMAT}'")
    _check_format(_format_of(data), name)
    try:
        return msgspec.convert(data, type=Tree)
    except msgspec.ValidationError as err:
        raise SpecError(_explain(str(err), name)) from err


def _parse_yaml(text: str, name: str) -> object:
    import yaml  # noqa: PLC0415  # slow to import, and not needed for JSON

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  # one of the two safe loaders
    except yaml.YAMLError as err:
        if getattr(err, "context", None) == _SEVERAL:
            count = sum(isinstance(event, yaml.DocumentStartEvent) for event in yaml.parse(text, Loader=loader))
            raise SpecError(f"{name} holds {count} documents, and one machine is wanted") from err
        raise SpecError(f"{name} is no YAML: {' '.join(str(err).split())}") from err


def _format_of(data: object) -> object:
    return data.get("format") if isinstance(data, dict) else None


def _check_format(found: object, name: str) -> None:
    if found is None:
        raise SpecError(f"{name} has no format version; it must say 'format: {FORMAT}'")
    if found != FORMAT:
        raise SpecError(f"{name} has format {found!r}; this version reads format {FORMAT}: capture the machine again")


def _explain(message: str, name: str) -> str:
    if match := _UNKNOWN.search(message):
        path = match["path"] or ""
        return f"{name}: unknown field {match['field']!r}{_place(path)}{_suggestion(match['field'], path)}"
    hint = "; put it in quotes" if _NUMBER.search(message) else ""
    return f"{name}: {message.replace('`', '')}{hint}"


def _place(path: str) -> str:
    return f" at {path.lstrip('.')}" if path else ""


def _suggestion(field: str, path: str) -> str:
    names = re.findall(r"[a-z_]+", re.sub(r"\[[^]]*\]", "", path))
    fields: Iterable[str] = STRUCT_AT.get(names[-1] if names else "", Tree).__struct_fields__
    close = difflib.get_close_matches(field, list(fields), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(sorted(fields))}"
