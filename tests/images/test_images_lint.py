"""Containerfiles and the script behind them, judged by hadolint and ShellCheck."""

import subprocess  # noqa: TID251  # the linters are programs
import sys
from pathlib import Path

import pytest
from images_build import ROOT

BESIDE = Path(sys.executable).parent
FILES = ("operator/Containerfile", "agent/Containerfile")


@pytest.mark.parametrize("file", FILES)
def test_a_containerfile_is_as_hadolint_wants_it(file: str) -> None:
    argv = [BESIDE / "hadolint", "--no-color", ROOT / "images" / file]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout + done.stderr == ""


def test_the_script_is_as_shellcheck_wants_it() -> None:
    argv = [BESIDE / "shellcheck", "--severity=style", ROOT / "images/assemble.sh"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("file", FILES)
def test_nothing_comes_into_the_context_unnamed(file: str) -> None:
    lines = (ROOT / "images" / f"{file}.dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert lines[-1] == "**/__pycache__"
