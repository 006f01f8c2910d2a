"""Bare netlink: attributes as bytes, and questions to the kernel that this runs on."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.host.netlink import (
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    Netlink,
    attribute,
    attributes,
    generic,
    nested,
    text,
)

KINDS = st.integers(0, 0x3FFF)
RTM_GETLINK, RTM_SETLINK = 18, 19
NOWHERE = struct.pack("=BxHiII", 0, 0, 0x7FFFFFFF, 0, 0)
FAMILY_NAME, GETFAMILY, CTRL = 2, 3, 16


@given(st.lists(st.tuples(KINDS, st.binary(max_size=40))))
def test_what_was_packed_is_found_again(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(attribute(kind, payload) for kind, payload in pairs)
    assert list(attributes(data)) == pairs
    assert len(data) % 4 == 0


@given(st.binary(max_size=80))
def test_any_bytes_end(data: bytes) -> None:
    assert sum(len(payload) + 4 for _, payload in attributes(data)) <= len(data)


@given(st.lists(st.tuples(KINDS, st.binary(max_size=9)), min_size=1), st.data())
def test_what_is_cut_short_is_what_came_before(pairs: list[tuple[int, bytes]], data: st.DataObject) -> None:
    whole = b"".join(attribute(kind, payload) for kind, payload in pairs)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    found = list(attributes(cut))
    assert found == pairs[: len(found)]


def test_a_nested_attribute_says_so_and_is_found_by_its_number() -> None:
    data = nested(22, text(2, "ab"))
    assert data == struct.pack("=HH", 12, 22 | 0x8000) + struct.pack("=HH", 7, 2) + b"ab\0\0"
    ((kind, inner),) = attributes(data)
    assert (kind, list(attributes(inner))) == (22, [(2, b"ab\0")])


@pytest.fixture
def generic_netlink():
    socket = Netlink(NETLINK_GENERIC)
    yield socket
    socket.close()


@pytest.fixture
def route_netlink():
    socket = Netlink(NETLINK_ROUTE)
    yield socket
    socket.close()


def test_a_family_that_every_kernel_has_is_found(generic_netlink: Netlink) -> None:
    assert generic_netlink.family("nlctrl") == CTRL


def test_a_family_that_no_kernel_has_is_named(generic_netlink: Netlink) -> None:
    with pytest.raises(OSError, match="the kernel has no netlink family nobody") as caught:
        generic_netlink.family("nobody")
    assert caught.value.errno == errno.ENOENT


def test_a_refusal_carries_the_errno_and_the_next_question_is_answered(route_netlink: Netlink) -> None:
    with pytest.raises(OSError, match="No such device") as caught:
        route_netlink.ask(RTM_SETLINK, NOWHERE)
    assert caught.value.errno == errno.ENODEV
    loopback = struct.pack("=BxHiII", 0, 0, 1, 0, 0)
    ((_, *_, index),) = [struct.unpack_from("=BBHi", link) for link in route_netlink.ask(RTM_GETLINK, loopback)]
    assert index == 1


def test_the_kernel_s_own_sentence_is_told_with_the_errno(generic_netlink: Netlink) -> None:
    # net/netlink/genetlink.c: a name may have fifteen characters; the policy's refusal comes with words.
    too_long = generic(GETFAMILY, text(FAMILY_NAME, "x" * 40))
    with pytest.raises(OSError, match="Attribute failed policy validation") as caught:
        generic_netlink.ask(CTRL, too_long)
    assert caught.value.errno in (errno.ERANGE, errno.EINVAL)


def test_a_protocol_that_the_kernel_does_not_have_is_refused() -> None:
    with pytest.raises(OSError, match="not supported") as caught:
        Netlink(31)
    assert caught.value.errno == errno.EPROTONOSUPPORT
