"""The bytes about the GUIDs of VFs, as include/uapi/linux/if_link.h lays them out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.host import vfguids
from sriov_core.host.netlink import attribute, attributes, nested

GUID = "00:02:c9:03:00:12:34:56"
VALUE = 0x0002C90300123456
VFINFO_LIST, VF_INFO, MAC, NODE_GUID, PORT_GUID, EXT_MASK = 22, 1, 1, 10, 11, 29


def vf_guid(vf: int, value: int) -> bytes:
    """struct ifla_vf_guid { __u32 vf; __u64 guid; }: sixteen octets, four of them padding."""
    return struct.pack("=I4xQ", vf, value)


def link(*infos: bytes) -> bytes:
    return struct.pack("=BxHiII", 0, 32, 7, 0, 0) + attribute(3, b"ib0\0") + nested(VFINFO_LIST, *infos)


def test_a_guid_is_set_for_node_and_port_in_an_information_each() -> None:
    body = vfguids.setting(7, 3, GUID)
    assert body[:16] == struct.pack("=BxHiII", 0, 0, 7, 0, 0)
    ((kind, listed),) = attributes(body[16:])
    infos = [(kind, list(attributes(info))) for kind, info in attributes(listed)]
    assert kind == VFINFO_LIST
    assert infos == [
        (VF_INFO, [(NODE_GUID, vf_guid(3, VALUE))]),
        (VF_INFO, [(PORT_GUID, vf_guid(3, VALUE))]),
    ]


def test_the_question_names_link_and_filters() -> None:
    assert vfguids.question(7, 9) == struct.pack("=BxHiII", 0, 0, 7, 0, 0) + attribute(EXT_MASK, struct.pack("=I", 9))


def both(vf: int, node: int, port: int) -> bytes:
    """As net/core/rtnetlink.c (rtnl_fill_vfinfo) tells of a VF of an InfiniBand PF."""
    return nested(VF_INFO, attribute(NODE_GUID, vf_guid(vf, node)), attribute(PORT_GUID, vf_guid(vf, port)))


def test_guids_are_told_by_vf() -> None:
    infos = (both(vf, VALUE + vf, VALUE + vf) for vf in (0, 1, 63))
    assert vfguids.told(link(*infos)) == {
        0: "00:02:c9:03:00:12:34:56",
        1: "00:02:c9:03:00:12:34:57",
        63: "00:02:c9:03:00:12:34:95",
    }


@pytest.mark.parametrize(
    "info",
    [
        pytest.param(both(0, 0, 0), id="zero"),
        pytest.param(both(0, VALUE, 0), id="of-the-node-and-none-of-the-port"),
        pytest.param(both(0, VALUE, VALUE + 1), id="another-of-the-port"),
        pytest.param(nested(VF_INFO, attribute(NODE_GUID, vf_guid(0, VALUE))), id="of-the-node-only"),
        pytest.param(nested(VF_INFO, attribute(PORT_GUID, vf_guid(0, VALUE))), id="of-the-port-only"),
        pytest.param(nested(VF_INFO, attribute(MAC, bytes(36))), id="none-told"),
        pytest.param(nested(VF_INFO, attribute(NODE_GUID, b"\0" * 12)), id="cut-short"),
        pytest.param(b"", id="no-vfs"),
    ],
)
def test_a_vf_without_one_guid_for_both_is_absent(info: bytes) -> None:
    assert vfguids.told(link(info)) == {}


@given(st.integers(0, 255), st.integers(1, (1 << 64) - 1))
def test_what_was_set_is_what_would_be_told(vf: int, value: int) -> None:
    guid = value.to_bytes(8, "big").hex(":")
    assert vfguids.told(vfguids.setting(7, vf, guid)) == {vf: guid}
