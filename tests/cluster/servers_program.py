"""The processes of a test cluster, the memory that etcd writes to, and the port that stays its own over restarts."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess  # noqa: TID251  # the servers under test
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs
from servers_build import only_one

END_S = 15
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 1 << 30
PREFIX = "sriov-core-etcd-"


@attrs.define
class Program:
    """A process that is killed when the thread that started it ends, however it ends."""

    name: str
    argv: Sequence[str]
    folder: Path
    """Its working directory."""
    log: Path
    _process: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)

    def start(self) -> None:
        """Start it, in a session of its own: a terminal's Ctrl-C goes to the tests only."""
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *self.argv]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def ending(self) -> str:
        """How it ended: ``killed by signal 9 (SIGKILL)``, ``exit code 1``; empty while it runs."""
        code = self._process.poll() if self._process else None
        if code is None:
            return ""
        return f"exit code {code}" if code >= 0 else f"killed by signal {-code} ({signal.Signals(-code).name})"

    def end(self, how: signal.Signals) -> None:
        """Send a signal and wait until the process is gone; SIGKILL follows when that takes too long."""
        if not self._process:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_S)

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@attrs.frozen
class Reserved:
    """A port of loopback that nobody else gets: a program with SO_REUSEPORT can listen there, time and again."""

    _socket: socket.socket

    @classmethod
    def any(cls) -> "Reserved":
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))  # without listen: who connects is refused while no program listens
        return cls(holder)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def release(self) -> None:
        self._socket.close()


@attrs.frozen
class Memory:
    """A folder in memory where there is enough of it; what a killed test run left is removed by the next one."""

    path: Path
    _held: int

    @classmethod
    def make(cls) -> "Memory":
        enough = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
        place = MEMORY if enough and os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
        with only_one(place / f"{PREFIX}{os.getuid()}.lock"):
            for left in place.glob(f"{PREFIX}*/"):
                with contextlib.suppress(OSError):  # somebody else's, or in use
                    _remove_unused(left)
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
            held = os.open(path, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
        return cls(path, held)

    def release(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._held)


def _remove_unused(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(held)
