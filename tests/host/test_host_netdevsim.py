"""Simulated NICs (drivers/net/netdevsim) out of a tree of files: a bus beside PCI, with VFs that are no devices."""

from pathlib import Path

import pytest
from tree import HostTree

from sriov_core.host.linux import LinuxHost
from sriov_core.host.looking import LinuxReader
from sriov_core.model.address import Address
from sriov_core.model.observed import Function

SIM = Address("netdevsim10", "netdevsim")
DEVICE = "sys/devices/netdevsim10"
MAX_VFS = "sys/kernel/debug/netdevsim/netdevsim10/max_vfs"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path)
    tree.write(f"{DEVICE}/uevent", "DRIVER=netdevsim\n")
    tree.write(f"{DEVICE}/sriov_numvfs", "0\n")
    for folder in ("devices", "drivers/netdevsim"):
        (tmp_path / "sys/bus/netdevsim" / folder).mkdir(parents=True)
    (tmp_path / "sys/bus/netdevsim/devices/netdevsim10").symlink_to("../../../devices/netdevsim10")
    (tmp_path / DEVICE / "driver").symlink_to("../../bus/netdevsim/drivers/netdevsim")
    return tree


def _netdev(tree: HostTree, name: str, ifindex: int, port: str) -> None:
    for attribute, value in {"ifindex": str(ifindex), "phys_port_name": port, "flags": "0x2", "type": "1"}.items():
        tree.write(f"{DEVICE}/net/{name}/{attribute}", f"{value}\n")


def test_simulated_nics_are_listed_after_those_of_pci(tree: HostTree) -> None:
    tree.pf("0000:02:00.0", name="enp2s0")
    host = LinuxReader(str(tree.root))

    functions = host.functions()

    assert [str(function.address) for function in functions] == ["0000:02:00.0", "netdevsim/netdevsim10"]
    assert functions[1] == host.function(SIM)
    assert functions[1] == Function(address=SIM, vendor="0000", device="0000", kernel_driver="netdevsim")


def test_one_that_is_gone_is_none(tree: HostTree) -> None:
    assert LinuxReader(str(tree.root)).function(Address("netdevsim11", "netdevsim")) is None


def test_one_that_has_lost_its_driver_is_still_listed(tree: HostTree) -> None:
    (tree.root / DEVICE / "driver").unlink()

    (function,) = LinuxReader(str(tree.root)).functions()

    assert function.kernel_driver is None


def test_the_most_vfs_are_those_of_debugfs_and_nobodys_business_without_it(tree: HostTree) -> None:
    host = LinuxReader(str(tree.root))

    assert host.attribute(SIM, "sriov_totalvfs") is None

    tree.write(MAX_VFS, "4\n")

    assert host.attribute(SIM, "sriov_totalvfs") == "4"
    assert host.attribute(SIM, "sriov_drivers_autoprobe") is None


def test_a_debugfs_that_may_not_be_read_is_none(tree: HostTree) -> None:
    tree.write(MAX_VFS, "4\n")
    # What a reader without rights meets, whoever runs this: a loop of links instead of a file (ELOOP).
    (tree.root / MAX_VFS).unlink()
    (tree.root / MAX_VFS).symlink_to("max_vfs")

    assert LinuxReader(str(tree.root)).attribute(SIM, "sriov_totalvfs") is None


def test_its_vfs_are_numbers_and_no_devices(tree: HostTree) -> None:
    with LinuxHost(str(tree.root)) as host:
        host.set_num_vfs(SIM, 3)

        assert tree.text(f"{DEVICE}/sriov_numvfs") == "3"
        assert host.vf_addresses(SIM) == {}


def test_its_own_netdev_is_told_from_representors(tree: HostTree) -> None:
    _netdev(tree, "eni10npf0vf0", 7, "pf0vf0")
    _netdev(tree, "eni10np1", 9, "p1")

    links = {link.name: link.phys_port_name for link in LinuxReader(str(tree.root)).links(SIM)}

    assert links == {"eni10np1": "p1", "eni10npf0vf0": "pf0vf0"}
