"""On a terminal: tables, colour and the question; the same words as in a pipe."""

import os
import pty
import subprocess  # noqa: TID251  # the process itself is what is tested
import sys
from pathlib import Path

import pytest
from cli_runs import Files

from sriov_core.cli.screen import Line, Table, plain, stacked

COLOUR = "\x1b[33m"
WIDE = Table(("NIC", "NAME", "LINK"), (("0000:01:00.0", "enp1s0", "-"), ("0000:01:00.1", "\x1b[2J", "up")))


def on_terminal(*words: object, answer: str = "", **environment: str) -> tuple[int, str]:
    """Run the program on a pseudo-terminal of 80 columns, which is both its input and its output."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    command = [sys.executable, "-m", "sriov_core", *map(str, words)]
    variables = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80", **environment}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables) as process:
        os.close(theirs)
        text = b""
        while chunk := _read(ours):
            text += chunk
    os.close(ours)
    return process.returncode, text.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the other side of a pseudo-terminal is closed
        return b""


@pytest.fixture
def no_iommu(igb: Path) -> Path:
    return igb.with_name("intel-82576-without-iommu.yaml")


def test_a_warning_is_coloured_on_a_terminal(no_iommu: Path) -> None:
    code, text = on_terminal("probe", "--host", no_iommu)
    assert (code, COLOUR in text) == (0, True)


@pytest.mark.parametrize(("words", "environment"), [
    pytest.param(("--no-color",), {}, id="no-color-option"),
    pytest.param((), {"NO_COLOR": "1"}, id="no-color-variable"),
])  # fmt: skip
def test_colour_can_be_turned_off(no_iommu: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    code, text = on_terminal("probe", "--host", no_iommu, *words, **environment)
    assert (code, COLOUR in text) == (0, False)
    assert "PLT-101" in text


def test_yes_does_it_and_shows_a_bar(igb: Path, files: Files) -> None:
    saved = files.folder / "after.yaml"
    code, text = on_terminal("apply", "-f", files.policy(), "--host", igb, "--save", saved, answer="y\n")
    assert code == 0
    assert "Do 12 steps (cost: none)?" in text
    assert "12/12" in text
    assert saved.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n"], ids=["no", "just-return"])
def test_no_is_the_default_answer_and_changes_nothing(igb: Path, files: Files, answer: str) -> None:
    saved = files.folder / "after.yaml"
    code, text = on_terminal("apply", "-f", files.policy(), "--host", igb, "--save", saved, answer=answer)
    assert code == 1
    assert text.rstrip().endswith("error: not agreed to; nothing was changed")
    assert not saved.exists()


def test_a_table_in_a_pipe_is_aligned_and_cannot_steer_a_terminal() -> None:
    assert list(plain([Line("a\x1bb"), WIDE])) == [
        "a?b",
        "NIC           NAME    LINK",
        "0000:01:00.0  enp1s0  -",
        "0000:01:00.1  ?[2J    up",
    ]


def test_a_table_that_is_too_wide_becomes_paragraphs() -> None:
    assert list(stacked(WIDE)) == ["0000:01:00.0", "  name  enp1s0", "0000:01:00.1", "  name  ?[2J", "  link  up"]
