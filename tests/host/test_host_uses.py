"""Who on the host depends on a NIC."""

from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.observed import Use

ADDRESS = Address(PF)
DEFAULT = "00000000 0100000A 00000000"
SUBNET_10 = "0000000A 00000000 000000FF"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(name="ens1")
    return found


def uses(tree: HostTree, *node_addresses: str, of: Address = ADDRESS) -> list[tuple[str, str]]:
    with LinuxHost(str(tree.root), node_addresses=node_addresses) as host:
        return [(use.kind, use.detail) for use in host.uses(of)]


def test_an_idle_nic_has_no_uses(tree: HostTree) -> None:
    tree.ipv4_routes("eth9 00000000 0100000A 00000000")
    assert uses(tree) == []


def test_the_default_route_is_a_use(tree: HostTree) -> None:
    tree.ipv4_routes(f"ens1 {DEFAULT}")
    with LinuxHost(str(tree.root)) as host:
        assert host.uses(ADDRESS) == (Use(kind="default-route", detail="the default route goes through ens1"),)


def test_the_default_route_of_ipv6_is_a_use_and_a_reject_route_is_none(tree: HostTree) -> None:
    nothing, gateway = "0" * 32, "fd" + "0" * 29 + "1"
    refusing = f"{nothing} 00 {nothing} 00 {nothing} ffffffff 00000001 00000000 00200200       lo\n"
    tree.write("proc/net/ipv6_route", refusing)
    assert uses(tree) == []
    route = f"{nothing} 00 {nothing} 00 {gateway} 00000400 00000002 00000000 00000003     ens1\n"
    tree.write("proc/net/ipv6_route", refusing + route)
    assert uses(tree) == [("default-route", "the default route goes through ens1")]


def test_the_default_route_is_followed_down_through_vlan_bridge_and_bond(tree: HostTree) -> None:
    tree.stacked("bond0", "ens1", "bond")
    tree.stacked("br0", "bond0", "bridge")
    tree.stacked("br0.7", "br0", "vlan")
    tree.ipv4_routes(f"br0.7 {DEFAULT}")
    assert uses(tree) == [
        ("default-route", "the default route goes through br0.7 over br0 over bond0 over ens1"),
        ("bond", "ens1 belongs to bond bond0"),
    ]


@pytest.mark.parametrize(
    ("upper", "kind", "expected"),
    [
        pytest.param("br0", "bridge", ("bridge", "ens1 belongs to bridge br0"), id="bridge"),
        pytest.param("ens1.5", "vlan", ("vlan", "ens1 belongs to VLAN ens1.5"), id="vlan"),
        pytest.param("mv0", "macvlan", ("macvlan", "ens1 belongs to macvlan mv0"), id="macvlan"),
        pytest.param("team0", None, ("upper", "ens1 belongs to the stacked interface team0"), id="team"),
        pytest.param("ovs-system", None, ("bridge", "ens1 belongs to bridge ovs-system"), id="open-vswitch"),
    ],
)
def test_what_is_stacked_on_a_nic_is_a_use(
    tree: HostTree, upper: str, kind: str | None, expected: tuple[str, str]
) -> None:
    tree.stacked(upper, "ens1", kind)
    assert uses(tree) == [expected]


def test_a_default_route_over_a_vf_is_a_use_of_its_pf(tree: HostTree) -> None:
    tree.vf(PF, 0)
    tree.ipv4_routes(f"ens1v0 {DEFAULT}")
    assert uses(tree) == [("default-route", "the default route goes through ens1v0")]


def test_the_address_that_the_node_is_known_by_is_a_use(tree: HostTree) -> None:
    tree.ipv4_routes(f"eth9 {DEFAULT}", f"ens1 {SUBNET_10}")
    assert uses(tree) == []
    assert uses(tree, "10.0.0.5") == [("node-address", "the node's address 10.0.0.5 goes through ens1")]
    assert uses(tree, "192.0.2.1", "not an address") == []


def test_an_ipv6_address_of_the_node_is_found_where_it_is_configured(tree: HostTree) -> None:
    tree.write("proc/net/if_inet6", "fd000000000000000000000000000002 04 40 00 82     ens1\n")
    assert uses(tree, "fd00::2") == [("node-address", "the node's address fd00::2 goes through ens1")]
    assert uses(tree, "fd00::3") == []


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        pytest.param(
            {"proc/mounts": "srv:/x /data nfs4 rw,relatime,vers=4.2,addr=10.0.0.9 0 0\n"},
            "nfs4 mount /data from 10.0.0.9 goes through ens1",
            id="nfs",
        ),
        pytest.param(
            {"proc/mounts": "10.0.0.7:6789,192.0.2.7:6789:/ /mnt ceph rw,name=admin 0 0\n"},
            "ceph mount /mnt from 10.0.0.7 goes through ens1",
            id="ceph",
        ),
        pytest.param(
            {"sys/class/iscsi_connection/connection1:0/address": "10.0.0.8\n"},
            "iSCSI disk from 10.0.0.8 goes through ens1",
            id="iscsi",
        ),
        pytest.param(
            {
                "sys/class/nvme/nvme3/transport": "tcp\n",
                "sys/class/nvme/nvme3/address": "traddr=10.0.0.6,trsvcid=4420,src_addr=10.0.0.1\n",
            },
            "NVMe over tcp disk nvme3 from 10.0.0.6 goes through ens1",
            id="nvme-tcp",
        ),
        pytest.param(
            {"sys/class/fc_host/host4/symbolic_name": "fcoe v0.1 over ens1.100\n"},
            "FCoE storage (host4) goes through ens1",
            id="fcoe",
        ),
    ],
)
def test_storage_that_is_reached_over_a_nic_is_a_use(tree: HostTree, files: dict[str, str], detail: str) -> None:
    tree.ipv4_routes(f"ens1 {SUBNET_10}")
    for path, text in files.items():
        tree.write(path, text)
    assert uses(tree) == [("storage", detail)]


def test_storage_that_is_reached_otherwise_or_is_local_is_no_use(tree: HostTree) -> None:
    tree.ipv4_routes(f"ens1 {SUBNET_10}", f"eth9 {DEFAULT}")
    tree.write("proc/mounts", "/dev/sda1 / ext4 rw 0 0\nsrv:/x /data nfs rw,addr=192.0.2.9 0 0\n")
    tree.write("sys/class/nvme/nvme0/transport", "pcie\n")
    assert uses(tree) == []


def test_routes_do_not_reach_another_nic(tree: HostTree) -> None:
    tree.pf("0000:02:00.0", name="ens2")
    tree.ipv4_routes(f"ens1 {DEFAULT}")
    assert uses(tree, of=Address("0000:02:00.0")) == []
