"""Policies drawn at random for a host with three ports, valid ones and mistakes."""

from typing import Any

from hypothesis import strategies as st
from three_ports import nic, policy

from sriov_core.api.nodepolicy import NodePolicy

PORTS = (nic(0, alt_names=("lan0",)), nic(1, total_vfs=8), nic(2))
NAMES = ("ens803f0", "lan0", "ens803f1", "ens803f2", "ghost")
BAD = st.sampled_from(
    [
        {"pf_names": ("ens803f0#5",)},
        {"pf_names": ("../../etc",)},
        {"pf_names": ("ens803f1#0-9",), "num_vfs": 4},
        {"vendor": "8086", "device_type": "vfio-pci", "is_rdma": True},
        {"vendor": "8086", "vdpa_type": "vhost"},
        {"vendor": "8086", "resource_name": "a/b"},
        {"vendor": "0x8086"},
        {"pf_names": ()},
    ]
)


@st.composite
def good(draw: st.DrawFn, name: str) -> NodePolicy:
    num_vfs = draw(st.integers(0, 10))
    entries = []
    for pf in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)):
        first = draw(st.integers(0, max(num_vfs - 1, 0)))
        last = draw(st.integers(first, max(num_vfs - 1, first)))
        entries.append(f"{pf}#{first}-{last}" if num_vfs and draw(st.booleans()) else pf)
    selector: dict[str, Any] = draw(st.sampled_from([{"vendor": "8086"}, {"pf_names": tuple(entries)}]))
    return policy(
        name,
        **selector,
        num_vfs=num_vfs,
        priority=draw(st.sampled_from([10, 50, 99])),
        mtu=draw(st.sampled_from([0, 1500, 9000])),
        device_type=draw(st.sampled_from(["", "netdevice", "vfio-pci"])),
        resource_name=draw(st.sampled_from(["fast", "slow"])),
        externally_managed=draw(st.booleans()),
    )


POLICIES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6).flatmap(
    lambda names: st.tuples(*(good(name) for name in names))
)
