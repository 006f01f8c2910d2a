"""What stands around a NIC in real files: windows, bus numbers, rivals; a tree of files in, findings out."""

import pytest
from tree import PF, HostTree

from sriov_core.engine.rivals import rival_findings
from sriov_core.host.looking import LinuxReader
from sriov_core.model.address import Address
from sriov_core.model.observed import Snapshot
from sriov_plugins import generic

BAR = "0x0000000091800000 0x000000009181ffff 0x0000000000040200\n"
NONE = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"


def machine(tree: HostTree, *, vfs: int = 0, windows: str = BAR * 2 + NONE * 4, last_bus: int = 2) -> LinuxReader:
    device = tree.pf(vfs=vfs)
    for name, text in {"resource": BAR * 7 + windows, "sriov_offset": "384\n", "sriov_stride": "2\n"}.items():
        (device / name).write_text(text)
    (device / "ari_enabled").write_text("0\n")
    bridge = device.parent
    (bridge / "subordinate_bus_number").write_text(f"{last_bus}\n")
    bus = tree.root / "sys/class/pci_bus/0000:01"
    bus.mkdir(parents=True)
    (bus / "device").symlink_to(bridge)
    return LinuxReader(str(tree.root), platform="baremetal")


def codes(reader: LinuxReader) -> list[str]:
    function = reader.function(Address.parse(PF))
    assert function
    found = generic.diagnose(generic.discover(function, reader), reader)
    return [finding.code for finding in found if finding.code.startswith("HW")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="room-for-all"),
        pytest.param({"windows": NONE * 6}, ["HW-112"], id="no-memory"),
        pytest.param({"windows": ""}, [], id="a-kernel-without-sriov"),
        pytest.param({"last_bus": 1}, ["HW-113"], id="no-bus-numbers"),
    ],
)
def test_room_for_vfs_is_read_from_sysfs(tmp_path, facts, expected):
    assert codes(machine(HostTree(tmp_path), **facts)) == expected


@pytest.mark.parametrize(
    ("property_", "expected"),
    [
        pytest.param("E:ID_BUS=pci\n", ["OWN-205"], id="without-the-mark"),
        pytest.param("E:ID_BUS=pci\nE:NM_UNMANAGED=1\n", [], id="marked-by-some-rule"),
    ],
)
def test_whether_network_manager_may_take_vfs_is_read_from_udev(tmp_path, property_, expected):
    tree = HostTree(tmp_path)
    reader = machine(tree, vfs=2)
    tree.write("proc/812/comm", "NetworkManager\n")
    for number in range(10):
        tree.write(f"run/udev/data/n{number}", property_)
    function = reader.function(Address.parse(PF))
    assert function
    nic = generic.discover(function, reader)
    assert nic.vfs[0].name
    found = rival_findings(Snapshot(node=reader.node(), nics=(nic,)), reader)
    assert [finding.code for finding in found] == expected
