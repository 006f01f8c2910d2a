"""Does a selector take a NIC, and what is in the way?"""

from typing import Any

import pytest
from three_ports import nic

from sriov_core.api.nodepolicy import NicSelector
from sriov_core.policy.selector import is_called, nearest, net_filter, refusals

PORT = nic(1, alt_names=("alt1", "enp134s0f1"), net_filter="openstack/NetworkID:7f0c")

TAKEN = [
    pytest.param({"vendor": "8086"}, id="vendor"),
    pytest.param({"device_id": "158b"}, id="device"),
    pytest.param({"root_devices": ("0000:86:00.1",)}, id="address"),
    pytest.param({"root_devices": ("0000:86:00.0", " 0000:86:00.1")}, id="one-of-several-addresses"),
    pytest.param({"pf_names": ("ens803f1",)}, id="primary-name"),
    pytest.param({"pf_names": ("alt1",)}, id="first-alternative-name"),
    pytest.param({"pf_names": ("other", "enp134s0f1#0-1")}, id="second-alternative-name-with-range"),
    pytest.param({"pf_names": ("ens803f1#a-c",)}, id="name-with-a-malformed-range"),
    pytest.param({"net_filter": "openstack/NetworkID:7f0c"}, id="network"),
    pytest.param({"net_filter": "  openstack/NetworkID:7f0c trailing words"}, id="network-among-blanks"),
    pytest.param({"vendor": "8086", "device_id": "158b", "pf_names": ("alt1",)}, id="all-fields-agree"),
]

REFUSED = [
    pytest.param({}, "nicSelector is empty, and an empty selector takes nothing", id="empty"),
    pytest.param({"vendor": "15b3"}, "nicSelector.vendor wants 15b3, the NIC has 8086", id="vendor"),
    pytest.param({"device_id": "1015"}, "nicSelector.deviceID wants 1015, the NIC has 158b", id="device"),
    pytest.param(
        {"device_id": "154c"},
        "nicSelector.deviceID wants 154c, the NIC has 158b: 154c is the id of its VFs; write 158b",
        id="device-of-its-vfs",
    ),
    pytest.param(
        {"root_devices": ("0000:86:00.0", "0000:86:00.2")},
        "nicSelector.rootDevices wants 0000:86:00.0 or 0000:86:00.2, the NIC has 0000:86:00.1",
        id="address",
    ),
    pytest.param(
        {"pf_names": ("eth9#0-1",)},
        "nicSelector.pfNames wants eth9, the NIC has ens803f1, alt1, enp134s0f1",
        id="name",
    ),
    pytest.param(
        {"pf_names": ("ens803f1np1",)},
        "nicSelector.pfNames wants ens803f1np1, the NIC has ens803f1, alt1, enp134s0f1 "
        "(ens803f1np1 exists as ens803f1)",
        id="almost-the-name",
    ),
    pytest.param(
        {"pf_names": ("ENS803F1",)},
        "nicSelector.pfNames wants ENS803F1, the NIC has ens803f1, alt1, enp134s0f1 (ENS803F1 exists as ens803f1)",
        id="name-in-another-case",
    ),
    pytest.param(
        {"net_filter": "openstack/NetworkID:7f0d"},
        "nicSelector.netFilter wants openstack/NetworkID:7f0d, the NIC has openstack/NetworkID:7f0c",
        id="network",
    ),
    pytest.param(
        {"net_filter": "nonsense"},
        "nicSelector.netFilter wants nonsense, the NIC has openstack/NetworkID:7f0c",
        id="network-that-cannot-be-read",
    ),
]


@pytest.mark.parametrize("fields", TAKEN)
def test_a_selector_takes_what_meets_every_field(fields: dict[str, Any]) -> None:
    assert refusals(NicSelector(**fields), PORT) == ()


@pytest.mark.parametrize(("fields", "text"), REFUSED)
def test_a_refusal_names_field_wanted_and_found(fields: dict[str, Any], text: str) -> None:
    assert [str(refusal) for refusal in refusals(NicSelector(**fields), PORT)] == [text]


def test_an_address_is_hex_of_any_case() -> None:
    assert refusals(NicSelector(root_devices=("0000:3B:00.0",)), nic(0, address=_address("0000:3b:00.0"))) == ()


def test_every_field_in_the_way_is_named() -> None:
    found = refusals(NicSelector(vendor="15b3", device_id="1017", pf_names=("x",)), PORT)
    assert [refusal.field for refusal in found] == ["vendor", "deviceID", "pfNames"]


def test_a_nic_without_a_name_says_that_it_has_none() -> None:
    found = refusals(NicSelector(pf_names=("eth0",)), nic(1, name=None))
    assert str(found[0]) == "nicSelector.pfNames wants eth0, the NIC has none"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("ens803f1", True, id="primary"),
        pytest.param("alt1", True, id="first-alternative"),
        pytest.param("enp134s0f1", True, id="second-alternative"),
        pytest.param("alt0", False, id="alternative-of-another-port"),
        pytest.param("nosuch", False, id="unknown"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_nic_answers_to_all_of_its_names(name: str, expected: bool) -> None:
    assert is_called(PORT, name) is expected


def test_a_nic_without_alternative_names_answers_to_one() -> None:
    assert is_called(nic(1), "ens803f1")
    assert not is_called(nic(1), "alt1")
    assert not is_called(nic(1, name=None), "None")


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        pytest.param("aws/NetworkID:subnet", ("aws/NetworkID", "subnet"), id="plain"),
        pytest.param("a:b:c", ("a:b", "c"), id="split-at-the-last-colon"),
        pytest.param("first:line\nsecond:line", ("first", "line"), id="only-the-first-line-counts"),
        pytest.param("nothing here\n x:y", ("x", "y"), id="first-line-that-fits"),
        pytest.param("words x:y", None, id="not-at-the-start-of-a-line"),
        pytest.param("nocolon", None, id="no-colon"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_network_filter_has_two_halves(text: str, halves: tuple[str, str] | None) -> None:
    assert net_filter(text) == halves


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("ens1f0", ("ens1f0np0",), id="wanted-is-extended"),
        pytest.param("eno1np0", ("eno1",), id="wanted-extends"),
        pytest.param("ens1f0np", ("ens1f0np0",), id="last-letter-missing"),
        pytest.param("ens2f0np0", ("ens1f0np0",), id="similar"),
        pytest.param("wlan", (), id="like-none"),
    ],
)
def test_the_nearest_names_may_have_been_meant(wanted: str, expected: tuple[str, ...]) -> None:
    assert nearest(wanted, ["ens1f0np0", "eno1", "ens1f0np0"]) == expected


def _address(text: str) -> object:
    return type(PORT.address).parse(text)
