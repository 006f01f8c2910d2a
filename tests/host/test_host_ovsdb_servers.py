"""Real servers that are stuck, have another database, go away, or stand there without ovs-vswitchd."""

import errno
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openvswitch
import pytest
from debian import Root
from ovsdb_words import GONE, LONG_S, MUTE, SHORT_S, WISH, refusal, told

from sriov_core.errors import DeadlineExceeded
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.bridges import OpenVSwitch

pytestmark = pytest.mark.root


@pytest.fixture
def server(tmp_path: Path, software: Root) -> Iterator[openvswitch.Switch]:
    with openvswitch.switch(tmp_path, software) as made:
        yield made


def test_a_real_server_that_is_stuck_is_told_in_time(server: openvswitch.Switch) -> None:
    server.start_server()
    server.pause_server()
    database = OvsDatabase(str(server.root), SHORT_S)
    wanted = MUTE.replace("{root}", str(server.root))
    assert told(database) == wanted
    assert refusal(database, DeadlineExceeded) == (
        f"node: bridge br-1: uplink pf0 did not end within {SHORT_S:g} s: {wanted}"
    )


def test_a_server_is_reached_over_tcp(server: openvswitch.Switch, tmp_path: Path) -> None:
    server.start_server()
    assert OvsDatabase(str(tmp_path / "elsewhere"), LONG_S, socket=server.tcp).look([WISH]) == OpenVSwitch(idle=True)


NEEDED = "This needs a server with the database Open_vSwitch of Open vSwitch 2.6 or newer"


def without_fail_mode(schema: dict[str, Any]) -> None:
    del schema["tables"]["Bridge"]["columns"]["fail_mode"]


def without_ports(schema: dict[str, Any]) -> None:
    del schema["tables"]["Bridge"]["columns"]["ports"]


def of_another_program(schema: dict[str, Any]) -> None:
    schema["name"] = "OVN_Northbound"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            of_another_program,
            "unknown database (transact request specifies unknown database Open_vSwitch)",
            id="no-such-database",
        ),
        pytest.param(without_fail_mode, "syntax error (fail_mode is not a valid column name)", id="no-such-column"),
        pytest.param(without_ports, "syntax error (ports is not a valid column name)", id="no-reference"),
    ],
)
def test_another_schema_is_told(
    server: openvswitch.Switch, software: Root, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    schema = json.loads((software.path / "usr/share/openvswitch/vswitch.ovsschema").read_text())
    change(schema)
    path = server.root / "schema.json"
    path.write_text(json.dumps(schema))
    server.start_server(path)
    database = OvsDatabase(str(server.root), LONG_S)
    assert told(database) == f"ovsdb-server refused: {words}. {NEEDED}"
    assert refusal(database).endswith(f"ovsdb-server refused: {words}. {NEEDED}")


def test_a_database_that_was_never_set_up_is_told(server: openvswitch.Switch, software: Root) -> None:
    server.start_server(software.path / "usr/share/openvswitch/vswitch.ovsschema")
    database = OvsDatabase(str(server.root), LONG_S)
    assert database.look([WISH]) == OpenVSwitch(idle=True)
    assert refusal(database).endswith(
        "the database has no row in its table Open_vSwitch. Run `ovs-vsctl --no-wait init` on the host"
    )
    assert server.rows("Bridge") == {}


def test_without_ovs_vswitchd_nothing_is_done_and_it_is_told(server: openvswitch.Switch) -> None:
    server.start_server()
    database = OvsDatabase(str(server.root), 2)
    assert refusal(database, DeadlineExceeded) == (
        "node: bridge br-1: uplink pf0 did not end within 2 s: the database has it, and ovs-vswitchd does "
        "not take it up. See whether it runs (systemctl status ovs-vswitchd.service)"
    )
    found = database.look([WISH])
    assert found is not None
    assert [bridge.uplink for bridge in found.bridges] == [None]


def test_a_server_that_goes_away_in_the_middle_is_told(server: openvswitch.Switch) -> None:
    server.start_server()
    words: list[str] = []
    # Without ovs-vswitchd the verb waits for it, which is the middle.
    asking = threading.Thread(target=lambda: words.append(refusal(OvsDatabase(str(server.root), LONG_S))))
    asking.start()
    while not server.rows("Bridge"):
        assert asking.is_alive()
    server.kill_server()
    asking.join()
    # How the end of a connection is met depends on whether the verb waits by then, or is about to ask.
    ways = ("it closed the connection", os.strerror(errno.EPIPE), os.strerror(errno.ECONNRESET))
    gone = f"node: bridge br-1: uplink pf0 is not possible: {GONE.replace('{root}', str(server.root))}"
    (word,) = words
    assert word in [gone.replace("{how}", how) for how in ways]
