"""Who would lose a device: processes with its VFIO, UIO or vDPA device open. Reads /proc; a glance serves many VFs."""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from sriov_core.host import sysfs, vdpabus
from sriov_core.model.address import Address

_GLANCE_S = 0.25
"""How long one look at /proc serves at the least: all VFs of one look at the machine."""

_SHARE = 4
"""A look serves for that many times as long as it took: at most a fifth of the time goes into looks."""

_GROUPS = "/dev/vfio/"
_NODES = (_GROUPS, "/dev/uio", "/dev/vhost-vdpa-")
_ANONYMOUS = "anon_inode:[vfio-device]"
_SYSPATH = "vfio-device-syspath:"


class Holders:
    """Finds the processes that have a device node open."""

    def __init__(self, root: str, devices: sysfs.DeviceTree, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._proc = f"{root}/proc"
        self._devices = devices
        self._lock = threading.Lock()
        self._seen: Mapping[str, str] = {}
        self._clock = clock
        self._seen_at = float("-inf")
        self._took_s = 0.0

    def look(self) -> None:
        """Look at the processes now, whenever that was done last."""
        with self._lock:
            self._look()

    def refresh(self) -> None:
        """Look at the processes now, unless the last look was so dear that it has to serve a while."""
        with self._lock:
            self._look_after(_SHARE * self._took_s)

    def of(self, address: Address) -> str | None:
        """Who has the device open, as in "pid 1234 (qemu-system-x86)"; None when nobody is known."""
        return self.of_nodes(self.nodes(address))

    def of_nodes(self, nodes: Sequence[str]) -> str | None:
        """Who has one of a device's nodes open.

        Other users' processes show only to root. A process that opened the VFIO device and closed its group is
        recognised where the kernel tells the device in fdinfo.
        """
        if not nodes:
            return None
        with self._lock:
            self._look_after(max(_GLANCE_S, _SHARE * self._took_s))
            return next((self._seen[node] for node in nodes if node in self._seen), None)

    def anybody(self) -> str | None:
        """Some process with some VFIO group open, and which: it may block a change of quite another device."""
        with self._lock:
            groups = (node for node in self._seen if node.startswith(_GROUPS) and node[len(_GROUPS) :].isdigit())
            return next((f"{self._seen[node]} has {node} open" for node in groups), None)

    def nodes(self, address: Address) -> tuple[str, ...]:
        """What a process that drives the device from user space has open; empty while a kernel driver has it.

        The vDPA device of a VF counts: while a process has it open the kernel waits to take it away, without end
        (drivers/vhost/vdpa.c: vhost_vdpa_remove), and a VF leaves no driver before that.
        """
        path = self._devices.path(address)
        vfio = sysfs.names(f"{path}/vfio-dev")
        uio = sysfs.names(f"{path}/uio")
        group = self._devices.iommu_group(address)
        grouped = group is not None and (vfio or self._devices.kernel_driver(address) == "vfio-pci")
        return (
            *((f"/dev/vfio/{group}", f"/dev/vfio/noiommu-{group}") if grouped else ()),
            *(f"/dev/vfio/devices/{name}" for name in vfio),
            *(f"/dev/{name}" for name in uio),
            *((address.name,) if grouped else ()),
            *vdpabus.nodes(self._devices, address),
        )

    def group(self, nodes: Sequence[str]) -> str | None:
        """The path of the one of a device's nodes that answers EBUSY while the device is in use; None without one.

        drivers/vfio/group.c (vfio_group_fops_open): a group has one opener, for as long as the devices that came of it
        are open, and none while a device of it is in use by a node of its own. The vDPA node would answer so as well,
        yet opening it resets the device (drivers/vhost/vdpa.c: vhost_vdpa_open).
        """
        paths = (f"{self._root}{node}" for node in nodes if _is_group(node))
        return next((path for path in paths if _is_device(path)), None)

    def is_told_by_group(self, nodes: Sequence[str]) -> bool:
        """True when nobody has any of a device's nodes open if nobody has its group.

        Not so where devices have nodes of their own: what is open and not yet in use keeps the kernel waiting too.
        """
        return all(_is_group(node) or not node.startswith("/") for node in nodes)

    def _look_after(self, age_s: float) -> None:
        if self._clock() - self._seen_at > age_s:
            self._look()

    def _look(self) -> None:
        began = self._clock()
        self._seen = _open_devices(self._proc)
        self._seen_at = self._clock()
        self._took_s = self._seen_at - began


def _is_group(node: str) -> bool:
    return node.rpartition("/")[0] + "/" == _GROUPS


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False


def _open_devices(proc: str) -> dict[str, str]:
    """Device node (or PCI address, out of fdinfo) to the process that has it open."""
    found: dict[str, str] = {}
    for pid in _processes(proc):
        for node in _devices_of(f"{proc}/{pid}"):
            found.setdefault(node, f"pid {pid} ({sysfs.read(f'{proc}/{pid}/comm') or '?'})")
    return found


def _processes(proc: str) -> Iterable[str]:
    return (name for name in sysfs.names(proc) if name.isdigit())


def _devices_of(process: str) -> Iterable[str]:
    try:
        fds = os.listdir(f"{process}/fd")
    except OSError:
        return  # ended, or another user's
    for fd in fds:
        try:
            target = os.readlink(f"{process}/fd/{fd}")
        except OSError:
            continue  # closed since it was listed
        if target == _ANONYMOUS:
            yield from _in_fdinfo(f"{process}/fdinfo/{fd}")
        # The path is as the process's own mount namespace has it, so only its end is sure.
        elif (at := max(map(target.find, _NODES))) >= 0:
            yield target[at:]


def _in_fdinfo(path: str) -> Iterable[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    yield from (line.rpartition("/")[2].strip() for line in lines if line.startswith(_SYSPATH))
