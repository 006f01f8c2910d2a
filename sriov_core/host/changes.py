"""The kernel's notifications as one bell: uevents of devices, and rtnetlink's of links, which send no uevents."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sriov_core.errors import HostError

_RTMGRP_LINK = 1
_SUBSYSTEMS = ("net", "pci")


class KernelChanges:
    """Notifications of the running kernel in this network namespace (include/uapi/linux/rtnetlink.h: RTMGRP_LINK)."""

    def __init__(self, monitor: Any, links: socket.socket) -> None:
        self._monitor = monitor
        self._links = links

    def wait(self, timeout_s: float) -> bool:
        """Wait for a notification; everything queued behind it is taken as one."""
        deadline = time.monotonic() + timeout_s
        ready, _, _ = select.select([self._monitor.fileno(), self._links], [], [], timeout_s)
        if not ready:
            return False
        self._drain(deadline)
        return True

    def _drain(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._monitor.poll(timeout=0) is not None:
            pass
        try:
            while time.monotonic() < deadline and self._links.recv(65536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            pass
        except OSError:
            # ENOBUFS: the kernel dropped notifications because we were slow; that, too, is a change.
            pass


@contextmanager
def kernel_changes() -> Iterator[KernelChanges]:
    """Listen to the kernel for as long as the block lasts. HostError when libudev is missing."""
    try:
        import pyudev  # noqa: PLC0415  # only watching needs it, and it needs libudev

        monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
    except (ImportError, OSError) as err:
        text = f"cannot listen for device events: {err}"
        raise HostError(f"{text}. Install libudev (Debian: libudev1), or run without --watch") from err
    for subsystem in _SUBSYSTEMS:
        monitor.filter_by(subsystem)
    monitor.start()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as links:
        links.bind((0, _RTMGRP_LINK))
        yield KernelChanges(monitor, links)
