"""A document whose commands are carried out one after the other, in a folder that has what its reader has.

A block opened with ``yaml file=NAME`` is a file that the reader saves. In a ``console`` block a line that begins
with ``$ `` is a command, and what follows it is its output, where ``...`` stands for any lines. A block whose
opening says ``needs=WHAT`` is for a reader who has that, and is not carried out here.
"""

import os
import re
import subprocess  # noqa: TID251  # what a reader types is what is tested
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
from markdown_pages import Block, blocks
from sources import ROOT

_NEEDS = "needs="


@attrs.frozen
class Command:
    """A command as a document shows it, with what is shown of its output and what it needs."""

    text: str
    shown: tuple[str, ...]
    needs: str
    line: int


def commands(path: Path) -> tuple[Command, ...]:
    """Every command of a document, in order."""
    return tuple(command for block in blocks(path) if block.language == "console" for command in _of(block))


def _of(block: Block) -> Iterator[Command]:
    needs = next((word.removeprefix(_NEEDS) for word in block.words if word.startswith(_NEEDS)), "")
    numbered = list(enumerate(block.text.splitlines(), block.line + 1))
    starts = [place for place, (_, text) in enumerate(numbered) if text.startswith("$ ")]
    assert starts[:1] == [0], f"line {block.line}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(numbered)], strict=True):
        line, text = numbered[start]
        yield Command(text.removeprefix("$ "), tuple(shown for _, shown in numbered[start + 1 : end]), needs, line)


def prepare(folder: Path, path: Path) -> dict[str, str]:
    """Lay the reader's folder, with the files that the document has them save; its environment."""
    for name in ("docs", "tests"):
        (folder / name).symlink_to(ROOT / name)
    for block in blocks(path):
        if block.file:
            (folder / block.file).write_text(block.text)
    programs = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SRIOV"))}
    return {**kept, "PATH": programs, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


def run(command: Command, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """As a shell does, with the two outputs as a reader sees them."""
    argv = ["bash", "-c", f"set -o pipefail; {command.text}"]
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done


def lacking(command: Command, printed: str) -> str | None:
    """The first line that the document shows and the command does not print there; None when all are as shown."""
    said = [_timeless(line) for line in printed.splitlines()]
    for line in command.shown:
        if line.strip() == "...":
            continue
        wanted = _timeless(line)
        if wanted not in said:
            return line
        said = said[said.index(wanted) + 1 :]
    return None


def _timeless(line: str) -> str:
    return re.sub(r"in \d+\.\d s\.", "in 0.0 s.", line.strip())
