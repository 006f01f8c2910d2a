"""Blocking netlink calls with a deadline: each runs in a thread of its own, which is left behind when it blocks.

The kernel works on a request inside the call that sends it, uninterruptibly, so no socket timeout would help.
"""

import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from sriov_core.host.refusals import Blocked

T = TypeVar("T")


@attrs.define
class _Job:
    call: Callable[[Any], Any]
    done: threading.Event = attrs.Factory(threading.Event)
    answer: Any = None
    error: BaseException | None = None


_Lane = queue.SimpleQueue[_Job | None]


class Lanes:
    """A pool of threads, each with one long-lived socket. Any thread may call; a busy lane is never waited for."""

    def __init__(self, open_socket: Callable[[], Any], name: str) -> None:
        self._open_socket = open_socket
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[_Lane] = []
        self._end = weakref.finalize(self, _dismiss, self._idle)

    def call(self, function: Callable[[Any], T], timeout_s: float) -> T:
        """The function's answer, given a socket; its exceptions are raised here, `Blocked` when it takes too long."""
        lane = self._take()
        job = _Job(function)
        lane.put(job)
        if not job.done.wait(timeout_s):
            lane.put(None)  # should it ever come back, it ends
            raise Blocked(timeout_s)
        with self._lock:
            self._idle.append(lane)
        if job.error is not None:
            raise job.error
        return job.answer  # type: ignore[no-any-return]  # it is what the function returned

    def close(self) -> None:
        """End the idle threads and close their sockets."""
        self._end()

    def _take(self) -> _Lane:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        lane: _Lane = queue.SimpleQueue()
        threading.Thread(target=_work, args=(lane, self._open_socket), name=self._name, daemon=True).start()
        return lane


def _work(lane: _Lane, open_socket: Callable[[], Any]) -> None:
    socket: Any = None
    while (job := lane.get()) is not None:
        try:
            if socket is None:
                socket = open_socket()
            job.answer = job.call(socket)
        except Exception as err:  # noqa: BLE001  # it is raised again in the thread that asked
            job.error = err
        job.done.set()
        del job
    if socket is not None:
        socket.close()


def _dismiss(idle: list[_Lane]) -> None:
    while idle:
        idle.pop().put(None)
