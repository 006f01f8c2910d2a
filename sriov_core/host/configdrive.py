"""The config drive of a guest of OpenStack: a small disk with its metadata, mounted for the moment of reading only.

Source: Nova's documentation, "Config drives": ISO 9660 or VFAT, labelled ``config-2``.
"""

import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from sriov_core.errors import HostError, SriovError
from sriov_core.host import sysfs
from sriov_core.host.metadata import MOST_BYTES
from sriov_core.host.tools import Run

LABELS = ("config-2", "CONFIG-2")
FILE_SYSTEMS = "iso9660,vfat"

# Whoever made the disk gets nothing run, and no device of theirs is one here.
_OPTIONS = "ro,nosuid,nodev,noexec"
# Linux 5.10 and util-linux 2.38 have it; whatever is older is asked without.
_ATTEMPTS = (f"{_OPTIONS},nosymfollow", _OPTIONS)

_PREFIX = "sriov-core-config-drive-"
_OCTAL = re.compile(r"\\([0-7]{3})")


class ConfigDrive:
    """The config drive of the machine below a root. ``scratch`` is where the folder to mount it on is made."""

    def __init__(
        self,
        root: str,
        run: Run,
        *,
        labels: Sequence[str] = LABELS,
        file_systems: str = FILE_SYSTEMS,
        scratch: str = "/run",
    ) -> None:
        self._root = root
        self._run = run
        self._labels = tuple(labels)
        self._file_systems = file_systems
        self._scratch = scratch

    def find(self) -> str | None:
        """The device with the label, by udev's link or by looking at each disk (blkid); None when there is none."""
        for label in self._labels:
            link = f"/dev/disk/by-label/{label}"
            if os.path.exists(f"{self._root}{link}"):
                return link
        return next((device for label in self._labels if (device := self._searched(label))), None)

    @contextmanager
    def mounted(self, device: str) -> Iterator[str]:
        """The folder that the device is mounted on, read-only; afterwards neither is left. HostError in words.

        Where somebody else has it mounted, it is read there. What earlier runs were kept from unmounting goes first.
        """
        with ExitStack() as stack:
            self._clear(stack)
            if there := _mounted_at(f"{self._root}{device}"):
                yield there
                return
            with self._mounted_anew(device) as folder:
                yield folder

    @contextmanager
    def _mounted_anew(self, device: str) -> Iterator[str]:
        try:
            folder = tempfile.mkdtemp(prefix=_PREFIX, dir=f"{self._root}{self._scratch}")
        except OSError as err:
            raise HostError(f"cannot make a folder to mount {device} on in {self._scratch}: {err.strerror}") from err
        inside = folder[len(self._root) :]
        try:
            self._mount(device, inside)
            try:
                yield folder
            finally:
                self._unmount(inside)
        finally:
            _remove(folder)

    def _clear(self, stack: ExitStack) -> None:
        """Unmount and remove what earlier runs left, unless one runs: it holds a lock as long as it reads."""
        scratch = f"{self._root}{self._scratch}"
        with suppress(OSError):
            lock = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, lock)
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in sysfs.names(scratch):
                    if name.startswith(_PREFIX):
                        self._forget(f"{self._scratch}/{name}")
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def _forget(self, folder: str) -> None:
        # What does not go now is tried again by the next run, and is in nobody's way until then.
        with suppress(SriovError):
            self._run(["umount", "--lazy", folder])
        with suppress(OSError):
            os.rmdir(f"{self._root}{folder}")

    def _searched(self, label: str) -> str | None:
        try:
            answer = self._run(["blkid", "-l", "-t", f"LABEL={label}", "-o", "device"])
        except SriovError:
            return None  # not installed: udev's links have to do
        found = answer.out.strip()
        return found if answer.code == 0 and found.startswith("/dev/") else None

    def _mount(self, device: str, folder: str) -> None:
        try:
            for options in _ATTEMPTS:
                answer = self._run(["mount", "-t", self._file_systems, "-o", options, device, folder])
                if answer.code == 0:
                    return
        except SriovError as err:
            raise HostError(f"the config drive {device} cannot be mounted: {err}") from err
        advice = "Run as root" if os.geteuid() else "See dmesg"
        raise HostError(f"the config drive {device} cannot be mounted: {answer.complaint}. {advice}")

    def _unmount(self, folder: str) -> None:
        complaint = ""
        for argv in (["umount", folder], ["umount", "--lazy", folder]):
            try:
                answer = self._run(argv)
            except SriovError as err:
                complaint = str(err)
                continue
            if answer.code == 0:
                return
            complaint = answer.complaint
        raise HostError(f"the config drive is still mounted on {folder}: {complaint}. Unmount it: umount {folder}")


def text(folder: str, path: str) -> str | None:
    """The text of a regular file of bounded size below a folder, without ever waiting for it; None when it is absent.

    No symbolic link below the folder is followed: whoever made the disk shall not choose which file of ours is read.
    """
    shown = f"{folder}/{path}"
    try:
        with ExitStack() as stack:
            fd = _reached(stack, folder, path.split("/"))
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                raise HostError(f"{shown} is, or lies behind, a symbolic link, so it is not read")
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise HostError(f"{shown} is no regular file, so it is not read")
            with open(f"/proc/self/fd/{fd}", "rb") as file:
                content = file.read(MOST_BYTES + 1)
    except OSError as err:
        if err.errno in sysfs.ABSENT:
            return None
        raise sysfs.unreadable(shown, err) from err
    if len(content) > MOST_BYTES:
        raise HostError(f"{shown} has more than {MOST_BYTES} bytes, which no metadata has")
    return content.decode(errors="replace")


def _reached(stack: ExitStack, folder: str, parts: Sequence[str]) -> int:
    """What is at the end of the parts, or the first symbolic link on the way: found and not yet opened."""
    fd = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    for part in parts:
        fd = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        stack.callback(os.close, fd)
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            break
    return fd


def _mounted_at(device: str) -> str | None:
    """Where the whole of a device is mounted already, and not for a moment by another run; None when it is nowhere."""
    try:
        number = os.stat(device).st_rdev
        lines = (sysfs.read_whole("/proc/self/mountinfo") or "").splitlines()
    except (OSError, HostError):
        return None
    for _, _, numbers, root, point, *_ in map(str.split, lines):
        where = _OCTAL.sub(lambda match: chr(int(match[1], 8)), point)
        if numbers == f"{os.major(number)}:{os.minor(number)}" and root == "/" and _PREFIX not in where:
            # Another mount may hide it.
            with suppress(OSError):
                if os.stat(where).st_dev == number:
                    return where
    return None


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError as err:
        raise HostError(f"cannot remove {folder}: {err.strerror}. Unmount and remove it") from err
