"""Asks a cloud's metadata service: plain HTTP to one address, with an end to waiting and to what is read.

Python's own clients count their time limit anew with every byte that arrives, follow redirects and heed proxies; none
of that may happen here, so only their parser of answers is used.
"""

import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import attrs

from sriov_core.errors import HostError

MOST_BYTES = 1 << 20

Clock = Callable[[], float]


@attrs.frozen
class Deadline:
    """A moment by which something must have ended; ``seconds`` is how long that was when it began."""

    seconds: float
    _end: float
    _clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> "Deadline":
        """The moment in that many seconds."""
        return cls(seconds, clock() + seconds, clock)

    def within(self, seconds: float) -> "Deadline":
        """The earlier of this moment and the one in that many seconds."""
        other = Deadline.after(seconds, self._clock)
        return other if other._end < self._end else self

    def left_s(self) -> float:
        """The seconds left. TimeoutError when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError
        return left


@attrs.frozen(kw_only=True)
class Reply:
    """An answer, whatever its status. ``asked`` says what was asked, for messages."""

    asked: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body, stripped."""
        return self.body.decode(errors="replace").strip()

    def refused(self, advice: str) -> HostError:
        """The error for a status that is not wanted."""
        known = f" ({HTTPStatus(self.status).phrase})" if self.status in set(HTTPStatus) else ""
        return HostError(f"{self.asked} was answered with {self.status}{known}. {advice}")


class _TooLong(Exception):
    pass


class Service:
    """A metadata service. All requests together end by one deadline, and each answer is bounded."""

    def __init__(self, url: str, deadline: Deadline) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._name = parts.netloc
        self._deadline = deadline

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, limit_s: float | None = None
    ) -> Reply:
        """The answer of whatever status; an error of the server's own and a broken connection are tried once more.

        ``limit_s`` ends this request earlier than the deadline would. HostError when there is no answer in time, none
        at all, or one that is no HTTP or too long.
        """
        asked = f"{method} http://{self._name}{path}"
        deadline = self._deadline.within(limit_s) if limit_s else self._deadline
        request = _request(method, path, {"Host": self._name, "Connection": "close", **(headers or {})})
        reply = self._once(asked, request, deadline)
        if reply is None or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            reply = self._once(asked, request, deadline) or reply
        if reply is None:
            raise HostError(f"{asked}: the connection was closed before the answer was complete. Try again later")
        return reply

    def _once(self, asked: str, request: bytes, deadline: Deadline) -> Reply | None:
        """None for a connection that broke off."""
        try:
            return self._exchange(asked, request, deadline)
        except TimeoutError:
            text = f"{asked} was not answered within {deadline.seconds:g} s"
            raise HostError(f"{text}. Look whether this machine reaches the metadata service of its cloud") from None
        except _TooLong:
            text = f"{asked} was answered with more than {MOST_BYTES} bytes"
            raise HostError(f"{text}, which no metadata service does. Look who answers there") from None
        except (ConnectionResetError, BrokenPipeError, http.client.IncompleteRead):
            return None
        except http.client.HTTPException:
            raise HostError(f"{asked} was answered with something that is no HTTP. Look who answers there") from None
        except OSError as err:
            text = f"{asked} is not possible: {err.strerror or err}"
            raise HostError(f"{text}. Look whether this machine reaches the metadata service of its cloud") from err

    def _exchange(self, asked: str, request: bytes, deadline: Deadline) -> Reply:
        with socket.create_connection((self._host, self._port), timeout=deadline.left_s()) as connection:
            connection.settimeout(deadline.left_s())
            connection.sendall(request)
            response = http.client.HTTPResponse(_Answer(connection, deadline))  # type: ignore[arg-type]  # see there
            response.begin()
            if (response.length or 0) > MOST_BYTES:
                raise _TooLong
            return Reply(asked=asked, status=response.status, body=response.read())


def _request(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "")
    return "\r\n".join(lines).encode("ascii")


class _Answer:
    """What the parser of answers wants of a socket, which is one method only."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._wire = _Wire(connection, deadline)

    def makefile(self, *_: Any) -> io.BufferedReader:
        """The bytes of the answer."""
        return _Bounded(self._wire)


class _Wire(io.RawIOBase):
    """The bytes as they arrive, up to the deadline and the bound."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.left_s())
        count = self._connection.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise _TooLong
        return count


class _Bounded(io.BufferedReader):
    def read(self, size: int | None = None, /) -> bytes:
        """All there is without a size. One below zero is a chunk that was announced so."""
        if size is not None and size < 0:
            raise http.client.HTTPException
        if size is not None and size > MOST_BYTES:  # announced, so no memory is set aside for it
            raise _TooLong
        return super().read(size)
