"""The program around the commands of `kubectl sriov`; errors become one line, as in `sriov-core`."""

import importlib

import click

from sriov_core import __version__
from sriov_core.cli.program import Program

_COMMANDS = ("status", "nodes", "policies", "drains", "networks", "explain")


class Plugin(Program):
    """The group of commands, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        verb: click.Command = importlib.import_module(f"sriov_core.cli.kubectl.{cmd_name}").verb
        return verb


@click.group(cls=Plugin, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", message="kubectl sriov %(version)s")
def program() -> None:
    """SR-IOV in this cluster: what is wrong, where, and what to do about it. Nothing is ever changed.

    Exit codes: 0 no finding says fail, 2 some does, 1 error.
    """
