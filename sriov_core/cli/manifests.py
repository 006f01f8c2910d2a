"""Objects on the standard output so that other tools take them: YAML documents, or JSON."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from sriov_core.api.scalars import NumberLike, plain
from sriov_core.cli.screen import Format, Session

Verb = TypeVar("Verb", bound=Callable[..., Any])

_WIDTH = 120


def manifest_options(verb: Verb) -> Verb:
    """Add ``-o yaml|json``; the verb asks its session for the format, TEXT when none was given."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([Format.YAML.value, Format.JSON.value]),
        is_eager=True,
        expose_value=False,
        callback=_format,
        help="yaml (default) or json.",
    )(verb)


def show(objects: Sequence[Any], session: Session) -> None:
    """Print objects of a cluster in their order: YAML documents, or in JSON one List."""
    if session.format is Format.JSON:
        show_json(listed(objects))
    else:
        click.echo(yaml_documents(objects), nl=False)


def listed(objects: Sequence[Any]) -> dict[str, Any]:
    """Several objects as the one that the Kubernetes tools take for them."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def show_json(value: Any) -> None:
    """Print one JSON value."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


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


def _format(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    session = ctx.find_object(Session)
    if session and value:
        session.format = Format(value)
    return value
