"""The folder of a cluster that runs by itself: one cluster at a time, and nothing of it is left."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from servers_debian import CannotRun

LOCK = "running.pid"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have the folder for oneself, and empty: what a killed one left goes. It is removed when all went well.

    CannotRun when one runs there, or when it holds what is not of a cluster.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / LOCK).exists():
        raise CannotRun(f"{folder} holds other files, and would be emptied. Give another folder")
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            found = f"a cluster runs in {folder} already, pid {lock.read().strip()}"
            raise CannotRun(f"{found}. End it with Ctrl-C there, or give another folder") from None
        _empty(folder)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        shutil.rmtree(folder)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        elif left.name != LOCK:
            left.unlink()
