"""The messages about the GUIDs of VFs, as bytes: pyroute2 knows them, on little-endian machines and too long.

Sources: include/uapi/linux/if_link.h (struct ifla_vf_guid) and net/core/rtnetlink.c. Nothing here does I/O.
"""

import struct
from collections.abc import Mapping, Sequence

from sriov_core.host.netlink import attribute, attributes, nested

RTM_NEWLINK, RTM_GETLINK = 16, 18

_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_VF_GUID = struct.Struct("@IQ")  # struct ifla_vf_guid, laid out as the compiler does
_IFLA_VFINFO_LIST, _IFLA_EXT_MASK = 22, 29
_IFLA_VF_INFO = 1
_IFLA_VF_IB_NODE_GUID, _IFLA_VF_IB_PORT_GUID = 10, 11


def setting(ifindex: int, vf: int, guid: str) -> bytes:
    """The body of RTM_NEWLINK that gives a VF this node and port GUID.

    In a VF's information of their own each: the kernel is done with one when it has set a GUID of it (do_setvfinfo).
    """
    value = _VF_GUID.pack(vf, int(guid.replace(":", ""), 16))
    kinds = (_IFLA_VF_IB_NODE_GUID, _IFLA_VF_IB_PORT_GUID)
    infos = (nested(_IFLA_VF_INFO, attribute(kind, value)) for kind in kinds)
    return _LINK.pack(0, 0, ifindex, 0, 0) + nested(_IFLA_VFINFO_LIST, *infos)


def question(ifindex: int, filters: int) -> bytes:
    """The body of RTM_GETLINK; ``filters`` are RTEXT_FILTER_*."""
    return _LINK.pack(0, 0, ifindex, 0, 0) + attribute(_IFLA_EXT_MASK, struct.pack("=I", filters))


def told(link: bytes) -> Mapping[int, str]:
    """VF index to its GUID, out of the body of a link; a VF is absent whose node and port have not both the same."""
    lists = (value for kind, value in attributes(link[_LINK.size :]) if kind == _IFLA_VFINFO_LIST)
    infos = (value for listed in lists for kind, value in attributes(listed) if kind == _IFLA_VF_INFO)
    values = [pair for info in infos for pair in attributes(info)]
    nodes, ports = _guids(values, _IFLA_VF_IB_NODE_GUID), _guids(values, _IFLA_VF_IB_PORT_GUID)
    return {vf: guid.to_bytes(8, "big").hex(":") for vf, guid in nodes.items() if guid and ports.get(vf) == guid}


def _guids(values: Sequence[tuple[int, bytes]], wanted: int) -> dict[int, int]:
    told = (value for kind, value in values if kind == wanted and len(value) >= _VF_GUID.size)
    return dict(_VF_GUID.unpack_from(value) for value in told)
