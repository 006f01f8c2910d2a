"""GUIDs and addresses of RDMA devices and IPoIB netdevs, as the kernel makes them. Nothing here does I/O."""

from sriov_core.model.desired import NO_GUID
from sriov_core.model.observed import Function, LinkType
from sriov_core.testing.tree import FunctionFacts, VfFacts

_CLASS = "0207"
_LINK_LOCAL = "fe:80:00:00:00:00:00:00"
_IPOIB_MTU = 2044


def is_infiniband(function: FunctionFacts | Function) -> bool:
    """True when the port speaks InfiniBand: its PCI class says so (IPoIB netdevs are of ARPHRD_INFINIBAND)."""
    return function.pci_class.startswith(_CLASS)


def bound_guid(pf: FunctionFacts, vf: VfFacts) -> str:
    """The node GUID that a VF's RDMA device shows once bound: what the PF was told for it before, else zero.

    An administrative GUID wins. On Ethernet the PF makes one of the administrative MAC when it is told that
    (mlx5/core/eswitch.c: mlx5_esw_set_vport_mac_locked, node_guid_gen_from_mac); a MAC that the VF's own driver chose
    at random makes none.
    """
    if vf.admin_guid:
        return vf.admin_guid
    if vf.admin_mac and not is_infiniband(pf):
        return eui64(vf.admin_mac)
    return NO_GUID


def eui64(mac: str) -> str:
    """Six octets to eight: ff:fe in the middle, no bit flipped."""
    octets = mac.split(":")
    return ":".join((*octets[:3], "ff", "fe", *octets[3:]))


def ipoib_address(queue_pair: int, guid: str) -> str:
    """The 20 octets of an IPoIB netdev: flags and queue pair number, then the port's GID (RFC 4391, 9.1.1)."""
    number = f"{queue_pair & 0xFFFFFF:06x}"
    return ":".join(("00", number[:2], number[2:4], number[4:], _LINK_LOCAL, guid))


def default_mtu(link_type: LinkType | None) -> int:
    """The MTU of a new netdev; IPoIB's is the fabric's 2048 less its header (RFC 4391)."""
    return _IPOIB_MTU if link_type is LinkType.IB else 1500
