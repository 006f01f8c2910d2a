"""Plain values to YAML text that every reader takes for the same values. Nothing here does I/O."""

from collections.abc import Iterable
from typing import Any

from sriov_core.api.scalars import NumberLike, plain

_WIDTH = 120


def yaml_documents(values: Iterable[Any]) -> str:
    """The values as YAML documents, in which every YAML reader finds the same texts and numbers."""
    import yaml  # noqa: PLC0415  # slow to import

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # a manifest repeats itself rather
            return True

    Dumper.add_representer(str, _text)
    return yaml.dump_all(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, explicit_start=True, width=_WIDTH)


def _text(dumper: Any, text: str) -> Any:
    """Text of several lines as a block; quoted where some reader would take it for a number or a truth value."""
    found = plain(text)
    in_doubt = not isinstance(found, str) or isinstance(found, NumberLike)
    style = '"' if in_doubt else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
