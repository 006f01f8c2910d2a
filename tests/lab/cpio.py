"""Write a directory tree as a cpio archive (format "newc"), which is what the kernel takes as its first file system.

Everything in it belongs to root, whoever runs this; Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_tree(root: Path, to: BinaryIO, *, at: str = "") -> None:
    """Append the tree below `root` to `to`, placed below the path `at` of the archive, and close the archive."""
    inode = 0
    for inode, (name, path) in enumerate(_entries(root, at), start=1):
        _write_entry(to, name, path, inode)
    if not at:
        _header(to, "dev/console", inode=inode + 1, mode=stat.S_IFCHR | 0o600, device=(5, 1))
    _header(to, "TRAILER!!!", inode=0, mode=0)
    to.write(b"\0" * (-to.tell() % 512))


def _entries(root: Path, at: str) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        inside = os.path.normpath(os.path.join(at, os.path.relpath(folder, root)))
        if inside != ".":
            yield inside, Path(folder)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(links + files):
            yield os.path.normpath(os.path.join(inside, name)), Path(folder, name)


def _write_entry(to: BinaryIO, name: str, path: Path, inode: int) -> None:
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        data = os.fsencode(os.readlink(path))
    elif stat.S_ISREG(info.st_mode):
        data = path.read_bytes()
    else:
        data = b""
    _header(to, name, inode=inode, mode=info.st_mode, mtime=int(info.st_mtime), size=len(data))
    to.write(data + b"\0" * (-len(data) % 4))


def _header(
    to: BinaryIO, name: str, *, inode: int, mode: int, mtime: int = 0, size: int = 0, device: tuple[int, int] = (0, 0)
) -> None:
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, mtime, size, 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    to.write(head + b"\0" * (-len(head) % 4))
