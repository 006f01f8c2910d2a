"""The loop of a writer process: one request in, one access to sysfs, one answer out. Run as a script, never imported.

It is a process of its own because sysfs can block in the kernel for ever, and only a process can be left behind then:
a thread there would keep its own process from ending. It starts without site-packages, so it imports nothing beyond
the standard library's smallest parts.
"""

import os
import struct
import sys

_REQUEST = struct.Struct("!?II")
_ANSWER = struct.Struct("!BiI")
_OPENING, _WRITING = 1, 2


def _exactly(size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            sys.exit(0)  # the other end is gone, and with it every wish to write
        data += part
    return data


def _write(path: bytes, value: bytes) -> tuple[int, int]:
    stage = _OPENING
    try:
        # Truncating means nothing to sysfs, and makes a plain file below another root hold just the value.
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC)
        try:
            stage = _WRITING
            os.write(fd, value)
        finally:
            os.close(fd)
    except OSError as err:
        return stage, err.errno or 0
    return 0, 0


def _read(path: bytes) -> tuple[int, int, bytes]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return 0, 0, os.read(fd, 4096)  # no sysfs attribute is longer than a page
        finally:
            os.close(fd)
    except OSError as err:
        return _OPENING, err.errno or 0, b""


def _main() -> None:
    while True:
        is_read, path_size, value_size = _REQUEST.unpack(_exactly(_REQUEST.size))
        path, value = _exactly(path_size), _exactly(value_size)
        stage, code, text = _read(path) if is_read else (*_write(path, value), b"")
        os.write(1, _ANSWER.pack(stage, code, len(text)) + text)


if __name__ == "__main__":
    _main()
