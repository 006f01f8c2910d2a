"""The output options of `probe`, which can draw as well as tell."""

import enum
from collections.abc import Callable
from typing import Any, TypeVar

import click

from sriov_core.cli.options import no_color_option
from sriov_core.cli.screen import Format, Session

Verb = TypeVar("Verb", bound=Callable[..., Any])


class Drawing(enum.StrEnum):
    """The values of ``-o`` that draw a picture."""

    DOT = "dot"
    SVG = "svg"


def drawing_options(verb: Verb) -> Verb:
    """Add ``-o`` and ``--no-color`` as every verb has them; the verb gets ``drawing``, None where text is asked for."""
    verb = no_color_option(verb)
    return click.option(
        "-o",
        "--output",
        "drawing",
        type=click.Choice([*(kind.value for kind in Format), *(kind.value for kind in Drawing)]),
        default=Format.TEXT.value,
        is_eager=True,
        callback=_output,
        help="text for people (default), json or yaml for programs, dot or svg for a picture.",
    )(verb)


def _output(ctx: click.Context, _: click.Parameter, value: str) -> Drawing | None:
    if value in tuple(Drawing):
        return Drawing(value)
    session = ctx.find_object(Session)
    if session:
        session.format = Format(value)
    return None
