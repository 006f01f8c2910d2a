"""Programs and writer processes: deadlines, ends, and what is left behind."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sriov_core.errors import DeadlineExceeded, HostError
from sriov_core.host import tools
from sriov_core.host.lanes import Lanes
from sriov_core.host.refusals import Blocked
from sriov_core.host.writer import Writers

PATIENCE_S = 60
"""How long a test waits for what happens at once; only a failure takes that long."""


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


def test_a_program_s_answer_is_its_code_and_its_texts() -> None:
    answer = tools.run(["sh", "-c", "echo out; echo 'bad  thing' >&2; exit 3"], 10)
    assert (answer.code, answer.out, answer.err) == (3, "out\n", "bad  thing\n")


def test_a_program_that_does_not_end_is_stopped_with_its_children() -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"^sleep 60 did not end within 0.2 s and was stopped$"):
        tools.run(["sleep", "60"], 0.2)
    assert time.monotonic() - start < 30


def test_what_a_program_prints_beyond_a_mebibyte_is_lost_and_that_is_said() -> None:
    print_it = "head -c 1048576 /dev/zero | tr '\\0' x"
    note = "\n[cut after 1048576 bytes]\n"
    assert tools.run(["sh", "-c", print_it], 20).out == "x" * 1048576
    assert tools.run(["sh", "-c", f"{print_it}; echo"], 20).out == "x" * 1048576 + note


@pytest.mark.parametrize("printed", [pytest.param(0, id="silent"), pytest.param(60000, id="after-much-output")])
def test_a_program_that_ended_is_done_whatever_its_child_holds_open(tmp_path: Path, printed: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"(timeout 20 sh -c 'read _ < {pipe}') & head -c {printed} /dev/zero >&2; echo done; exit 5"
    answer = tools.run(["sh", "-c", code], PATIENCE_S)
    with suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # lets the child go
    assert (answer.code, answer.out, len(answer.err)) == (5, "done\n", printed)


def test_a_program_whose_child_prints_for_ever_is_done_when_it_ends() -> None:
    answer = tools.run(["sh", "-c", "timeout 20 yes & exit 5"], 19)
    assert answer.code == 5


@pytest.mark.parametrize(
    ("out", "err", "complaint"),
    [
        pytest.param("", "bad  thing.\n\n", "bad thing (exit code 3)", id="errors"),
        pytest.param("-E- no such\nsetting\n", " \n", "-E- no such setting (exit code 3)", id="output"),
        pytest.param("-E- denied.\n", "warning: old.\n", "warning: old; -E- denied (exit code 3)", id="both"),
        pytest.param("", "", "exit code 3", id="silent"),
        pytest.param("o" * 501, "e" * 501, f"... {'e' * 500}; ... {'o' * 500} (exit code 3)", id="long"),
    ],
)
def test_a_complaint_holds_all_that_was_said_on_one_line(out: str, err: str, complaint: str) -> None:
    assert tools.Result(code=3, out=out, err=err).complaint == complaint


def test_a_nul_byte_in_an_argument_is_refused_in_words() -> None:
    with pytest.raises(HostError) as caught:
        tools.run(["echo", "a\0b"], 5)
    assert (
        str(caught.value) == "cannot run echo a\\0b: there is a NUL byte in it, and no program takes one. Leave it out"
    )


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
    assert children() <= before


def test_a_writer_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = children()
    writers = Writers()
    writers.write(str(tmp_path / "file"), "1", 10)
    (pid,) = children() - before
    os.kill(int(pid), 9)
    os.waitid(os.P_PID, int(pid), os.WEXITED | os.WNOWAIT)  # it is gone, and nobody has been told
    writers.write(str(tmp_path / "file"), "2", 10)
    assert (tmp_path / "file").read_text() == "2"
    writers.close()


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    writers = Writers()

    def work(name: str) -> None:
        (tmp_path / name).touch()
        for _ in range(20):
            writers.write(str(tmp_path / name), name, PATIENCE_S)

    threads = [threading.Thread(target=work, args=(f"n{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [(tmp_path / f"n{number}").read_text() for number in range(8)] == [f"n{number}" for number in range(8)]
    writers.close()


def test_a_writer_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from sriov_core.host.writer import Writers; w = Writers(); w.write(sys.argv[1], 'x', 10);"
        "print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True); os.kill(os.getpid(), 9)"
    )
    (tmp_path / "file").touch()
    pid = tools.run([sys.executable, "-c", code, str(tmp_path / "file")], 30).out.strip()
    deadline = time.monotonic() + PATIENCE_S
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline, "the writer outlived its owner"
            time.sleep(0.05)


class Socket:
    closed = False

    def __init__(self) -> None:
        self.ended = threading.Event()

    def close(self) -> None:
        self.closed = True
        self.ended.set()


class Opened(list[Socket]):
    """The sockets that lanes have opened."""

    def __call__(self) -> Socket:
        self.append(Socket())
        return self[-1]


def test_while_a_lane_is_left_behind_no_other_call_is_begun_and_afterwards_it_is() -> None:
    opened = Opened()
    lanes = Lanes(opened, "test")
    assert lanes.call(lambda socket: socket is opened[0], PATIENCE_S)
    release = threading.Event()
    with pytest.raises(Blocked) as first:
        lanes.call(lambda _: release.wait(PATIENCE_S), 0.1)
    with pytest.raises(Blocked) as second:
        lanes.call(lambda _: None, PATIENCE_S)
    assert [(err.value.timeout_s, err.value.earlier) for err in (first, second)] == [(0.1, False), (0.1, True)]
    assert len(opened) == 1
    release.set()
    assert opened[0].ended.wait(PATIENCE_S), "what came back ends"
    assert lanes.call(lambda socket: socket is opened[1], PATIENCE_S)
    lanes.close()
    assert opened[1].ended.wait(PATIENCE_S)


def test_a_call_about_another_device_is_not_held_up() -> None:
    lanes = Lanes(Opened(), "test")
    release = threading.Event()
    with pytest.raises(Blocked):
        lanes.call(lambda _: release.wait(PATIENCE_S), 0.1, "one")
    assert lanes.call(lambda _: "done", PATIENCE_S, "other") == "done"
    with pytest.raises(Blocked):
        lanes.call(lambda _: None, PATIENCE_S, "one")
    release.set()
    lanes.close()


def test_what_comes_back_after_the_end_ends_too() -> None:
    opened = Opened()
    lanes = Lanes(opened, "test")
    begun, release = threading.Event(), threading.Event()

    def work(_: Socket) -> bool:
        begun.set()
        return release.wait(PATIENCE_S)

    caller = threading.Thread(target=lambda: lanes.call(work, PATIENCE_S))
    caller.start()
    assert begun.wait(PATIENCE_S)
    lanes.close()
    release.set()
    caller.join(PATIENCE_S)
    assert opened[0].ended.wait(PATIENCE_S)


def test_a_lane_whose_caller_is_interrupted_ends_when_it_comes_back() -> None:
    opened = Opened()
    lanes = Lanes(opened, "test")
    interrupted, release = threading.Event(), threading.Event()

    def interrupt(*_: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def work(_: Socket) -> bool:
        # A signal that arrives just before the caller begins to wait would not wake it, so there are several.
        while not interrupted.wait(0.01):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        return release.wait(PATIENCE_S)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            lanes.call(work, PATIENCE_S)
        release.set()
        assert opened[0].ended.wait(PATIENCE_S)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_exception_in_a_lane_is_raised_where_it_was_asked() -> None:
    lanes = Lanes(Socket, "test")
    with pytest.raises(ZeroDivisionError):
        lanes.call(lambda _: 1 // 0, 5)
    assert lanes.call(lambda _: "still here", 5) == "still here"
    lanes.close()
