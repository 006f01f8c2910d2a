"""The program around the verbs: finds a verb's module, and turns whatever goes wrong into one line and an exit code."""

import errno
import importlib
import os
import sys
from typing import Any

import click

from sriov_core import __version__
from sriov_core.cli.screen import Session
from sriov_core.errors import SriovError

FAILED = 1
"""The exit code of every error; 2 has a meaning of its own for each verb."""
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

_VERBS = (
    *("probe", "plan", "apply", "explain", "reset", "capture", "plugins", "boot", "install-units"),
    *("render", "inject", "validate", "crds", "agent", "support-bundle"),
)


class Program(click.Group):
    """The group of verbs. A verb returns its exit code; what it raises is told here, never as a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        verb: click.Command = importlib.import_module(f"sriov_core.cli.{cmd_name.replace('-', '_')}").verb
        return verb

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run and exit; never returns."""
        session = Session()
        extra.update(standalone_mode=False, obj=session)
        sys.exit(self._run(session, args, extra))

    def _run(self, session: Session, args: tuple[Any, ...], extra: dict[str, Any]) -> int:
        if sys.stdout is None:
            session.error("the standard output is closed, so nothing could be shown. Redirect it to /dev/null")
            return FAILED
        try:
            code = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as err:
            click.echo(err.format_message(), err=True)
        except click.ClickException as err:
            session.error(_usage(err))
        except SriovError as err:
            session.error(str(err))
        except (click.Abort, KeyboardInterrupt):
            session.note("interrupted; it is safe to run the same command again")
            return INTERRUPTED
        except Exception as err:  # noqa: BLE001  # the last line of defence: no traceback reaches a user
            session.error(_internal(err))
        else:
            return code if isinstance(code, int) else 0
        return FAILED


def _usage(err: click.ClickException) -> str:
    help_on = err.ctx.command_path if isinstance(err, click.UsageError) and err.ctx else "sriov-core"
    said = err.format_message().rstrip(".")
    return f"{said.removesuffix('?.')}{'' if said.endswith('?') else '.'} See `{help_on} --help`"


def _internal(err: Exception) -> str:
    if isinstance(err, OSError) and err.errno == errno.ENOSPC:
        return f"cannot write the output: {err.strerror}. Make room, or write it elsewhere"
    if os.environ.get("SRIOV_CORE_DEBUG") == "1":
        import traceback  # noqa: PLC0415  # 15 ms that a good run does not need

        traceback.print_exception(err)
    text = f"internal error: {type(err).__name__}: {err}"
    return f"{text}. Report it, with what SRIOV_CORE_DEBUG=1 prints in addition"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", message="sriov-core %(version)s")
def program() -> None:
    """SR-IOV on this machine: look, decide, do, look again.

    `probe` and `plan` never change anything. Exit codes: 0 good, 1 error, 2 there is something to do (see the verb).
    """
