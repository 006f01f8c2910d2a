"""devlink's messages with the values of parameters, which pyroute2's table leaves out. Heavy: imported when needed."""

from pyroute2.netlink.devlink import devlinkcmd

_VALUE = "DEVLINK_ATTR_PARAM_VALUE_DATA"


def _with_values(table: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, "cdata" if name == _VALUE else kind) for name, kind in table)


class DevlinkMessage(devlinkcmd):  # type: ignore[misc]  # pyroute2 has no types
    """A request or an answer; the value of a parameter is its bytes, as the kernel holds them."""

    nla_map = _with_values(devlinkcmd.nla_map)

    class devlink(devlinkcmd.devlink):  # type: ignore[misc]  # noqa: N801  # pyroute2 finds it by this name
        """What is nested; the same table again."""

        nla_map = _with_values(devlinkcmd.devlink.nla_map)
