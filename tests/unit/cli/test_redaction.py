"""Identities in, hashes out: equal ones stay equal, and what is no identity stays."""

import ipaddress
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sriov_core.cli.redaction import Redactor

KEY = b"k" * 32
REDACTOR = Redactor(key=KEY, words={"MT2034X01234": "serial", "worker-7": "host"}, keep=frozenset({"218.0.219.1"}))


def hashed(text: str) -> str:
    return REDACTOR.text(text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        pytest.param("link 3c:fd:fe:aa:bb:01 up", r"link mac-[0-9a-f]{10} up", id="mac"),
        pytest.param("3C-FD-FE-AA-BB-01", r"mac-[0-9a-f]{10}", id="mac-with-dashes"),
        pytest.param("00:11:22:33:44:55:66:77", r"mac-[0-9a-f]{10}", id="guid-of-eight-octets"),
        pytest.param("node_guid 0c42:a103:00b2:1f3e", r"node_guid guid-[0-9a-f]{10}", id="guid-as-sysfs-shows-it"),
        pytest.param(":".join(f"{n:02x}" for n in range(1, 21)), r"mac-[0-9a-f]{10}", id="infiniband-address"),
        pytest.param("from 10.20.30.40:2049", r"from ip-[0-9a-f]{10}:2049", id="ip"),
        pytest.param("fd00:1234::5/64", r"ip-[0-9a-f]{10}/64", id="ip6"),
        pytest.param("enx3cfdfeaabb01", r"enx[0-9a-f]{10}", id="netdev-named-by-its-mac"),
        pytest.param("root=UUID=6377f306-9910-4d0b-8466-5d90cc36cd42", r"root=UUID=uuid-[0-9a-f]{10}", id="uuid"),
        pytest.param("sn MT2034X01234.", r"sn serial-[0-9a-f]{10}\.", id="serial-number"),
        pytest.param("Worker-7 kernel:", r"host-[0-9a-f]{10} kernel:", id="host-name-in-any-case"),
        pytest.param("vf0 is assigned to pod bank/ledger-0; vf1", r"vf0 is assigned to pod pod-\w{10}; vf1", id="pod"),
        pytest.param("network namespace till-1", r"network namespace netns-\w{10}", id="network-namespace"),
        pytest.param(
            "vf0 is used by network namespace till-1; vf1 is used by pid 7 (qemu)",
            r"vf0 is used by network namespace netns-\w{10}; vf1 is used by pid 7 \(qemu\)",
            id="network-namespace-of-a-plan",
        ),
        pytest.param("is in network namespace till-7", r"is in network namespace netns-\w{10}", id="its-netdev"),
    ],
)
def test_an_identity_is_replaced(text: str, pattern: str) -> None:
    assert re.fullmatch(pattern, hashed(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0000:3b:00.0", id="pci-address"),
        pytest.param("0000:86:10.6 virtfn3", id="vf-address"),
        pytest.param("6.12.95-amd64", id="kernel-release"),
        pytest.param("16.35.4506 (MT_0000000013)", id="firmware"),
        pytest.param("218.0.219.1/pkg 218.0.219.13b"[:11], id="known-version-of-four-numbers"),
        pytest.param("2026-11-21T20:14:20Z", id="time"),
        pytest.param("00:00:00:00:00:00", id="no-mac"),
        pytest.param("ff:ff:ff:ff:ff:ff", id="broadcast"),
        pytest.param("127.0.0.1 ::1", id="loopback"),
        pytest.param("vf0-vf3 on vfio-pci, MTU 1500 -> 9000", id="a-step"),
        pytest.param("15b3:101d", id="device-id"),
        pytest.param("vf0 is used by another network namespace (a container)", id="a-namespace-without-name"),
        pytest.param("while there is no network namespace but the host's own", id="network-namespaces"),
        pytest.param("sha256:2f1b", id="digest"),
    ],
)
def test_what_is_no_identity_stays(text: str) -> None:
    assert hashed(text) == text


def test_equal_identities_stay_equal_however_they_are_written() -> None:
    assert hashed("3c:fd:fe:aa:bb:01") == hashed("3C-FD-FE-AA-BB-01") != hashed("3c:fd:fe:aa:bb:02")
    assert hashed("fd00::1") == hashed("fd00:0:0:0:0:0:0:1")


def test_a_pod_is_the_same_in_a_sentence_and_in_its_field() -> None:
    assert (
        hashed("assigned to pod bank/ledger-0").split()[-1] == REDACTOR.data({"assigned": "bank/ledger-0"})["assigned"]
    )


def test_another_key_gives_other_hashes() -> None:
    assert Redactor(key=b"other").text("10.1.2.3") != hashed("10.1.2.3")


def test_data_keep_their_keys_and_lose_what_whole_fields_tell() -> None:
    found = REDACTOR.data({"serial": "A1", "nics": [{"mac": "3c:fd:fe:aa:bb:01", "mtu": 1500, "up": True, "x": None}]})
    assert re.fullmatch("serial-[0-9a-f]{10}", found["serial"])
    assert found["nics"][0] == {"mac": hashed("3c:fd:fe:aa:bb:01"), "mtu": 1500, "up": True, "x": None}


def test_a_host_called_like_a_field_hides_no_field() -> None:
    assert "nics" in Redactor(key=KEY, words={"nics": "host"}).data({"nics": []})


MACS = st.lists(st.integers(0, 255), min_size=6, max_size=6).filter(lambda octets: len(set(octets)) > 1)


@given(octets=MACS, before=st.text(alphabet=" ,;=(\n\"'"), after=st.text(alphabet=" ,;)\n\"'."))
def test_no_mac_is_left_whatever_stands_around_it(octets, before, after) -> None:
    mac = ":".join(f"{octet:02x}" for octet in octets)
    assert mac not in hashed(f"{before}{mac}{after}")


@given(value=st.ip_addresses())
@example(value=ipaddress.ip_address("::ffff:ffff:ffff"))
def test_no_address_is_left_in_json(value) -> None:
    harmless = ("0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1")
    shown = json.dumps(REDACTOR.data({"peer": f"from {value}"}))
    assert str(value) in harmless or str(value) not in shown


@given(text=st.text())
def test_any_text_may_be_redacted_and_a_redacted_one_is_left_alone(text) -> None:
    once = hashed(text)
    assert hashed(once) == once
