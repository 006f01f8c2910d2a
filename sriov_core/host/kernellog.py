"""The kernel's log as it stands now (Documentation/ABI/testing/dev-kmsg). Reads only, and waits for nothing."""

import errno
import os
from collections.abc import Iterator

from sriov_core.errors import HostError

PATH = "/dev/kmsg"
_RECORD = 8192
"""The kernel gives one record a read, and EINVAL when there is no room for it (kernel/printk: PRINTKRB_RECORD_MAX)."""
_MOST_RECORDS = 100_000
_MICROSECONDS = 1_000_000


def lines(path: str = PATH) -> tuple[str, ...]:
    """Every message, the oldest first, as in ``[12.345678] igb 0000:01:00.0: 4 VFs allocated``.

    HostError where it may not be read: with kernel.dmesg_restrict only root may.
    """
    try:
        log = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as err:
        raise _unreadable(path, err) from err
    try:
        return tuple(shown for record in _records(log, path) if (shown := _shown(record)))
    finally:
        os.close(log)


def _records(log: int, path: str) -> Iterator[str]:
    for _ in range(_MOST_RECORDS):
        try:
            data = os.read(log, _RECORD)
        except BlockingIOError:
            return  # everything was read
        except OSError as err:
            if err.errno == errno.EPIPE:
                continue  # overwritten while it was read; the next read gives the oldest there is
            raise _unreadable(path, err) from err
        if not data:
            return
        yield from data.decode(errors="replace").splitlines()


def _shown(record: str) -> str | None:
    """A message with its time since the boot; None for the lines of properties that follow one."""
    prefix, separator, message = record.partition(";")
    fields = prefix.split(",")
    if not separator or record.startswith(" ") or len(fields) < 3 or not fields[2].isdecimal():
        return None
    return f"[{int(fields[2]) / _MICROSECONDS:.6f}] {message}"


def _unreadable(path: str, err: OSError) -> HostError:
    return HostError(f"cannot read the kernel's log {path}: {err.strerror}. Run as root (CAP_SYSLOG)")
