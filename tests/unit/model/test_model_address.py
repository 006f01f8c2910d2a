"""Addresses are read in every form people and tools print them in, and in no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.model.address import Address, VfRef

READ = {
    "as-sysfs-prints-it": ("0000:3b:00.0", Address("0000:3b:00.0")),
    "upper-case": ("0000:3B:00.0", Address("0000:3b:00.0")),
    "with-blanks-around": (" 0000:3b:00.0\n", Address("0000:3b:00.0")),
    "a-long-domain": ("10000:e1:00.0", Address("10000:e1:00.0")),
    "as-devlink-prints-it": ("pci/0000:3B:00.0", Address("0000:3b:00.0")),
    "another-bus": ("netdevsim/netdevsim10", Address("netdevsim10", "netdevsim")),
    "auxiliary": ("auxiliary/mlx5_core.sf.2", Address("mlx5_core.sf.2", "auxiliary")),
}


@pytest.mark.parametrize(("text", "address"), READ.values(), ids=READ)
def test_an_address_is_read(text, address):
    assert Address.parse(text) == address
    assert Address.parse(str(address)) == address
    assert Address.parse(address.devlink) == address


REFUSED = {
    "empty": "",
    "a-name": "eno1",
    "without-a-domain": "3b:00.0",
    "a-device-number-too-large": "0000:3b:20.0",
    "a-function-number-too-large": "0000:3b:00.8",
    "a-path": "../../etc",
    "a-path-on-a-bus": "netdevsim/../x",
    "a-path-on-pci": "pci/..",
    "no-pci-address-on-pci": "pci/eno1",
    "pci-twice": "pci/pci/eno1",
    "two-lines": "0000:3b:00.0\n0000:3b:00.1",
    "no-bus": "/netdevsim10",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_address_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"is no device address; one looks like 0000:3b:00\.0"):
        Address.parse(text)


@given(st.text(max_size=20))
def test_what_is_read_reads_the_same_again(text):
    try:
        address = Address.parse(text)
    except ValueError:
        return
    assert Address.parse(str(address)) == address


def test_addresses_and_vfs_are_sorted_and_printed():
    early, late = Address("0000:3b:00.0"), Address("0000:3b:00.1")
    assert sorted([VfRef(late, 0), VfRef(early, 10), VfRef(early, 2)]) == [
        VfRef(early, 2),
        VfRef(early, 10),
        VfRef(late, 0),
    ]
    assert (str(VfRef(early, 2)), str(Address("sim1", "netdevsim"))) == ("0000:3b:00.0 vf2", "netdevsim/sim1")
