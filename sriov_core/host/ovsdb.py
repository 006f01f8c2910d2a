"""Open vSwitch through its database server."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sriov_core.host import ovsdb_changes as changes
from sriov_core.host import ovsdb_place as place
from sriov_core.host.ovsdb_rows import UPLINK_MARK, Found, Row, map_of, rows_of, seen, select, select_pointing
from sriov_core.host.ovsdb_session import Fault, Late, Session, StillSo
from sriov_core.host.refusals import impossible, timed_out
from sriov_core.model.bridges import Bridge, OpenVSwitch

DEFAULT_SOCKET = "/var/run/openvswitch/db.sock"

_OFFLOAD = "hw-offload"
_PATIENCE = 0.9
"""The share of the time left that ovs-vswitchd gets, so that its silence is told from the database server's."""


class OvsDatabase:
    """The Open_vSwitch database below a root. Each call ends within the deadline; refusals are StepFailed.

    Each call is a conversation of its own, of a few questions about the rows that matter: nothing is monitored, and a
    server that was restarted in between is none of our business.
    """

    def __init__(self, root: str, timeout_s: float, *, socket: str = DEFAULT_SOCKET) -> None:
        self._root = root
        self._timeout_s = timeout_s
        self._socket = socket

    def look(self, bridges: Sequence[Bridge]) -> OpenVSwitch | None:
        """What is there of these bridges; None when the host has no Open vSwitch."""
        service = place.service(self._root)
        try:
            if place.remote(self._root, self._socket) is None and not place.is_installed(self._root):
                return None
            with self._session() as session:
                (root,) = session.transact(select("Open_vSwitch"))
                found = [_around(session, wish.name, _uplink_names(wish)) for wish in bridges]
        except Fault as err:
            return OpenVSwitch(service=service, error=str(err))
        there = (bridge for wish, entry in zip(bridges, found, strict=True) if (bridge := seen(entry, wish)))
        roots = rows_of(root)
        return OpenVSwitch(
            bridges=tuple(sorted(there, key=lambda bridge: bridge.name)),
            idle=not any(row.rows("bridges") for row in roots),
            hw_offload=any(row.map("other_config").get(_OFFLOAD) == "true" for row in roots),
            service=service,
        )

    def set_bridge(self, bridge: Bridge) -> None:
        """Make the bridge, or what there is of that name, like this; what fits is left untouched.

        Refused when the uplink's netdev is a port of a bridge that is not ours. Done when ovs-vswitchd has attached
        the uplink; an error that it leaves on the row is the error here, and the row stays.
        """
        uplinks = _uplink_names(bridge)
        names = [bridge.name, *uplinks]
        with self._asked(f"bridge {bridge.name}", f"uplink {uplinks[0]}" if uplinks else "make") as session:
            found = _around(session, bridge.name, uplinks)
            if operations := changes.put(found, bridge):
                _carry_out(session, operations)
                answers = session.transact(*(_called("Interface", name) for name in names))
                rows = [row for answer in answers for row in rows_of(answer)]
                for complaint in changes.complaints(rows, names, bridge.datapath_type):
                    raise complaint

    def remove_bridge(self, name: str) -> None:
        """Take a bridge away; one that is not there is no error."""
        with self._asked(f"bridge {name}", "remove") as session:
            (answer,) = session.transact(_called("Bridge", name))
            for row in rows_of(answer):
                _carry_out(session, changes.take_away(row))

    def detach(self, bridge: str, netdevs: Collection[str]) -> None:
        """Take the ports of these netdevs, and what else was attached as the uplink, out of a bridge.

        Returns when ovs-vswitchd has let go of them.
        """
        with self._asked(f"bridge {bridge}", "detach its uplink") as session:
            found = _around(session, bridge, netdevs)
            if operations := changes.detach(found, bridge, netdevs):
                _carry_out(session, operations)

    def set_option(self, key: str, value: str) -> None:
        """Set other_config:<key> of the root row; ovs-vswitchd is not waited for."""
        with self._asked("Open vSwitch", f"other_config:{key} = {value}") as session:
            (answer,) = session.transact(select("Open_vSwitch"))
            if _root_row(answer).map("other_config").get(key) != value:
                session.transact(*changes.option(key, value))

    def _session(self) -> Session:
        remote = place.remote(self._root, self._socket)
        if remote is None:
            raise Fault(f"there is no socket of ovsdb-server at {self._root}{self._socket}", _advice(self._root))
        return Session(remote, time.monotonic() + self._timeout_s)

    @contextmanager
    def _asked(self, where: str, wanted: str) -> Iterator[Session]:
        try:
            with self._session() as session:
                yield session
        except Late as err:
            raise timed_out("node", where, wanted, self._timeout_s, str(err)) from err
        except Fault as err:
            raise impossible("node", where, wanted, err.text, err.advice) from err


def _around(session: Session, name: str, netdevs: Iterable[str]) -> Found:
    """What there is around the bridge and these netdevs, in three questions."""
    marked = select("Interface", ["external_ids", "includes", map_of({UPLINK_MARK: name})])
    called = [_called("Interface", each) for each in dict.fromkeys((name, *netdevs))]
    bridge, *answers = session.transact(_called("Bridge", name), marked, *called)
    interfaces = {row.uuid: row for answer in answers for row in rows_of(answer)}
    ports = _pointing(session, "Port", "interfaces", interfaces)
    return Found(
        bridge=next(iter(rows_of(bridge)), None),
        interfaces=tuple(interfaces.values()),
        ports=ports,
        owners=_pointing(session, "Bridge", "ports", [port.uuid for port in ports.values()]),
    )


def _pointing(session: Session, table: str, column: str, uuids: Iterable[str]) -> dict[str, Row]:
    """The rows of the table that point at these, by the uuid that they point at."""
    wanted = list(dict.fromkeys(uuids))
    if not wanted:
        return {}
    answers = session.transact(*(select_pointing(table, column, uuid) for uuid in wanted))
    return {uuid: row for uuid, answer in zip(wanted, answers, strict=True) for row in rows_of(answer)}


def _carry_out(session: Session, operations: changes.Operations) -> None:
    """Commit, then wait until ovs-vswitchd says that it has done all of it, as ovs-vsctl does."""
    *_, answer = session.transact(*changes.announced(operations), select("Open_vSwitch"))
    root = _root_row(answer)
    wanted = root.number("next_cfg") or 0
    while (done := root.number("cur_cfg") or 0) < wanted:
        try:
            _, answer = session.transact(_other_than(done, session.left_s), select("Open_vSwitch"))
        except StillSo as err:
            text = "the database has it, and ovs-vswitchd does not take it up"
            raise Late(text, f"See whether it runs (systemctl status {place.SERVICE})") from err
        root = _root_row(answer)


def _other_than(done: int, left_s: float) -> dict[str, Any]:
    row = {"cur_cfg": done}
    wait = {"op": "wait", "table": "Open_vSwitch", "where": [], "columns": ["cur_cfg"], "until": "!=", "rows": [row]}
    return {**wait, "timeout": max(int(left_s * 1000 * _PATIENCE), 0)}


def _root_row(answer: Any) -> Row:
    for row in rows_of(answer):
        return row
    raise Fault("the database has no row in its table Open_vSwitch", "Run `ovs-vsctl --no-wait init` on the host")


def _called(table: str, name: str) -> dict[str, Any]:
    return select(table, ["name", "==", name])


def _uplink_names(bridge: Bridge) -> list[str]:
    return [bridge.uplink.name] if bridge.uplink and bridge.uplink.name else []


def _advice(root: str) -> str:
    if place.is_installed(root):
        return "Start Open vSwitch (systemctl status ovsdb-server), or name its socket"
    return "Install Open vSwitch (package openvswitch-switch or openvswitch), or name its socket"
