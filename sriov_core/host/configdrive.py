"""The config drive of a guest of OpenStack: a small disk with its metadata, mounted for the moment of reading only.

Source: Nova's documentation, "Config drives": ISO 9660 or VFAT, labelled ``config-2``.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sriov_core.errors import HostError, SriovError
from sriov_core.host import sysfs
from sriov_core.host.metadata import MOST_BYTES
from sriov_core.host.tools import Run

LABELS = ("config-2", "CONFIG-2")
FILE_SYSTEMS = "iso9660,vfat"

# Whoever made the disk gets nothing run, and no device of theirs is one here.
_OPTIONS = "ro,nosuid,nodev,noexec"


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
        """The folder that the device is mounted on, read-only; afterwards neither is left. HostError in words."""
        try:
            folder = tempfile.mkdtemp(prefix="sriov-core-config-drive-", dir=f"{self._root}{self._scratch}")
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

    def _searched(self, label: str) -> str | None:
        try:
            answer = self._run(["blkid", "-l", "-t", f"LABEL={label}", "-o", "device"])
        except SriovError:
            return None  # not installed: udev's links have to do
        found = answer.out.strip()
        return found if answer.code == 0 and found.startswith("/dev/") else None

    def _mount(self, device: str, folder: str) -> None:
        try:
            answer = self._run(["mount", "-t", self._file_systems, "-o", _OPTIONS, device, folder])
        except SriovError as err:
            raise HostError(f"the config drive {device} cannot be mounted: {err}") from err
        if answer.code:
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


def text(path: str) -> str | None:
    """The text of a regular file of bounded size, without ever waiting for it; None when it is absent."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as err:
        if err.errno in sysfs.ABSENT:
            return None
        raise sysfs.unreadable(path, err) from err
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise HostError(f"{path} is no regular file, so it is not read")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise HostError(f"{path} has more than {MOST_BYTES} bytes, which no metadata has")
    return content.decode(errors="replace")


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError as err:
        raise HostError(f"cannot remove {folder}: {err.strerror}. Unmount and remove it") from err
