"""HTTP to the API server over a pool of connections; nothing is tried twice, and nothing waits without an end."""

import http.client
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress

import attrs
import urllib3
from urllib3 import Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from sriov_core.errors import SriovError
from sriov_core.kube.exchange import REQUEST_TIMEOUT_S, Answer, Stream
from sriov_core.kube.failures import NO_TRUST, Away, Unavailable

CONNECT_S = 5.0
CHUNK = 1 << 18
RENEW_S = 30.0
"""The shortest time between two looks at credentials that the API server refused: a look may start a program."""
_HEADERS = ("retry-after", "content-type", "warning")
# ValueError is what a socket answers that was closed by another thread.
_FAULTS = (HTTPError, http.client.HTTPException, OSError, ValueError)
_REMEDY = "Is it up, and does no firewall, proxy or NetworkPolicy stand between?"
_REMEDY_NAME = "Check the name and the name service; in a pod, its dnsPolicy"
_REMEDY_TRUST = (
    "Is the authority that this client knows (certificate-authority of a kubeconfig, ca.crt of a service account) that "
    "of the server, and is the server's certificate valid and for this name?"
)


_log = logging.getLogger(__name__)


@attrs.frozen
class Way:
    """Who asks whom: connections with a client certificate and authorities, and what goes with each request.

    ``headers`` has the token of the moment; it may raise Unavailable. ``server`` is where the API server is by now,
    empty for where it was.
    """

    pool: urllib3.PoolManager
    headers: Callable[[], Mapping[str, str]]
    server: str = ""


class PooledTransport:
    """The `Transport` to ``server``, a URL without a path behind it. Thread-safe.

    ``look`` finds the way, as the files are now; SriovError when there is none. It is called again when the API server
    does not know who asks (401): tokens, certificates and whole kubeconfigs are replaced while a process runs. So it is
    when nobody answers and ``stamp``, which names the version of the files, is another one: so may the address be. The
    deadline of a request covers connecting and the answer's body; of its headers, it covers each silence. Resolving a
    name has the resolver's own limit.
    """

    def __init__(self, server: str, way: Way, look: Callable[[], Way], stamp: Callable[[], object] = str) -> None:
        self._server = server.rstrip("/")
        self._way, self._look, self._stamp = way, look, stamp
        self._seen = stamp()
        self._renewing = threading.Lock()
        self._looked = float("-inf")

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._server

    def request(self, method: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float) -> Answer:
        """One request; Unavailable when there is no answer within ``timeout_s``. Any HTTP status is an answer."""
        with self._told(timeout_s):
            end = time.monotonic() + timeout_s
            response = self._send(method, path, body, content_type, timeout_s)
            with _closed_on_failure(response):
                answer = Answer(response.status, _of_interest(response), _body(response, end))
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            self._renew()
        return answer

    def stream(self, path: str, *, timeout_s: float) -> tuple[Answer, Stream]:
        """Open a watch; the answer's body is empty when the status is 200. ``timeout_s`` is for each silence."""
        opening_s = min(timeout_s, REQUEST_TIMEOUT_S)
        with self._told(opening_s):
            end = time.monotonic() + opening_s
            response = self._send("GET", path, None, "", opening_s)
            with _closed_on_failure(response):
                body = b"" if response.status == http.HTTPStatus.OK else _body(response, end)
                _patience(response, timeout_s)
        if response.status == http.HTTPStatus.UNAUTHORIZED:
            self._renew()
        lines = _Lines(response, lambda: self._told(timeout_s))
        return Answer(response.status, _of_interest(response), body), lines

    def _send(
        self, method: str, path: str, body: bytes | None, content_type: str, timeout_s: float
    ) -> urllib3.BaseHTTPResponse:
        way = self._way
        headers = {"Accept": "application/json", **way.headers()}
        if body is not None:
            headers["Content-Type"] = content_type
        return way.pool.request(
            method,
            self._server + path,
            body=body,
            headers=headers,
            timeout=Timeout(connect=min(CONNECT_S, timeout_s), total=timeout_s),
            preload_content=False,
            retries=False,
            redirect=False,
        )

    def _renew(self) -> None:
        # A connection keeps the certificate that it was opened with; new ones read the file, which may be renewed.
        self._way.pool.clear()
        self._look_anew(changed=False)

    def _look_anew(self, *, changed: bool) -> None:
        """Find the way once more, but not too often; with ``changed``, only when the files are others."""
        with self._renewing:
            now, stamp = time.monotonic(), self._stamp()
            if now - self._looked < RENEW_S or (changed and stamp == self._seen):
                return
            self._looked, self._seen = now, stamp
            try:
                way = self._look()
            except SriovError as error:
                # Whoever asked is told of the refusal, which stays.
                _log.debug("the credentials for %s stay as they are: %s", self._server, error)
                return
            server = way.server.rstrip("/") or self._server
            if server != self._server:
                _log.info("the API server is %s now; it was %s", server, self._server)
            before, self._way, self._server = self._way, way, server
            before.pool.clear()

    @contextmanager
    def _told(self, timeout_s: float) -> Iterator[None]:
        """Whatever goes wrong in here is Away, in words."""
        began = time.monotonic()
        try:
            yield
        except _FAULTS as error:
            # A handshake of TLS that takes too long is told as an answer that does, after the time for connecting.
            limit_s = timeout_s if time.monotonic() - began >= timeout_s else min(CONNECT_S, timeout_s)
            self._look_anew(changed=True)
            raise Away(f"{_what(error, self._server, limit_s)}. {_remedy(error)}") from error


class _Lines:
    """The lines of a watch. It is read by one thread and closed by any."""

    def __init__(self, response: urllib3.BaseHTTPResponse, told: Callable[[], AbstractContextManager[None]]) -> None:
        self._response = response
        self._told = told
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._closed:
                return
            self._reading = True
        try:
            yield from self._read()
        finally:
            with self._lock:
                self._reading = False
                self._response.close()

    def close(self) -> None:
        """End the connection. A thread that reads meets its end; only it may then put the connection away."""
        with self._lock:
            self._closed = True
            if self._reading:
                # RuntimeError and ValueError: the stream has come to its end by itself.
                with suppress(RuntimeError, ValueError, OSError):
                    self._response.shutdown()
            else:
                self._response.close()

    def _read(self) -> Iterator[bytes]:
        pending = b""
        while chunk := self._next():
            *lines, pending = (pending + chunk).split(b"\n")
            yield from (line for line in lines if line)
        if pending and not self._closed:
            raise Away("the watch ended in the middle of a line")

    def _next(self) -> bytes:
        try:
            with self._told():
                return self._response.read1(CHUNK)
        except Unavailable:
            if self._closed:
                return b""
            raise


def _body(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    parts = []
    while chunk := response.read1(CHUNK):
        parts.append(chunk)
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        _patience(response, left)
    response.release_conn()
    return b"".join(parts)


def _patience(response: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """How long the socket may be silent from now on. One that closes after its answer keeps what it had."""
    sock = getattr(response.connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)


@contextmanager
def _closed_on_failure(response: urllib3.BaseHTTPResponse) -> Iterator[None]:
    try:
        yield
    except BaseException:
        response.close()
        raise


def _of_interest(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {name: value for name in _HEADERS if (value := response.headers.get(name)) is not None}


def _what(error: Exception, server: str, limit_s: float) -> str:
    match error:
        case ProxyError():
            return f"no way to {server} through its proxy: {_root(error)}"
        case NameResolutionError():
            return f"{server}: the name of the host cannot be resolved"
        case NewConnectionError():
            return f"no connection to {server}: {_root(error)}"
        case ConnectTimeoutError():
            return f"no connection to {server} within {min(CONNECT_S, limit_s):g} s"
        case ReadTimeoutError() | TimeoutError():
            return f"no answer from {server} within {limit_s:g} s"
        case SSLError():
            return f"{NO_TRUST} {server} and this client: {_root(error)}"
        case _ if any(isinstance(one, http.client.IncompleteRead) for one in _chain(error)):
            return f"the answer of {server} was cut short"
        case _:
            return f"the connection to {server} broke: {_root(error)}"


def _remedy(error: Exception) -> str:
    match error:
        case NameResolutionError():
            return _REMEDY_NAME
        case SSLError():
            return _REMEDY_TRUST
        case _:
            return _REMEDY


def _root(error: BaseException) -> str:
    """The words of the error at the bottom: those above it repeat them with addresses of Python objects."""
    *_, bottom = _chain(error)
    return getattr(bottom, "strerror", None) or str(bottom) or type(bottom).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
