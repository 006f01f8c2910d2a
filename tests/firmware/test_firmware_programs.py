"""The programs of the firmware folder, run as programs: they keep their state from call to call and over a boot."""

import subprocess  # noqa: TID251  # programs are what is tested
import sys
from pathlib import Path

import pytest

from sriov_core.testing import firmware_program as programs
from sriov_core.testing.facts import CardFacts
from sriov_core.testing.firmware_program import Firmware

HERE = Path(__file__).parent
PORT = "0000:3b:00.0"


def card(slot="3b"):
    return CardFacts(
        functions=[f"0000:{slot}:00.0", f"0000:{slot}:00.1"],
        type="ConnectX5",
        default={"NUM_OF_VFS": "0", "SRIOV_EN": "False(0)"},
        current={"NUM_OF_VFS": "8", "SRIOV_EN": "True(1)"},
    )


@pytest.fixture
def folder(tmp_path):
    return programs.install(tmp_path / "bin", Firmware(cards=[card(), card("d8")]))


def call(folder, name, *argv):
    # The environment is empty, as it may be where the product calls a vendor's program.
    command = [folder / name, *argv]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={}, cwd="/")
    return done.returncode, done.stdout, done.stderr


def test_what_is_set_takes_effect_at_the_next_boot(folder):
    assert call(folder, "mstconfig", "-d", PORT, "-y", "set", "NUM_OF_VFS=16")[0] == 0
    assert (programs.read(folder).cards[0].next, programs.read(folder).cards[1].next) == ({"NUM_OF_VFS": "16"}, {})
    code, out, _ = call(folder, "mstconfig", "-e", "-d", PORT, "q", "NUM_OF_VFS")
    assert (code, out.splitlines()[-2].split()) == (0, ["*", "NUM_OF_VFS", "0", "8", "16"])
    assert call(folder, "simulate-reboot") == (0, "", "")
    assert programs.read(folder).cards[0].current["NUM_OF_VFS"] == "16"


def test_a_reset_loads_it_at_once(folder):
    call(folder, "mstconfig", "-d", PORT, "-y", "set", "NUM_OF_VFS=4")
    code, out, _ = call(folder, "mstfwreset", "-d", PORT, "--skip_driver", "-l", "3", "-y", "reset")
    assert (code, out.splitlines()[-1]) == (0, "-I- FW was loaded successfully.")
    assert programs.read(folder).cards[0].current["NUM_OF_VFS"] == "4"


def test_a_failure_has_its_code_and_changes_nothing(folder):
    before = (folder / programs.STATE).read_bytes()
    code, out, _ = call(folder, "mstconfig", "-d", PORT, "-y", "set", "NUM_OF_VFS=999")
    assert (code, out.splitlines()[-1]) == (3, "-E- Parameter NUM_OF_VFS' value is larger than maximum allowed 127")
    assert (folder / programs.STATE).read_bytes() == before


def test_lockdown_is_told_on_standard_error(tmp_path):
    folder = programs.install(tmp_path, Firmware(cards=[card()], lockdown="integrity"))
    code, out, err = call(folder, "mstconfig", "-e", "-d", PORT, "q")
    assert (code, out) == (3, "-E- Failed to open the device\n")
    assert err == "write counter to semaphore: Operation not permitted\n"


def test_a_program_can_be_made_to_say_anything(tmp_path):
    folder = programs.install(tmp_path, Firmware(cards=[card()], says={"mstconfig": "Device #1:\nNUM_OF"}))
    assert call(folder, "mstconfig", "-d", PORT, "q") == (0, "Device #1:\nNUM_OF", "")


def test_a_program_can_be_made_to_hang(tmp_path):
    folder = programs.install(tmp_path, Firmware(cards=[card()], hangs=["mstfwreset"]))
    hanging = subprocess.Popen([folder / "mstfwreset", "-d", PORT, "reset"], stderr=subprocess.PIPE, text=True, env={})
    with hanging:
        assert hanging.stderr.readline() == "mstfwreset hangs\n"
        assert hanging.poll() is None
        hanging.kill()
    assert call(folder, "mstconfig", "-d", PORT, "q")[0] == 0


def test_calls_at_the_same_time_lose_nothing(folder):
    lines = [
        ("mstconfig", "-d", f"0000:{slot}:00.0", "-y", "set", f"NUM_OF_VFS={vfs}")
        for slot, vfs in (("3b", 16), ("d8", 32))
    ]
    running = [subprocess.Popen([folder / line[0], *line[1:]], env={}, stdout=subprocess.DEVNULL) for line in lines]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert [one.next for one in programs.read(folder).cards] == [{"NUM_OF_VFS": "16"}, {"NUM_OF_VFS": "32"}]


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_the_programs_beside_this_file_are_those_that_are_installed(name, folder):
    first, _, body = (HERE / name).read_text().partition("\n")
    installed, _, same = (folder / name).read_text().partition("\n")
    assert (first, installed, body) == ("#!/usr/bin/env python3", f"#!{sys.executable}", same)
    assert (HERE / name).stat().st_mode & 0o111
