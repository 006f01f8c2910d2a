"""Requests to devlink through pyroute2, which is imported with the first one."""

import errno
from typing import Any

import attrs

from sriov_core.model.address import Address

Attributes = tuple[tuple[str, Any], ...]


@attrs.frozen
class Request:
    """A question or an order about one device. pyroute2 names the attributes."""

    command: str
    address: Address
    attributes: Attributes
    is_order: bool = False

    def send(self, socket: Any) -> Any:
        """The answers, none for an order: that returns when the kernel has done it."""
        from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST  # noqa: PLC0415  # heavy, and only now needed
        from pyroute2.netlink.devlink import DEVLINK_NAMES  # noqa: PLC0415

        from sriov_core.host.devlinkmessages import DevlinkMessage  # noqa: PLC0415

        if isinstance(socket, _NoDevlink):
            raise OSError(errno.ENOENT, "the kernel has no devlink")
        message = DevlinkMessage()
        message["cmd"] = DEVLINK_NAMES[self.command]
        message["attrs"] = [
            ("DEVLINK_ATTR_BUS_NAME", self.address.bus),
            ("DEVLINK_ATTR_DEV_NAME", self.address.name),
            *self.attributes,
        ]
        flags = NLM_F_REQUEST | NLM_F_ACK if self.is_order else NLM_F_REQUEST
        return socket.nlm_request(message, msg_type=socket.prid, msg_flags=flags)


class _NoDevlink:
    """Stands for the socket on a kernel built without devlink: that does not change while it runs."""

    def close(self) -> None:
        """There is nothing to close."""


def open_devlink() -> Any:
    """A socket of devlink's family, with the kernel's own sentences; one that refuses all where there is none."""
    from pyroute2 import DL  # noqa: PLC0415  # heavy, and only now needed
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415

    from sriov_core.host.devlinkmessages import DevlinkMessage  # noqa: PLC0415

    try:
        socket = DL(ext_ack=True)
    except NetlinkError as err:
        if err.code != errno.ENOENT:
            raise OSError(err.code, str(err.args[-1])) from err
        return _NoDevlink()
    socket.asyncore.marshal.msg_map[socket.prid] = DevlinkMessage
    return socket
