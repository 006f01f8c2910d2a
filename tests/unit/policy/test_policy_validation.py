"""What is wrong with a policy by itself, in exact words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from three_ports import policy

from sriov_core.api.bridge import BridgeWish, OvsWish
from sriov_core.policy.ranges import Malformed, Range, parse_pf_name, parse_range
from sriov_core.policy.validation import validate

AS_SHOWN = "Write the PF's name, as `ip link` shows it"
AS_RANGE = "Write it as first-last, as in 0-3"
NAMES = [
    pytest.param("p#5", "'p#5': the range '5' has no '-'. Write 5-5 for that one VF", id="one-number"),
    pytest.param("p#x", f"'p#x': the range 'x' has no '-'. {AS_RANGE}", id="no-number-at-all"),
    pytest.param(
        "p#a-c", f"'p#a-c': the range 'a-c' has 'a' where the index of a VF belongs. {AS_RANGE}", id="letters"
    ),
    pytest.param("p#0-", f"'p#0-': the range '0-' has '' where the index of a VF belongs. {AS_RANGE}", id="open-end"),
    pytest.param(
        "p#-1-2", f"'p#-1-2': the range '-1-2' has '' where the index of a VF belongs. {AS_RANGE}", id="negative"
    ),
    pytest.param(
        "p#0-1-2",
        f"'p#0-1-2': the range '0-1-2' has '1-2' where the index of a VF belongs. {AS_RANGE}",
        id="two-dashes",
    ),
    pytest.param("p#3-1", "'p#3-1': the range '3-1' ends before it starts. Write 1-3", id="backwards"),
    pytest.param(
        "p#", "'p#' has no range after the '#'. Add one such as 0-3, or drop the '#'", id="nothing-after-hash"
    ),
    pytest.param("p#1-2#3", "'p#1-2#3' has more than one '#'. Write one entry for each range", id="two-hashes"),
    pytest.param(
        "p#0-4",
        "'p#0-4': the range ends at VF 4, and numVfs 4 gives VFs 0 to 3. Raise numVfs or shorten the range",
        id="beyond-num-vfs",
    ),
    pytest.param("", f"'' has no name. {AS_SHOWN}", id="empty"),
    pytest.param("#0-1", f"'#0-1' has no name. {AS_SHOWN}", id="range-without-a-name"),
    pytest.param("../../etc", f"'../../etc' is a path, not a name. {AS_SHOWN}", id="path"),
    pytest.param("..", f"'..' is a path, not a name. {AS_SHOWN}", id="parent-folder"),
    pytest.param("a b", f"'a b' has a blank or control character in the name. {AS_SHOWN}", id="blank"),
    pytest.param("a\x1b[2J", f"'a\\x1b[2J' has a blank or control character in the name. {AS_SHOWN}", id="escape"),
    pytest.param(
        "0000:3b:00.0",
        "'0000:3b:00.0' has a ':', which no name has. Write a PCI address in rootDevices",
        id="address-as-name",
    ),
    pytest.param(
        "n" * 128,
        f"'{'n' * 59}... has 128 bytes; a name has at most 15, an alternative name 127. {AS_SHOWN}",
        id="too-long",
    ),
]


@pytest.mark.parametrize(("entry", "text"), NAMES)
def test_a_malformed_name_is_refused_in_words(entry: str, text: str) -> None:
    found = validate(policy(num_vfs=4, pf_names=("ens803f0#0-3", entry)))
    assert [str(fault) for fault in found] == [f"spec.nicSelector.pfNames[1]: {text}"]


@pytest.mark.parametrize("name", ["n" * 15, "n" * 16, "n" * 127, "enp3s0f0v1", "a.b-c_d"])
def test_names_and_alternative_names_of_any_legal_length_pass(name: str) -> None:
    assert validate(policy(pf_names=(name, f"{name}#0-1"))) == ()


FIELDS = [
    pytest.param(
        {"pf_names": ()},
        "spec.nicSelector: it is empty, and an empty selector takes no NIC. Give at least one of vendor, deviceID, "
        "pfNames, rootDevices and netFilter",
        id="empty-selector",
    ),
    pytest.param(
        {"vendor": "0x8086"},
        "spec.nicSelector.vendor: found '0x8086', wanted four lower-case hex digits. Write 8086",
        id="vendor-with-0x",
    ),
    pytest.param(
        {"device_id": "158B"},
        "spec.nicSelector.deviceID: found '158B', wanted four lower-case hex digits. Write 158b",
        id="upper-case-device",
    ),
    pytest.param(
        {"vendor": "intel"},
        "spec.nicSelector.vendor: found 'intel', wanted four lower-case hex digits. `lspci -n` shows it",
        id="vendor-by-name",
    ),
    pytest.param(
        {"root_devices": ("86:00.0",)},
        "spec.nicSelector.rootDevices[0]: '86:00.0' is no PCI address. Write 0000:86:00.0",
        id="address-without-domain",
    ),
    pytest.param(
        {"root_devices": ("0000:86:00.0", "0000:86:00.8")},
        "spec.nicSelector.rootDevices[1]: '0000:86:00.8' is no PCI address. "
        "Write it as in 0000:3b:00.0; `lspci -D` shows it",
        id="function-8",
    ),
    pytest.param(
        {"root_devices": ("../../etc",)},
        "spec.nicSelector.rootDevices[0]: '../../etc' is no PCI address. "
        "Write it as in 0000:3b:00.0; `lspci -D` shows it",
        id="path-as-address",
    ),
    pytest.param(
        {"net_filter": "nonsense"},
        "spec.nicSelector.netFilter: found 'nonsense', which has no ':'. "
        "Write it as openstack/NetworkID:<id> or aws/NetworkID:<id>",
        id="malformed-network",
    ),
    pytest.param(
        {"num_vfs": 65536}, "spec.numVfs: found 65536, at most 65535 is possible. Write a smaller number", id="num-vfs"
    ),
    pytest.param({"mtu": 65536}, "spec.mtu: found 65536, at most 65535 is possible. Write a smaller number", id="mtu"),
    pytest.param(
        {"device_type": "vfio-pci", "is_rdma": True},
        "spec.isRdma: deviceType vfio-pci takes the VF from the RDMA driver. Use deviceType netdevice, or drop isRdma",
        id="rdma-on-vfio",
    ),
    pytest.param(
        {"link_type": "IB", "eswitch_mode": "switchdev"},
        "spec.linkType: found IB, switchdev needs eth. Use eSwitchMode legacy",
        id="infiniband-in-switchdev",
    ),
    pytest.param(
        {"vdpa_type": "virtio", "device_type": "vfio-pci", "eswitch_mode": "switchdev"},
        "spec.vdpaType: vdpaType virtio needs deviceType netdevice, found vfio-pci. "
        "Use deviceType netdevice, or drop vdpaType",
        id="vdpa-on-vfio",
    ),
    pytest.param(
        {"vdpa_type": "vhost"},
        "spec.vdpaType: vdpaType vhost needs eSwitchMode switchdev, found none, which is legacy. "
        "Add eSwitchMode: switchdev, or drop vdpaType",
        id="vdpa-without-switchdev",
    ),
    pytest.param(
        {"bridge": BridgeWish(ovs=OvsWish())},
        "spec.bridge: a bridge needs eSwitchMode switchdev, found none, which is legacy. "
        "Add eSwitchMode: switchdev, or drop bridge",
        id="bridge-without-switchdev",
    ),
    pytest.param(
        {"bridge": BridgeWish(ovs=OvsWish()), "eswitch_mode": "switchdev", "externally_managed": True},
        "spec.bridge: an externally managed PF cannot be attached to a managed bridge. "
        "Drop bridge or externallyManaged",
        id="bridge-externally-managed",
    ),
]


@pytest.mark.parametrize(("spec", "text"), FIELDS)
def test_a_contradiction_is_refused_in_words(spec: dict[str, Any], text: str) -> None:
    assert [str(fault) for fault in validate(policy(**spec))] == [text]


NETWORK = "openstack/NetworkID:7f0c"


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"vendor": "8086"}, "spec.nicSelector.vendor", id="vendor"),
        pytest.param({"device_id": "158b"}, "spec.nicSelector.deviceID", id="device"),
        pytest.param({"pf_names": ("ens803f1",)}, "spec.nicSelector.pfNames", id="names"),
        pytest.param({"root_devices": ("0000:86:00.1",)}, "spec.nicSelector.rootDevices", id="addresses"),
        pytest.param({"eswitch_mode": "legacy"}, "spec.eSwitchMode", id="eswitch-mode"),
        pytest.param({"link_type": "ib"}, "spec.linkType", id="infiniband"),
    ],
)
def test_a_network_filter_stands_alone(spec: dict[str, Any], path: str) -> None:
    assert [fault.path for fault in validate(policy(net_filter=NETWORK, **spec))] == [path]


def test_a_network_filter_forbids_a_bridge() -> None:
    found = validate(policy(net_filter=NETWORK, bridge=BridgeWish(ovs=OvsWish())))
    assert [fault.path for fault in found] == ["spec.bridge", "spec.bridge"]


@pytest.mark.parametrize("link_type", ["", "eth", "ETH"])
def test_a_network_filter_goes_with_ethernet(link_type: str) -> None:
    assert validate(policy(net_filter=NETWORK, link_type=link_type)) == ()


@pytest.mark.parametrize(
    "name", ["myresource", "my-resource", "MyResource", "a", "my_resource", "net_device-1", "r" * 63]
)
def test_a_resource_name_passes(name: str) -> None:
    assert validate(policy(resource_name=name)) == ()


@pytest.mark.parametrize(
    "name", ["", "_", "-", "-resource", "resource-", "r" * 64, "my resource", "my.resource", "intel.com/x", "x\n"]
)
def test_what_is_no_resource_name_is_refused(name: str) -> None:
    assert [fault.path for fault in validate(policy(resource_name=name))] == ["spec.resourceName"]


@pytest.mark.parametrize("name", ["", "Policy", "../../etc", "-a", "a\x1b[2J", "a" * 254])
def test_what_is_no_name_of_an_object_is_refused(name: str) -> None:
    assert [fault.path for fault in validate(policy(name, resource_name="r"))] == ["metadata.name"]


def test_every_fault_is_reported_at_once() -> None:
    bad = policy(resource_name="", mtu=70000, pf_names=("a#1", "/"), vdpa_type="vhost")
    assert [fault.path for fault in validate(bad)] == [
        "spec.resourceName",
        "spec.mtu",
        "spec.nicSelector.pfNames[0]",
        "spec.nicSelector.pfNames[1]",
        "spec.vdpaType",
    ]


@given(st.integers(0, 99), st.integers(0, 99))
def test_a_range_is_read_as_it_is_written(first: int, length: int) -> None:
    vfs = Range(first, first + length)
    assert parse_range(f"{vfs.first}-{vfs.last}") == vfs
    assert parse_pf_name(f"eth0#{vfs.first}-{vfs.last}", vfs.last + 1).vfs == vfs
    with pytest.raises(Malformed, match="the range ends at VF"):
        parse_pf_name(f"eth0#{vfs.first}-{vfs.last}", vfs.last)


@given(st.text(st.characters(), max_size=30))
def test_any_text_is_read_or_refused_as_malformed(text: str) -> None:
    found = validate(policy(num_vfs=8, pf_names=(text,)))
    assert all(str(fault).isprintable() for fault in found)
    if not found:
        assert "/" not in parse_pf_name(text, 8).name
