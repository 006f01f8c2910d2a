"""The agent as an object: one worker that passes over the machine when something rings, and at the latest now and then.

It changes nothing outside of itself (no signal handlers, no loggers), so that hundreds can live in one process.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import attrs

from sriov_core.agent.publish import ClusterPublisher
from sriov_core.agent.round import SAFETY_NET_S, Round
from sriov_core.agent.sources import Source
from sriov_core.errors import SriovError
from sriov_core.host.ports import Changes

_SLICE_S = 1.0
LEAST_PAUSE_S = 0.2
"""Between two passes: a burst of notifications is looked at once."""

_log = logging.getLogger("sriov_core.agent")


class Part(Protocol):
    """Something with threads of its own that lives and ends with the agent."""

    def start(self, stop: threading.Event) -> None:
        """Begin, and end when ``stop`` is set."""
        ...

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; False when it did not come in time."""
        ...


@attrs.define(kw_only=True)
class Agent:
    """The service of one node: `start` it, `stop` it, `join` it. ``changes`` is the kernel's bell, if there is one.

    When one of its threads dies the whole agent ends, and ``broken`` holds why: half an agent would look alive.
    ``stuck`` answers why it does nothing any more, empty while it does: then its process should end.
    """

    round: Callable[[Callable[[], bool]], Round]
    source: Source
    parts: tuple[Part, ...] = ()
    writer: ClusterPublisher | None = None
    changes: Changes | None = None
    safety_net_s: float = SAFETY_NET_S
    broken: BaseException | None = None
    stuck: Callable[[], str] = str
    _stop: threading.Event = attrs.field(factory=threading.Event, init=False)
    _bell: threading.Event = attrs.field(factory=threading.Event, init=False)
    _threads: list[threading.Thread] = attrs.field(factory=list, init=False)

    def start(self) -> None:
        """Begin. What the agent has to say is written by a thread of its own."""
        self._bell.set()
        for part in self.parts:
            part.start(self._stop)
        self.source.start(self.notice, self._stop)
        self._begin("agent", self._work)
        if self.writer:
            writer = self.writer
            self._begin("agent-writes", lambda: writer.run(self._stop))
        if self.changes:
            self._begin("agent-kernel", self._listen)

    def notice(self) -> None:
        """Something may have to be done: pass over the machine soon."""
        self._bell.set()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stop.set()
        self._bell.set()

    @property
    def stopping(self) -> threading.Event:
        """Set when the agent is to end, or has ended by itself."""
        return self._stop

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of all threads; False when one is still busy then."""
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        ended = [part.join(max(0.0, deadline - time.monotonic())) for part in self.parts]
        ended.append(self.source.join(max(0.0, deadline - time.monotonic())))
        return all(ended) and not any(thread.is_alive() for thread in self._threads)

    def _begin(self, name: str, run: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                run()
            except BaseException as err:  # noqa: BLE001  # it is kept for whoever joins
                self.broken = err
                self.stop()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        work = self.round(self._stop.is_set)
        wait_s = 0.0
        while not self._stop.is_set():
            self._bell.wait(min(wait_s, self.safety_net_s))
            self._bell.clear()
            if self._stop.is_set():
                return
            try:
                wait_s = work.run()
            except Exception as err:  # noqa: BLE001  # a bug in one pass must not leave the node alone
                _log.debug("where it happened", exc_info=True)
                wait_s = work.failed(RuntimeError(f"internal error: {type(err).__name__}: {err}. Report it"))
            self._stop.wait(LEAST_PAUSE_S)

    def _listen(self) -> None:
        complaint = ""
        while self.changes and not self._stop.is_set():
            try:
                if self.changes.wait(_SLICE_S):
                    self.notice()
                complaint = ""
            except SriovError as err:
                if str(err) != complaint:
                    complaint = str(err)
                    _log.warning("the kernel's notifications are not heard, so drift is found late: %s", err)
                self._stop.wait(_SLICE_S)
