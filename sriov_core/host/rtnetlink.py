"""What sysfs does not tell of a netdev, and what is not set through it: rtnetlink, by interface index, never a dump.

pyroute2 is imported with the first call: it takes longer than a whole look at sysfs.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from sriov_core.host import vfguids, vfstatistics
from sriov_core.host.lanes import Lanes
from sriov_core.host.netlink import NETLINK_ROUTE, Netlink

T = TypeVar("T")

# include/uapi/linux/rtnetlink.h: RTEXT_FILTER_VF and RTEXT_FILTER_SKIP_STATS.
_WITH_VFS = 1
_NO_STATISTICS = 8
_NO_MAC = "00:00:00:00:00:00"


@attrs.frozen(kw_only=True)
class LinkDetails:
    """What only rtnetlink tells of a netdev."""

    min_mtu: int | None
    max_mtu: int | None
    alt_names: tuple[str, ...]


class RtNetlink:
    """The links of this network namespace. Refusals are OSError with the kernel's errno and its own words."""

    def __init__(self, read_timeout_s: float, write_timeout_s: float) -> None:
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._lanes = Lanes(_open, "rtnetlink")
        self._bare = Lanes(lambda: Netlink(NETLINK_ROUTE), "rtnetlink")

    def details(self, ifindex: int) -> LinkDetails:
        """Limits of the MTU and alternative names."""
        link = self._get(ifindex, _NO_STATISTICS)
        names = link.get_attr("IFLA_PROP_LIST")
        return LinkDetails(
            min_mtu=link.get_attr("IFLA_MIN_MTU"),
            # 0 is how the kernel says that the driver names no limit (net/core/dev.c).
            max_mtu=link.get_attr("IFLA_MAX_MTU") or None,
            alt_names=tuple(names.get_attrs("IFLA_ALT_IFNAME")) if names else (),
        )

    def vf_macs(self, ifindex: int) -> dict[int, str]:
        """VF index to the address that the PF was told; a VF without one is absent."""
        listed = self._get(ifindex, _WITH_VFS | _NO_STATISTICS).get_attr("IFLA_VFINFO_LIST")
        found: dict[int, str] = {}
        for info in listed.get_attrs("IFLA_VF_INFO") if listed else ():
            told = info.get_attr("IFLA_VF_MAC")
            # The kernel sends 32 octets; only as many as the PF's own address has are meant.
            mac = told["mac"][: len(_NO_MAC)].lower() if told else _NO_MAC
            if mac != _NO_MAC:
                found[int(told["vf"])] = mac
        return found

    def vf_statistics(self, ifindex: int) -> dict[int, dict[str, int]]:
        """VF index to its counters (`vfstatistics.COUNTERS`), as far as the PF's driver counts."""
        return dict(vfstatistics.told(self._get(ifindex, _WITH_VFS)))

    def set_up(self, ifindex: int, *, up: bool) -> None:
        """Set a netdev administratively up or down."""
        self._set(ifindex, state="up" if up else "down")

    def set_mtu(self, ifindex: int, mtu: int) -> None:
        """Set a netdev's MTU."""
        self._set(ifindex, mtu=mtu)

    def set_vf_mac(self, ifindex: int, vf: int, mac: str) -> None:
        """Tell the PF the address of a VF."""
        self._set(ifindex, vf={"vf": vf, "mac": mac})

    def vf_guids(self, ifindex: int) -> dict[int, str]:
        """VF index to the GUID that the PF was told for node and port; a VF is absent that has not both the same."""
        body = vfguids.question(ifindex, _WITH_VFS | _NO_STATISTICS)
        (link,) = self._bare.call(lambda netlink: netlink.ask(vfguids.RTM_GETLINK, body), self._read_timeout_s)
        return dict(vfguids.told(link))

    def set_vf_guid(self, ifindex: int, vf: int, guid: str) -> None:
        """Tell the PF node and port GUID of a VF, both the same. Of Ethernet PFs the kernel takes none: EOPNOTSUPP."""
        body = vfguids.setting(ifindex, vf, guid)
        self._bare.call(lambda netlink: netlink.ask(vfguids.RTM_NEWLINK, body), self._write_timeout_s)

    def close(self) -> None:
        """Close the sockets."""
        self._lanes.close()
        self._bare.close()

    def _get(self, ifindex: int, filters: int) -> Any:
        return self._call(lambda ip: ip.link("get", index=ifindex, ext_mask=filters)[0], self._read_timeout_s)

    def _set(self, ifindex: int, **what: Any) -> None:
        self._call(lambda ip: ip.link("set", index=ifindex, **what), self._write_timeout_s)

    def _call(self, function: Callable[[Any], T], timeout_s: float) -> T:
        return self._lanes.call(lambda ip: translated(function, ip), timeout_s)


def translated(function: Callable[[Any], T], socket: Any) -> T:
    """The function's answer; pyroute2's errors become OSError, so that nothing else need know pyroute2."""
    from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415  # heavy, and only now needed

    try:
        return function(socket)
    except NetlinkError as err:
        words = str(err.args[1]) if len(err.args) > 1 and err.args[1] else os.strerror(err.code)
        raise OSError(err.code, words) from err


def _open() -> Any:
    from pyroute2 import IPRoute  # noqa: PLC0415  # heavy, and only now needed

    # The kernel's own sentence instead of a bare errno, and a refusal of what it does not understand.
    return IPRoute(ext_ack=True, strict_check=True)
