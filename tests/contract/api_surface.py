"""The plugin contract as text, one fact a line, so that a change of it shows in review and needs a version.

`python tests/contract/api_surface.py` writes tests/contract/api.txt anew. It refuses while the version in
sriov_core/plugin/version.py is the recorded one: raise the minor for an addition, the major for anything else.
`--unreleased` overrides that, for a version that is in no release yet.
"""

import enum
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from sriov_core import plugin
from sriov_core.model.steps import KINDS
from sriov_core.plugin import hookspecs

RECORD = Path(__file__).parent / "api.txt"


def surface() -> str:
    """The contract as it is now."""
    return "".join(f"{line}\n" for line in _lines())


def version(text: str) -> str:
    """The API version that a surface is of."""
    return text.partition("\n")[0]


def hook_signatures() -> dict[str, str]:
    """Each hook with its signature as a person writes it, in the order of hookspecs.py."""
    marked = [
        (name, member) for name, member in vars(hookspecs).items() if hasattr(member, f"{hookspecs.PROJECT}_spec")
    ]
    return {name: f"{name}{signature(member)}" for name, member in marked}


def signature(function: Any) -> str:
    """The signature with the names of types, without their modules."""
    parameters = inspect.signature(function).parameters.values()
    taken = ", ".join(f"{one.name}: {type_name(one.annotation)}" for one in parameters if one.name != "self")
    return f"({taken}) -> {type_name(inspect.signature(function).return_annotation)}"


def type_name(annotation: Any) -> str:
    """A type as it is written in the source."""
    if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
        return annotation.__name__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(annotation))


def _lines() -> Iterator[str]:
    yield f"API {plugin.API[0]}.{plugin.API[1]}"
    yield from (f"hook {text}" for text in hook_signatures().values())
    yield from (f"step {kind} {step.__name__}" for kind, step in sorted(KINDS.items()))
    exported = {name: value for name, value in vars(plugin).items() if _is_exported(name, value)}
    yield from (f"name {name}" for name in sorted(exported))
    frozen = exported | {step.__name__: step for step in KINDS.values()}
    for name, value in sorted(frozen.items()):
        yield from (f"{name}.{line}" for line in _members(value))


def _is_exported(name: str, value: object) -> bool:
    return not name.startswith("_") and not inspect.ismodule(value)


def _members(value: Any) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield from (f"{member.name} = {member.value!r}" for member in value)
    elif isinstance(value, type) and attrs.has(value):
        for field in attrs.fields(value):
            yield f"{field.name}: {type_name(field.type)}{'' if field.default is attrs.NOTHING else ' (optional)'}"
    elif isinstance(value, type):
        methods = inspect.getmembers(value, inspect.isfunction)
        yield from (f"{name}{signature(member)}" for name, member in methods if not name.startswith("_"))


def main() -> int:
    """Write the record anew, unless the version says that nothing may have changed."""
    now, recorded = surface(), RECORD.read_text() if RECORD.exists() else ""
    if now != recorded and version(now) == version(recorded) and "--unreleased" not in sys.argv[1:]:
        print(
            f"the contract changed, but {version(now)} stands. Raise API in sriov_core/plugin/version.py",
            file=sys.stderr,
        )
        return 1
    RECORD.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(main())
