"""Blocking netlink calls with a deadline: each runs in a thread of its own, which is left behind when it blocks.

The kernel works on a request inside the call that sends it, uninterruptibly, so no socket timeout would help. While
one thread is left behind no other call is begun: the kernel would have it wait for the same lock.
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
    timeout_s: float
    about: object = None
    done: threading.Event = attrs.Factory(threading.Event)
    answer: Any = None
    error: BaseException | None = None


_Lane = queue.SimpleQueue[_Job | None]


class Lanes:
    """A pool of threads, each with one long-lived socket. Any thread may call; a busy lane is never waited for.

    After `close` calls still work; each then ends its thread and closes its socket.
    """

    def __init__(self, open_socket: Callable[[], Any], name: str) -> None:
        self._open_socket = open_socket
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[_Lane] = []
        self._left_behind: list[_Job] = []
        self._end = weakref.finalize(self, _dismiss, self._idle)

    def call(self, function: Callable[[Any], T], timeout_s: float, about: object = None) -> T:
        """The function's answer, given a socket; its exceptions are raised here, `Blocked` when it takes too long.

        `Blocked` comes at once, with ``earlier``, while a call about the same that took too long has not come back:
        ``about`` says whose lock the kernel takes, None for one that all calls share.
        """
        lane = self._take(about)
        job = _Job(function, timeout_s, about)
        try:
            lane.put(job)
            is_done = job.done.wait(timeout_s)
        except BaseException:  # whoever waits was interrupted
            lane.put(None)
            raise
        self._part(lane, job, is_done=is_done)
        if not is_done:
            raise Blocked(timeout_s)
        if job.error is not None:
            raise job.error
        return job.answer  # type: ignore[no-any-return]  # it is what the function returned

    def close(self) -> None:
        """End the idle threads and close their sockets; the others end when they come back."""
        with self._lock:
            self._end()

    def _part(self, lane: _Lane, job: _Job, *, is_done: bool) -> None:
        with self._lock:
            if not is_done:
                self._left_behind.append(job)
            elif self._end.alive:
                self._idle.append(lane)
                return
        lane.put(None)  # should it ever come back, it ends

    def _take(self, about: object) -> _Lane:
        with self._lock:
            self._left_behind = [job for job in self._left_behind if not job.done.is_set()]
            if earlier := next((job for job in self._left_behind if job.about == about), None):
                raise Blocked(earlier.timeout_s, earlier=True)
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
