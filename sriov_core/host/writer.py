"""Access to sysfs with a deadline: done by a separate process that can be left behind when the kernel blocks it.

One blocked write never delays another one: a writer process that is busy is not waited for, the next one is started.
"""

import os
import select
import struct
import sys
import threading
import weakref

from sriov_core.errors import HostError
from sriov_core.host import tools
from sriov_core.host.refusals import Blocked

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "writer_child.py")
_REQUEST = struct.Struct("!?II")
_ANSWER = struct.Struct("!BiI")
_PAGE = 4096
_GOODBYE_S = 2
_PARTING_S = 0.2


class Writers:
    """A pool of writer processes, started when they are needed. Any thread may write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Writer] = []
        self._left_behind: list[_Writer] = []
        self._end = weakref.finalize(self, _dismiss, self._idle, self._left_behind)

    def write(self, path: str, value: str, timeout_s: float) -> None:
        """Write the value; OSError carries the kernel's errno, `Blocked` means no answer in time."""
        self._ask(path, value, timeout_s)

    def read(self, path: str, timeout_s: float) -> str:
        """The text of an attribute whose reading may block; errors as for `write`."""
        return self._ask(path, None, timeout_s)

    def _ask(self, path: str, value: str | None, timeout_s: float) -> str:
        writer = self._hire()
        try:
            code, text = writer.ask(path, value, timeout_s)
        except Blocked:
            with self._lock:
                self._left_behind.append(writer)
            raise
        except BaseException:
            writer.kill()
            raise
        with self._lock:
            self._idle.append(writer)
        if code:
            raise OSError(code, os.strerror(code), path)
        return text

    def close(self) -> None:
        """End the writers; one that is blocked in the kernel is left to it."""
        self._end()

    def _hire(self) -> "_Writer":
        with self._lock:
            self._left_behind[:] = [writer for writer in self._left_behind if not writer.has_ended()]
            while self._idle:
                if not (writer := self._idle.pop()).has_ended():
                    return writer
                writer.kill()
        return _Writer()


class _Writer:
    def __init__(self) -> None:
        # -I and -S: no environment, no site-packages; it starts in a tenth of the time and nobody can steer it.
        try:
            self._process = tools.start([sys.executable, "-I", "-S", _CHILD])
        except OSError as err:
            text = f"cannot start {sys.executable}, which opens sysfs so that a blocked access can be left behind"
            raise HostError(f"{text}: {err.strerror}. Let this user run that Python") from err

    def ask(self, path: str, value: str | None, timeout_s: float) -> tuple[int, str]:
        """The errno, 0 for success, and what was read when no value is given. Kills the process that is late."""
        pipes = self._process.stdin, self._process.stdout
        if pipes[0] is None or pipes[1] is None:
            raise HostError("the writer process has no pipes")
        name, data = os.fsencode(path), (value or "").encode()
        try:
            # Well below PIPE_BUF, to a process that reads: this does not block.
            os.write(pipes[0].fileno(), _REQUEST.pack(value is None, len(name), len(data)) + name + data)
        except BrokenPipeError as err:
            raise HostError(f"the process that opens {path} was ended from outside; try again") from err
        poll = select.poll()
        poll.register(pipes[1].fileno(), select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            self.kill()
            raise Blocked(timeout_s)
        # One write of less than PIPE_BUF arrives as a whole.
        answer = os.read(pipes[1].fileno(), _ANSWER.size + _PAGE)
        if len(answer) < _ANSWER.size:
            raise HostError(f"the process that opened {path} ended before it answered; try again")
        _, code, _ = _ANSWER.unpack_from(answer)
        return int(code), answer[_ANSWER.size :].decode(errors="replace")

    def kill(self) -> None:
        self._process.kill()
        self._close_pipes()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def dismiss(self) -> None:
        self._close_pipes()
        tools.wait(self._process, _GOODBYE_S)

    def part(self) -> None:
        # It was killed; only the kernel keeps it, and if it does so for much longer it is left to it.
        tools.wait(self._process, _PARTING_S)

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


def _dismiss(idle: list[_Writer], left_behind: list[_Writer]) -> None:
    while idle:
        idle.pop().dismiss()
    while left_behind:
        left_behind.pop().part()
