"""How many network namespaces there are beside the host's own: of processes, and of mounts that keep one alive."""

import os
import re

from sriov_core.errors import HostError
from sriov_core.host import sysfs

# fs/proc_namespace.c (show_mountinfo): the fourth field is the root of the mount, here of the file system nsfs.
_MOUNTED = re.compile(r"^\S+ \S+ \S+ (net:\[\d+\]) ", re.MULTILINE)


def others(root: str) -> int:
    """The number of other network namespaces; of processes that are hidden from us nothing is known.

    One that only an open file or a socket keeps alive is not found: for it, the kernel's refusal has the last word.
    """
    proc = f"{root}/proc"
    own = _of(proc, "1") or _of(proc, "self")
    found = {name for pid in sysfs.names(proc) if pid.isdigit() and (name := _of(proc, pid))}
    return len((found | _mounted(proc)) - {own})


def _of(proc: str, pid: str) -> str | None:
    try:
        return os.readlink(f"{proc}/{pid}/ns/net")
    except OSError:
        return None  # ended, a kernel thread, or hidden from us


def _mounted(proc: str) -> set[str]:
    """As the first process sees the mounts: what container runtimes and ``ip netns add`` leave is mounted there."""
    try:
        return set(_MOUNTED.findall(sysfs.read_whole(f"{proc}/1/mountinfo") or ""))
    except HostError:
        return set()
