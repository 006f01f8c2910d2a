"""The options that several verbs share, collected into one value each."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
import click

from sriov_core.cli.screen import Format, Session
from sriov_core.model.address import Address

Verb = TypeVar("Verb", bound=Callable[..., Any])


@attrs.frozen(kw_only=True)
class Settings:
    """Which machine to look at and with which plugins, as the command line says."""

    host: str | None = None
    root: str = "/"
    journal: str | None = None
    disabled: tuple[str, ...] = ()
    pins: Mapping[Address, str] = attrs.field(factory=dict)


def address(text: str) -> Address:
    """A device address on the command line; click makes a usage error of a bad one."""
    try:
        return Address.parse(text)
    except ValueError as err:
        raise click.BadParameter(str(err)) from err


def _pin(text: str) -> tuple[Address, str]:
    device, _, plugin = text.partition("=")
    if not plugin:
        raise click.BadParameter(f"{text!r} is not of the form ADDRESS=PLUGIN, as in 0000:3b:00.0=generic")
    return address(device), plugin


def output_options(verb: Verb) -> Verb:
    """Add ``-o`` and ``--no-color``; their values go to the session, early enough for usage errors."""
    verb = no_color_option(verb)
    return click.option(
        "-o",
        "--output",
        type=click.Choice([kind.value for kind in Format]),
        default=Format.TEXT.value,
        is_eager=True,
        expose_value=False,
        callback=_format,
        help="text for people (default), json or yaml for programs.",
    )(verb)


def no_color_option(verb: Verb) -> Verb:
    """Add ``--no-color``; its value goes to the session."""
    return click.option(
        "--no-color",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_no_color,
        help="Plain text even on a terminal (so does the variable NO_COLOR, which keeps the tables).",
    )(verb)


def host_options(verb: Verb) -> Verb:
    """Add the options that say which machine is meant; the verb gets them as ``settings``."""

    @functools.wraps(verb)
    def collected(
        *args: Any,
        host: str | None,
        root: str,
        journal: str | None,
        disable_plugin: tuple[str, ...],
        pin: tuple[tuple[Address, str], ...],
        **rest: Any,
    ) -> Any:
        settings = Settings(host=host, root=root, journal=journal, disabled=disable_plugin, pins=dict(pin))
        return verb(*args, settings=settings, **rest)

    wrapped: Any = collected
    for option in reversed(_HOST_OPTIONS):
        wrapped = option(wrapped)
    result: Verb = wrapped
    return result


def files_option(about: str) -> Callable[[Verb], Verb]:
    """Add ``-f``, which may be given several times; ``about`` says what the files hold."""
    return click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        required=True,
        metavar="FILE",
        help=f"{about}, YAML or JSON, several documents allowed; - is the standard input.",
    )


file_option = files_option("Policies and/or node states")

reset_firmware_option = click.option(
    "--reset-firmware",
    is_flag=True,
    help="Reset each card whose firmware is changed, for machines whose warm reboot does not load it.",
)


_HOST_OPTIONS = (
    click.option("--host", metavar="FILE", help="A simulated machine: a capture, a support bundle, or a node state."),
    click.option("--root", metavar="DIR", default="/", show_default=True, help="The machine's file system."),
    click.option("--journal", metavar="PATH", help="Where is remembered what was changed, and what was there before."),
    click.option("--disable-plugin", metavar="NAME", multiple=True, help="Do as if the plugin were not installed."),
    click.option(
        "--pin",
        type=_pin,
        metavar="ADDRESS=PLUGIN",
        multiple=True,
        help="Have this plugin serve this NIC, whatever it matches.",
    ),
)


def _format(ctx: click.Context, _: click.Parameter, value: str) -> None:
    session = ctx.find_object(Session)
    if session:
        session.format = Format(value)


def _no_color(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's signature
    session = ctx.find_object(Session)
    if session:
        session.no_color = value
