"""A plain watch of one kind, without the product's client: when did which object come to be what?"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import urllib3

from bench.cluster import Access

Document = dict[str, Any]


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Object(msgspec.Struct):
    metadata: _Meta


class _Line(msgspec.Struct):
    type: str
    object: _Object


class Watch:
    """The changes of a collection from now on, each with the moment (monotonic seconds) at which it was heard of.

    An API server ends a watch that is not read for some time; it goes on from the last change then.
    """

    def __init__(self, access: Access, path: str) -> None:
        self._access, self._path = access, path
        self._version = access.ask("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        self._changes: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._over = False
        self._answer = self._opened()
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    def all(self, names: Iterable[str], wanted: Callable[[Document], bool], within_s: float) -> float:
        """The moment at which the last of these objects was as wanted. SystemExit when that does not come."""
        left, last, end = set(names), 0.0, time.monotonic() + within_s
        while left:
            try:
                at, line = self._changes.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                some = ", ".join(sorted(left)[:3])
                raise SystemExit(f"{len(left)} objects are not as wanted after {within_s} s: {some}") from None
            changed = msgspec.json.decode(line)["object"]
            if changed["metadata"]["name"] in left and wanted(changed):
                left.discard(changed["metadata"]["name"])
                last = at
        return last

    def close(self) -> None:
        """End the watch."""
        self._over = True
        with suppress(RuntimeError):  # it has just ended by itself
            self._answer.shutdown()
        self._thread.join(5)

    def _opened(self) -> urllib3.BaseHTTPResponse:
        url = f"{self._access.url}{self._path}?watch=true&resourceVersion={self._version}"
        return self._access.pool.request("GET", url, preload_content=False, timeout=urllib3.Timeout(connect=5))

    def _listen(self) -> None:
        while True:
            with suppress(urllib3.exceptions.HTTPError):  # that is how it is told that it was cut or closed
                self._read()
            self._answer.close()
            if self._over:
                return
            self._answer = self._opened()

    def _read(self) -> None:
        rest = b""
        for part in self._answer.stream(1 << 18):
            now = time.monotonic()
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                head = msgspec.json.decode(line, type=_Line)
                if head.type == "ERROR":
                    raise SystemExit(f"the watch of {self._path} has lost changes: {line.decode()}")
                self._version = head.object.metadata.resource_version
                self._changes.put((now, line))


@contextmanager
def watching(access: Access, path: str) -> Iterator[Watch]:
    """A watch for as long as the block lasts."""
    watch = Watch(access, path)
    try:
        yield watch
    finally:
        watch.close()
