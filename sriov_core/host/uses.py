"""Who on this host would notice if a NIC went away: routes, the node's address, bonds and bridges, storage."""

from collections.abc import Callable, Iterator, Sequence

from sriov_core.host import netdevs, storage, sysfs
from sriov_core.host.routes import Route, default_netdevs, netdev_towards, netdev_with, routes
from sriov_core.model.address import Address
from sriov_core.model.observed import Use

_OPEN_VSWITCH = "ovs-system"
_NOUNS = {"upper": "the stacked interface", "vlan": "VLAN", "vrf": "VRF"}


def uses_of(root: str, devices: sysfs.DeviceTree, address: Address, node_addresses: Sequence[str]) -> tuple[Use, ...]:
    """Every use that can be told, the gravest first. What goes over a VF of the NIC counts as its own."""
    found = [*_carried(root, devices, address, node_addresses), *_uppers(root, devices, address)]
    return tuple(dict.fromkeys(found))


def _carried(root: str, devices: sysfs.DeviceTree, address: Address, node_addresses: Sequence[str]) -> Iterator[Use]:
    for kind, netdev, what in _carriers(root, node_addresses):
        through = _path_down(root, netdev, lambda name: _is_of(root, devices, address, name))
        if through:
            yield Use(kind=kind, detail=f"{what} goes through {' over '.join(through)}")


def _carriers(root: str, node_addresses: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(kind, netdev, what) for everything that names a netdev it depends on."""
    table = routes(root)
    for netdev in default_netdevs(table):
        yield "default-route", netdev, "the default route"
    for known_by in node_addresses:
        if netdev_of := netdev_with(root, table, known_by):
            yield "node-address", netdev_of, f"the node's address {known_by}"
    yield from _storage(root, table)


def _storage(root: str, table: list[Route]) -> Iterator[tuple[str, str, str]]:
    for peer, what in storage.peers(root):
        if netdev := netdev_towards(table, peer):
            yield "storage", netdev, what
    for netdev, what in storage.fcoe_netdevs(root):
        yield "storage", netdev, what


def _path_down(root: str, netdev: str, is_meant: Callable[[str], bool], depth: int = 8) -> tuple[str, ...]:
    """The chain of netdevs from one down to the one that is meant (bond0, ens1f0); empty when it is not below."""
    if is_meant(netdev):
        return (netdev,)
    if depth == 0:
        return ()
    path = f"{root}/sys/class/net/{netdev}"
    for name in sysfs.names(path):
        if name.startswith("lower_") and (below := _path_down(root, name[len("lower_") :], is_meant, depth - 1)):
            return (netdev, *below)
    return ()


def _is_of(root: str, devices: sysfs.DeviceTree, address: Address, netdev: str) -> bool:
    device = f"{root}/sys/class/net/{netdev}/device"
    name = sysfs.link_name(device)
    if name is None:
        return False
    if name.startswith("virtio"):  # the PCI function is one above, as a physical path only
        return netdev in netdevs.names_of(devices, address)
    return address.name in (name, sysfs.link_name(f"{device}/physfn"))


def _uppers(root: str, devices: sysfs.DeviceTree, address: Address) -> Iterator[Use]:
    for netdev in netdevs.names_of(devices, address):
        for name in sysfs.names(f"{root}/sys/class/net/{netdev}"):
            if name.startswith("upper_"):
                upper = name[len("upper_") :]
                kind = _kind(root, upper)
                yield Use(kind=kind, detail=f"{netdev} belongs to {_NOUNS.get(kind, kind)} {upper}")


def _kind(root: str, netdev: str) -> str:
    """The DEVTYPE that bond, bridge, vlan, macvlan... announce; team and Open vSwitch announce none."""
    if netdev == _OPEN_VSWITCH:
        return "bridge"
    for line in (sysfs.read(f"{root}/sys/class/net/{netdev}/uevent") or "").splitlines():
        if line.startswith("DEVTYPE="):
            return line[len("DEVTYPE=") :]
    return "upper"
