"""Vendors' programs: real ones, on a PATH of the test's own."""

import os
import time
from pathlib import Path

import pytest

from sriov_core.errors import DeadlineExceeded, HostError, StepFailed
from sriov_core.host import vendortools
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.plugin.reader import Answer

CARD = Address("0000:3b:00.0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "bin"
    found.mkdir()
    monkeypatch.setenv("PATH", f"{found}::relative")
    return found


def program(folder: Path, body: str, name: str = "cardtool") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def refusal(*argv: str, timeout_s: float = 10) -> str:
    with pytest.raises(StepFailed) as caught:
        vendortools.run(CARD, argv, timeout_s)
    return str(caught.value)


def test_a_query_is_answered_with_code_and_both_texts(folder: Path) -> None:
    program(folder, 'echo "asked for $1"; echo careful >&2; exit 3')
    found = vendortools.query(["cardtool", "two words"], 10)
    assert found == Answer(code=3, out="asked for two words\n", err="careful\n")


def test_a_program_that_is_not_installed_has_no_answer(folder: Path) -> None:
    assert vendortools.query(["cardtool"], 10) is None
    (folder / "cardtool").write_text("not for running")
    assert vendortools.query(["cardtool"], 10) is None


def test_a_program_is_found_on_this_process_s_path_and_so_are_those_it_runs(folder: Path) -> None:
    program(folder, "helper; true | cat; echo $LC_ALL $HOME")
    program(folder, "echo helped", name="helper")
    found = vendortools.query(["cardtool"], 10)
    assert found
    assert found.out == "helped\nC.UTF-8\n"


def test_a_query_that_does_not_end_is_stopped_and_named(folder: Path) -> None:
    program(folder, "exec sleep 60")
    began = time.monotonic()
    with pytest.raises(HostError) as caught:
        vendortools.query(["cardtool", "q"], 0.3)
    assert time.monotonic() - began < 30
    words = "cardtool q did not end within 0.3 s and was stopped. Run it yourself to see what it waits for"
    assert str(caught.value) == words


def test_a_change_that_succeeds_says_nothing(folder: Path) -> None:
    program(folder, "echo $@ > $0.ran")
    vendortools.run(CARD, ["cardtool", "-y", "set", "NUM_OF_VFS=8"], 10)
    assert (folder / "cardtool.ran").read_text() == "-y set NUM_OF_VFS=8\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("echo '-E- Failed to open'; echo ' it.'; exit 3", "-E- Failed to open it (exit code 3)", id="out"),
        pytest.param(
            "echo fine; echo '-E- denied' >&2; exit 1", "-E- denied; fine (exit code 1)", id="errors-before-output"
        ),
        pytest.param("echo '-E- denied'; echo >&2; exit 1", "-E- denied (exit code 1)", id="errors-that-are-blank"),
        pytest.param("exit 7", "exit code 7", id="silent"),
        pytest.param("kill -9 $$", "exit code -9", id="killed"),
    ],
)
def test_a_change_that_fails_tells_the_program_s_own_words_on_one_line(folder: Path, body: str, words: str) -> None:
    program(folder, body)
    by_hand = "Run it yourself to see more: cardtool -y set 'NAME=two words'"
    found = refusal("cardtool", "-y", "set", "NAME=two words")
    assert found == f"{CARD}: cardtool: -y set 'NAME=two words' is not possible: {words}. {by_hand}"


def test_of_long_words_the_end_is_told(folder: Path) -> None:
    program(folder, "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; echo -E- no such setting; exit 1")
    found = refusal("cardtool", "set")
    assert len(found) < 700
    assert "not possible: ... " in found
    assert "line 399 -E- no such setting (exit code 1). Run it yourself" in found


def test_a_change_by_a_program_that_is_not_installed_says_where_it_was_looked_for(folder: Path) -> None:
    found = refusal("cardtool", "set")
    assert found.startswith(f"{CARD}: cardtool: set is not possible: it is in none of {folder}, /usr/sbin, /usr/bin, ")
    assert found.endswith(". Install the package that holds it, or put its folder on the PATH")
    assert "relative" not in found


def test_a_change_by_a_program_whose_interpreter_is_missing_says_so(folder: Path) -> None:
    program(folder, "")
    (folder / "cardtool").write_text("#!/no/such/interpreter\n")
    found = refusal("cardtool", "set")
    assert found.startswith(
        f"{CARD}: cardtool: set is not possible: cannot run cardtool set: No such file or directory"
    )


def test_a_nul_byte_in_an_argument_is_refused_in_words(folder: Path) -> None:
    program(folder, "")
    words = "cannot run cardtool a\\0b: there is a NUL byte in it, and no program takes one. Leave it out"
    assert refusal("cardtool", "a\0b") == (
        f"{CARD}: cardtool: 'a\\0b' is not possible: {words}. Run it yourself to see more: cardtool 'a\\0b'"
    )


def test_a_change_that_does_not_end_is_stopped_and_says_what_to_do(folder: Path) -> None:
    program(folder, "exec sleep 60")
    with pytest.raises(DeadlineExceeded) as caught:
        vendortools.run(CARD, ["cardtool", "reset"], 0.3)
    assert str(caught.value) == (
        f"{CARD}: cardtool reset did not end within 0.3 s and was stopped. Run it yourself to see more: cardtool reset"
    )


def test_a_program_that_floods_its_output_is_cut(folder: Path) -> None:
    program(folder, "head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; echo end")
    found = vendortools.query(["cardtool"], 30)
    assert found
    note = "\n[cut after 1048576 bytes]\n"
    assert (found.code, found.out, found.err) == (0, "x" * 1048576 + note, "y" * 1048576 + note)


def test_a_program_that_never_stops_printing_is_stopped(folder: Path) -> None:
    program(folder, "exec yes")
    with pytest.raises(HostError, match=r"did not end within 0\.3 s and was stopped"):
        vendortools.query(["cardtool"], 0.3)


def test_a_tree_of_files_runs_no_program(folder: Path, tmp_path: Path) -> None:
    program(folder, "touch $0.ran")
    with LinuxHost(str(tmp_path)) as host:
        assert host.query(["cardtool"]) is None
        with pytest.raises(StepFailed, match=r"cardtool: set A=1 is not possible: .* and not the running machine"):
            host.run_tool(CARD, ["cardtool", "set", "A=1"])
    assert os.listdir(folder) == ["cardtool"]
