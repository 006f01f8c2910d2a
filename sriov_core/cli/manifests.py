"""Objects on the standard output so that other tools take them: YAML documents, or JSON."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from sriov_core.api.yamltext import yaml_documents
from sriov_core.cli.screen import Format, Session

Verb = TypeVar("Verb", bound=Callable[..., Any])


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


def _format(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    session = ctx.find_object(Session)
    if session and value:
        session.format = Format(value)
    return value
