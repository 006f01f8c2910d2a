"""Bridges in a real Open vSwitch: the database before, one verb, and the database after as its own tools show it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import attrs
import openvswitch
import pytest
from debian import LabError
from tree import PF as TREE_PF
from tree import HostTree

from sriov_core.errors import StepFailed
from sriov_core.host.linux import LinuxHost
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(
        os.geteuid() != 0 and os.environ.get("CI") != "true", reason="needs root for a network namespace"
    ),
]

PF = Address("0000:d8:00.0")
BRIDGE = "br-0000_d8_00.0"
TABLES = ("Open_vSwitch", "Bridge", "Port", "Interface")
LINKS = ("pf0", "pf1", "rep0", "rep1")

UPLINK = Uplink(nic=PF, name="pf0", external_ids={"of": "us"}, mtu_request=1400)
WISH = Bridge(
    name=BRIDGE,
    datapath_type="netdev",
    fail_mode="secure",
    external_ids={"id": "7"},
    other_config={"hwaddr": "02:00:00:00:00:01"},
    uplink=UPLINK,
)
BARE = Bridge(name=BRIDGE, datapath_type="netdev", uplink=Uplink(nic=PF, name="pf0"))
BY_HAND = f"add-br {BRIDGE} -- set Bridge {BRIDGE} datapath_type=netdev -- add-port {BRIDGE} pf0"

Switch = openvswitch.Switch


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"Open vSwitch must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"Open vSwitch cannot run here: {reason}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    try:
        software = openvswitch.programs()
    except LabError as err:
        _cannot(str(err))
    with openvswitch.switch(tmp_path_factory.mktemp("ovs"), software) as made:
        made.start_server()
        made.start_switch(*LINKS)
        yield made


@pytest.fixture
def ovs(running: Switch) -> Switch:
    running.forget_bridges()
    return running


@pytest.fixture
def database(ovs: Switch) -> OvsDatabase:
    return OvsDatabase(str(ovs.root), openvswitch.WAIT_S)


def everything(ovs: Switch) -> dict[str, dict[str, dict[str, Any]]]:
    return {table: ovs.rows(table) for table in TABLES}


def said(ovs: Switch, *commands: str) -> None:
    """Commands of ovs-vsctl, as an administrator would type them."""
    for command in commands:
        ovs.vsctl(*command.split())


def row(ovs: Switch, table: str, name: str, *columns: str) -> list[Any]:
    found = ovs.rows(table)[name]
    return [found[column] for column in columns]


def ports(ovs: Switch, bridge: str = BRIDGE) -> list[str]:
    names = {port["_uuid"]: name for name, port in ovs.rows("Port").items()}
    members = row(ovs, "Bridge", bridge, "ports")[0]
    return sorted(names[uuid] for uuid in (members if isinstance(members, list) else [members]))


def uuids(ovs: Switch) -> dict[str, str]:
    return {f"{table} {name}": found["_uuid"] for table in TABLES for name, found in ovs.rows(table).items()}


def only(found: OpenVSwitch | None) -> Bridge:
    assert found is not None
    assert found.error == ""
    (bridge,) = found.bridges
    return bridge


# What is made of nothing


def test_a_bridge_that_is_not_there_is_made_with_its_own_port_and_its_uplink(
    ovs: Switch, database: OvsDatabase
) -> None:
    database.set_bridge(WISH)
    assert ports(ovs) == [BRIDGE, "pf0"]
    kind = row(ovs, "Bridge", BRIDGE, "datapath_type", "fail_mode", "other_config")
    assert kind == ["netdev", "secure", {"hwaddr": "02:00:00:00:00:01"}]
    assert row(ovs, "Bridge", BRIDGE, "external_ids")[0]["id"] == "7"
    assert row(ovs, "Interface", BRIDGE, "type", "error", "ofport") == ["internal", [], 65534]
    assert row(ovs, "Interface", "pf0", "type", "error", "mtu_request") == ["", [], 1400]
    assert row(ovs, "Interface", "pf0", "ofport")[0] > 0
    assert row(ovs, "Interface", "pf0", "external_ids")[0]["of"] == "us"
    assert only(database.look([WISH])) == WISH


def test_what_nobody_asks_for_is_left_empty(ovs: Switch, database: OvsDatabase) -> None:
    database.set_bridge(BARE)
    assert row(ovs, "Bridge", BRIDGE, "fail_mode", "other_config") == [[], {}]
    assert row(ovs, "Interface", "pf0", "mtu_request", "options", "other_config") == [[], {}, {}]
    assert only(database.look([BARE])) == BARE


def test_the_uplink_gets_type_options_and_settings_of_its_own(ovs: Switch, database: OvsDatabase) -> None:
    given = {"type": "vxlan", "options": {"remote_ip": "192.0.2.1", "key": "5"}, "other_config": {"k": "v"}}
    wish = attrs.evolve(WISH, uplink=Uplink(nic=PF, name="tunnel", **given))
    database.set_bridge(wish)
    assert row(ovs, "Interface", "tunnel", *given) == [*given.values()]
    assert only(database.look([wish])) == wish


def test_a_bridge_may_have_no_uplink(ovs: Switch, database: OvsDatabase) -> None:
    database.set_bridge(attrs.evolve(WISH, uplink=None))
    assert ports(ovs) == [BRIDGE]


# What is there already


@pytest.mark.parametrize(
    ("before", "wish"),
    [
        pytest.param((), WISH, id="made-by-us"),
        pytest.param((BY_HAND,), BARE, id="made-by-somebody-else-just-so"),
        pytest.param(
            (BY_HAND, f"set Bridge {BRIDGE} external_ids:other=1 other_config:more=2", "set Interface pf0 options:x=3"),
            BARE,
            id="with-keys-of-others",
        ),
        pytest.param((BY_HAND, f"add-port {BRIDGE} rep0"), BARE, id="with-ports-of-others"),
    ],
)
def test_what_is_as_wished_is_not_touched(
    ovs: Switch, database: OvsDatabase, before: tuple[str, ...], wish: Bridge
) -> None:
    said(ovs, *before)
    if not before:
        database.set_bridge(wish)
    found = everything(ovs)
    assert only(database.look([wish])) == wish
    database.set_bridge(wish)
    assert everything(ovs) == found


@pytest.mark.parametrize(
    ("change", "columns", "wanted"),
    [
        pytest.param({"fail_mode": "standalone"}, ("fail_mode",), ["standalone"], id="fail-mode"),
        pytest.param({"fail_mode": ""}, ("fail_mode",), [[]], id="no-fail-mode"),
        pytest.param(
            {"other_config": {"hwaddr": "02:00:00:00:00:02"}},
            ("other_config",),
            [{"hwaddr": "02:00:00:00:00:02", "theirs": "9"}],
            id="other-value-of-a-key",
        ),
        pytest.param(
            {"other_config": {"mac-aging-time": "60"}},
            ("other_config",),
            [{"mac-aging-time": "60", "theirs": "9"}],
            id="key-that-is-wished-for-no-more",
        ),
    ],
)
def test_another_bridge_is_wished_for_and_the_ports_of_others_stay(
    ovs: Switch, database: OvsDatabase, change: dict[str, Any], columns: tuple[str, ...], wanted: list[Any]
) -> None:
    database.set_bridge(WISH)
    said(ovs, f"add-port {BRIDGE} rep0", f"set Bridge {BRIDGE} other_config:theirs=9")
    rows = uuids(ovs)
    wish = attrs.evolve(WISH, **change)
    assert only(database.look([wish])) != wish
    database.set_bridge(wish)
    assert row(ovs, "Bridge", BRIDGE, *columns) == wanted
    assert uuids(ovs) == rows
    assert only(database.look([wish])) == wish


def test_another_datapath_takes_the_ports_along(ovs: Switch, database: OvsDatabase) -> None:
    # Without a type it is the kernel's datapath, which is not there, so that ovs-vsctl would wait for an error.
    said(ovs, f"--no-wait add-br {BRIDGE} -- add-port {BRIDGE} pf0 -- add-port {BRIDGE} rep0")
    database.set_bridge(BARE)
    assert ports(ovs) == [BRIDGE, "pf0", "rep0"]
    assert row(ovs, "Interface", "rep0", "ofport")[0] > 0
    assert only(database.look([BARE])) == BARE


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(f"del-port {BRIDGE} pf0", id="gone"),
        pytest.param("set Interface pf0 mtu_request=1300", id="other-mtu"),
        pytest.param("clear Interface pf0 mtu_request", id="no-mtu"),
        pytest.param("set Interface pf0 external_ids:of=them", id="other-value-of-a-key"),
        pytest.param("remove Interface pf0 external_ids of", id="lost-key"),
        pytest.param("--no-wait set Interface pf0 error=broken", id="error-on-its-row"),
        pytest.param("--no-wait clear Interface pf0 ofport", id="never-taken-up"),
    ],
)
def test_an_uplink_that_is_not_as_wished_is_made_anew_and_the_bridge_stays(
    ovs: Switch, database: OvsDatabase, before: str
) -> None:
    database.set_bridge(WISH)
    said(ovs, f"add-port {BRIDGE} rep0")
    rows = uuids(ovs)
    said(ovs, before)
    assert only(database.look([WISH])) != WISH
    database.set_bridge(WISH)
    changed = {name for name, uuid in uuids(ovs).items() if uuid != rows[name]}
    assert changed == {"Port pf0", "Interface pf0"}
    assert ports(ovs) == [BRIDGE, "pf0", "rep0"]
    assert only(database.look([WISH])) == WISH


def test_a_wish_for_an_mtu_that_is_taken_back_leaves_none(ovs: Switch, database: OvsDatabase) -> None:
    database.set_bridge(WISH)
    wish = attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, mtu_request=None))
    assert only(database.look([wish])) == WISH
    database.set_bridge(wish)
    assert row(ovs, "Interface", "pf0", "mtu_request") == [[]]
    assert only(database.look([wish])) == wish


def test_an_mtu_that_nobody_wishes_for_is_somebody_else_s(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, BY_HAND, "set Interface pf0 mtu_request=1300")
    assert only(database.look([BARE])) == BARE


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("remove Bridge {bridge} ports {port}", id="gone"),
        pytest.param("--no-wait set Interface {bridge} error=broken", id="error-on-its-row"),
    ],
)
def test_the_port_of_the_bridge_itself_is_made_again(ovs: Switch, database: OvsDatabase, before: str) -> None:
    database.set_bridge(WISH)
    kept = uuids(ovs)
    said(ovs, before.format(bridge=BRIDGE, port=kept[f"Port {BRIDGE}"]))
    # What somebody else wishes for is what brings us here: the bridge's own port is not part of a wish.
    database.set_bridge(attrs.evolve(WISH, fail_mode=""))
    assert row(ovs, "Interface", BRIDGE, "type", "error", "ofport") == ["internal", [], 65534]
    assert uuids(ovs)["Interface pf0"] == kept["Interface pf0"]


# An uplink that is a port elsewhere, or was another netdev


def test_an_uplink_in_another_bridge_of_ours_comes_over(ovs: Switch, database: OvsDatabase) -> None:
    database.set_bridge(attrs.evolve(WISH, name="br-old"))
    database.set_bridge(WISH)
    assert (ports(ovs), ports(ovs, "br-old")) == ([BRIDGE, "pf0"], ["br-old"])


@pytest.mark.parametrize(
    ("before", "port"),
    [
        pytest.param("add-port theirs pf0", "pf0", id="a-port"),
        pytest.param("add-bond theirs bond0 pf0 pf1", "bond0", id="one-of-a-bond"),
    ],
)
def test_an_uplink_in_a_bridge_of_somebody_else_stays_there(
    ovs: Switch, database: OvsDatabase, before: str, port: str
) -> None:
    said(ovs, f"add-br theirs -- set Bridge theirs datapath_type=netdev -- {before}")
    found = everything(ovs)
    with pytest.raises(StepFailed) as refused:
        database.set_bridge(WISH)
    assert str(refused.value) == (
        f"node: bridge {BRIDGE}: uplink pf0 is not possible: pf0 is a port of bridge theirs, which is not ours. "
        f"Take it out there (ovs-vsctl del-port theirs {port}), or leave it out of the wish"
    )
    assert everything(ovs) == found


def test_an_uplink_that_somebody_bonded_leaves_the_bond_to_the_others(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, f"add-br {BRIDGE} -- set Bridge {BRIDGE} datapath_type=netdev -- add-bond {BRIDGE} bond0 pf0 pf1")
    assert only(database.look([BARE])) == BARE
    database.set_bridge(attrs.evolve(BARE, uplink=UPLINK))
    assert ports(ovs) == ["bond0", BRIDGE, "pf0"]
    assert row(ovs, "Port", "bond0", "interfaces") == [uuids(ovs)["Interface pf1"]]


def test_a_pf_that_has_another_name_by_now_leaves_no_port_behind(ovs: Switch, database: OvsDatabase) -> None:
    database.set_bridge(WISH)
    renamed = attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, name="pf1"))
    database.set_bridge(renamed)
    assert ports(ovs) == [BRIDGE, "pf1"]
    assert only(database.look([renamed])) == renamed
    # Whoever still has the old name in mind sees what the uplink is called now.
    assert only(database.look([WISH])) == renamed


# What Open vSwitch cannot do


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(
            attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, name="absent")),
            "uplink absent is not possible: interface absent: could not open network device absent (No such device). "
            "See the log of ovs-vswitchd",
            id="no-such-netdev",
        ),
        pytest.param(
            attrs.evolve(WISH, datapath_type=""),
            f"uplink pf0 is not possible: ovs-vswitchd made no port of interface {BRIDGE}, so it has no datapath of "
            "type system for the bridge. See its log; for system, load the kernel module openvswitch",
            id="no-such-datapath",
        ),
        pytest.param(
            attrs.evolve(WISH, fail_mode="open"),
            "uplink pf0 is not possible: ovsdb-server refused: constraint violation (open is not one of the allowed "
            "values ([secure, standalone])). Look again; if it stays so, the database is in a state that Open vSwitch "
            "does not allow",
            id="no-such-fail-mode",
        ),
    ],
)
def test_what_is_not_attached_is_not_done(ovs: Switch, database: OvsDatabase, wish: Bridge, words: str) -> None:
    with pytest.raises(StepFailed) as refused:
        database.set_bridge(wish)
    assert str(refused.value) == f"node: bridge {BRIDGE}: {words}"
    found = database.look([wish])
    assert found is not None
    assert [bridge.uplink for bridge in found.bridges] in ([None], [])


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
    assert database.look([BARE]) == OpenVSwitch(bridges=tuple(wanted))


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


# Taking away


def test_a_bridge_goes_with_its_ports_and_those_of_others_stay(ovs: Switch, database: OvsDatabase) -> None:
    said(ovs, "add-br theirs -- set Bridge theirs datapath_type=netdev -- add-port theirs pf1")
    database.set_bridge(WISH)
    theirs = uuids(ovs)
    database.remove_bridge(BRIDGE)
    left = uuids(ovs)
    assert left == {name: uuid for name, uuid in theirs.items() if name in left}
    assert sorted(left) == ["Bridge theirs", "Interface pf1", "Interface theirs", *OWN, "Port pf1", "Port theirs"]
    assert BRIDGE not in ovs.ip("link")


OWN = ("Open_vSwitch ",)


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
        assert host.open_vswitch([wish]) == OpenVSwitch(hw_offload=True)
