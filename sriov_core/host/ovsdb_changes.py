"""What to write into the database Open_vSwitch, as the operations of one transaction (RFC 7047, section 5.2). No I/O.

Rows of Bridge, Port and Interface that nothing points at are removed by the server itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from sriov_core.host.ovsdb_rows import (
    BRIDGE_MAPS,
    MARK,
    UPLINK_MAPS,
    UPLINK_MARK,
    Found,
    Row,
    atom,
    map_of,
    mark,
    seen,
    set_of,
    uplink_as_it_is,
)
from sriov_core.host.ovsdb_session import Fault
from sriov_core.model.bridges import Bridge, Uplink

Operations = list[dict[str, Any]]


def put(found: Found, wish: Bridge) -> Operations:
    """Make the bridge, or what there is of that name, like the wish; empty when it is like that.

    Columns are changed in place: a row made anew would take the ports of others with it. Fault when the uplink is a
    port of a bridge that is not ours.
    """
    internal, uplink = found.internal(wish.name), _fitting(found, wish)
    kept = [row for row in (internal, uplink) if row and found.is_attached(row)]
    leaving = [row for row in (*filter(None, [internal]), *found.uplinks(wish)) if row not in kept]
    wanted = [] if internal in kept else [{"name": wish.name, "type": "internal"}]
    if wish.uplink and uplink is None:
        wanted.append(_interface(wish, wish.uplink))
    detached = [_removal(found, row, wish.name) for row in {row.uuid: row for row in leaving}.values()]
    ports, inserted = _ports(wanted)
    if found.bridge is None:
        return [*detached, *inserted, *_created(wish, ports)]
    altered = _altered(found, found.bridge, wish)
    if ports:
        altered.append(_mutation("Bridge", found.bridge, [["ports", "insert", set_of(ports)]]))
    return [*detached, *inserted, *altered]


def take_away(bridge: Row) -> Operations:
    """Remove a bridge with all its ports."""
    return [_root([["bridges", "delete", atom(bridge.uuid)]])]


def detach(found: Found, name: str, netdevs: Iterable[str]) -> Operations:
    """Take what is marked as the uplink, and the ports of these netdevs, out of the bridge."""
    names = set(netdevs)
    here = found.bridge.rows("ports") if found.bridge else ()
    leaving = [
        row
        for row in found.interfaces
        if (row.text("name") in names or row.map("external_ids").get(UPLINK_MARK) == name)
        and (port := found.ports.get(row.uuid))
        and port.uuid in here
    ]
    return [_removal(found, row, name) for row in leaving]


def announced(operations: Operations) -> Operations:
    """Ask ovs-vswitchd to say when it is through: it sets cur_cfg to what next_cfg was when it began."""
    return [*operations, _root([["next_cfg", "+=", 1]])]


def option(key: str, value: str) -> Operations:
    """Set other_config:<key> of Open vSwitch itself."""
    changes = [["other_config", "delete", set_of([key])], ["other_config", "insert", map_of({key: value})]]
    return [_root(changes)]


def complaints(rows: Iterable[Row], names: Iterable[str], datapath: str) -> Iterator[Fault]:
    """What ovs-vswitchd said of these interfaces when it was through with them."""
    by_name = {row.text("name"): row for row in rows}
    for name in names:
        row = by_name.get(name)
        if row is None:
            yield Fault(f"interface {name} is not in the database any more", "Somebody else removed it; find out who")
        elif row.text("error"):
            yield Fault(f"interface {name}: {row.text('error')}", "See the log of ovs-vswitchd")
        elif (row.number("ofport") or 0) <= 0:
            kind = datapath or "system"
            text = f"ovs-vswitchd made no port of interface {name}, so it has no datapath of type {kind} for the bridge"
            yield Fault(text, "See its log; for system, load the kernel module openvswitch")


def _fitting(found: Found, wish: Bridge) -> Row | None:
    """The uplink's row, when there is nothing to change about it."""
    attached = (row for row in found.uplinks(wish) if wish.uplink and found.is_attached(row))
    return next((row for row in attached if wish.uplink and uplink_as_it_is(row, wish.uplink) == wish.uplink), None)


def _removal(found: Found, interface: Row, bridge: str) -> dict[str, Any]:
    port = found.ports.get(interface.uuid)
    owner = found.owners.get(port.uuid) if port else None
    name = interface.text("name")
    if port is None or owner is None:
        raise Fault(f"the database has {name} in no bridge", "Look again")
    if owner.text("name") != bridge and MARK not in owner.map("external_ids"):
        other = owner.text("name")
        command = f"ovs-vsctl del-port {other} {port.text('name')}"
        text = f"{name} is a port of bridge {other}, which is not ours"
        raise Fault(text, f"Take it out there ({command}), or leave it out of the wish")
    if len(port.rows("interfaces")) > 1:  # a bond, which keeps the others
        return _mutation("Port", port, [["interfaces", "delete", atom(interface.uuid)]])
    return _mutation("Bridge", owner, [["ports", "delete", atom(port.uuid)]])


def _ports(interfaces: Iterable[Mapping[str, Any]]) -> tuple[list[list[str]], Operations]:
    """References to new ports, and what inserts them: one port for each interface, of the same name."""
    ports, operations = [], Operations()
    for number, interface in enumerate(interfaces):
        below, port = f"interface{number}", f"port{number}"
        row = {"name": interface["name"], "interfaces": ["named-uuid", below]}
        operations.append({"op": "insert", "table": "Interface", "row": interface, "uuid-name": below})
        operations.append({"op": "insert", "table": "Port", "row": row, "uuid-name": port})
        ports.append(["named-uuid", port])
    return ports, operations


def _interface(wish: Bridge, uplink: Uplink) -> dict[str, Any]:
    marks = {MARK: mark(uplink), UPLINK_MARK: wish.name}
    row: dict[str, Any] = {"name": uplink.name, "type": uplink.type}
    row |= {column: map_of(getattr(uplink, column)) for column in UPLINK_MAPS}
    row["external_ids"] = map_of({**marks, **uplink.external_ids})
    if uplink.mtu_request is not None:
        row["mtu_request"] = uplink.mtu_request
    return row


def _created(wish: Bridge, ports: list[list[str]]) -> Operations:
    row = {
        "name": wish.name,
        "datapath_type": wish.datapath_type,
        "fail_mode": _mode(wish),
        "external_ids": map_of({MARK: mark(wish), **wish.external_ids}),
        "other_config": map_of(wish.other_config),
        "ports": set_of(ports),
    }
    return [
        {"op": "insert", "table": "Bridge", "row": row, "uuid-name": "bridge"},
        _root([["bridges", "insert", ["named-uuid", "bridge"]]]),
    ]


def _altered(found: Found, row: Row, wish: Bridge) -> Operations:
    now = seen(found, wish)
    if now is None or attrs.evolve(now, uplink=wish.uplink) == wish:
        return []
    columns = {"datapath_type": wish.datapath_type, "fail_mode": _mode(wish)}
    changes = {column: {**getattr(wish, column)} for column in BRIDGE_MAPS}
    changes["external_ids"] = {MARK: mark(wish), **changes["external_ids"]}
    mutations: list[list[Any]] = []
    for column, values in changes.items():
        # An insert leaves a key alone that is there already.
        mutations.append([column, "delete", set_of(sorted({*getattr(now, column), *values}))])
        mutations.append([column, "insert", map_of(values)])
    update = {"op": "update", "table": "Bridge", "where": _is(row), "row": columns}
    return [update, _mutation("Bridge", row, mutations)]


def _mode(wish: Bridge) -> Any:
    return wish.fail_mode or set_of([])


def _root(mutations: list[list[Any]]) -> dict[str, Any]:
    return {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": mutations}  # it has one row


def _mutation(table: str, row: Row, mutations: list[list[Any]]) -> dict[str, Any]:
    return {"op": "mutate", "table": table, "where": _is(row), "mutations": mutations}


def _is(row: Row) -> list[list[Any]]:
    return [["_uuid", "==", atom(row.uuid)]]
