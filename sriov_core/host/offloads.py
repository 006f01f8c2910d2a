"""What ethtool's ioctl tells and switches, each call with a deadline: versions, permanent address, offloads.

Sources: include/uapi/linux/ethtool.h and net/ethtool/ioctl.c. A netdev has one bit a feature, in blocks of 32; the
names of the bits are a string set of the kernel's.
"""

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

import attrs

from sriov_core.host import ethtool
from sriov_core.host.lanes import Lanes
from sriov_core.plugin.reader import Firmware

_GSTRINGS = 0x0000001B
_GSSET_INFO = 0x00000037
_GFEATURES = 0x0000003A
_SFEATURES = 0x0000003B
_SS_FEATURES = 4
_NAME_SIZE = 32
_BLOCK_BITS = 32
_STATE = struct.Struct("=IIII")  # of a block: available, requested, active, never changed


class Offloads:
    """The netdevs of this network namespace. Refusals are OSError with the kernel's errno."""

    def __init__(
        self, read_timeout_s: float, write_timeout_s: float, open_socket: Callable[[], Any] | None = None
    ) -> None:
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        # The kernel answers only when it gets the lock that every change of the network takes.
        self._lanes = Lanes(open_socket or ethtool.open_socket, "ethtool")

    def versions(self, netdev: str) -> Firmware:
        """As `ethtool.versions`."""
        return self._lanes.call(lambda sock: ethtool.versions(netdev, sock), self._read_timeout_s)

    def permanent_address(self, netdev: str) -> str | None:
        """As `ethtool.permanent_address`."""
        return self._lanes.call(lambda sock: ethtool.permanent_address(netdev, sock), self._read_timeout_s)

    def is_on(self, netdev: str, name: str) -> bool | None:
        """Whether an offload is on; None when the netdev has none of that name, or one that cannot be switched."""
        found = self._lanes.call(lambda sock: _find(sock, netdev, name), self._read_timeout_s)
        return found.is_on if found else None

    def switch(self, netdev: str, name: str, *, on: bool) -> None:
        """Switch an offload and read it back; OSError with EOPNOTSUPP where that changed nothing."""
        self._lanes.call(lambda sock: _switch(sock, netdev, name, on=on), self._write_timeout_s)

    def close(self) -> None:
        """Close the sockets."""
        self._lanes.close()


@attrs.frozen(kw_only=True)
class _Offload:
    """One that can be switched: a bit in one of several blocks."""

    block: int
    blocks: int
    mask: int
    is_on: bool


def _switch(sock: socket.socket, netdev: str, name: str, *, on: bool) -> None:
    found = _find(sock, netdev, name)
    if found is None:
        raise OSError(errno.EOPNOTSUPP, "it has no such feature, or one that cannot be switched")
    if found.is_on is on:
        return
    words = [0] * (2 * found.blocks)  # of each block: which bits are meant, and what they shall be
    words[2 * found.block : 2 * found.block + 2] = found.mask, found.mask if on else 0
    ethtool.call(sock, netdev, struct.pack(f"=II{len(words)}I", _SFEATURES, found.blocks, *words))
    left = _find(sock, netdev, name)
    if left is None or left.is_on is not on:
        raise OSError(errno.EOPNOTSUPP, "the kernel took it and changed nothing: another setting rules it out")


def _find(sock: socket.socket, netdev: str, name: str) -> _Offload | None:
    names = _names(sock, netdev)
    if name not in names:
        return None
    block, bit = divmod(names.index(name), _BLOCK_BITS)
    blocks = -(-len(names) // _BLOCK_BITS)
    reply = ethtool.ask(netdev, struct.pack(f"=II{blocks * _STATE.size}x", _GFEATURES, blocks), sock)
    if reply is None:
        return None
    available, _, active, never_changed = _STATE.unpack_from(reply, 8 + block * _STATE.size)
    mask = 1 << bit
    if not available & ~never_changed & mask:
        return None
    return _Offload(block=block, blocks=blocks, mask=mask, is_on=bool(active & mask))


def _names(sock: socket.socket, netdev: str) -> list[str]:
    """The kernel's names of the bits, the same for every netdev."""
    reply = ethtool.ask(netdev, struct.pack("=IIQI", _GSSET_INFO, 0, 1 << _SS_FEATURES, 0), sock)
    if reply is None:
        return []
    (count,) = struct.unpack_from("=I", reply, 16)
    request = struct.pack(f"=III{count * _NAME_SIZE}x", _GSTRINGS, _SS_FEATURES, count)
    names = ethtool.ask(netdev, request, sock) or b""
    return [
        names[at : at + _NAME_SIZE].split(b"\0", 1)[0].decode(errors="replace")
        for at in range(12, len(names), _NAME_SIZE)
    ]
