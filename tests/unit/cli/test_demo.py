"""The demonstration is a test: it insists on how each of its commands ends. What documents show of it is as it ran."""

import importlib.util
import os
import pty
import re
import subprocess  # noqa: TID251  # the script is what is tested
import sys
from pathlib import Path
from types import ModuleType

import attrs
import pytest

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "docs" / "demo" / "demo.sh"


def _recordings() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recordings", ROOT / "docs" / "building" / "recordings.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recordings = _recordings()


@attrs.frozen
class Told:
    """How a run of the demonstration ended, what it said, and what it left behind."""

    code: int
    out: str
    err: str
    left: tuple[Path, ...]


def told(folder: Path, program: str) -> Told:
    """The story, told by a program of which this is the script."""
    command, temporary = folder / "sriov-core", folder / "tmp"
    command.write_text(f"#!/bin/sh\n{program}\n")
    command.chmod(0o755)
    temporary.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "SRIOV_CORE": str(command),
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(["/bin/sh", str(DEMO)], env=environment, capture_output=True, text=True, check=False)
    return Told(ran.returncode, ran.stdout, ran.stderr, tuple(temporary.iterdir()))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One run for all of the tests."""
    return told(tmp_path_factory.mktemp("story"), f'exec {sys.executable} -m sriov_core "$@"')


def test_the_story_is_told_to_its_end_and_leaves_nothing_behind(story: Told) -> None:
    assert (story.code, story.err) == (0, ""), story.err
    assert story.left == ()
    assert [int(found) for found in re.findall(r"^([0-9]+)\. ", story.out, re.MULTILINE)] == list(range(1, 11))


def test_the_story_is_plain_text_in_narrow_lines(story: Told) -> None:
    assert "\033" not in story.out
    assert [line for line in story.out.splitlines() if len(line) > 110] == []
    assert len(story.out.splitlines()) < 215


def test_a_healed_fault_is_one_step_and_a_mistake_names_what_was_meant(story: Told) -> None:
    assert "    1  vf1: kernel driver none -> vfio-pci\n  1 step on 1 NIC, cost: none" in story.out
    assert "pfName: unknown field. Did you mean pfNames?" in story.out


def test_what_the_documents_show_of_the_story_is_how_it_runs(story: Told) -> None:
    page, readme = recordings.PAGE.read_text(), recordings.README.read_text()
    stale = "make recordings writes it anew"
    assert recordings.replaced(page, recordings.STORY, story.out) == page, stale
    part = recordings.excerpt(story.out)
    assert recordings.replaced(readme, recordings.EXCERPT, part) == readme, stale
    assert 20 < len(part.splitlines()) <= 60


@pytest.mark.parametrize("name", recordings.DRAWN)
def test_a_picture_is_as_it_would_be_drawn(name: str, tmp_path: Path) -> None:
    assert (recordings.PICTURES / f"{name}.svg").read_text() == recordings.drawing(name, tmp_path)
    assert f"](pictures/{name}.svg)" in recordings.PAGE.read_text()


def test_every_picture_there_is_one_that_is_drawn() -> None:
    assert {path.stem for path in recordings.PICTURES.iterdir()} == set(recordings.DRAWN)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param(
            "exit 3", "sriov-core validate -f cluster.yaml: the exit code is 3, and 0 was expected", id="code"
        ),
        pytest.param("exit 0", "sriov-core render -f cluster.yaml: no line matches ", id="words"),
    ],
)
def test_a_command_that_goes_otherwise_fails_the_story_by_name(program: str, words: str, tmp_path: Path) -> None:
    found = told(tmp_path, program)
    assert found.code == 1
    assert f"The demonstration failed: {words}" in found.err
    assert found.left == ()


def test_titles_have_a_colour_on_a_terminal(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SRIOV_CORE": "false", "TMPDIR": str(tmp_path)}
    terminal, told_to = pty.openpty()
    subprocess.run(["/bin/sh", str(DEMO)], env=environment, stdout=told_to, stderr=subprocess.DEVNULL, check=False)
    os.close(told_to)
    assert b"\x1b[1;34m1. What is wished?" in os.read(terminal, 65536)
    os.close(terminal)


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        pytest.param("done in 0.0 s\n", "done in 1.2 s\n", True, id="time"),
        pytest.param("a   3s   b\n", "a   1m12s   b\n", True, id="age"),
        pytest.param("2 steps\n", "3 steps\n", False, id="number"),
    ],
)
def test_a_recording_is_kept_while_only_times_differ(before: str, after: str, is_kept: bool) -> None:
    page = "<!-- recording x -->\n```text\n{}```\n<!-- end of x -->\n"
    kept = recordings.replaced(page.format(before), "x", after)
    assert kept == page.format(before if is_kept else after)
