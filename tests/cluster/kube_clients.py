"""The product's client at the test server, and waiting for what it does in threads of its own."""

import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import msgspec
from servers import Server
from servers_program import Reserved

from sriov_core.kube.client import Answer, Client, Stream
from sriov_core.kube.connection import connect
from sriov_core.kube.lean import LeanMeta

PATIENCE_S = 60
"""How long a test waits for what has to come; only a failure takes that long."""


class ConfigMap(msgspec.Struct, frozen=True):
    """A lean one."""

    metadata: LeanMeta
    data: dict[str, str] = {}


def client_at(kubeconfig: Path, **options: Any) -> Client:
    return Client(connect(str(kubeconfig), user_agent="sriov-test/1"), manager="sriov-test", **options)


def admin(server: Server, **options: Any) -> Client:
    return client_at(server.admin_kubeconfig, **options)


def until(what: Callable[[], Any]) -> Any:
    """What it gives as soon as that is something; the test fails when it does not come."""
    end = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < end, f"not within {PATIENCE_S} s"
        time.sleep(0.02)
    return found


@contextmanager
def in_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """Run it beside the block, and wait for its end behind it."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


@attrs.define
class Way:
    """A transport through which everything passes; those below change what becomes of a request."""

    inner: Any

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        answer: Answer = self.inner.request(method, path, **facts)
        return answer

    def stream(self, path: str, **facts: Any) -> tuple[Answer, Stream]:
        found: tuple[Answer, Stream] = self.inner.stream(path, **facts)
        return found


@attrs.define
class Noting(Way):
    """Notes method and path of each request (watches left out) before it is sent.

    So whoever sees the effect of a request finds it here, while metrics count it when its answer has come.
    """

    requests: list[tuple[str, str]] = attrs.field(factory=list)

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        self.requests.append((method, path))
        return super().request(method, path, **facts)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was more than reading."""
        return [(method, path) for method, path in self.requests if method != "GET"]


class Gate:
    """A way to the server that can be shut: connections through it are cut, and new ones refused until it is opened.

    Frozen, it is like a server that hangs: connections stay and new ones are taken, but nothing comes through. Bytes go
    through as they are, so whoever comes this way still speaks TLS with the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "", parts.port or 0)
        self._lock = threading.Lock()
        self._through: list[socket.socket] = []
        self._listener: socket.socket | None = None
        reserved = Reserved.any()  # shut, it is opened again, and nobody else may have got the port meanwhile
        weakref.finalize(self, reserved.release)
        self._port = reserved.port
        self._flows = threading.Event()
        self._flows.set()
        self.open()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port), reuse_port=True)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def freeze(self) -> None:
        self._flows.clear()

    def shut(self) -> None:
        self._flows.set()  # for those that are to see that they were cut
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            _end(listener)
        self.cut()

    def cut(self) -> None:
        """Cut the connections there are; whoever makes a new one gets it."""
        with self._lock:
            through, self._through = self._through, []
        for one in through:
            _end(one)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._behind)
            except OSError:  # nobody is behind at this moment
                _end(near)
                continue
            with self._lock:
                if self._listener is not listener:
                    _end(near)
                    _end(far)
                    return
                self._through += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink, self._flows), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, flows: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            flows.wait()
            sink.sendall(data)
    _end(sink)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
