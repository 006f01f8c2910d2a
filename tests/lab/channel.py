"""The host's end of the control channel to the guest's agent: requests with deadlines, answered in any order."""

import json
import select
import socket
import struct
import threading
import time
from typing import Any

from debian import LabError

Answer = dict[str, Any]
GREETING = 0  # the number of the message by which the agent says that the guest is ready


class GuestGone(LabError):
    """The guest ended while something was asked of it."""


class Channel:
    """Sends requests over a connected socket and hands each answer to the thread that waits for it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        # A guest that no longer reads must not hold up the sender: seconds and microseconds, socket(7).
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 30, 0))
        self._answers: dict[int, Answer] = {}
        self._arrived = threading.Condition()
        self._sending = threading.Lock()
        self._last = GREETING
        self._gone: str | None = None
        threading.Thread(target=self._receive, daemon=True, name="lab-channel").start()

    def ask(self, deadline_s: float, /, **request: object) -> Answer:
        """Send a request and return its answer; LabError if the agent could not do it or did not answer in time."""
        number = self.send(**request)
        answer = self.await_answer(number, deadline_s, what=str(request))
        if "failed" in answer:
            raise LabError(f"the guest could not do {request}: {answer['failed']}")
        return answer

    def send(self, **request: object) -> int:
        """Send a request without waiting; its number, for `await_answer`."""
        with self._sending:
            self._last += 1
            number = self._last
            try:
                self._end.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
            except OSError as err:
                raise GuestGone(f"the guest does not take requests: {err}") from err
        return number

    def await_answer(self, number: int, timeout_s: float, *, what: str) -> Answer:
        """The answer with that number."""
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while number not in self._answers:
                if self._gone:
                    raise GuestGone(f"the guest ended before it answered {what[:300]}: {self._gone}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise LabError(f"the guest did not answer within {timeout_s:.0f} s: {what[:300]}")
                self._arrived.wait(left)
            return self._answers.pop(number)

    def close(self) -> None:
        """End the channel; whoever still waits is told that the guest is gone."""
        self._end.close()
        self._end_with("the channel was closed")

    def _receive(self) -> None:
        pending = b""
        while not self._gone:
            try:
                if not select.select([self._end], [], [], 0.5)[0]:
                    continue
                data = self._end.recv(1 << 20)
            except (OSError, ValueError) as err:
                self._end_with(str(err))
                return
            if not data:
                self._end_with("QEMU closed the channel")
                return
            *lines, pending = (pending + data).split(b"\n")
            with self._arrived:
                self._answers.update((answer["id"], answer) for answer in map(json.loads, lines))
                self._arrived.notify_all()

    def _end_with(self, reason: str) -> None:
        with self._arrived:
            self._gone = self._gone or reason
            self._arrived.notify_all()
