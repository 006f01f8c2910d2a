"""Ends watches when their event is set: a thread that reads from the network cannot wait for an event too."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

LOOK_UP_S = 60.0


class Closable(Protocol):
    """What may be closed from another thread."""

    def close(self) -> None:
        """End it."""
        ...


class Guard:
    """One thread for each event, asleep until it is set, which then closes the streams that end by it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[threading.Event, list[Closable]] = {}

    @contextmanager
    def closing(self, stream: Closable, stop: threading.Event) -> Iterator[None]:
        """Close the stream as soon as ``stop`` is set, at the latest when the block ends."""
        with self._lock:
            known = stop in self._streams
            self._streams.setdefault(stop, []).append(stream)
        if not known:
            threading.Thread(target=self._wait, args=(stop,), name="watch-guard", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                streams = self._streams.get(stop, [])
                if stream in streams:
                    streams.remove(stream)
            stream.close()

    def _wait(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_UP_S):
            with self._lock:
                if not self._streams[stop]:
                    del self._streams[stop]
                    return
        with self._lock:
            streams = self._streams.pop(stop)
        for stream in streams:
            stream.close()
