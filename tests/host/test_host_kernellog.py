"""The kernel's log: records in, lines out; of the form that /dev/kmsg gives (Documentation/ABI/testing/dev-kmsg)."""

import os

import pytest

from sriov_core.errors import HostError
from sriov_core.host import kernellog


def test_messages_are_told_with_their_time_and_without_their_properties(tmp_path):
    log = tmp_path / "kmsg"
    log.write_text(
        "6,339,5140900,-;igb 0000:01:00.0: 4 VFs allocated\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n"
        "3,340,5141000,-,caller=T1;a message; with a semicolon\n"
        "garbage\n"
    )
    assert kernellog.lines(str(log)) == (
        "[5.140900] igb 0000:01:00.0: 4 VFs allocated",
        "[5.141000] a message; with a semicolon",
    )


def test_a_log_that_goes_on_is_read_to_where_it_stands_now(tmp_path):
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    both = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)  # somebody holds it open, so it never ends
    try:
        os.write(both, b"6,1,1000000,-;pci: hello\n")
        assert kernellog.lines(str(fifo)) == ("[1.000000] pci: hello",)
    finally:
        os.close(both)


def test_a_log_that_may_not_be_read_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(HostError, match=r"cannot read the kernel's log .*No such file.*Run as root"):
        kernellog.lines(str(tmp_path / "absent"))
