"""Proof that a piece of code does no I/O: an audit hook that raises inside a ``with pure():`` block.

Stat and readlink raise no audit event in CPython; against those stand the layers and the read-only port.
"""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORBIDDEN = frozenset(
    {
        "open",
        "os.chdir",
        "os.chmod",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.link",
        "os.listdir",
        "os.mkdir",
        "os.posix_spawn",
        "os.putenv",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.scandir",
        "os.spawn",
        "os.symlink",
        "os.system",
        "os.truncate",
        "os.unsetenv",
        "pty.spawn",
        "subprocess.Popen",
        "urllib.Request",
    }
)
_FORBIDDEN_FAMILIES = ("socket.", "ctypes.", "shutil.", "tempfile.", "fcntl.")

_inside: ContextVar[bool] = ContextVar("inside a pure block", default=False)


class Impure(BaseException):
    """Something did I/O where only deciding is allowed. No ``except Exception`` may hide it."""


@contextmanager
def pure() -> Iterator[None]:
    """Raise `Impure` at the first opened file, listed folder, process or socket inside the block."""
    _install()
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


@functools.cache
def _install() -> None:
    # An audit hook stays for the life of the process, so it is put in once and asks the context each time.
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _inside.get():
        return
    if event in _FORBIDDEN or event.startswith(_FORBIDDEN_FAMILIES):
        raise Impure(f"{event}{arguments!r} inside a block that must not touch the machine")
