"""Programs and writer processes: deadlines, ends, and what is left behind."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from sriov_core.errors import DeadlineExceeded, HostError
from sriov_core.host import tools
from sriov_core.host.lanes import Lanes
from sriov_core.host.refusals import Blocked
from sriov_core.host.writer import Writers


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


def test_a_program_s_answer_is_its_code_and_its_texts() -> None:
    answer = tools.run(["sh", "-c", "echo out; echo 'bad  thing' >&2; exit 3"], 10)
    assert (answer.code, answer.out, answer.complaint) == (3, "out\n", "bad thing")


def test_a_program_that_does_not_end_is_stopped_with_its_children() -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"^sleep 60 did not end within 0.2 s and was stopped$"):
        tools.run(["sleep", "60"], 0.2)
    assert time.monotonic() - start < 5


def test_what_a_program_prints_beyond_a_mebibyte_is_lost_and_that_is_said() -> None:
    print_it = "head -c 1048576 /dev/zero | tr '\\0' x"
    note = "\n[cut after 1048576 bytes]\n"
    assert tools.run(["sh", "-c", print_it], 20).out == "x" * 1048576
    assert tools.run(["sh", "-c", f"{print_it}; echo"], 20).out == "x" * 1048576 + note


def test_a_program_whose_child_keeps_its_output_open_is_waited_for_until_the_deadline() -> None:
    with pytest.raises(DeadlineExceeded, match=r"did not end within 0.3 s and was stopped$"):
        tools.run(["sh", "-c", "sleep 60 & echo done"], 0.3)


def test_a_program_that_closes_its_output_and_goes_on_is_waited_for() -> None:
    assert tools.run(["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"], 10).code == 4
    with pytest.raises(DeadlineExceeded, match=r"did not end within 0.3 s and was stopped$"):
        tools.run(["sh", "-c", "exec >&- 2>&-; exec sleep 60"], 0.3)


def test_a_program_is_looked_for_where_the_caller_says(tmp_path: Path) -> None:
    (tmp_path / "own-tool").write_text("#!/bin/sh\necho $PATH")
    (tmp_path / "own-tool").chmod(0o755)
    assert tools.run(["own-tool"], 10, path=f"{tmp_path}:/bin").out == f"{tmp_path}:/bin\n"
    with pytest.raises(HostError, match="cannot run own-tool"):
        tools.run(["own-tool"], 10)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(HostError, match="cannot run no-such-program-here: No such file"):
        tools.run(["no-such-program-here"], 5)


def test_a_program_below_another_root_runs_in_a_chroot_of_its_own(tmp_path: Path) -> None:
    try:
        complaint = tools.Tools(str(tmp_path), 10).run(["update-grub"]).complaint  # refused: chroot needs root's rights
    except HostError as err:
        complaint = str(err)
        assert complaint.startswith(f"cannot run chroot {tmp_path} update-grub: ")
    assert "chroot: " in complaint


def test_a_writer_reports_the_kernel_s_errno(tmp_path: Path) -> None:
    writers = Writers()
    with pytest.raises(FileNotFoundError):
        writers.write(str(tmp_path / "absent"), "1", 10)
    with pytest.raises(IsADirectoryError):
        writers.write(str(tmp_path), "1", 10)
    with pytest.raises(OSError, match="No space left"):
        writers.write("/dev/full", "1", 10)
    writers.close()
    assert not (tmp_path / "absent").exists()


def test_one_writer_serves_many_writes(tmp_path: Path) -> None:
    before = children()
    writers = Writers()
    for number in range(20):
        (tmp_path / "file").touch()
        writers.write(str(tmp_path / "file"), f"{number}\n", 10)
    assert (tmp_path / "file").read_text() == "19\n"
    assert len(children() - before) == 1
    writers.close()
    assert children() == before


def test_a_writer_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = children()
    writers = Writers()
    writers.write(str(tmp_path / "file"), "1", 10)
    (pid,) = children() - before
    os.kill(int(pid), 9)
    time.sleep(0.2)
    writers.write(str(tmp_path / "file"), "2", 10)
    assert (tmp_path / "file").read_text() == "2"
    writers.close()


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    writers = Writers()

    def work(name: str) -> None:
        (tmp_path / name).touch()
        for _ in range(20):
            writers.write(str(tmp_path / name), name, 10)

    threads = [threading.Thread(target=work, args=(f"n{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [(tmp_path / f"n{number}").read_text() for number in range(8)] == [f"n{number}" for number in range(8)]
    writers.close()


def test_a_writer_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from sriov_core.host.writer import Writers; w = Writers(); w.write(sys.argv[1], 'x', 10);"
        "print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True); os.kill(os.getpid(), 9)"
    )
    (tmp_path / "file").touch()
    pid = tools.run([sys.executable, "-c", code, str(tmp_path / "file")], 30).out.strip()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the writer outlived its owner"
        time.sleep(0.05)


class Socket:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_blocked_lane_is_left_behind_and_the_next_call_gets_another_one() -> None:
    opened: list[Socket] = []

    def open_socket() -> Socket:
        opened.append(Socket())
        return opened[-1]

    lanes = Lanes(open_socket, "test")
    release = threading.Event()
    with pytest.raises(Blocked):
        lanes.call(lambda _: release.wait(20), 0.1)
    assert lanes.call(lambda socket: socket is opened[1], 5)
    assert lanes.call(lambda socket: socket is opened[1], 5)
    release.set()
    lanes.close()
    deadline = time.monotonic() + 5
    while not all(socket.closed for socket in opened):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_exception_in_a_lane_is_raised_where_it_was_asked() -> None:
    lanes = Lanes(Socket, "test")
    with pytest.raises(ZeroDivisionError):
        lanes.call(lambda _: 1 // 0, 5)
    assert lanes.call(lambda _: "still here", 5) == "still here"
    lanes.close()
