"""Where Open vSwitch is looked for on a host, and what is said when nobody is there."""

import socket
from pathlib import Path

import pytest
from ovsdb_words import LONG_S, RESTART, SOCKET, START, WISH, refusal, told

from sriov_core.errors import DeadlineExceeded
from sriov_core.host import ovsdb_place as place
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.bridges import OpenVSwitch


def touched(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


@pytest.mark.parametrize(
    ("there", "asked", "wanted"),
    [
        pytest.param([], "/var/run/openvswitch/db.sock", None, id="absent"),
        pytest.param(["var/run/openvswitch/db.sock"], "/var/run/openvswitch/db.sock", "var/run", id="there"),
        pytest.param([SOCKET], "/var/run/openvswitch/db.sock", "run", id="below-run"),
        pytest.param([SOCKET], "unix:/var/run/openvswitch/db.sock", "run", id="with-its-kind"),
        pytest.param([SOCKET], "unix:///var/run/openvswitch/db.sock", "run", id="as-a-url"),
        pytest.param([SOCKET], "/run/openvswitch/db.sock", "run", id="asked-for-below-run"),
    ],
)
def test_a_socket_is_looked_for_below_the_root(
    tmp_path: Path, there: list[str], asked: str, wanted: str | None
) -> None:
    expected = wanted and f"unix:{tmp_path}/{wanted}/openvswitch/db.sock"
    assert place.remote(str(touched(tmp_path, *there)), asked) == expected


def test_a_link_out_of_the_root_leads_to_somebody_else_s_socket(tmp_path: Path) -> None:
    root = touched(tmp_path / "root", SOCKET)
    touched(tmp_path / "container", "run/openvswitch/db.sock")
    (root / "var").mkdir()
    (root / "var/run").symlink_to(tmp_path / "container/run")
    assert place.remote(str(root), "/var/run/openvswitch/db.sock") == f"unix:{root}/{SOCKET}"


@pytest.mark.parametrize("given", ["tcp:192.0.2.1:6640", "tcp:[2001:db8::1]:6640"])
def test_a_server_on_tcp_is_taken_as_given(tmp_path: Path, given: str) -> None:
    assert place.remote(str(tmp_path), given) == given


@pytest.mark.parametrize(
    ("there", "service", "installed"),
    [
        pytest.param([], None, False, id="nothing"),
        pytest.param(["lib/systemd/system/ovs-vswitchd.service"], place.SERVICE, True, id="debian"),
        pytest.param(["usr/lib/systemd/system/ovs-vswitchd.service"], place.SERVICE, True, id="red-hat"),
        pytest.param(["etc/systemd/system/ovs-vswitchd.service"], place.SERVICE, True, id="administrator-s-own"),
        pytest.param(["lib/systemd/system/openvswitch-switch.service"], None, False, id="the-wrapper-alone"),
        pytest.param(["usr/sbin/ovs-vswitchd"], None, True, id="without-systemd"),
        pytest.param(["usr/lib/openvswitch-switch/ovs-vswitchd"], None, True, id="debian-without-systemd"),
        pytest.param(["usr/bin/ovs-vsctl"], None, False, id="only-the-client"),
    ],
)
def test_the_unit_and_the_program_tell_that_it_is_installed(
    tmp_path: Path, there: list[str], service: str | None, installed: bool
) -> None:
    root = str(touched(tmp_path, *there))
    assert (place.service(root), place.is_installed(root)) == (service, installed)


def test_a_masked_unit_is_none(tmp_path: Path) -> None:
    touched(tmp_path, "lib/systemd/system/ovs-vswitchd.service", "etc/systemd/system/other")
    (tmp_path / "etc/systemd/system/ovs-vswitchd.service").symlink_to("/dev/null")
    assert place.service(str(tmp_path)) is None


def test_a_host_without_open_vswitch_has_none(tmp_path: Path) -> None:
    database = OvsDatabase(str(tmp_path), LONG_S)
    assert database.look([WISH]) is None
    assert refusal(database) == (
        f"node: bridge br-1: uplink pf0 is not possible: there is no socket of ovsdb-server at "
        f"{tmp_path}/var/run/openvswitch/db.sock. Install Open vSwitch (package openvswitch-switch or openvswitch), or "
        "name its socket"
    )


def test_an_installed_one_that_does_not_run_is_told(tmp_path: Path) -> None:
    database = OvsDatabase(str(touched(tmp_path, "lib/systemd/system/ovs-vswitchd.service")), LONG_S)
    text = f"there is no socket of ovsdb-server at {tmp_path}/var/run/openvswitch/db.sock"
    advice = "Start Open vSwitch (systemctl status ovsdb-server), or name its socket"
    assert database.look([WISH]) == OpenVSwitch(service=place.SERVICE, error=f"{text}. {advice}")
    assert refusal(database) == f"node: bridge br-1: uplink pf0 is not possible: {text}. {advice}"


def test_a_socket_without_a_server_is_told(tmp_path: Path) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / SOCKET))
    text = f"ovsdb-server at unix:{tmp_path}/{SOCKET} cannot be reached: Connection refused. {START}"
    database = OvsDatabase(str(tmp_path), LONG_S)
    assert told(database) == text
    assert refusal(database).endswith(text)


def test_a_server_that_takes_no_connection_is_told(tmp_path: Path) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(str(tmp_path / SOCKET))
        server.listen(0)
        waiting.connect(str(tmp_path / SOCKET))
        database = OvsDatabase(str(tmp_path), LONG_S)
        text = f"ovsdb-server at unix:{tmp_path}/{SOCKET} does not take the connection. {RESTART}"
        assert told(database) == text
        assert refusal(database, DeadlineExceeded).endswith(text)


ODD = (
    "tcp:db.example:6640",
    "tcp:999.0.0.1:6640",
    "tcp:127.0.0.1:0",
    "tcp:127.0.0.1:x",
    "tcp:127.0.0.1",
    "ptcp:6640",
    "ssl:127.0.0.1:6640",
    "db.sock",
    "",
)
NOWHERE = "is no place of a database server. Name a socket's path, or tcp:IP:PORT"


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        pytest.param("tcp:127.0.0.1:{closed}", f"cannot be reached: Connection refused. {START}", id="nobody-there"),
        *(pytest.param(text, f"{text!r} {NOWHERE}", id=text.replace(":", "-")) for text in ODD),
    ],
)
def test_a_server_elsewhere_that_is_not_there_is_told(tmp_path: Path, remote: str, words: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # taken, and nobody listens
        given = remote.replace("{closed}", str(probe.getsockname()[1]))
        database = OvsDatabase(str(tmp_path), LONG_S, socket=given)
        assert told(database).endswith(words)
        assert refusal(database).endswith(words)
