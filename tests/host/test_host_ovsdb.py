"""Bridges are made and altered in a real Open vSwitch: the database before, one verb, and the database after."""

from typing import Any

import attrs
import pytest
from openvswitch import Switch
from ovsdb_rows_there import BARE, BRIDGE, BY_HAND, PF, UPLINK, WISH, everything, only, ports, row, said, uuids

from sriov_core.errors import StepFailed
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.bridges import Bridge, Uplink

pytestmark = pytest.mark.root


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
