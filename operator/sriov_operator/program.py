"""The program around the commands: finds a command's module, and turns what goes wrong into a line and an exit code."""

import importlib
import os
import sys
from typing import Any

import attrs
import click

from sriov_core import __version__
from sriov_core.errors import SriovError

FAILED = 1
"""The exit code of every error."""
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


@attrs.frozen
class _Command:
    """Where a command is, and what the list of commands says of it without loading it."""

    module: str
    name: str
    text: str


_COMMANDS = {
    "run": _Command("sriov_operator.process.command", "run", "Keep the cluster as its policies and networks say."),
    "webhook": _Command("sriov_operator.serving.commands", "webhook", "Judge objects before they are stored."),
    "injector": _Command("sriov_operator.serving.commands", "injector", "Give pods the devices of their networks."),
    "manifests": _Command("sriov_operator.deployment.installing", "verb", "Print what the operator needs in place."),
    "cleanup": _Command("sriov_operator.deployment.cleanup", "verb", "Take back what was deployed, before removal."),
    "version": _Command("sriov_operator.process.command", "version", "Print the version."),
}


class Program(click.Group):
    """The group of commands. A command returns its exit code; what it raises is told here, never as a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        known = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(known.module), known.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.text) for name, known in _COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run and exit; never returns."""
        extra.update(standalone_mode=False)
        sys.exit(self._run(args, extra))

    def _run(self, args: tuple[Any, ...], extra: dict[str, Any]) -> int:
        try:
            code = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as err:
            click.echo(err.format_message(), err=True)
        except click.ClickException as err:
            _tell(_usage(err))
        except SriovError as err:
            _tell(str(err))
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except Exception as err:  # noqa: BLE001  # the last line of defence: no traceback reaches a user
            _tell(_internal(err))
        else:
            return code if isinstance(code, int) else 0
        return FAILED


def _tell(text: str) -> None:
    for line in text.splitlines():
        shown = line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
        click.echo(f"error: {shown}", err=True)


def _usage(err: click.ClickException) -> str:
    help_on = err.ctx.command_path if isinstance(err, click.UsageError) and err.ctx else "sriov-operator"
    said = err.format_message().rstrip(".")
    return f"{said.removesuffix('?.')}{'' if said.endswith('?') else '.'} See `{help_on} --help`"


def _internal(err: Exception) -> str:
    if os.environ.get("SRIOV_CORE_DEBUG") == "1":
        import traceback  # noqa: PLC0415  # 15 ms that a good run does not need

        traceback.print_exception(err)
    text = f"internal error: {type(err).__name__}: {err}"
    return f"{text}. Report it, with what SRIOV_CORE_DEBUG=1 prints in addition"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", message="sriov-operator %(version)s")
def program() -> None:
    """The control plane of SR-IOV in a cluster: what runs in its pods, each a command. Exit codes: 0 good, 1 error."""
