"""The commands that the documents show are understood by the program, and those on a simulated host run."""

import os
import shlex
import subprocess  # noqa: TID251  # what a reader types is what is tested
import sys
from contextlib import suppress

import attrs
import click
import pytest
from markdown_pages import blocks
from sources import ROOT, shown, tracked

from sriov_core.cli.program import program as core
from sriov_operator.program import program as operator

SHELL_LANGUAGES = {"console", "sh", "shell", "bash"}
ENDS_A_COMMAND = {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"}
WITHOUT_A_HOST = {"render", "validate", "inject", "crds"}
PROGRAMS = {"sriov-core": core, "sriov-operator": operator}
DOCUMENTS = [path for path in tracked() if path.suffix == ".md" and not path.is_relative_to(ROOT / "tests")]


@attrs.frozen
class Example:
    """A command as a document shows it."""

    where: str
    program: str
    words: tuple[str, ...]

    @property
    def is_placeholder(self) -> bool:
        """True for a synopsis such as ``sriov-core probe [NIC]``."""
        return any(
            (word.isupper() and word.isalpha()) or set(word) & set("[]<>…") or "..." in word for word in self.words
        )

    @property
    def runs_anywhere(self) -> bool:
        """True when it works on a simulated host, or on no host at all, and ends by itself."""
        files = [word for option, word in zip(self.words, self.words[1:], strict=False) if option in ("-f", "--host")]
        there = all((ROOT / name).is_file() for name in files) and (bool(files) or self.words[0] == "crds")
        hostless = self.words[0] in WITHOUT_A_HOST or "--host" in self.words
        ends = "--watch" not in self.words and self.words[0] != "agent"
        writes = bool({"--save", "--output"} & set(self.words))
        return hostless and ends and not writes and there


def examples():
    for path in DOCUMENTS:
        for block in blocks(path):
            if block.language in SHELL_LANGUAGES:
                yield from _commands(block, shown(path))


def _commands(block, document):
    text = block.text.replace("\\\n", " ")
    for offset, line in enumerate(text.splitlines()):
        words = line.removeprefix("$ ").removeprefix("# ").removeprefix("sudo ")
        name = words.partition(" ")[0]
        if name in PROGRAMS:
            split = shlex.split(words, comments=True)
            end = next((number for number, word in enumerate(split) if word in ENDS_A_COMMAND), len(split))
            yield Example(f"{document}:{block.line + offset + 1}", name, tuple(split[1:end]))


EXAMPLES = list(examples())
COMPLETE = [example for example in EXAMPLES if not example.is_placeholder]
RUNNABLE = [example for example in COMPLETE if example.runs_anywhere]


def understood(words, program=core):
    """Parse as the program does; click.UsageError when it would not be understood."""
    with program.make_context("program", list(words[:1]) or ["--help"], resilient_parsing=True) as parent:
        verb = program.get_command(parent, words[0])
        if verb is None:
            raise click.UsageError(f"there is no verb {words[0]}")
        with verb.make_context(words[0], list(words[1:]), parent=parent):
            pass


@pytest.mark.parametrize("example", COMPLETE, ids=lambda example: example.where)
def test_a_command_that_is_shown_is_understood(example):
    if not example.words or example.words[0].startswith("-"):
        return
    try:
        with suppress(click.exceptions.Exit):  # --help is understood, and ends there
            understood(example.words, PROGRAMS[example.program])
    except click.ClickException as err:
        pytest.fail(f"{example.where}: {example.program} {' '.join(example.words)}: {err.format_message()}")


@pytest.mark.parametrize("example", RUNNABLE, ids=lambda example: example.where)
def test_a_command_on_a_simulated_host_runs(example):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-m", "sriov_core", *example.words]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 2), done.stderr
    assert done.stdout.strip()


def test_the_readme_shows_commands_that_run():
    assert [example for example in RUNNABLE if example.where.startswith("README.md")]


def test_a_command_that_is_not_understood_is_noticed():
    with pytest.raises(click.UsageError, match="--no-such-option"):
        understood(("probe", "--no-such-option"))
