"""One request and its answer: sent, counted, judged, decoded. The verbs are in `client`."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import attrs
import msgspec

from sriov_core.kube.decoding import Decoders, Line, Page, Unreadable
from sriov_core.kube.failures import ApiFailure, Away, Invalid, Unavailable
from sriov_core.kube.refusals import Asked, failure, failure_in_stream, is_away, shown
from sriov_core.kube.troubles import Troubles
from sriov_core.kube.watching import Guard

T = TypeVar("T")

REQUEST_TIMEOUT_S = 45.0
JSON = "application/json"

OnUnreadable = Callable[[str, str], None]
"""Called with the name of an object that cannot be decoded, and the mistake."""

_log = logging.getLogger(__name__)


@attrs.frozen
class Answer:
    """What came back: the HTTP status, the headers that matter in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream(Protocol):
    """An answer that goes on: a watch. Closing it from another thread ends the iteration."""

    def __iter__(self) -> Iterator[bytes]:
        """The lines as they come; Unavailable when the connection breaks."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Transport(Protocol):
    """HTTP to one API server with one identity; `connection.connect` makes one."""

    def request(self, method: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float) -> Answer:
        """One request; Unavailable when there is no answer within ``timeout_s``. Any HTTP status is an answer."""
        ...

    def stream(self, path: str, *, timeout_s: float) -> tuple[Answer, Stream]:
        """Open a watch; the answer's body is empty when the status is 200. ``timeout_s`` is for each silence."""
        ...


class Observer(Protocol):
    """Whoever counts: metrics."""

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:
        """A request has ended; status 0 when there was no answer. Verbs: get list watch create update patch delete."""
        ...


def log_unreadable(name: str, why: str) -> None:
    """What is done about an object that cannot be decoded unless somebody asks for more."""
    _log.warning("%s cannot be read and is passed over: %s", name, why)


@attrs.frozen
class Exchange:
    """Sends what is asked, and makes of each answer a value or an `ApiFailure`. Thread-safe."""

    transport: Transport
    observer: Observer | None
    on_unreadable: OnUnreadable
    timeout_s: float
    troubles: Troubles = attrs.field(factory=Troubles)
    _decoders: Decoders = attrs.field(factory=Decoders)
    _guard: Guard = attrs.field(factory=Guard)

    def ask(
        self,
        asked: Asked,
        method: str,
        query: Mapping[str, Any],
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> bytes:
        """The body of an answer of 2xx."""
        path = _path(asked, query)
        answer = self._observed(
            asked,
            lambda: self.transport.request(
                method, path, body=body, content_type=content_type, timeout_s=self.timeout_s
            ),
            lambda answer: answer.status,
        )
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._refused(asked, answer)
        return answer.body

    def one(
        self,
        asked: Asked,
        method: str,
        wanted: type[T],
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        content_type: str = JSON,
    ) -> T:
        """The object of an answer."""
        encoded = None if body is None else msgspec.json.encode(body)
        answer = self.ask(asked, method, query or {}, encoded, content_type)
        return _decoded(asked, lambda: self._decoders.one(answer, wanted))

    def page(self, asked: Asked, query: Mapping[str, Any], wanted: type[T]) -> Page[T]:
        """One page of a list; who listens is told of what cannot be read."""
        body = self.ask(asked, "GET", query)
        page = _decoded(asked, lambda: self._decoders.page(body, wanted))
        for one in page.unreadable:
            self._tell(asked, one)
        return page

    def lines(
        self,
        asked: Asked,
        query: Mapping[str, Any],
        *,
        silence_s: float,
        stop: threading.Event,
        opened: Callable[[], None],
    ) -> Iterator[Line]:
        """The lines of a watch until the server ends it or ``stop`` is set. It counts as one request when it opens.

        ``opened`` is called then, for lines may be long in coming.
        """
        path = _path(asked, query)
        answer, stream = self._observed(
            asked, lambda: self.transport.stream(path, timeout_s=silence_s), lambda opened: opened[0].status
        )
        with self._guard.closing(stream, stop):
            if answer.status != HTTPStatus.OK:
                raise self._refused(asked, answer)
            opened()
            heard = time.monotonic()
            try:
                for text in stream:
                    if stop.is_set():
                        return
                    yield self._line(asked, text)
                    heard = time.monotonic()
            except Unavailable as error:
                named = _named(asked, error)
                # A watch that is cut is opened again, and then it shows; of one that fell silent it shows now.
                if (silent_s := time.monotonic() - heard) >= silence_s:
                    self.troubles.unanswered(str(named), silent_s)
                raise named from error

    def object_of(self, asked: Asked, line: Line, wanted: type[T]) -> tuple[T | None, str, str]:
        """The object of a line, its key and its version; None when it cannot be read, which is told.

        A BOOKMARK has nothing but a version.
        """
        head = self._decoders.head(line.object)
        if line.type == "BOOKMARK":
            return None, "", head.resource_version
        try:
            return self._decoders.one(line.object, wanted), head.key, head.resource_version
        except msgspec.ValidationError as error:
            self._tell(asked, Unreadable(head.key, str(error)))
            return None, head.key, head.resource_version

    def _line(self, asked: Asked, text: bytes) -> Line:
        try:
            line = self._decoders.one(text, Line)
        except msgspec.DecodeError as error:
            raise Unavailable(f"a line of the watch is no event ({error}): {shown(repr(text))}") from error
        if line.type == "ERROR":
            raise failure_in_stream(asked, bytes(line.object))
        return line

    def _observed(self, asked: Asked, send: Callable[[], T], status: Callable[[T], int]) -> T:
        started, seen = time.monotonic(), 0
        try:
            answer = send()
            seen = status(answer)
            if not is_away(asked, seen):
                self.troubles.answered()
        except Unavailable as error:
            named = _named(asked, error)
            if isinstance(named, Away):
                self.troubles.unanswered(str(named), time.monotonic() - started)
            raise named from error
        finally:
            if self.observer is not None:
                self.observer.requested(asked.verb, asked.resource.plural, seen, time.monotonic() - started)
        return answer

    def _refused(self, asked: Asked, answer: Answer) -> ApiFailure:
        refusal = failure(asked, answer.status, answer.headers, answer.body)
        if isinstance(refusal, Away):
            self.troubles.unanswered(str(refusal), 0.0)
        return refusal

    def _tell(self, asked: Asked, one: Unreadable) -> None:
        self.on_unreadable(f"{asked.resource.kind} {one.key or '(without a name)'}", shown(one.why))


def _path(asked: Asked, query: Mapping[str, Any]) -> str:
    chosen = urlencode({name: value for name, value in query.items() if value})
    return f"{asked.path}?{chosen}" if chosen else asked.path


def _decoded(asked: Asked, decode: Callable[[], T]) -> T:
    try:
        return decode()
    except msgspec.ValidationError as error:
        raise Invalid(f"{asked}: the answer does not have the form that is read here: {error}") from error
    except msgspec.DecodeError as error:
        raise Unavailable(f"{asked}: the answer is not JSON or was cut: {error}") from error


def _named(asked: Asked, error: Unavailable) -> Unavailable:
    text = str(error)
    return type(error)(
        text if text.startswith(f"{asked}: ") else f"{asked}: {text}",
        status=error.status,
        reason=error.reason,
        retry_after_s=error.retry_after_s,
    )
