"""``sriov-core plugins``: what is installed, what serves, what is refused and why."""

from collections.abc import Iterator
from typing import Any

import click

from sriov_core.cli.machine import known_plugins
from sriov_core.cli.options import output_options
from sriov_core.cli.screen import Block, Line, Session, Table, Tone
from sriov_core.model.codec import to_builtins
from sriov_core.plugin.info import Match, PluginInfo
from sriov_core.plugin.loading import Catalogue, load
from sriov_core.plugin.version import API


@click.command("plugins", short_help="what drives which NICs")
@click.option("--disable-plugin", metavar="NAME", multiple=True, help="Do as if the plugin were not installed.")
@output_options
@click.pass_obj
def verb(session: Session, disable_plugin: tuple[str, ...]) -> int:
    """List the plugins: those that serve, with what they drive and can do, and those that are refused.

    Exit code: 0, or 1 when a plugin is refused.
    """
    known_plugins(disable_plugin)
    catalogue = load(disable_plugin)
    session.show(lambda: blocks(catalogue), lambda: data(catalogue))
    return 1 if catalogue.refused else 0


def blocks(catalogue: Catalogue) -> Iterator[Block]:
    """For people: a table, then hooks and maintainers, then what is refused."""
    yield Line(f"plugin API of this sriov-core: {_version(API)}")
    yield Line()
    rows = tuple(
        (
            plugin.info.name,
            plugin.distribution,
            _version(plugin.info.api),
            "; ".join(map(match_text, plugin.info.matches)),
            ", ".join(sorted(plugin.info.capabilities)),
        )
        for plugin in catalogue.loaded
    )
    yield Table(("PLUGIN", "DISTRIBUTION", "API", "DRIVES", "CAPABILITIES"), rows)
    yield Line()
    for plugin in catalogue.loaded:
        base = " (the base below every other)" if plugin.info.is_base else ""
        yield Line(f"{plugin.info.name}{base}: {', '.join(plugin.hooks)}")
        if plugin.info.tested_on:
            yield Line(f"  tested on  {'; '.join(plugin.info.tested_on)}")
    for refused in catalogue.refused:
        came = f" from {refused.distribution}" if refused.distribution else ""
        yield Line(f"refused  {refused.name}{came}: {refused.reason}", Tone.FAIL)
    for name in catalogue.disabled:
        yield Line(f"disabled {name}", Tone.WARN)


def data(catalogue: Catalogue) -> dict[str, Any]:
    """For programs; the keys are listed in docs/cli.md."""
    return {
        "api": _version(API),
        "loaded": [
            {**_info(plugin.info), "distribution": plugin.distribution, "hooks": list(plugin.hooks)}
            for plugin in catalogue.loaded
        ],
        "refused": [
            {"name": entry.name, "distribution": entry.distribution, "reason": entry.reason}
            for entry in catalogue.refused
        ],
        "disabled": list(catalogue.disabled),
    }


def match_text(match: Match) -> str:
    """``vendor 8086, class 02``."""
    fields = {
        "vendor": match.vendor,
        "device": match.device,
        "subsystem": match.subsystem,
        "kernel driver": match.kernel_driver,
        "class": match.pci_class,
        "platform": match.platform,
    }
    return ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None) or "everything"


def _info(info: PluginInfo) -> dict[str, Any]:
    return {**to_builtins(info), "api": _version(info.api)}


def _version(pair: tuple[int, int]) -> str:
    return ".".join(map(str, pair))
