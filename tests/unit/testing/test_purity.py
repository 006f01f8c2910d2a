"""The purity hook raises for whatever touches the machine, in the block and only there."""

import os
import socket
import subprocess  # noqa: TID251  # what the hook must catch
import threading
from pathlib import Path

import pytest

from sriov_core.testing.purity import Impure, pure

IMPURE = {
    "open": lambda: Path("/dev/null").read_text(),
    "listdir": lambda: os.listdir("/"),
    "scandir": lambda: os.scandir("/"),
    "process": lambda: subprocess.Popen(["true"]),
    "system": lambda: os.system("true"),
    "socket": socket.socket,
    "library": lambda: __import__("ctypes").CDLL(None),
    "environment": lambda: os.putenv("X", "1"),
}


@pytest.mark.parametrize("deed", IMPURE.values(), ids=IMPURE)
def test_io_inside_the_block_is_impure(deed):
    with pytest.raises(Impure), pure():
        deed()


def test_outside_the_block_nothing_is_forbidden():
    with pure():
        total = sum(range(10))
    assert total == 45
    with open("/dev/null") as file:
        assert file.read() == ""


def test_another_thread_is_free_meanwhile():
    outcome = []

    def work():
        with open("/dev/null") as file:
            outcome.append(file.read())

    thread = threading.Thread(target=work)
    thread.start()
    with pure():
        thread.join()
    assert outcome == [""]


def test_no_except_exception_hides_it():
    assert not issubclass(Impure, Exception)
