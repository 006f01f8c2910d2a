"""API servers on loopback that misbehave on demand, as a real one cannot be made to: silent, cut off, full of garbage.

What a watch looks like: https://kubernetes.io/docs/reference/using-api/api-concepts (efficient detection of changes);
each event is a line of JSON, sent as a chunk of its own (k8s.io/apiserver/pkg/endpoints/handlers/watch.go).
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PATIENCE_S = 60
"""How long a test waits for what a server sees; only a failure takes that long."""


class Server(ThreadingHTTPServer):
    """Hands each request to ``behave``, which answers as it likes. ``asked`` are the requests so far.

    ``closed`` is released once for each connection that came to its end.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, behave: Callable[["Request"], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.behave = behave
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.closed = threading.Semaphore(0)
        self.let_go = threading.Event()
        """Set at the end of the test; a server that is silent waits for it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().shutdown_request(request)
        self.closed.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever went away in the middle was the test's to judge."""


class Request(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.document = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, parts.path, self.query))
        self.server.behave(self)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the names that the standard library looks for

    @property
    def watches(self) -> bool:
        return self.query.get("watch") == "true"

    def answer(self, document: object, status: int = 200, **headers: str) -> None:
        """A whole answer; ``document`` is JSON, or bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, message: str = "", reason: str = "", **headers: str) -> None:
        document = {"kind": "Status", "status": "Failure", "code": status, "message": message, "reason": reason}
        self.answer(document, status, **headers)

    def begin(self) -> None:
        """The head of a watch."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, kind: str, document: object) -> None:
        self.chunk(json.dumps({"type": kind, "object": document}).encode() + b"\n")

    def end(self) -> None:
        """The proper end of a watch."""
        self.chunk(b"")

    def cut(self) -> None:
        """The end of the connection in the middle of whatever was under way."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def stay_silent(self) -> None:
        self.server.let_go.wait(PATIENCE_S)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def serving(behave: Callable[[Request], None]) -> Iterator[Server]:
    server = Server(behave)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


def thing(name: str, version: int = 1, **data: object) -> dict[str, object]:
    """A ConfigMap as it is on the wire."""
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": str(version)}, "data": data}


def listing(*items: object, version: int = 1, **meta: str) -> dict[str, object]:
    return {"kind": "ConfigMapList", "metadata": {"resourceVersion": str(version), **meta}, "items": items}


def bookmark(version: int) -> dict[str, object]:
    return {"kind": "ConfigMap", "metadata": {"resourceVersion": str(version), "creationTimestamp": None}}


def kubeconfig(folder: Path, url: str, **user: object) -> str:
    """A kubeconfig, which may be JSON."""
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": user}],
    }
    path.write_text(json.dumps(document))
    return str(path)
