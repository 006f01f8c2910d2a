"""Rows of the database Open_vSwitch as values (RFC 7047, section 5.1), and our bridges as they show in them. No I/O.

Rows that we make carry marks in external_ids: which keys of their maps are ours, so that one that is not wished for
any more is noticed while those of others are not; and whose uplink an interface is, whatever its netdev is called now.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from sriov_core.model.bridges import Bridge, Uplink

MARK = "sriov-core"
UPLINK_MARK = "sriov-core-uplink"

BRIDGE_MAPS = ("external_ids", "other_config")
UPLINK_MAPS = ("options", *BRIDGE_MAPS)
_COLUMNS = {
    "Open_vSwitch": ("bridges", "other_config", "next_cfg", "cur_cfg"),
    "Bridge": ("name", "datapath_type", "fail_mode", *BRIDGE_MAPS, "ports"),
    "Port": ("name", "interfaces"),
    "Interface": ("name", "type", *UPLINK_MAPS, "mtu_request", "error", "ofport"),
}


@attrs.frozen(kw_only=True)
class Row:
    """A row as the server told it. A column of another type than expected reads as empty."""

    uuid: str
    columns: Mapping[str, Any]

    def text(self, column: str) -> str:
        """A string, empty when the column is an empty set."""
        return next((value for value in _members(self.columns.get(column)) if isinstance(value, str)), "")

    def number(self, column: str) -> int | None:
        """An integer, None when the column is an empty set."""
        return next((value for value in _members(self.columns.get(column)) if isinstance(value, int)), None)

    def map(self, column: str) -> dict[str, str]:
        """A map of strings."""
        pairs = (pair for pair in _members(self.columns.get(column)) if isinstance(pair, list) and len(pair) == 2)
        return {str(key): str(value) for key, value in pairs}

    def rows(self, column: str) -> tuple[str, ...]:
        """The uuids of the rows that the column points at."""
        return tuple(_uuids(_members(self.columns.get(column))))

    @property
    def marks(self) -> frozenset[str]:
        """``column:key`` of what we put into its maps, and ``mtu_request``."""
        try:
            return frozenset(msgspec.json.decode(self.map("external_ids").get(MARK, "[]"), type=list[str]))
        except msgspec.DecodeError:
            return frozenset()


@attrs.frozen(kw_only=True)
class Found:
    """What the database holds around one bridge.

    ``interfaces`` are that of the bridge itself, those that are called like its uplink or marked as such; ``ports``
    goes by the interface's uuid, ``owners`` (their bridges) by the port's.
    """

    bridge: Row | None = None
    interfaces: tuple[Row, ...] = ()
    ports: Mapping[str, Row] = attrs.field(factory=dict)
    owners: Mapping[str, Row] = attrs.field(factory=dict)

    def is_attached(self, interface: Row) -> bool:
        """True when the interface is a working port of this bridge.

        ovs-vswitchd gives a number (ofport) to what it could attach, and -1 with an error to what it could not.
        """
        port = self.ports.get(interface.uuid)
        is_here = bool(self.bridge and port and port.uuid in self.bridge.rows("ports"))
        return is_here and not interface.text("error") and (interface.number("ofport") or 0) > 0

    def internal(self, name: str) -> Row | None:
        """The interface that stands for the bridge itself."""
        return next((row for row in self.interfaces if row.text("name") == name), None)

    def uplinks(self, wish: Bridge) -> list[Row]:
        """The interfaces called like the uplink, then those that once were it."""
        name = wish.uplink.name if wish.uplink else ""
        rows = [row for row in self.interfaces if row.text("name") == name]
        marked = [row for row in self.interfaces if row.map("external_ids").get(UPLINK_MARK) == wish.name]
        return [*rows, *(row for row in marked if row not in rows)]


def seen(found: Found, wish: Bridge) -> Bridge | None:
    """The bridge as it is: of its maps only the keys that are wished for or marked as ours; None when there is none."""
    row = found.bridge
    if row is None:
        return None
    attached = (uplink for uplink in found.uplinks(wish) if found.is_attached(uplink)) if wish.uplink else iter(())
    uplink = next(attached, None)
    return Bridge(
        name=wish.name,
        datapath_type=row.text("datapath_type"),
        fail_mode=row.text("fail_mode"),
        external_ids=_ours(row, "external_ids", wish.external_ids),
        other_config=_ours(row, "other_config", wish.other_config),
        uplink=uplink_as_it_is(uplink, wish.uplink) if uplink and wish.uplink else None,
    )


def uplink_as_it_is(row: Row, wish: Uplink) -> Uplink:
    """The uplink that a row of Interface shows, with the wish's NIC."""
    asked = wish.mtu_request is not None or "mtu_request" in row.marks
    return Uplink(
        nic=wish.nic,
        name=row.text("name"),
        type=row.text("type"),
        options=_ours(row, "options", wish.options),
        external_ids=_ours(row, "external_ids", wish.external_ids),
        other_config=_ours(row, "other_config", wish.other_config),
        mtu_request=row.number("mtu_request") if asked else None,
    )


def mark(wish: Bridge | Uplink) -> str:
    """What to remember of a row: which of its keys are ours."""
    maps = UPLINK_MAPS if isinstance(wish, Uplink) else BRIDGE_MAPS
    keys = [f"{column}:{key}" for column in maps for key in getattr(wish, column)]
    if isinstance(wish, Uplink) and wish.mtu_request is not None:
        keys.append("mtu_request")
    return json.dumps(sorted(keys))


def select(table: str, *where: Sequence[Any]) -> dict[str, Any]:
    """The question for rows of a table, with the columns that are read here."""
    return {"op": "select", "table": table, "where": [*where], "columns": ["_uuid", *_COLUMNS[table]]}


def select_pointing(table: str, column: str, uuid: str) -> dict[str, Any]:
    """The question for the row that points at another. Of a bridge its ports are left out: it may have thousands."""
    columns = [name for name in _COLUMNS[table] if name != "ports"]
    return {**select(table, [column, "includes", atom(uuid)]), "columns": ["_uuid", *columns]}


def rows_of(result: Mapping[str, Any]) -> list[Row]:
    """The rows of an answer."""
    rows = result.get("rows")
    told = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [Row(uuid=uuid, columns=row) for row in told for uuid in _uuids([row.get("_uuid")])]


def atom(uuid: str) -> list[str]:
    """The uuid of a row as the protocol writes it."""
    return ["uuid", uuid]


def map_of(values: Mapping[str, str]) -> list[Any]:
    """A map as the protocol writes it."""
    return ["map", [[key, value] for key, value in sorted(values.items())]]


def set_of(members: Collection[Any]) -> list[Any]:
    """A set as the protocol writes it."""
    return ["set", list(members)]


def _ours(row: Row, column: str, wished: Collection[str]) -> dict[str, str]:
    return {key: value for key, value in row.map(column).items() if key in wished or f"{column}:{key}" in row.marks}


def _members(value: Any) -> list[Any]:
    """The members of a set or a map; a set of one is written as that one."""
    if isinstance(value, list) and len(value) == 2 and value[0] in ("set", "map") and isinstance(value[1], list):
        return value[1]
    return [value]


def _uuids(members: Sequence[Any]) -> list[str]:
    pairs = (member for member in members if isinstance(member, list) and len(member) == 2)
    return [str(uuid) for kind, uuid in pairs if kind == "uuid"]
