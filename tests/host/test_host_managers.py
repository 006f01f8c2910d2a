"""Network managers whose configuration names a netdev."""

from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address

MAC = "52:54:00:00:00:02"
NM = "etc/NetworkManager/system-connections/a.nmconnection"
NETPLAN = "network:\n  version: 2\n  ethernets:\n    "


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(name="ens1f0")
    return found


@pytest.mark.parametrize(
    ("path", "text", "manager"),
    [
        pytest.param(NM, "[connection]\ninterface-name=ens1f0\n", "NetworkManager", id="nm-name"),
        pytest.param(NM, f"[ethernet]\nmac-address={MAC.upper()}\n", "NetworkManager", id="nm-mac"),
        pytest.param(NM, "[match]\ninterface-name=eno*;ens1*;\n", "NetworkManager", id="nm-pattern"),
        pytest.param(
            "etc/sysconfig/network-scripts/ifcfg-x", 'DEVICE="ens1f0"\n', "NetworkManager", id="nm-older-format"
        ),
        pytest.param("etc/systemd/network/1.network", "[Match]\nName=ens1f*\n", "systemd-networkd", id="networkd"),
        pytest.param("run/systemd/network/1.link", f"[Match]\nMACAddress={MAC}\n", "systemd-networkd", id="link-file"),
        pytest.param("etc/network/interfaces", "auto lo\niface ens1f0 inet dhcp\n", "ifupdown", id="ifupdown"),
        pytest.param("etc/network/interfaces.d/x", "iface ens1f0 inet6 auto\n", "ifupdown", id="ifupdown-folder"),
        pytest.param("etc/sysconfig/network/ifcfg-ens1f0", "BOOTPROTO=dhcp\n", "wicked", id="wicked"),
        pytest.param("etc/netplan/1.yaml", NETPLAN + "ens1f0: {virtual-function-count: 4}\n", "netplan", id="netplan"),
        pytest.param(
            "etc/netplan/1.yaml", NETPLAN + f"up: {{match: {{macaddress: '{MAC}'}}}}\n", "netplan", id="netplan-mac"
        ),
        pytest.param("etc/netplan/1.yaml", NETPLAN + "up: {match: {name: 'ens1*'}}\n", "netplan", id="netplan-pattern"),
    ],
)
def test_a_manager_that_names_the_netdev_is_told(tree: HostTree, path: str, text: str, manager: str) -> None:
    tree.write(path, text)
    assert LinuxHost(str(tree.root)).managers(Address(PF)) == (manager,)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(NM, "[connection]\ninterface-name=ens1f01\n", id="a-longer-name"),
        pytest.param(NM, "[connection]\n# interface-name=ens1f0\n", id="a-comment"),
        pytest.param("etc/systemd/network/1.network", "[Match]\nName=eno1\n[Link]\nName=ens1f0\n", id="other-section"),
        pytest.param("etc/network/interfaces", "iface ens1f0.5 inet dhcp\n", id="a-vlan-above"),
        pytest.param("etc/netplan/1.yaml", NETPLAN + "ens1f0: {match: {name: eno1}}\n", id="netplan-id-is-a-label"),
        pytest.param("etc/netplan/1.yaml", "ethernets: [broken\n", id="broken-yaml"),
        pytest.param("etc/netplan/1.yaml", "ethernets\n", id="no-mapping"),
    ],
)
def test_what_does_not_name_the_netdev_is_no_manager_of_it(tree: HostTree, path: str, text: str) -> None:
    tree.write(path, text)
    assert LinuxHost(str(tree.root)).managers(Address(PF)) == ()


def test_a_device_without_a_netdev_has_no_managers(tree: HostTree) -> None:
    tree.write(NM, "[match]\ninterface-name=*\n")
    assert LinuxHost(str(tree.root)).managers(Address("0000:05:00.0")) == ()
