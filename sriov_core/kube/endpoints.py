"""Small pages over HTTP: metrics and the answers to probes, each read when it is asked for."""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from sriov_core.errors import HostError, SpecError

OFF = "0"
"""The address that serves nothing, as in controller-runtime."""

TEXT = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

_MOST_AT_ONCE = 16
_PATIENCE_S = 5.0

_log = logging.getLogger(__name__)


@attrs.frozen
class Page:
    """One answer."""

    status: int
    body: bytes
    content_type: str = TEXT


Pages = Mapping[str, Callable[[], Page]]


class Endpoints:
    """Serves pages on ``host:port`` in threads of its own; without a host on every address of the machine.

    Who sends no request within 5 s is dropped, and so is the seventeenth at a time. HostError, with ``option`` in it,
    when the address cannot be had.
    """

    def __init__(self, address: str, pages: Pages, *, option: str) -> None:
        host, port = parsed(address, option)
        try:
            self._server = _Server(_listening(host, port), pages)
        except OSError as refused:
            reason = refused.strerror or str(refused)
            raise HostError(f"{option}: cannot listen on {address}: {reason}. Name another address") from refused
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"endpoints {address}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on, also when any was asked for."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)


def parsed(address: str, option: str) -> tuple[str, int]:
    """``host:port``, ``:port`` or ``[address]:port`` as host and port; SpecError for anything else."""
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in bare and bare == host):
        raise SpecError(f"{option}: found {address!r}, wanted host:port such as :8081, or {OFF} for none")
    return bare, int(port)


def _listening(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, pages: Pages) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_address = listening.getsockname()
        self.pages = pages
        self._free = threading.Semaphore(_MOST_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the library's signature
        _log.debug("a request from %s broke off", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        make = self.server.pages.get(self.path.partition("?")[0])
        page = make() if make else Page(HTTPStatus.NOT_FOUND, b"no such page\n")
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's signature
        _log.debug("%s: %s", self.client_address[0], format % args)
