"""Which netdevs carry traffic to where, out of /proc/net: no netlink, so it works on a captured tree too."""

import ipaddress
from collections.abc import Iterator

import attrs

from sriov_core.host import sysfs

# include/uapi/linux/route.h: RTF_REJECT; the loopback entries of /proc/net/ipv6_route carry it.
_REJECT = 0x0200
_UP = 0x0001


@attrs.frozen
class Route:
    """One route: the network it is for, whether a gateway leads there, and the netdev."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    has_gateway: bool
    netdev: str


def routes(root: str) -> list[Route]:
    """The routes of the main tables of both families."""
    return [*_routes_v4(root), *_routes_v6(root)]


def default_netdevs(found: list[Route]) -> list[str]:
    """The netdevs of the default routes, sorted."""
    return sorted({route.netdev for route in found if route.network.prefixlen == 0 and route.netdev != "lo"})


def netdev_towards(found: list[Route], peer: str) -> str | None:
    """The netdev of the most specific route to an address; None for a name or an address without a route."""
    try:
        address = ipaddress.ip_address(peer.strip("[]"))
    except ValueError:
        return None
    fitting = [route for route in found if address.version == route.network.version and address in route.network]
    best = max(fitting, key=lambda route: route.network.prefixlen, default=None)
    return best.netdev if best else None


def netdev_with(root: str, found: list[Route], address: str) -> str | None:
    """The netdev that has the address as its own (IPv4: the one whose own subnet holds it)."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return None
    if wanted.version == 4:
        return netdev_towards([route for route in found if not route.has_gateway], address)
    for line in (sysfs.read_whole(f"{root}/proc/net/if_inet6") or "").splitlines():
        fields = line.split()
        if len(fields) == 6 and int(fields[0], 16) == int(wanted):
            return fields[5]
    return None


def _routes_v4(root: str) -> Iterator[Route]:
    for line in (sysfs.read_whole(f"{root}/proc/net/route") or "").splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 8 and int(fields[3], 16) & _UP and not int(fields[3], 16) & _REJECT:
            # The kernel prints the words in the machine's own byte order.
            base, mask = (int.from_bytes(bytes.fromhex(field), "little") for field in (fields[1], fields[7]))
            network = ipaddress.IPv4Network((base, mask.bit_count()), strict=False)
            yield Route(network, fields[2] != "00000000", fields[0])


def _routes_v6(root: str) -> Iterator[Route]:
    for line in (sysfs.read_whole(f"{root}/proc/net/ipv6_route") or "").splitlines():
        fields = line.split()
        if len(fields) == 10 and not int(fields[8], 16) & _REJECT and fields[9] != "lo":
            network = ipaddress.IPv6Network((int(fields[0], 16), int(fields[1], 16)), strict=False)
            yield Route(network, int(fields[4], 16) != 0, fields[9])
