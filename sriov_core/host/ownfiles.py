"""The few files on the host that are wholly ours: a closed list of paths, written atomically.

Beside them the notes of the other operator about NICs (`sriov_core.model.predecessor`), which are only ever removed.
"""

import errno
import os
import re
from collections.abc import Callable
from typing import TypeVar

from sriov_core.errors import HostError, StepFailed
from sriov_core.host import sysfs
from sriov_core.host.refusals import impossible, refused
from sriov_core.host.tools import Run, has
from sriov_core.model import predecessor

T = TypeVar("T")

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755

_RULES = "/etc/udev/rules.d"
_RULE = re.compile(rf"{_RULES}/10-sriov-core-[A-Za-z0-9_.:-]+\.rules")
# Open vSwitch's service as Debian and as Red Hat name it.
_SERVICES = ("openvswitch-switch", "ovs-vswitchd")
_FIXED = (
    "/etc/modules-load.d/sriov-core.conf",
    "/etc/modprobe.d/sriov-core.conf",
    *(f"/etc/systemd/system/{service}.service.d/10-sriov-core.conf" for service in _SERVICES),
)


def present(root: str) -> dict[str, str]:
    """Path, as the host names it, to text, notes of the other operator among them; without those that this user may
    not read.
    """
    folders = (_RULES, predecessor.STORE)
    listed = (f"{folder}/{name}" for folder in folders for name in _if_allowed(sysfs.names, f"{root}{folder}") or ())
    known = (
        path for path in (*listed, *_FIXED, predecessor.RDMA_OPTIONS) if _is_ours(path) or predecessor.is_note(path)
    )
    return {path: text for path in known if (text := _if_allowed(sysfs.read_whole, f"{root}{path}")) is not None}


def write(root: str, path: str, content: str | None, run: Run, *, live: bool) -> None:
    """Write one of our files, or remove it when ``content`` is None; does nothing when it is like that already."""
    if not (_is_ours(path) or (content is None and predecessor.is_note(path))):
        advice = f"Ours are {_RULES}/10-sriov-core-*.rules, {', '.join(_FIXED)}"
        raise impossible("node", "file", repr(path), "the path is not one of ours", advice)
    if sysfs.read_whole(f"{root}{path}") == content:
        return
    try:
        if content is None:
            os.unlink(f"{root}{path}")
        else:
            replace(f"{root}{path}", content)
    except OSError as err:
        raise refused("node", path, "remove" if content is None else "write", err, _advice(err)) from err
    if path.startswith(_RULES) and live:
        _reload(root, run)


def replace(path: str, content: str, mode: int = _FILE_MODE) -> None:
    """Write a file so that a reader, and a machine that loses power, finds the old text or the new one.

    It, and folders made for it, may be read by all whatever the umask: udev, systemd and a look without rights do. A
    file that holds what is not for all has a mode of its own.
    """
    folder, _, name = path.rpartition("/")
    make_folder(folder)
    draft = f"{folder}/.{name}.draft"
    with open(draft, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: str) -> None:
    """Make a folder and those above it that are missing, with mode 0755 whatever the umask."""
    if os.path.isdir(path or "."):  # above the first part of a relative path is where we are
        return
    make_folder(os.path.dirname(path))
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    else:
        os.chmod(path, _FOLDER_MODE)


def _if_allowed(read: Callable[[str], T], path: str) -> T | None:
    try:
        return read(path)
    except HostError as err:
        if isinstance(err.__cause__, PermissionError):
            return None
        raise


def _is_ours(path: str) -> bool:
    return path in _FIXED or _RULE.fullmatch(path) is not None


def _reload(root: str, run: Run) -> None:
    # The control socket is there while udevd runs; without it the rules are read when it starts.
    if not has(root, "udevadm") or not os.path.exists(f"{root}/run/udev/control"):
        return
    answer = run(["udevadm", "control", "--reload"])
    if answer.code:
        raise StepFailed(f"node: udev rules: reload refused: {answer.complaint}. Run `udevadm control --reload`")


def _advice(err: OSError) -> str:
    return "The host's /etc is mounted read-only: mount it read-write" if err.errno == errno.EROFS else ""
