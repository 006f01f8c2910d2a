"""What comes of a socket where somebody else answers, or nobody does, or not to the end."""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from ovsdb_words import GONE, LONG_S, MUTE, SHORT_S, SOCKET, WHERE, WISH, refusal, told

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host.ovsdb import OvsDatabase
from sriov_core.model.bridges import OpenVSwitch

Talk = Callable[[socket.socket], None]


@contextmanager
def listening(root: Path, talk: Talk, timeout_s: float = LONG_S) -> Iterator[OvsDatabase]:
    """A server that does as told with each connection."""
    path = root / SOCKET
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        serving = threading.Thread(target=_serve, args=(server, talk))
        serving.start()
        try:
            yield OvsDatabase(str(root), timeout_s)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            serving.join()


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


NO_SERVER = f"what answers at {WHERE} is no OVSDB server: it said {{what}}. Name the socket of ovsdb-server"


@pytest.mark.parametrize(
    ("talk", "words", "error"),
    [
        pytest.param(says(b""), MUTE, DeadlineExceeded, id="mute"),
        pytest.param(says(b'{"id": 0, "result": ['), MUTE, DeadlineExceeded, id="half-an-answer"),
        pytest.param(shout_without_end, MUTE, DeadlineExceeded, id="endless-answer"),
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
def test_what_is_no_server_is_told_so_in_time(tmp_path: Path, talk: Talk, words: str, error: type[StepFailed]) -> None:
    with listening(tmp_path, talk, SHORT_S if error is DeadlineExceeded else LONG_S) as database:
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
        assert database.look([]) == OpenVSwitch(idle=True)
        with pytest.raises(StepFailed, match=r"no row in its table Open_vSwitch. Run `ovs-vsctl --no-wait init`"):
            database.set_option("hw-offload", "true")


def test_an_answer_to_another_question_is_told(tmp_path: Path) -> None:
    with listening(tmp_path, replies([{"rows": []}])) as database:
        text = "it said 1 results for 4 operations. Name the socket of ovsdb-server"
        assert refusal(database).endswith(f"what answers at unix:{tmp_path}/{SOCKET} is no OVSDB server: {text}")


def test_a_server_that_asks_back_whether_we_live_is_answered(tmp_path: Path) -> None:
    def talk(line: socket.socket) -> None:
        question = json.loads(line.recv(65536))
        line.sendall(b'{"id": "echo", "method": "echo", "params": [7]}')
        alive = json.loads(line.recv(65536))
        good = alive["id"] == "echo" and alive["result"] == [7]
        rows = [{"_uuid": ["uuid", "1"], "other_config": ["map", [["hw-offload", str(good).lower()]]]}]
        line.sendall(json.dumps({"id": question["id"], "result": [{"rows": rows}], "error": None}).encode())

    with listening(tmp_path, talk) as database:
        assert database.look([]) == OpenVSwitch(idle=True, hw_offload=True)


def test_an_answer_in_pieces_is_put_together(tmp_path: Path) -> None:
    """A piece may end within a character: the pieces are sent apart, each when the one before was taken."""

    def talk(line: socket.socket) -> None:
        question = json.loads(line.recv(65536))
        rows = [{"_uuid": ["uuid", "1"], "other_config": ["map", [["ä", "é"], ["hw-offload", "true"]]]}]
        reply = {"id": question["id"], "result": [{"rows": rows}], "error": None}
        for byte in json.dumps(reply, ensure_ascii=False).encode():
            line.sendall(bytes([byte]))

    with listening(tmp_path, talk) as database:
        assert database.look([]) == OpenVSwitch(idle=True, hw_offload=True)


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
    with listening(tmp_path, talk, SHORT_S if words is MUTE else LONG_S) as database:
        found = database.look([long])
    assert found is not None
    assert found.error.startswith(words.replace("{root}", str(tmp_path)))
