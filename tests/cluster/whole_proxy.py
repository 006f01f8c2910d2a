"""A way to the API server on which requests are refused, delayed, cut off or lost, as a test says."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import urllib3
from servers import Server

CHUNK = 1 << 16
WRITES = ("POST", "PUT", "PATCH", "DELETE")
KEPT = ("Authorization", "Content-Type", "Accept", "User-Agent")
LONGEST_S = 900.0


@attrs.frozen
class Fault:
    """What happens to a request: it waits, and is answered with that status instead of, or after, being passed on."""

    status: int = 0
    delay_s: float = 0.0
    after: bool = False
    """The API server gets it; its answer is lost."""


Judge = Callable[[str, str], Fault | None]
"""Called with method and path, by several threads."""


class Proxy:
    """Passes everything on until `judge` is set. The identity of who asks goes with the request as its token."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.judge: Judge = lambda _method, _path: None
        self.asked = 0
        """The requests so far that write."""
        self._behind = server.url
        self._pool = urllib3.PoolManager(
            maxsize=64,
            retries=False,
            timeout=urllib3.Timeout(connect=5.0, read=LONGEST_S),
            ca_certs=str(server.ca_file),
        )
        self._lock = threading.Lock()
        self._calm = threading.Event()
        self._watches: dict[int, Any] = {}
        self._connections = 0
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = server.authority.for_server("127.0.0.1").write(folder, "proxy")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.cut_watches()
        self._pool.clear()

    def calm(self) -> None:
        """No more faults; what is delayed goes on now, late as it is. There are no delays any more afterwards."""
        self.judge = lambda _method, _path: None
        self._calm.set()

    def delay(self, seconds: float) -> None:
        self._calm.wait(seconds)

    def cut_watches(self) -> int:
        """End all watches in the middle; gives how many there were."""
        with self._lock:
            watches = tuple(self._watches.values())
        for one in watches:
            with suppress(OSError, ValueError, RuntimeError):
                one.shutdown()
        return len(watches)

    def is_quiet(self) -> bool:
        """True when nothing is under way of clients that are no more; their watches are ended."""
        self.cut_watches()
        with self._lock:
            return not self._connections

    def connected(self, *, begins: bool) -> None:
        with self._lock:
            self._connections += 1 if begins else -1

    def verdict(self, method: str, path: str) -> Fault:
        with self._lock:
            self.asked += method in WRITES
        return self.judge(method, path) or Fault()

    def forward(self, method: str, path: str, headers: Any, body: bytes | None) -> Any:
        kept = {name: headers[name] for name in KEPT if name in headers}
        return self._pool.request(method, self._behind + path, body=body, headers=kept, preload_content=False)

    def watching(self, response: Any, *, begins: bool) -> None:
        with self._lock:
            if begins:
                self._watches[id(response)] = response
            else:
                self._watches.pop(id(response), None)


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Nothing is told."""

    def handle(self) -> None:
        self.server.proxy.connected(begins=True)
        try:
            super().handle()
        finally:
            self.server.proxy.connected(begins=False)

    def _pass(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        fault = self.server.proxy.verdict(self.command, self.path)
        self.server.proxy.delay(fault.delay_s)
        if fault.status and not fault.after:
            self._refuse(fault.status)
            return
        try:
            response = self.server.proxy.forward(self.command, self.path, self.headers, body)
        except urllib3.exceptions.HTTPError:
            self.close_connection = True  # as if there had been nothing between
            return
        self._hand_on(response, fault)

    def _hand_on(self, response: Any, fault: Fault) -> None:
        if fault.after:
            response.drain_conn()
            self._refuse(fault.status)
        elif "watch=true" in self.path and response.status == 200:
            self._stream(response)
        else:
            self._answer(response.status, response.headers, response.read())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815  # as the library calls them

    def _refuse(self, status: int) -> None:
        reasons = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}
        said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
        said |= {"reason": reasons.get(status, "Unknown"), "message": "the proxy of the test says no"}
        self._answer(status, {"Content-Type": "application/json"}, json.dumps(said).encode())

    def _answer(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response(status)
        for name in ("Content-Type", "Retry-After", "Warning"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, response: Any) -> None:
        self.server.proxy.watching(response, begins=True)
        try:  # a client that was killed is not even told that it begins
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while data := response.read1(CHUNK):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except urllib3.exceptions.HTTPError:
            self.close_connection = True  # in the middle, as it was cut
        finally:
            self.server.proxy.watching(response, begins=False)
            response.close()
