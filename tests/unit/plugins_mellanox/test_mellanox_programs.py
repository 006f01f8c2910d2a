"""Firmware through the module that runs vendors' programs, with programs on PATH that keep a card's settings."""

import subprocess  # noqa: TID251  # a boot is one of the programs, and none of the host's
from pathlib import Path

import pytest
from mellanox_machines import A1, A2, Node, required, tree, vfs, wish

from sriov_core.host import vendortools
from sriov_core.testing import firmware_program
from sriov_core.testing.firmware_program import Firmware
from sriov_core.testing.tree import Tree
from sriov_core.testing.world import FakeWorld

DEADLINE_S = 20.0


class WithPrograms(FakeWorld):
    """A machine in memory whose vendor's programs are real ones."""

    def query(self, argv):
        return vendortools.query(argv, DEADLINE_S)

    def run_tool(self, address, argv):
        vendortools.run(address, argv, DEADLINE_S)


class Machine(Node):
    """A node whose card's firmware lives in a folder on PATH."""

    def __init__(self, folder: Path, **facts: object) -> None:
        made = tree()
        self.folder = firmware_program.install(folder, Firmware(cards=made.cards, **facts))  # type: ignore[arg-type]
        super().__init__(WithPrograms(made))

    def alter(self, change) -> None:
        made = self.host.tree()
        change(made)
        self.host = WithPrograms(made)

    def reboot(self) -> None:
        """The card loads its firmware, and the kernel looks at the bus anew."""
        self.alter(self._told)
        subprocess.run([self.folder / firmware_program.REBOOT], check=True, timeout=DEADLINE_S)
        self.host.reboot()

    def _told(self, made: Tree) -> None:
        made.cards = firmware_program.read(self.folder).cards


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize("table", ["wide", "narrow"])
def test_more_vfs_for_two_ports_take_one_call_and_one_reboot(folder, table):
    machine = Machine(folder, table=table)
    wishes = wish(A1, 12), wish(A2, 10)
    assert required(machine.converge(*wishes)) == [
        "firmware:0000:3b:00:NUM_OF_VFS>=12",
        "firmware:0000:3b:00:NUM_OF_VFS>=10",
    ]
    assert firmware_program.read(folder).cards[0].next == {"NUM_OF_VFS": "12"}
    machine.reboot()
    assert machine.settle(*wishes) == 0
    assert vfs(machine.host) == {str(A1): 12, str(A2): 10}
    assert machine.settle(release=True) == 0
    assert firmware_program.read(folder).cards[0].next == {"NUM_OF_VFS": "8"}


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        pytest.param(
            {"says": {"mstconfig": "hello\n"}}, "firmware-unreadable", "no table of parameters", id="nonsense"
        ),
        pytest.param({"says": {"mstconfig": ""}}, "firmware-unreadable", "no table of parameters", id="silence"),
        pytest.param({"lockdown": "integrity"}, "firmware-unreadable", "Failed to open the device", id="refused"),
    ],
)
def test_a_program_that_is_of_no_use_is_a_problem_in_words(folder, facts, code, words):
    result = Machine(folder, **facts).converge(wish(A1, 12))
    texts = [problem.text for problem in result.last.plan.all_problems if problem.code == code]
    assert words in texts[0]
    assert result.first.steps == ()
