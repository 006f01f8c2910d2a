"""``sriov-core capture``: this machine as a device tree for tests, with every identity replaced. Reads only."""

from collections.abc import Iterable

import click

from sriov_core.cli.machine import open_machine
from sriov_core.cli.options import Settings, address, host_options, output_options
from sriov_core.cli.screen import Format, Session
from sriov_core.cli.simulation import write_text
from sriov_core.model.address import Address
from sriov_core.plugin.reader import HostReader


@click.command("capture", short_help="this machine as a device tree for tests")
@click.argument("nics", nargs=-1, type=address, metavar="[ADDRESS]...")
@click.option("--out", metavar="FILE", help="Write there instead of to the standard output.")
@host_options
@output_options
@click.pass_obj
def verb(session: Session, nics: tuple[Address, ...], out: str | None, settings: Settings) -> int:
    """Write the device tree of this machine, or of some NICs; MACs, serial numbers and names are replaced.

    `--host` of the other verbs reads it. Exit code: 0, or 1 for an error.
    """
    as_json = session.format is Format.JSON or (out or "").endswith(".json")
    text, functions = captured(open_machine(settings).host, nics, as_json=as_json)
    if out:
        write_text(out, text)
        session.note(f"{functions} functions written to {out}")
    else:
        click.echo(text, nl=False)
    return 0


def captured(host: HostReader, nics: Iterable[Address] = (), *, as_json: bool) -> tuple[str, int]:
    """The text of the machine's tree and how many functions are in it; HostError when the machine does not answer."""
    from sriov_core.testing import capture, trees  # noqa: PLC0415  # the kit is for captures and simulated machines

    tree = capture.capture(host, nics)
    return (trees.dump_json(tree) if as_json else trees.dump_yaml(tree)), len(tree.functions)
