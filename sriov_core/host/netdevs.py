"""The netdevs of a device as sysfs shows them; netlink is asked elsewhere for what sysfs does not tell."""

import os
import re

from sriov_core.host import sysfs
from sriov_core.model.address import Address
from sriov_core.model.observed import LinkType
from sriov_core.plugin.reader import Link

_IFF_UP = 0x1
_NET_ADDR_PERM = "0"
# include/uapi/linux/if_arp.h: ARPHRD_ETHER, ARPHRD_INFINIBAND.
_LINK_TYPES = {"1": LinkType.ETH, "32": LinkType.IB}
# net/core/devlink (devlink_port_attrs): pf0vf3, c1pf0vf3, pf0sf88 are representors; p0, p1s0 are ports of the card.
_REPRESENTOR = re.compile(r"(c\d+)?pf\d+((vf|sf)\d+)?")


def of_device(devices: sysfs.DeviceTree, address: Address) -> list[Link]:
    """The netdevs of a device in this network namespace, by name."""
    found: list[Link] = []
    for directory in _net_directories(devices, address):
        for name in sysfs.names(directory):
            link = _link(directory, name)
            if link:
                found.append(link)
    return found


def names_of(devices: sysfs.DeviceTree, address: Address) -> list[str]:
    """Only the names of its netdevs: one listing."""
    return [name for directory in _net_directories(devices, address) for name in sysfs.names(directory)]


def own(links: list[Link]) -> Link | None:
    """The device's own netdev among its links: in switchdev mode its VFs' representors are listed beside it."""
    candidates = [link for link in links if not _REPRESENTOR.fullmatch(link.phys_port_name or "")]
    return min(candidates, key=lambda link: link.ifindex, default=None)


def is_elsewhere(devices: sysfs.DeviceTree, address: Address) -> bool:
    """True when the device has a netdev in another network namespace.

    The ``net`` directory exists as long as the device has a netdev at all; its listing shows only those of the
    network namespace that sysfs was mounted in (fs/sysfs: namespace tags).
    """
    path = f"{devices.path(address)}/net"
    try:
        return not os.listdir(path)
    except OSError:
        return False


def _net_directories(devices: sysfs.DeviceTree, address: Address) -> list[str]:
    path = devices.path(address)
    direct = f"{path}/net"
    if os.path.isdir(direct):
        return [direct]
    # A virtio NIC's netdev belongs to the virtio device below the PCI function.
    if sysfs.link_name(f"{path}/driver") != "virtio-pci":
        return []
    below = (f"{path}/{name}/net" for name in sysfs.names(path) if name.startswith("virtio"))
    return [directory for directory in below if os.path.isdir(directory)]


def _link(directory: str, name: str) -> Link | None:
    try:
        fd = os.open(f"{directory}/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None  # renamed or moved since it was listed
    try:
        return _read_link(fd, name)
    finally:
        os.close(fd)


def _read_link(fd: int, name: str) -> Link | None:
    ifindex = _number(sysfs.read("ifindex", dir_fd=fd))
    if ifindex is None:
        return None  # it went away while its directory was open
    mac = sysfs.read("address", dir_fd=fd) or None
    flags = sysfs.read("flags", dir_fd=fd)
    up = bool(int(flags, 16) & _IFF_UP) if flags else None
    carrier = sysfs.read("carrier", dir_fd=fd) if up else None
    speed = _number(sysfs.read("speed", dir_fd=fd)) if carrier == "1" else None
    permanent = sysfs.read("addr_assign_type", dir_fd=fd) == _NET_ADDR_PERM
    return Link(
        name=name,
        ifindex=ifindex,
        mac=mac,
        permanent_mac=mac if permanent else None,
        mtu=_number(sysfs.read("mtu", dir_fd=fd)),
        up=up,
        carrier=carrier == "1" if carrier else False if up is False else None,
        speed_mbit=speed if speed and speed > 0 else None,
        link_type=_LINK_TYPES.get(sysfs.read("type", dir_fd=fd) or ""),
        phys_port_name=sysfs.read("phys_port_name", dir_fd=fd) or None,
        phys_switch_id=sysfs.read("phys_switch_id", dir_fd=fd) or None,
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None
