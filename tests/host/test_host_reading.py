"""What `LinuxHost` reads out of a tree of files."""

import errno
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.errors import HostError, StepFailed
from sriov_core.host import ethtool
from sriov_core.host.attributes import Deadlines
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, LinkType
from sriov_core.plugin.reader import Firmware, HostReader

ADDRESS = Address(PF)


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    return HostTree(tmp_path / "root")


def host(tree: HostTree) -> LinuxHost:
    return LinuxHost(str(tree.root))


def test_a_pf_is_read_out_of_its_uevent_file(tree: HostTree) -> None:
    tree.pf()
    assert host(tree).functions() == [
        Function(
            address=ADDRESS,
            vendor="8086",
            device="10c9",
            subsystem_vendor="8086",
            subsystem_device="a03c",
            pci_class="020000",
            kernel_driver="igb",
        )
    ]


def test_only_network_functions_that_are_no_vfs_are_listed_in_address_order(tree: HostTree) -> None:
    tree.pf("0000:02:00.0", name="b")
    tree.pf(vfs=2)
    tree.function("0000:00:1f.0", "8086:2918", pci_class="60100")
    tree.function("0000:03:00.0", "15b3:1017", pci_class="20700")
    assert [str(found.address) for found in host(tree).functions()] == [PF, "0000:02:00.0", "0000:03:00.0"]


def test_a_machine_without_a_pci_bus_has_no_functions(tree: HostTree) -> None:
    (tree.root / "sys/bus/pci/drivers_probe").unlink()
    (tree.root / "sys/bus/pci/drivers").rmdir()
    (tree.root / "sys/bus/pci/devices").rmdir()
    assert host(tree).functions() == []


def test_a_root_without_sysfs_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        LinuxHost(str(tmp_path)).functions()
    assert str(caught.value) == (
        f"{tmp_path}/sys/bus is missing: sysfs is not mounted there. Mount it, or name another root"
    )


def test_a_vf_is_a_function_with_a_pf(tree: HostTree) -> None:
    tree.pf(vfs=1)
    vf = host(tree).function(Address("0000:01:10.0"))
    assert vf is not None
    assert (vf.is_vf, vf.device, vf.kernel_driver) == (True, "10ca", "igbvf")
    assert host(tree).function(Address("0000:09:00.0")) is None


def test_vfs_are_numbered_by_their_links_and_not_by_the_alphabet(tree: HostTree) -> None:
    tree.pf(total=12, vfs=12)
    found = host(tree).vf_addresses(ADDRESS)
    assert list(found) == list(range(12))
    assert found[2] == Address("0000:01:10.4")
    assert found[11] == Address("0000:01:12.6")


def test_an_iommu_group_is_the_number_of_its_link(tree: HostTree) -> None:
    tree.pf(vfs=2)
    assert host(tree).iommu_group(Address("0000:01:10.2")) == 21
    assert host(tree).iommu_group(ADDRESS) is None


def test_a_netdev_is_told_with_what_sysfs_holds(tree: HostTree) -> None:
    tree.pf()
    (link,) = host(tree).links(ADDRESS)
    assert (link.name, link.ifindex, link.mtu, link.up, link.carrier) == ("enp1s0", 2, 1500, True, True)
    assert (link.mac, link.permanent_mac, link.speed_mbit) == ("52:54:00:00:00:02", "52:54:00:00:00:02", 1000)
    assert link.link_type is LinkType.ETH


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({"flags": "0x1002"}, (False, False, None), id="down"),
        pytest.param({"carrier": "0", "speed": "-1"}, (True, False, None), id="up-without-carrier"),
        pytest.param({"speed": "-1"}, (True, True, None), id="speed-unknown"),
    ],
)
def test_carrier_and_speed_of_a_netdev_follow_its_state(
    tree: HostTree, attributes: dict[str, str], expected: tuple[object, ...]
) -> None:
    tree.function(PF, "8086:10c9", driver="igb")
    tree.netdev(PF, "eth0", **attributes)
    (link,) = host(tree).links(ADDRESS)
    assert (link.up, link.carrier, link.speed_mbit) == expected


def test_an_address_set_by_hand_is_not_taken_for_the_permanent_one(tree: HostTree) -> None:
    tree.function(PF, "8086:10c9", driver="igb")
    tree.netdev(PF, "eth0", addr_assign_type="3")
    assert host(tree).links(ADDRESS)[0].permanent_mac is None


def test_the_netdev_of_a_virtio_nic_is_found_below_its_virtio_device(tree: HostTree) -> None:
    path = tree.function("0000:00:03.0", "1af4:1041", driver="virtio-pci")
    netdev = path / "virtio0/net/eth0"
    netdev.mkdir(parents=True)
    (netdev / "ifindex").write_text("4\n")
    assert [link.name for link in host(tree).links(Address("0000:00:03.0"))] == ["eth0"]


def test_a_vf_whose_netdev_is_not_listed_is_in_another_namespace(tree: HostTree) -> None:
    tree.pf(vfs=1)
    vf = Address("0000:01:10.0")
    assert host(tree).vf_user(vf) is None
    (tree.root / "sys/class/net/enp1s0v0").unlink()
    for file in (tree.device(vf.name) / "net/enp1s0v0").iterdir():
        file.unlink()
    (tree.device(vf.name) / "net/enp1s0v0").rmdir()
    assert host(tree).vf_user(vf) == "another network namespace (a container)"
    assert host(tree).links(vf) == []


def test_an_attribute_is_stripped_and_absent_ones_are_none(tree: HostTree) -> None:
    tree.pf()
    assert host(tree).attribute(ADDRESS, "sriov_totalvfs") == "7"
    assert host(tree).attribute(ADDRESS, "nothing") is None
    assert host(tree).attribute(Address("0000:09:00.0"), "vendor") is None
    assert host(tree).attribute(ADDRESS, "net/enp1s0/mtu") == "1500"


@pytest.mark.parametrize("name", ["../uevent", "/etc/passwd", "net/../../x", "a//b", "", "a\n"])
def test_an_attribute_that_leads_out_of_the_device_is_refused(tree: HostTree, name: str) -> None:
    tree.pf()
    with pytest.raises(HostError, match="is no attribute of a device"):
        host(tree).attribute(ADDRESS, name)


@pytest.mark.parametrize("name", ["../..", "..", "", "a/b"])
def test_an_address_that_leads_out_of_the_bus_is_refused(tree: HostTree, name: str) -> None:
    with pytest.raises(HostError, match=r"is no device address; one looks like 0000:3b:00\.0"):
        host(tree).attribute(Address(name), "uevent")


def test_a_file_is_read_below_the_root_and_never_above_it(tree: HostTree) -> None:
    tree.write("etc/some.conf", "text\n")
    assert host(tree).file("/etc/some.conf") == "text\n"
    assert host(tree).file("/etc/other.conf") is None
    with pytest.raises(HostError, match=r"'/\.\./\.\./etc/passwd' is no path of a file"):
        host(tree).file("/../../etc/passwd")
    with pytest.raises(HostError, match="is no path of a file"):
        host(tree).file("etc/some.conf")


def test_a_serial_number_is_read_from_the_capability_as_lspci_prints_it(tree: HostTree) -> None:
    config = bytearray(4096)
    struct.pack_into("<I", config, 0x100, 0x0001 | 1 << 16 | 0x140 << 20)
    struct.pack_into("<III", config, 0x140, 0x0003 | 1 << 16, 0xFF123456, 0x0090FAFF)
    (tree.pf() / "config").write_bytes(config)
    assert host(tree).identity_serial(ADDRESS) == "00-90-fa-ff-ff-12-34-56"


def test_capabilities_that_form_a_ring_end_the_search(tree: HostTree) -> None:
    config = bytearray(4096)
    struct.pack_into("<I", config, 0x100, 0x0001 | 1 << 16 | 0x100 << 20)
    (tree.pf() / "config").write_bytes(config)
    assert host(tree).identity_serial(ADDRESS) is None


def test_a_serial_number_is_read_from_the_vital_product_data(tree: HostTree) -> None:
    fields = b"PN\x04ABCDSN\x06MT1234RV\x01\x00"
    text = b"\x82" + struct.pack("<H", 4) + b"Card" + b"\x90" + struct.pack("<H", len(fields)) + fields + b"\x78"
    (tree.pf() / "vpd").write_bytes(text)
    assert host(tree).identity_serial(ADDRESS) == "MT1234"


def test_a_card_without_any_serial_number_has_none(tree: HostTree) -> None:
    (tree.pf() / "config").write_bytes(bytes(64))
    assert host(tree).identity_serial(ADDRESS) is None


def test_the_slot_is_the_label_of_the_firmware_or_the_hotplug_slot(tree: HostTree) -> None:
    path = tree.pf()
    assert host(tree).slot(ADDRESS) is None
    tree.write("sys/bus/pci/slots/7/address", "0000:01:00\n")
    assert host(tree).slot(ADDRESS) == "7"
    (path / "label").write_text("PCIe Slot 3\n")
    assert host(tree).slot(ADDRESS) == "PCIe Slot 3"


def test_the_version_of_a_driver_module_is_told_where_there_is_no_netlink(tree: HostTree) -> None:
    tree.pf()
    tree.write("sys/module/igb/version", "5.6.0-k\n")
    (tree.root / "sys/bus/pci/drivers/igb/module").symlink_to("../../../../module/igb")
    assert host(tree).firmware(ADDRESS) == Firmware(driver_version="5.6.0-k")


def test_a_tree_is_not_asked_over_netlink(tree: HostTree) -> None:
    tree.pf(vfs=1)
    assert host(tree).vf_macs(ADDRESS) == {}
    assert host(tree).eswitch_mode(ADDRESS) is None


def test_the_node_is_told_from_proc_and_etc(tree: HostTree) -> None:
    tree.write("etc/hostname", "node7\n")
    tree.write("etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    tree.write("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 intel_iommu=on\n")
    tree.write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\n")
    tree.write("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
    tree.write("proc/sys/kernel/arch", "x86_64\n")
    tree.write("proc/modules", "igb 1 0 - Live 0x0\n")
    tree.write("proc/812/comm", "NetworkManager\n")
    tree.write("proc/90/comm", "systemd-network\n")
    tree.write("proc/91/comm", "bash\n")
    tree.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    tree.write("etc/udev/rules.d/10-sriov-core-0000:01:00.0.rules", "ours\n")
    tree.write("etc/udev/rules.d/70-other.rules", "theirs\n")
    tree.pf(vfs=3)
    node = host(tree).node()
    assert (node.hostname, node.kernel, node.architecture) == ("node7", "6.12.0-test", "x86_64")
    assert (node.os_name, node.cpu_vendor) == ("Debian GNU/Linux 12 (bookworm)", "GenuineIntel")
    assert node.boot_id == "11111111-2222-3333-4444-555555555555"
    assert node.cmdline[-1] == "intel_iommu=on"
    assert (node.iommu_groups, node.lockdown, node.boot_manager) == (3, "integrity", None)
    assert node.modules == {"igb"}
    assert node.network_managers == ("NetworkManager", "systemd-networkd")
    assert node.files == {"/etc/udev/rules.d/10-sriov-core-0000:01:00.0.rules": "ours\n"}


def test_an_arm_machine_is_known_by_its_cpu_implementer(tree: HostTree) -> None:
    tree.write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n")
    assert host(tree).node().cpu_vendor == "ARM"


def test_a_bare_tree_has_a_node_of_defaults(tree: HostTree) -> None:
    node = host(tree).node()
    assert (node.cpu_vendor, node.lockdown, node.iommu_groups, node.files) == (None, "none", 0, {})


def test_the_reading_half_has_no_verb_that_writes(tree: HostTree) -> None:
    reader: HostReader = LinuxHost.__mro__[1](str(tree.root))
    verbs = [name for name in dir(reader) if name.startswith(("set_", "bind", "unbind", "write", "add_", "load"))]
    assert verbs == []


def test_reading_leaves_no_open_files_behind(tree: HostTree) -> None:
    tree.pf(vfs=3)
    machine = host(tree)
    before = os.listdir("/proc/self/fd")
    for function in machine.functions():
        machine.links(function.address)
        machine.identity_serial(function.address)
        machine.uses(function.address)
    assert set(os.listdir("/proc/self/fd")) <= set(before)


def test_a_count_that_the_kernel_keeps_to_itself_ends_as_an_error_and_the_next_one_is_read(tree: HostTree) -> None:
    tree.pf("0000:02:00.0", name="other")
    blocking = tree.pf()
    (blocking / "sriov_numvfs").unlink()
    os.mkfifo(blocking / "sriov_numvfs")  # opening it waits for a writer that never comes
    with LinuxHost(str(tree.root), live=True, deadlines=Deadlines(read_s=2)) as machine:
        with pytest.raises(HostError) as caught:
            machine.attribute(ADDRESS, "sriov_numvfs")
        assert machine.attribute(Address("0000:02:00.0"), "sriov_numvfs") == "0"
    assert str(caught.value) == (
        f"{PF}: sriov_numvfs could not be read within 2 s: somebody is changing it, and the kernel waits. "
        "Stop whoever holds one of its VFs (see dmesg)"
    )


class Stuck:
    """Opens no socket before it is let go: so long the kernel keeps its lock from whoever asks."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self) -> socket.socket:
        self.release.wait(60)
        return ethtool.open_socket()


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda machine: machine.firmware(ADDRESS), id="firmware"),
        pytest.param(lambda machine: machine.feature(ADDRESS, "hw-tc-offload"), id="feature"),
    ],
)
def test_what_ethtool_is_asked_ends_within_the_deadline_of_a_question_and_the_next_at_once(
    tree: HostTree, ask: Callable[[LinuxHost], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.pf()
    stuck = Stuck()
    monkeypatch.setattr(ethtool, "open_socket", stuck)
    deadlines = Deadlines(read_s=0.1, other_s=60)
    found = []
    with LinuxHost(str(tree.root), live=True, deadlines=deadlines) as machine:
        for _ in range(2):
            with pytest.raises(HostError) as caught:
                ask(machine)
            found.append(str(caught.value))
        found.append(refused(lambda: machine.set_feature(ADDRESS, "hw-tc-offload", on=True)))
    stuck.release.set()
    late = "the kernel has not ended something asked earlier within 0.1 s. See dmesg, and try again when it has"
    assert found == [
        f"{PF}: the kernel did not answer within 0.1 s. See dmesg",
        f"{PF}: the kernel has not yet answered an earlier question within 0.1 s. See dmesg",
        f"{PF}: hw-tc-offload: on is not possible: {late}",
    ]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(StepFailed) as caught:
        call()
    return str(caught.value)


def test_an_errno_of_ethtool_s_is_told_in_words(tree: HostTree, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    tree.pf()
    monkeypatch.setattr(ethtool, "open_socket", broken)
    with LinuxHost(str(tree.root), live=True) as machine, pytest.raises(HostError) as caught:
        machine.firmware(ADDRESS)
    words = "a question to the kernel was refused with EMFILE (Too many open files). See dmesg"
    assert str(caught.value) == f"{PF}: {words}"
