"""Where Open vSwitch is looked for, and what comes of servers that are absent, deaf, mute, broken or somebody else."""

import json
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import attrs
import openvswitch
import pytest
from debian import LabError, Root

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host import ovsdb_place as place
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink

WISH = Bridge(name="br-1", datapath_type="netdev", uplink=Uplink(nic=Address("0000:01:00.0"), name="pf0"))
SHORT_S = 0.5
LONG_S = openvswitch.WAIT_S
SOCKET = "run/openvswitch/db.sock"
START = "Start it (systemctl status ovsdb-server), and see whether it listens there"
RESTART = "Restart it (systemctl restart ovsdb-server)"

Talk = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def software() -> Root:
    try:
        return openvswitch.programs()
    except LabError as err:
        _cannot(str(err))


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"Open vSwitch must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"Open vSwitch cannot run here: {reason}")


def touched(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def refusal(database: OvsDatabase, error: type[StepFailed] = StepFailed) -> str:
    """What a verb says, which must be what a look says in other words."""
    with pytest.raises(error) as refused:
        database.set_bridge(WISH)
    return str(refused.value)


def told(database: OvsDatabase) -> str:
    found = database.look([WISH])
    assert found is not None
    return found.error


# Where it is


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
    database = OvsDatabase(str(tmp_path), SHORT_S)
    assert database.look([WISH]) is None
    assert refusal(database) == (
        f"node: bridge br-1: uplink pf0 is not possible: there is no socket of ovsdb-server at "
        f"{tmp_path}/var/run/openvswitch/db.sock. Install Open vSwitch (package openvswitch-switch or openvswitch), or "
        "name its socket"
    )


def test_an_installed_one_that_does_not_run_is_told(tmp_path: Path) -> None:
    database = OvsDatabase(str(touched(tmp_path, "lib/systemd/system/ovs-vswitchd.service")), SHORT_S)
    text = f"there is no socket of ovsdb-server at {tmp_path}/var/run/openvswitch/db.sock"
    advice = "Start Open vSwitch (systemctl status ovsdb-server), or name its socket"
    assert database.look([WISH]) == OpenVSwitch(service=place.SERVICE, error=f"{text}. {advice}")
    assert refusal(database) == f"node: bridge br-1: uplink pf0 is not possible: {text}. {advice}"


# Who answers there


@contextmanager
def listening(root: Path, talk: Talk) -> Iterator[OvsDatabase]:
    """A server that does as told with each connection."""
    path = root / SOCKET
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threads = [threading.Thread(target=_serve, args=(server, talk))]
        threads[0].start()
        yield OvsDatabase(str(root), SHORT_S)
        server.shutdown(socket.SHUT_RDWR)
        threads[0].join()


def _serve(server: socket.socket, talk: Talk) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return  # the test is over
        with line:
            try:
                talk(line)
            except OSError:
                continue  # the client had enough


def says(answer: bytes) -> Talk:
    """Take a question, give that answer, and hang up when the client does."""

    def talk(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(answer)
        while line.recv(65536):
            pass

    return talk


def replies(result: object) -> Talk:
    """A proper JSON-RPC reply to each question, with this result."""

    def talk(line: socket.socket) -> None:
        while question := line.recv(65536):
            reply = {"id": json.loads(question)["id"], "result": result, "error": None}
            line.sendall(json.dumps(reply).encode())

    return talk


def hang_up(line: socket.socket) -> None:
    line.recv(65536)


def shout_without_end(line: socket.socket) -> None:
    line.recv(65536)
    line.sendall(b'{"id": "')
    while True:
        line.sendall(b"a" * 65536)


WHERE = "unix:{root}/" + SOCKET
MUTE = f"ovsdb-server at {WHERE} took the question and did not answer in time. {RESTART}"
NO_SERVER = f"what answers at {WHERE} is no OVSDB server: it said {{what}}. Name the socket of ovsdb-server"
GONE = f"ovsdb-server at {WHERE} went away while it was asked: {{how}}. {START}"


@pytest.mark.parametrize(
    ("talk", "words", "error"),
    [
        pytest.param(says(b""), MUTE, DeadlineExceeded, id="mute"),
        pytest.param(says(b'{"id": 0, "result": ['), MUTE, DeadlineExceeded, id="half-an-answer"),
        pytest.param(shout_without_end, MUTE, DeadlineExceeded, id="endless-answer"),
        pytest.param(replies([{"rows": []}]), None, StepFailed, id="too-few-results"),
        pytest.param(hang_up, GONE.replace("{how}", "it closed the connection"), StepFailed, id="hangs-up"),
        pytest.param(
            says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NO_SERVER.replace("{what}", "no JSON-RPC"), StepFailed, id="http"
        ),
        pytest.param(says(b"[1, 2]"), NO_SERVER.replace("{what}", "no JSON-RPC"), StepFailed, id="json-of-its-own"),
        pytest.param(
            says(b'{"id": 0}'), NO_SERVER.replace("{what}", "no JSON-RPC"), StepFailed, id="a-reply-that-says-nothing"
        ),
        pytest.param(
            says(b"\xff\xfe\x00"), NO_SERVER.replace("{what}", "no JSON-RPC"), StepFailed, id="no-text-at-all"
        ),
    ],
)
def test_what_is_no_server_is_told_so_in_time(
    tmp_path: Path, talk: Talk, words: str | None, error: type[StepFailed]
) -> None:
    with listening(tmp_path, talk) as database:
        if words is None:
            assert "is no OVSDB server: it said 1 results for" in refusal(database)
            return
        wanted = words.replace("{root}", str(tmp_path))
        assert told(database) == wanted
        assert refusal(database, error).endswith(wanted)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param({"rows": {"a": 1}}, id="rows-that-are-no-list"),
        pytest.param({"rows": [1, None]}, id="rows-that-are-none"),
        pytest.param({"rows": [{"_uuid": 5, "other_config": "x"}]}, id="columns-of-other-types"),
        pytest.param({}, id="no-rows"),
    ],
)
def test_answers_of_another_shape_read_as_nothing(tmp_path: Path, result: Any) -> None:
    with listening(tmp_path, replies([result])) as database:
        assert database.look([]) == OpenVSwitch()
        with pytest.raises(StepFailed, match=r"no row in its table Open_vSwitch. Run `ovs-vsctl --no-wait init`"):
            database.set_option("hw-offload", "true")


def test_a_server_that_asks_back_whether_we_live_is_answered(tmp_path: Path) -> None:
    def talk(line: socket.socket) -> None:
        question = json.loads(line.recv(65536))
        line.sendall(b'{"id": "echo", "method": "echo", "params": [7]}')
        alive = json.loads(line.recv(65536))
        good = alive["id"] == "echo" and alive["result"] == [7]
        rows = [{"_uuid": ["uuid", "1"], "other_config": ["map", [["hw-offload", str(good).lower()]]]}]
        line.sendall(json.dumps({"id": question["id"], "result": [{"rows": rows}], "error": None}).encode())

    with listening(tmp_path, talk) as database:
        assert database.look([]) == OpenVSwitch(hw_offload=True)


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    """A piece may end within a character: the pieces are sent apart, each when the one before was taken."""

    def talk(line: socket.socket) -> None:
        question = json.loads(line.recv(65536))
        rows = [{"_uuid": ["uuid", "1"], "other_config": ["map", [["ä", "é"], ["hw-offload", "true"]]]}]
        reply = {"id": question["id"], "result": [{"rows": rows}], "error": None}
        for byte in json.dumps(reply, ensure_ascii=False).encode():
            line.sendall(bytes([byte]))

    with listening(tmp_path, talk) as database:
        assert database.look([]) == OpenVSwitch(hw_offload=True)


def hear_a_word(line: socket.socket) -> None:
    line.recv(1)


def hear_a_word_and_wait(line: socket.socket) -> None:
    line.recv(1)
    poll = select.poll()
    poll.register(line, 0)  # a hang-up is told unasked
    poll.poll()


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        pytest.param(hear_a_word, f"ovsdb-server at {WHERE} went away while it was asked: ", id="hangs-up"),
        pytest.param(hear_a_word_and_wait, MUTE, id="reads-no-more"),
    ],
)
def test_a_server_that_does_not_hear_the_question_out_is_told(tmp_path: Path, talk: Talk, words: str) -> None:
    long = attrs.evolve(WISH, name="x" * 4_000_000)  # more than a socket takes at once
    with listening(tmp_path, talk) as database:
        found = database.look([long])
    assert found is not None
    assert found.error.startswith(words.replace("{root}", str(tmp_path)))


def test_a_socket_without_a_server_is_told(tmp_path: Path) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / SOCKET))
    text = f"ovsdb-server at unix:{tmp_path}/{SOCKET} cannot be reached: Connection refused. {START}"
    database = OvsDatabase(str(tmp_path), SHORT_S)
    assert told(database) == text
    assert refusal(database).endswith(text)


def test_a_server_that_takes_no_connection_is_told(tmp_path: Path) -> None:
    (tmp_path / SOCKET).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(str(tmp_path / SOCKET))
        server.listen(0)
        waiting.connect(str(tmp_path / SOCKET))
        database = OvsDatabase(str(tmp_path), SHORT_S)
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
        database = OvsDatabase(str(tmp_path), SHORT_S, socket=given)
        assert told(database).endswith(words)
        assert refusal(database).endswith(words)


# Real servers


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
    assert OvsDatabase(str(tmp_path / "elsewhere"), LONG_S, socket=server.tcp).look([WISH]) == OpenVSwitch()


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
    assert database.look([WISH]) == OpenVSwitch()
    assert refusal(database).endswith(
        "the database has no row in its table Open_vSwitch. Run `ovs-vsctl --no-wait init` on the host"
    )
    assert server.rows("Bridge") == {}


def test_without_ovs_vswitchd_nothing_is_done_and_it_is_told(server: openvswitch.Switch) -> None:
    server.start_server()
    database = OvsDatabase(str(server.root), SHORT_S)
    assert refusal(database, DeadlineExceeded) == (
        f"node: bridge br-1: uplink pf0 did not end within {SHORT_S:g} s: the database has it, and ovs-vswitchd does "
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
    gone = GONE.replace("{root}", str(server.root)).replace("{how}", "it closed the connection")
    assert words == [f"node: bridge br-1: uplink pf0 is not possible: {gone}"]
