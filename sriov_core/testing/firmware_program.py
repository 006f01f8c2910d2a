"""mstconfig and mstfwreset as programs in a folder, for PATH: they keep the firmware of cards in a file beside them.

They find it by their own place and not by an environment variable, because who runs them hands down an environment of
their own making. Every call locks the file: ports of one card may be asked at once.
"""

import fcntl
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sriov_core.testing import mstconfig
from sriov_core.testing.facts import CardFacts, TableLayout

REBOOT = "simulate-reboot"
PROGRAMS = (*mstconfig.PROGRAMS, REBOOT)
STATE = "state.json"
_LONG_S = 600.0
_BODY = '''"""A stand-in for a program of mstflint; what it knows lies in state.json beside it."""

import sys
from pathlib import Path

from sriov_core.testing.firmware_program import main

sys.exit(main(Path(__file__), sys.argv[1:]))
'''


class Firmware(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the programs keep: cards, and what is odd about the programs themselves.

    ``hangs`` names programs that do not come back; ``says`` maps a program to what it prints whatever it is asked.
    """

    cards: list[CardFacts] = []
    lockdown: str = "none"
    table: TableLayout = "wide"
    hangs: list[str] = []
    says: dict[str, str] = {}


def install(folder: Path, firmware: Firmware) -> Path:
    """Put the programs into a folder, to be run by this very interpreter, and the firmware beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        (folder / name).write_text(f"#!{sys.executable}\n{_BODY}", encoding="utf-8")
        (folder / name).chmod(0o755)
    (folder / STATE).write_bytes(msgspec.json.format(msgspec.json.encode(firmware)))
    return folder


def read(folder: Path) -> Firmware:
    """The firmware as the programs have left it."""
    return msgspec.json.decode((folder / STATE).read_bytes(), type=Firmware)


def main(program: Path, argv: Sequence[str]) -> int:
    """Do what the program of that name does; returns its exit code."""
    with (program.parent / STATE).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        firmware = msgspec.json.decode(file.read(), type=Firmware)
        if program.name in firmware.hangs:
            fcntl.flock(file, fcntl.LOCK_UN)
            sys.stderr.write(f"{program.name} hangs\n")
            sys.stderr.flush()
            time.sleep(_LONG_S)
        if program.name in firmware.says:
            sys.stdout.write(firmware.says[program.name])
            return 0
        code = _answer(firmware, program.name, argv)
        # Cut off at its new end only: a reader without the lock sees the old or the new text.
        text = msgspec.json.format(msgspec.json.encode(firmware))
        file.seek(0)
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    return code


def _answer(firmware: Firmware, name: str, argv: Sequence[str]) -> int:
    if name == REBOOT:
        for card in firmware.cards:
            mstconfig.boot(card)
        return 0
    answer = mstconfig.answer(firmware.cards, (name, *argv), lockdown=firmware.lockdown, table=firmware.table)
    sys.stdout.write(answer.out)
    sys.stderr.write(answer.err)
    return answer.code
