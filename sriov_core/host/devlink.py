"""The eswitch mode through devlink's generic netlink family, for which pyroute2 has the tables but no methods."""

import errno
from typing import Any

from sriov_core.errors import HostError
from sriov_core.host.lanes import Lanes
from sriov_core.host.refusals import AS_ROOT
from sriov_core.host.rtnetlink import translated
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode

# include/uapi/linux/devlink.h: enum devlink_eswitch_mode.
_MODES = {0: EswitchMode.LEGACY, 1: EswitchMode.SWITCHDEV}
_NUMBERS = {mode: number for number, mode in _MODES.items()}

# No devlink in the kernel, no instance for the device, an instance without an eswitch.
_NONE = frozenset({errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP})


class Devlink:
    """The devlink instances of this network namespace. Refusals are OSError with the kernel's errno."""

    def __init__(self, read_timeout_s: float, write_timeout_s: float) -> None:
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._lanes = Lanes(_open, "devlink")

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        """The mode, None when the device has no eswitch. HostError when it has devlink but may not be asked."""
        try:
            answer = self._ask("DEVLINK_CMD_ESWITCH_GET", address, (), self._read_timeout_s)
        except OSError as err:
            if err.errno in _NONE:
                return None
            if err.errno == errno.EPERM and not self._exists(address):
                return None
            if err.errno == errno.EPERM:
                text = f"{address}: devlink tells the eswitch mode to privileged users only"
                raise HostError(f"{text}: {AS_ROOT}") from err
            raise HostError(f"{address}: cannot read the eswitch mode through devlink: {err.strerror}") from err
        return _MODES.get(answer[0].get_attr("DEVLINK_ATTR_ESWITCH_MODE")) if answer else None

    def set_eswitch_mode(self, address: Address, mode: EswitchMode) -> None:
        """Switch the mode; returns when the kernel driver has done it."""
        attributes = (("DEVLINK_ATTR_ESWITCH_MODE", _NUMBERS[mode]),)
        self._ask("DEVLINK_CMD_ESWITCH_SET", address, attributes, self._write_timeout_s)

    def close(self) -> None:
        """Close the sockets."""
        self._lanes.close()

    def _exists(self, address: Address) -> bool:
        # The kernel tells the mode to root only (GENL_ADMIN_PERM), but to everybody whether there is a device.
        try:
            self._ask("DEVLINK_CMD_GET", address, (), self._read_timeout_s)
        except OSError as err:
            return err.errno not in _NONE
        return True

    def _ask(self, command: str, address: Address, attributes: tuple[tuple[str, Any], ...], timeout_s: float) -> Any:
        return self._lanes.call(
            lambda socket: translated(lambda dl: _request(dl, command, address, attributes), socket), timeout_s
        )


def _request(socket: Any, command: str, address: Address, attributes: tuple[tuple[str, Any], ...]) -> Any:
    from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST  # noqa: PLC0415  # heavy, and only now needed
    from pyroute2.netlink.devlink import DEVLINK_NAMES, devlinkcmd  # noqa: PLC0415

    if isinstance(socket, _NoDevlink):
        raise OSError(errno.ENOENT, "the kernel has no devlink")
    message = devlinkcmd()
    message["cmd"] = DEVLINK_NAMES[command]
    message["attrs"] = [
        ("DEVLINK_ATTR_BUS_NAME", address.bus),
        ("DEVLINK_ATTR_DEV_NAME", address.name),
        *attributes,
    ]
    # A question is answered by its reply; only a command needs to be told that it is done.
    flags = NLM_F_REQUEST | NLM_F_ACK if attributes else NLM_F_REQUEST
    return socket.nlm_request(message, msg_type=socket.prid, msg_flags=flags)


class _NoDevlink:
    """Stands for the socket on a kernel built without devlink: that does not change while it runs."""

    def close(self) -> None:
        """There is nothing to close."""


def _open() -> Any:
    from pyroute2 import DL  # noqa: PLC0415  # heavy, and only now needed
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415

    try:
        return DL()
    except NetlinkError as err:
        if err.code != errno.ENOENT:
            raise OSError(err.code, str(err.args[-1])) from err
        return _NoDevlink()
