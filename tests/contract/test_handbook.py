"""The driver author's handbook says what the contract is, and what it shows runs.

In plugins.md a block opened with ``python file=NAME`` is the content of a file, one with ``python runnable`` is run as
a script among these files, and ``console runnable`` holds commands whose exit code is 0.
"""

import os
import subprocess  # noqa: TID251  # the handbook's commands are what is tested
import sys

import pytest
from api_surface import hook_signatures, version
from markdown_pages import blocks, headings
from sources import ROOT

from sriov_core.model.steps import KINDS
from sriov_core.plugin import API

HANDBOOK = ROOT / "plugins.md"
RUNNABLE = [block for block in blocks(HANDBOOK) if "runnable" in block.words]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the handbook's files."""
    folder = tmp_path_factory.mktemp("handbook")
    for block in blocks(HANDBOOK):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text)
    return folder


def run(argv, workplace):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{environment['PATH']}"
    environment |= {"PATH": path, "PYTHONPATH": str(workplace), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        argv, cwd=workplace, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_hook_is_a_heading_with_its_exact_signature():
    assert [text for text in headings(HANDBOOK) if "(" in text and "->" in text] == list(hook_signatures().values())


def test_the_handbook_is_of_the_contracts_version():
    assert f"API {API[0]}.{API[1]}" in HANDBOOK.read_text()
    assert version((ROOT / "tests/contract/api.txt").read_text()) == f"API {API[0]}.{API[1]}"


def test_the_driver_in_thirty_lines_has_no_more():
    (driver,) = [block for block in blocks(HANDBOOK) if (block.file or "").endswith("__init__.py")]
    assert len([line for line in driver.text.splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: f"line-{block.line}")
def test_what_the_handbook_marks_as_runnable_runs(workplace, block):
    if block.language == "python":
        run([sys.executable, "-c", block.text], workplace)
    for line in block.text.splitlines() if block.language == "console" else ():
        assert line.startswith("$ "), f"{line!r} is no command"
        run(["bash", "-c", line.removeprefix("$ ")], workplace)


def test_every_kind_of_step_has_its_page():
    listed = [text for text in headings(ROOT / "docs/steps.md") if text in KINDS or "-" in text]
    assert sorted(listed) == sorted(KINDS)


def test_something_in_the_handbook_is_runnable():
    assert {block.language for block in RUNNABLE} == {"python", "console"}
