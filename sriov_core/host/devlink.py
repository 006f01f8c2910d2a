"""devlink through its generic netlink family, for which pyroute2 has the tables but no methods."""

import errno
from collections.abc import Callable
from typing import Any

from sriov_core.errors import HostError
from sriov_core.host import devlinkvalues
from sriov_core.host.devlinksocket import Attributes, Request, open_devlink
from sriov_core.host.lanes import Lanes
from sriov_core.host.refusals import AS_ROOT
from sriov_core.host.rtnetlink import translated
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode

# include/uapi/linux/devlink.h: enum devlink_eswitch_mode.
_MODES = {0: EswitchMode.LEGACY, 1: EswitchMode.SWITCHDEV}
_NUMBERS = {mode: number for number, mode in _MODES.items()}

# No devlink in the kernel, no instance for the device, an instance without an eswitch (or versions, or parameters).
_NONE = frozenset({errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP})
# net/devlink/param.c (devlink_nl_param_get_doit) answers EINVAL for a parameter that the device does not have.
_NO_PARAMETER = _NONE | {errno.EINVAL}
# The version that runs is what counts, then what the device was made with; what is stored runs after the next reset.
_VERSIONS = (
    "DEVLINK_ATTR_INFO_VERSION_STORED",
    "DEVLINK_ATTR_INFO_VERSION_FIXED",
    "DEVLINK_ATTR_INFO_VERSION_RUNNING",
)


class Devlink:
    """The devlink instances of this network namespace. Refusals are OSError with the kernel's errno."""

    def __init__(
        self, read_timeout_s: float, write_timeout_s: float, open_socket: Callable[[], Any] | None = None
    ) -> None:
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._lanes = Lanes(open_socket or open_devlink, "devlink")

    def eswitch_mode(self, address: Address) -> EswitchMode | None:
        """The mode, None when the device has no eswitch. HostError when it has devlink but may not be asked."""
        answer = self._look("DEVLINK_CMD_ESWITCH_GET", address, "the eswitch mode")
        return _MODES.get(answer.get_attr("DEVLINK_ATTR_ESWITCH_MODE")) if answer else None

    def set_eswitch_mode(self, address: Address, mode: EswitchMode) -> None:
        """Switch the mode; returns when the kernel driver has done it."""
        self._order("DEVLINK_CMD_ESWITCH_SET", address, (("DEVLINK_ATTR_ESWITCH_MODE", _NUMBERS[mode]),))

    def parameter(self, address: Address, name: str) -> str | None:
        """The value of a parameter as text, ``true`` or ``false`` for a flag; None when there is no such parameter.

        Of a parameter with several configuration modes it is the first one's, in the order of the kernel: run time,
        set-up of the driver (the value that the next reload takes), permanent.
        """
        found = self._parameter(address, name)
        return found.value if found else None

    def set_parameter(self, address: Address, name: str, value: str) -> None:
        """Set a parameter in the first configuration mode that it has a value in, by its own type.

        OSError with EINVAL and the reason when the value does not fit the type.
        """
        found = self._parameter(address, name)
        if found is None:
            raise OSError(errno.EOPNOTSUPP, "the device has no such devlink parameter")
        data = devlinkvalues.as_bytes(found, value)
        if found.value == value:
            return
        attributes = [
            ("DEVLINK_ATTR_PARAM_NAME", name),
            ("DEVLINK_ATTR_PARAM_TYPE", found.kind),
            ("DEVLINK_ATTR_PARAM_VALUE_CMODE", found.mode),
        ]
        if data is not None:
            attributes.append(("DEVLINK_ATTR_PARAM_VALUE_DATA", data))
        self._order("DEVLINK_CMD_PARAM_SET", address, tuple(attributes))

    def reload(self, address: Address) -> None:
        """Have the driver set the device up anew (DEVLINK_CMD_RELOAD); returns when it has done so.

        No action is named: driver_reinit is what the kernel takes then, and what it took before there were others.
        """
        self._order("DEVLINK_CMD_RELOAD", address, ())

    def versions(self, address: Address) -> dict[str, str]:
        """The versions of DEVLINK_CMD_INFO_GET by name; empty when there are none.

        Where a name has several, the running one is told, else the fixed one, else the stored one.
        """
        answer = self._look("DEVLINK_CMD_INFO_GET", address, "the versions")
        told = (version for group in _VERSIONS for version in answer.get_attrs(group)) if answer else ()
        return {
            version.get_attr("DEVLINK_ATTR_INFO_VERSION_NAME"): version.get_attr("DEVLINK_ATTR_INFO_VERSION_VALUE")
            for version in told
        }

    def close(self) -> None:
        """Close the sockets."""
        self._lanes.close()

    def _parameter(self, address: Address, name: str) -> devlinkvalues.Parameter | None:
        attributes = (("DEVLINK_ATTR_PARAM_NAME", name),)
        answer = self._look("DEVLINK_CMD_PARAM_GET", address, f"the parameter {name}", attributes, _NO_PARAMETER)
        return devlinkvalues.parameter(answer) if answer else None

    def _look(
        self,
        command: str,
        address: Address,
        what: str,
        attributes: Attributes = (),
        none: frozenset[int] = _NONE,
    ) -> Any:
        """The answer to a question, None when there is nothing to tell. HostError when it may not be asked."""
        try:
            answer = self._ask(command, address, attributes)
        except OSError as err:
            if err.errno in none or (err.errno == errno.EPERM and not self._exists(address)):
                return None
            if err.errno == errno.EPERM:
                raise HostError(f"{address}: devlink tells {what} to privileged users only: {AS_ROOT}") from err
            raise HostError(f"{address}: cannot read {what} through devlink: {err.strerror}") from err
        return answer[0] if answer else None

    def _exists(self, address: Address) -> bool:
        # The kernel tells the mode to root only (GENL_ADMIN_PERM), but to everybody whether there is a device.
        try:
            self._ask("DEVLINK_CMD_GET", address, ())
        except OSError as err:
            return err.errno not in _NONE
        return True

    def _ask(self, command: str, address: Address, attributes: Attributes) -> Any:
        # A question is answered by its reply; only an order needs to be told that it is done.
        return self._call(Request(command, address, attributes), self._read_timeout_s)

    def _order(self, command: str, address: Address, attributes: Attributes) -> None:
        self._call(Request(command, address, attributes, is_order=True), self._write_timeout_s)

    def _call(self, request: Request, timeout_s: float) -> Any:
        # The kernel locks one devlink instance at a time, so a device that hangs bars no other.
        return self._lanes.call(lambda socket: translated(request.send, socket), timeout_s, request.address)
