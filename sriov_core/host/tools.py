"""Runs the host's own programs: the only place that starts processes. Never a shell, never without a deadline."""

import os
import selectors
import signal
import subprocess  # noqa: TID251  # this is the one place
import time
from collections.abc import Callable, Sequence

import attrs

from sriov_core.errors import DeadlineExceeded, HostError

FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
# In a chroot systemctl would succeed without doing anything; the host's systemd answers there all the same.
_ENVIRONMENT = {"PATH": ":".join(FOLDERS), "LC_ALL": "C.UTF-8", "SYSTEMD_IGNORE_CHROOT": "1"}
_NOT_FOUND = 127
_PARTING_S = 1
_GLANCE_S = 0.1
_MOST_OUTPUT = 1 << 20
_MOST_WORDS = 500
_CHUNK = 1 << 16

Process = subprocess.Popen[bytes]


@attrs.frozen(kw_only=True)
class Result:
    """What a program answered; ``code`` 0 is success."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What it said on one line, errors first, and its exit code.

        Of a long text only the end is told, where programs say what went wrong.
        """
        said = [_end(words.rstrip(".")) for text in (self.err, self.out) if (words := " ".join(text.split()))]
        return f"{'; '.join(said)} (exit code {self.code})" if said else f"exit code {self.code}"


Run = Callable[[Sequence[str]], Result]


class Tools:
    """The programs below a root; those of another root than the machine's own run in a chroot of their own."""

    def __init__(self, root: str, timeout_s: float) -> None:
        self._root = root
        self._timeout_s = timeout_s

    def run(self, argv: Sequence[str]) -> Result:
        """Run a program to its end. HostError when it is missing, DeadlineExceeded when it does not end in time."""
        return run(["chroot", self._root, *argv] if self._root else argv, self._timeout_s)

    def has(self, program: str) -> bool:
        """True when the root holds the program."""
        return has(self._root, program)


def has(root: str, program: str) -> bool:
    """True when a program of that name is below the root, in one of the usual places."""
    return any(os.path.lexists(f"{root}{folder}/{program}") for folder in FOLDERS)


def run(argv: Sequence[str], timeout_s: float, *, path: str = "") -> Result:
    """Run a program to its end, with an environment of our own making and nothing on its standard input.

    ``path`` is where it is looked for when that is not `FOLDERS`. What it prints beyond a mebibyte is lost, and the
    text says so. A program of its own that it leaves running is not waited for, whatever that one holds open.
    """
    command = printable(" ".join(argv))
    if any("\0" in word for word in argv):
        raise HostError(f"cannot run {command}: there is a NUL byte in it, and no program takes one. Leave it out")
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT | ({"PATH": path} if path else {}),
            start_new_session=True,
        )
    except OSError as err:
        raise HostError(f"cannot run {command}: {err.strerror}. Install {argv[0]} or extend the image") from err
    try:
        out, err_text = _read(process, time.monotonic() + timeout_s)
    except subprocess.TimeoutExpired:
        _stop(process)
        raise DeadlineExceeded(f"{command} did not end within {timeout_s:g} s and was stopped") from None
    if process.returncode == _NOT_FOUND:
        raise HostError(f"cannot run {command}: {err_text.strip()}. Install it on the host")
    return Result(code=process.returncode, out=out, err=err_text)


def _read(process: Process, deadline: float) -> tuple[str, str]:
    """Both outputs until the process has ended. A program may print for ever; what it prints is kept in bounds."""
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe]
    texts = [bytearray() for _ in pipes]
    with selectors.DefaultSelector() as selector:
        for pipe, text in zip(pipes, texts, strict=True):
            selector.register(pipe, selectors.EVENT_READ, text)
        while selector.get_map() and process.poll() is None:
            _take(selector, min(_left(process, deadline), _GLANCE_S))
        if process.poll() is None:
            process.wait(_left(process, deadline))
        # It has ended. What it said is in the pipes; whoever it left behind may hold them open, and go on printing.
        for _ in range(_MOST_OUTPUT // _CHUNK):
            if not selector.get_map() or not _take(selector, 0):
                break
    for pipe in pipes:
        pipe.close()
    out, err = (_shown(text) for text in texts)
    return out, err


def _take(selector: selectors.BaseSelector, timeout_s: float) -> bool:
    """Read what is there, at the most a chunk of each pipe; False when nothing came."""
    ready = selector.select(timeout_s)
    for key, _ in ready:
        data = os.read(key.fd, _CHUNK)
        key.data.extend(data[: _MOST_OUTPUT + 1 - len(key.data)])
        if not data:
            selector.unregister(key.fileobj)
    return bool(ready)


def _left(process: Process, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(process.args, 0)
    return left


def _shown(text: bytearray) -> str:
    if len(text) <= _MOST_OUTPUT:
        return text.decode(errors="replace")
    return f"{text[:_MOST_OUTPUT].decode(errors='replace')}\n[cut after {_MOST_OUTPUT} bytes]\n"


def _end(words: str) -> str:
    return words if len(words) <= _MOST_WORDS else f"... {words[-_MOST_WORDS:]}"


def printable(text: str) -> str:
    """The text with NUL bytes as people write them."""
    return text.replace("\0", "\\0")


def start(argv: Sequence[str]) -> Process:
    """Start a long-lived process that is talked to through pipes; Ctrl-C at the terminal does not reach it."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_ENVIRONMENT,
        bufsize=0,
        start_new_session=True,
    )


def _stop(process: Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    wait(process, _PARTING_S)  # one that the kernel keeps is left to it


def wait(process: Process, timeout_s: float) -> None:
    """Wait for a process that was told to end; kill it when it does not."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
