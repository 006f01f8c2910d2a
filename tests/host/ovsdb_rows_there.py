"""A bridge to wish for, and the rows that a real database holds of it, as Open vSwitch's own tools print them."""

from typing import Any

from openvswitch import Switch

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink

PF = Address("0000:d8:00.0")
BRIDGE = "br-0000_d8_00.0"
TABLES = ("Open_vSwitch", "Bridge", "Port", "Interface")

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
