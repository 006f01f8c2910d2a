"""Metadata servers on loopback: OpenStack's, Amazon's, and rude ones. A server remembers only what it was asked.

How Amazon's behaves is in the EC2 User Guide, "Instance metadata and user data"; OpenStack's in Nova's documentation,
"Metadata".
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 60
"""How long a test waits for what a server sees; only a failure takes that long."""

MACS = "/latest/meta-data/network/interfaces/macs/"


class Server(ThreadingHTTPServer):
    """Answers by a function of method, path and headers; what it was asked stands in ``asked``."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str, str, dict[str, str]], tuple[int, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        status, body = self.server.answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_PUT = do_GET  # noqa: N815  # the name that the standard library looks for

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def serving(answer: Callable[[str, str, dict[str, str]], tuple[int, str]]) -> Iterator[Server]:
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


class Imds:
    """Amazon's service: interfaces by MAC, and what it makes of tokens."""

    TOKEN = "AQAEAsecret=="

    def __init__(self, subnets: dict[str, str], *, put: int = 200, required: bool = False) -> None:
        self.subnets = subnets
        self.put = put
        self.required = required

    def __call__(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        if method == "PUT":
            if path != "/latest/api/token" or not 1 <= int(headers["x-aws-ec2-metadata-token-ttl-seconds"]) <= 21600:
                return 400, "Bad Request"
            return self.put, self.TOKEN if self.put == 200 else ""
        given = headers.get("x-aws-ec2-metadata-token")
        if (given is None and self.required) or given not in (None, self.TOKEN):
            return 401, "Unauthorized"
        if path == MACS:
            return 200, "".join(f"{mac}/\n" for mac in self.subnets)
        mac, _, last = path.removeprefix(MACS).partition("/")
        if mac in self.subnets and last == "subnet-id":
            return 200, self.subnets[mac]
        return 404, "Not Found"


def network_data(**networks: str | list[str]) -> str:
    """The file of a machine with a port for each MAC (colons left out); several networks may share a port."""
    links, found = [], []
    for number, (digits, ids) in enumerate(networks.items()):
        link = f"tap{number}"
        mac = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
        links.append({"id": link, "type": "hw_veb", "mtu": 1500, "ethernet_mac_address": mac, "vif_id": f"vif{number}"})
        for network in [ids] if isinstance(ids, str) else ids:
            found.append({"id": f"network{len(found)}", "link": link, "type": "ipv4_dhcp", "network_id": network})
    return json.dumps({"links": links, "networks": found, "services": [{"type": "dns", "address": "192.0.2.1"}]})


def nova(text: str, *, versions: tuple[str, ...] = ("2018-08-27", "latest")):
    """OpenStack's service with that file under each of its versions."""
    files = {f"/openstack/{version}/network_data.json": text for version in versions}

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        return (200, files[path]) if path in files else (404, "404 Not Found")

    return answer


class Rude:
    """A server below HTTP: ``behave`` gets each connection after its request's head; ``left`` is set when one ends."""

    def __init__(self, behave: Callable[["Rude", socket.socket], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.left = threading.Event()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(PATIENCE_S)
                try:
                    if _takes_a_head(connection):
                        self._behave(self, connection)
                    else:
                        self.left.set()
                except OSError:
                    self.left.set()  # it went while we were talking

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _takes_a_head(connection: socket.socket) -> bool:
    """False for a client that goes before it has asked: its deadline may pass at any moment."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            return False
        head += part
    return True


@contextmanager
def rude(behave: Callable[[Rude, socket.socket], None]) -> Iterator[Rude]:
    server = Rude(behave)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(PATIENCE_S)


def silent(server: Rude, connection: socket.socket) -> None:
    if connection.recv(1) == b"":
        server.left.set()


def dribbling(text: bytes) -> Callable[[Rude, socket.socket], None]:
    """Sends the text, then one byte after the other for as long as somebody listens."""

    def behave(server: Rude, connection: socket.socket) -> None:
        connection.sendall(text)
        connection.settimeout(0.02)
        while True:
            connection.sendall(b"x")
            try:
                if connection.recv(1) == b"":
                    server.left.set()
                    return
            except TimeoutError:
                continue

    return behave


def resetting(_: Rude, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def saying(text: bytes) -> Callable[[Rude, socket.socket], None]:
    return lambda _, connection: connection.sendall(text)


def endless(server: Rude, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)
