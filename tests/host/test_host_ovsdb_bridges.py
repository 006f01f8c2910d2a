"""Bridges are looked at, detached and removed in a real Open vSwitch, which has a setting or two of its own."""

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from openvswitch import Switch
from ovsdb_rows_there import BARE, BRIDGE, BY_HAND, UPLINK, WISH, everything, only, ports, row, said, uuids
from tree import PF as TREE_PF
from tree import HostTree

from sriov_core.host.linux import LinuxHost
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch

pytestmark = pytest.mark.root


# Looking


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param((), [], id="no-such-bridge"),
        pytest.param((BY_HAND,), [BARE], id="there"),
        pytest.param((BY_HAND, f"del-port {BRIDGE} pf0"), [attrs.evolve(BARE, uplink=None)], id="without-uplink"),
        pytest.param(
            (
                BY_HAND,
                f"del-port {BRIDGE} pf0",
                "add-br theirs -- set Bridge theirs datapath_type=netdev -- add-port theirs pf0",
            ),
            [attrs.evolve(BARE, uplink=None)],
            id="uplink-in-another-bridge",
        ),
    ],
)
def test_a_look_shows_what_is_there(
    ovs: Switch, database: OvsDatabase, before: tuple[str, ...], wanted: list[Bridge]
) -> None:
    said(ovs, *before)
    assert database.look([BARE]) == OpenVSwitch(bridges=tuple(wanted), idle=not before)


def test_of_maps_a_look_shows_the_keys_that_are_asked_for_and_are_there(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, BY_HAND, f"set Bridge {BRIDGE} external_ids:id=7 external_ids:other=8", "set Interface pf0 options:z=1")
    found = only(database.look([attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, options={"z": "2"}))]))
    assert (found.external_ids, found.other_config) == ({"id": "7"}, {})
    assert found.uplink
    assert (found.uplink.options, found.uplink.external_ids) == ({"z": "1"}, {})


def test_a_look_sorts_by_name_and_tells_whether_flows_are_offloaded(ovs: Switch, database: OvsDatabase) -> None:
    other = attrs.evolve(BARE, name="br-a", uplink=attrs.evolve(BARE.uplink, name="pf1"))
    database.set_bridge(BARE)
    database.set_bridge(other)
    assert database.look([BARE, other]) == OpenVSwitch(bridges=(BARE, other))
    said(ovs, "--no-wait set Open_vSwitch . other_config:hw-offload=true")
    assert database.look([]) == OpenVSwitch(hw_offload=True)


def test_it_is_idle_while_nobody_has_a_bridge(ovs: Switch, database: OvsDatabase) -> None:
    assert database.look([BARE]) == OpenVSwitch(idle=True)
    said(ovs, "add-br theirs -- set Bridge theirs datapath_type=netdev")
    assert database.look([BARE]) == OpenVSwitch(idle=False)


# Taking away


def test_a_bridge_goes_with_its_ports_and_those_of_others_stay(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, "add-br theirs -- set Bridge theirs datapath_type=netdev -- add-port theirs pf1")
    database.set_bridge(WISH)
    theirs = uuids(ovs)
    database.remove_bridge(BRIDGE)
    left = uuids(ovs)
    assert left == {name: uuid for name, uuid in theirs.items() if name in left}
    assert sorted(left) == [
        "Bridge theirs",
        "Interface pf1",
        "Interface theirs",
        "Open_vSwitch ",
        "Port pf1",
        "Port theirs",
    ]
    assert BRIDGE not in ovs.ip("link")


@pytest.mark.parametrize(
    ("before", "netdevs", "left"),
    [
        pytest.param((), ["pf0"], [BRIDGE, "rep0"], id="by-name"),
        pytest.param((), ["pf0new"], [BRIDGE, "rep0"], id="by-our-mark-when-it-has-another-name"),
        pytest.param((), [], [BRIDGE, "rep0"], id="by-our-mark-when-it-has-no-netdev"),
        pytest.param((f"del-port {BRIDGE} pf0",), ["pf0"], [BRIDGE, "rep0"], id="gone-already"),
        pytest.param(
            (f"del-port {BRIDGE} pf0", f"add-port {BRIDGE} pf0"), ["pf0"], [BRIDGE, "rep0"], id="attached-by-hand"
        ),
        pytest.param(
            (f"del-port {BRIDGE} pf0", f"add-bond {BRIDGE} bond0 pf0 pf1"),
            ["pf0"],
            [BRIDGE, "bond0", "rep0"],
            id="one-of-a-bond",
        ),
    ],
)
def test_a_detached_uplink_leaves_bridge_and_ports_of_others(
    ovs: Switch, database: OvsDatabase, before: tuple[str, ...], netdevs: list[str], left: list[str]
) -> None:
    database.set_bridge(WISH)
    said(ovs, f"add-port {BRIDGE} rep0", *before)
    rows = uuids(ovs)
    database.detach(BRIDGE, netdevs)
    assert ports(ovs) == sorted(left)
    assert "pf0" not in ovs.rows("Interface")
    assert uuids(ovs).items() <= rows.items()
    assert only(database.look([WISH])).uplink is None


def test_a_port_is_detached_from_the_given_bridge_only(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, BY_HAND, "add-br theirs -- set Bridge theirs datapath_type=netdev -- add-port theirs pf1")
    database.detach(BRIDGE, ["pf1"])
    assert (ports(ovs), ports(ovs, "theirs")) == ([BRIDGE, "pf0"], ["pf1", "theirs"])


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(lambda database: database.remove_bridge("absent"), id="remove"),
        pytest.param(lambda database: database.detach("absent", ["pf0"]), id="detach"),
    ],
)
def test_a_bridge_that_is_not_there_is_no_error(
    ovs: Switch, database: OvsDatabase, verb: Callable[[OvsDatabase], None]
) -> None:
    said(ovs, BY_HAND)
    found = everything(ovs)
    verb(database)
    assert everything(ovs) == found


# Open vSwitch itself, and the way here


@pytest.mark.parametrize("before", ["false", None], ids=["another-value", "not-set"])
def test_a_setting_of_open_vswitch_is_set_beside_those_of_others(
    ovs: Switch, database: OvsDatabase, before: str | None
) -> None:
    said(ovs, "--no-wait set Open_vSwitch . other_config:theirs=1")
    if before:
        said(ovs, f"--no-wait set Open_vSwitch . other_config:hw-offload={before}")
    database.set_option("hw-offload", "true")
    assert row(ovs, "Open_vSwitch", "", "other_config") == [{"theirs": "1", "hw-offload": "true"}]


def test_the_verbs_of_a_machine_reach_the_database(ovs: Switch, tmp_path: Path) -> None:
    machine = HostTree(tmp_path / "root")
    machine.pf(name="pf0")
    wish = attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, nic=Address(TREE_PF)))
    with LinuxHost(str(machine.root), ovsdb_socket=ovs.tcp) as host:
        host.set_bridge(wish)
        assert only(host.open_vswitch([wish])) == wish
        host.detach_uplink(BRIDGE, Address(TREE_PF))
        assert only(host.open_vswitch([wish])).uplink is None
        host.set_ovs_option("hw-offload", "true")
        host.remove_bridge(BRIDGE)
        assert host.open_vswitch([wish]) == OpenVSwitch(idle=True, hw_offload=True)
