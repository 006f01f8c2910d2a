"""What went through a VF, as its PF counted it: the eight counters of IFLA_VF_STATS. Nothing here does I/O.

Source: include/uapi/linux/if_link.h (IFLA_VF_STATS_*), and for drivers that count in sysfs instead (mlx5 by NVIDIA)
the files of /sys/class/net/<pf>/device/sriov/<vf>/stats.
"""

from collections.abc import Iterator
from typing import Any

COUNTERS = (
    "rx_packets",
    "tx_packets",
    "rx_bytes",
    "tx_bytes",
    "rx_broadcast",
    "rx_multicast",
    "rx_dropped",
    "tx_dropped",
)
_ATTRIBUTES = {
    "IFLA_VF_STATS_RX_PACKETS": "rx_packets",
    "IFLA_VF_STATS_TX_PACKETS": "tx_packets",
    "IFLA_VF_STATS_RX_BYTES": "rx_bytes",
    "IFLA_VF_STATS_TX_BYTES": "tx_bytes",
    "IFLA_VF_STATS_BROADCAST": "rx_broadcast",
    "IFLA_VF_STATS_MULTICAST": "rx_multicast",
    "IFLA_VF_STATS_RX_DROPPED": "rx_dropped",
    "IFLA_VF_STATS_TX_DROPPED": "tx_dropped",
}


def told(link: Any) -> Iterator[tuple[int, dict[str, int]]]:
    """VF index and counters from an answer to RTM_GETLINK; a VF whose PF counts nothing is left out."""
    listed = link.get_attr("IFLA_VFINFO_LIST")
    for info in listed.get_attrs("IFLA_VF_INFO") if listed else ():
        about, stats = info.get_attr("IFLA_VF_MAC"), info.get_attr("IFLA_VF_STATS")
        if about is None or stats is None:
            continue
        found = {ours: stats.get_attr(theirs) for theirs, ours in _ATTRIBUTES.items()}
        yield int(about["vf"]), {name: int(count) for name, count in found.items() if count is not None}
