"""ethtool through its ioctl: versions and the permanent address. Costs no import, unlike netlink."""

import array
import errno
import fcntl
import socket
import struct
from contextlib import nullcontext

from sriov_core.plugin.reader import Firmware

# include/uapi/linux/sockios.h and ethtool.h.
_SIOCETHTOOL = 0x8946
_GDRVINFO = 0x00000003
_GPERMADDR = 0x00000020
_DRVINFO = struct.Struct("=I32s32s32s32s32s12xIIIII")
_LONGEST_ADDRESS = 32
_NONE = frozenset({"", "N/A", "n/a"})


def versions(netdev: str, sock: socket.socket | None = None) -> Firmware:
    """What ``ethtool -i`` prints as version and firmware-version; empty answers for a netdev that has none."""
    reply = ask(netdev, _DRVINFO.pack(_GDRVINFO, *([b""] * 5), *([0] * 5)), sock)
    if reply is None:
        return Firmware()
    _, _, driver_version, firmware_version, *_ = _DRVINFO.unpack(reply)
    return Firmware(driver_version=_text(driver_version), firmware_version=_text(firmware_version))


def permanent_address(netdev: str, sock: socket.socket | None = None) -> str | None:
    """What ``ethtool -P`` prints; None when the netdev has none (all octets zero)."""
    reply = ask(netdev, struct.pack(f"=II{_LONGEST_ADDRESS}x", _GPERMADDR, _LONGEST_ADDRESS), sock)
    if reply is None:
        return None
    (size,) = struct.unpack_from("=I", reply, 4)
    octets = reply[8 : 8 + size]
    return octets.hex(":") if any(octets) else None


def ask(netdev: str, request: bytes, sock: socket.socket | None = None) -> bytes | None:
    """The reply to a question, None where the netdev or its kernel driver has none to give."""
    try:
        with nullcontext(sock) if sock else open_socket() as opened:
            return call(opened, netdev, request)
    except OSError as err:
        if err.errno in (errno.EOPNOTSUPP, errno.ENODEV, errno.EPERM):
            return None
        raise


def call(sock: socket.socket, netdev: str, request: bytes) -> bytes:
    """The reply to any request; OSError with the kernel's errno."""
    buffer = array.array("B", request)
    fcntl.ioctl(sock, _SIOCETHTOOL, struct.pack("16sP16x", netdev.encode()[:15], buffer.buffer_info()[0]))
    return buffer.tobytes()


def open_socket() -> socket.socket:
    """A socket to ask through; of any network namespace, it is the one that it was opened in."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)


def _text(field: bytes) -> str | None:
    text = field.split(b"\0", 1)[0].decode(errors="replace").strip()
    return None if text in _NONE else text
