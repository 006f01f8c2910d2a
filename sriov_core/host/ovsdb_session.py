"""One conversation with an OVSDB server (RFC 7047), every word of it before one deadline.

Of Open vSwitch's own library this uses transport and JSON-RPC. Its replica of the database (ovs.db.idl) holds whole
tables, and turns a missing database, a missing column and nonsense into reconnecting for ever.
"""

import codecs
import errno
import os
import select
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sriov_core.host.refusals import permission_advice

DATABASE = "Open_vSwitch"

Operation = Mapping[str, Any]
Results = Sequence[Mapping[str, Any]]

_START = "Start it (systemctl status ovsdb-server), and see whether it listens there"
_RESTART = "Restart it (systemctl restart ovsdb-server)"
_NOT_YET = (errno.EAGAIN, errno.ETIMEDOUT)


class Fault(Exception):
    """What went wrong between the server and us; ``advice`` says what to do."""

    def __init__(self, text: str, advice: str) -> None:
        self.text = text.rstrip(".")  # words of others end as they like
        super().__init__(f"{self.text}. {advice}")
        self.advice = advice


class Late(Fault):
    """The server did not answer within the deadline."""


class StillSo(Fault):
    """What the server was asked to wait for did not come in time."""


class Session:
    """Connected on entry, closed on exit. ``deadline`` is a point of `time.monotonic`; refusals are `Fault`."""

    def __init__(self, remote: str, deadline: float) -> None:
        self._remote = remote
        self._deadline = deadline

    def __enter__(self) -> Self:
        # Imported late: it costs forty milliseconds, and most machines have no bridge of ours.
        from ovs.jsonrpc import Connection, Message  # noqa: PLC0415
        from ovs.stream import Stream  # noqa: PLC0415

        code, stream = Stream.open_block(Stream.open(self._remote), max(int(self.left_s * 1000), 0))
        if code:
            raise self._unreached(code)
        self._message = Message
        self._line = _Line(stream, self._deadline)
        self._connection = Connection(self._line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    @property
    def left_s(self) -> float:
        """The seconds until the deadline, below zero when it is over."""
        return self._deadline - time.monotonic()

    def transact(self, *operations: Operation) -> Results:
        """Do all of the operations or none, and return the result of each."""
        answer = self._ask("transact", [DATABASE, *operations])
        results = answer if isinstance(answer, list) else [answer]
        # After the operation that failed come nulls, and a failure of the whole comes behind the last one.
        for result in results:
            if isinstance(result, dict) and result.get("error"):
                raise _refused(result)
        if len(results) != len(operations) or not all(isinstance(result, dict) for result in results):
            raise self._nonsense(f"{len(results)} results for {len(operations)} operations")
        return results

    def _ask(self, method: str, parameters: Sequence[Any]) -> Any:
        request = self._message.create_request(method, list(parameters))
        self._connection.send(request)
        while True:
            code, message = self._connection.recv()
            if message is None:
                self._wait_for(code)
            elif message.type == message.T_REQUEST and message.method == "echo":
                self._connection.send(self._message.create_reply(message.params, message.id))
            elif message.id == request.id and message.type == message.T_REPLY:
                return message.result
            elif message.id == request.id and message.type == message.T_ERROR:
                raise _refused(message.error)

    def _wait_for(self, code: int) -> None:
        """Until there is something to read, or to write again. ``code`` is why nothing was read so far."""
        if code == errno.EPROTO:
            raise self._nonsense("no JSON-RPC")
        if code not in _NOT_YET:
            gone = "it closed the connection" if code < 0 else os.strerror(code)
            raise Fault(f"ovsdb-server at {self._remote} went away while it was asked: {gone}", _START)
        self._connection.run()
        broken = self._connection.get_status()  # while the question was sent; the next attempt to read tells
        over = code == errno.ETIMEDOUT or self.left_s <= 0
        if over or (not broken and not self._is_ready()):
            raise Late(f"ovsdb-server at {self._remote} took the question and did not answer in time", _RESTART)

    def _is_ready(self) -> bool:
        poll = select.poll()  # the library's own poller is select(2), which ends at descriptor 1023
        poll.register(self._line.fileno(), select.POLLIN | (select.POLLOUT if self._connection.get_backlog() else 0))
        return bool(poll.poll(max(self.left_s, 0) * 1000))

    def _unreached(self, code: int) -> Fault:
        if code in _NOT_YET:
            return Late(f"ovsdb-server at {self._remote} does not take the connection", _RESTART)
        text = f"ovsdb-server at {self._remote} cannot be reached: {os.strerror(code)}"
        return Fault(text, permission_advice(code) or _START)

    def _nonsense(self, what: str) -> Fault:
        text = f"what answers at {self._remote} is no OVSDB server: it said {what}"
        return Fault(text, "Name the socket of ovsdb-server")


class _Line:
    """The stream as `Connection` uses it. It ends at the deadline, however much the other side still has to say."""

    def __init__(self, stream: Any, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        # The library would decode each piece alone, and a piece may end in the middle of a character.
        self._whole = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.name = stream.name

    def fileno(self) -> int:
        return int(self._stream.socket.fileno())

    def send(self, text: str) -> int:
        return int(self._stream.send(text))

    def recv(self, most: int) -> tuple[int, bytes]:
        if time.monotonic() >= self._deadline:
            return errno.ETIMEDOUT, b""
        code, data = self._stream.recv(most)
        if code or not data:
            return code, b""
        whole = self._whole.decode(data).encode()
        return (0, whole) if whole else (errno.EAGAIN, b"")

    def run_wait(self, _: Any) -> None:
        """Nothing is left to be done between two waits."""

    def close(self) -> None:
        self._stream.close()


def _refused(error: Any) -> Fault:
    words = error if isinstance(error, dict) else {}
    reason = words.get("error", error)
    text = f"ovsdb-server refused: {reason}" + (f" ({words['details']})" if words.get("details") else "")
    if reason == "timed out":
        return StillSo(text, "Look again")
    if reason in ("unknown database", "unknown column", "syntax error"):
        return Fault(text, f"This needs a server with the database {DATABASE} of Open vSwitch 2.6 or newer")
    return Fault(text, "Look again; if it stays so, the database is in a state that Open vSwitch does not allow")
