"""Bare netlink for what pyroute2 does not know or gets wrong: attributes as bytes, one request and its answers.

Sources: include/uapi/linux/netlink.h and genetlink.h. Sockets are meant to live in `Lanes`, which set the deadline.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator

NETLINK_ROUTE = 0
NETLINK_GENERIC = 16
NETLINK_RDMA = 20

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_GENERIC = struct.Struct("=BBH")  # command, version, reserved
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSG_ERROR = 2
_NLA_F_NESTED, _NLA_TYPE_MASK = 0x8000, 0x3FFF
_SOL_NETLINK = 270
_NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 10, 11
_NLMSGERR_ATTR_MSG = 1
_GENL_ID_CTRL = 16
_CTRL_CMD_GETFAMILY = 3
_CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 1, 2


def attribute(kind: int, payload: bytes) -> bytes:
    """An attribute, padded to four octets."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def text(kind: int, value: str) -> bytes:
    """An attribute that holds a string with its final zero."""
    return attribute(kind, value.encode() + b"\0")


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | _NLA_F_NESTED, b"".join(inner))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each attribute, in order; what is cut short ends it."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or at + size > len(data):
            return
        yield kind & _NLA_TYPE_MASK, data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4


def generic(command: int, *inner: bytes) -> bytes:
    """The body of a message of a generic netlink family, version 1."""
    return _GENERIC.pack(command, 1, 0) + b"".join(inner)


class Netlink:
    """A socket of one protocol. OSError with EPROTONOSUPPORT where the kernel has no such protocol."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sequence = 0
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)

    def ask(self, kind: int, body: bytes) -> list[bytes]:
        """Send a request; the bodies of its answers once the kernel says that it is done.

        A refusal is OSError with the kernel's errno and, where it gives one, its own sentence.
        """
        self._sequence += 1
        size = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(size, kind, _NLM_F_REQUEST | _NLM_F_ACK, self._sequence, 0) + body)
        found: list[bytes] = []
        while True:
            for answer, flags, payload in self._receive():
                if answer == _NLMSG_ERROR:
                    _must_be_success(flags, payload)
                    return found
                found.append(payload)

    def family(self, name: str) -> int:
        """The number of a generic netlink family; OSError with ENOENT when the kernel has none of that name."""
        body = generic(_CTRL_CMD_GETFAMILY, text(_CTRL_ATTR_FAMILY_NAME, name))
        absent = OSError(errno.ENOENT, f"the kernel has no netlink family {name}")
        try:
            (payload,) = self.ask(_GENL_ID_CTRL, body)
        except OSError as err:
            if err.errno == errno.ENOENT:
                raise absent from err
            raise
        number = dict(attributes(payload[_GENERIC.size :])).get(_CTRL_ATTR_FAMILY_ID)
        if number is None:
            raise absent
        return int.from_bytes(number, sys.byteorder)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        """Type, flags and payload of each message of one datagram that answers the last request."""
        # With MSG_TRUNC the kernel tells the size of the datagram, not of what fits into the buffer.
        data = bytearray(self._socket.recv_into(bytearray(1), 1, socket.MSG_PEEK | socket.MSG_TRUNC))
        self._socket.recv_into(data)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
            if sequence == self._sequence:
                yield kind, flags, bytes(data[at + _HEADER.size : at + length])
            at += max(length + -length % 4, _HEADER.size)


def _must_be_success(flags: int, payload: bytes) -> None:
    code = -int.from_bytes(payload[:4], sys.byteorder, signed=True)
    if code == 0:
        return
    words = os.strerror(code)
    if flags & _NLM_F_ACK_TLVS:
        # The errno is followed by the header of the refused message, and by its body where that was not left out.
        (refused,) = struct.unpack_from("=I", payload, 4)
        at = 4 + (_HEADER.size if flags & _NLM_F_CAPPED else refused + -refused % 4)
        told = dict(attributes(payload[at:])).get(_NLMSGERR_ATTR_MSG, b"")
        words = told.rstrip(b"\0").decode(errors="replace") or words
    raise OSError(code, words)
