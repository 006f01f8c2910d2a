"""Puts a refusal of the API server into words: what was asked, what it said, what to do. No I/O."""

import re
from collections.abc import Mapping
from http import HTTPStatus

import attrs
import msgspec

from sriov_core.kube.failures import (
    ApiFailure,
    Away,
    Conflict,
    Exists,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unavailable,
)
from sriov_core.kube.resource import Resource

MOST_SHOWN = 1000
_CUT = " ... "
_LONGEST_PAGE = 300  # bytes of an answer that is no Status, which is mostly a proxy's and ends in markup
LONGEST_RETRY_AFTER_S = 300.0

# apimachinery/pkg/api/errors: what is said of a kind that is not there, and of a patch that could not be done. Of a
# group that is not there, the answer is a text of net/http and no Status.
_NO_SUCH_KIND = ("the server could not find the requested resource", "404 page not found")
_NO_SUCH_PATCH = "the server rejected our request due to an error in our request"
# Who forbids by an admission plugin or policy says something else, and a role would not help.
_OF_ROLES = re.compile(r" cannot \w+ resource\b")
_ACCOUNT = re.compile(r"\bsystem:serviceaccount:([^:\s\"]+):")
_READS = ("get", "list", "watch")
_AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_CLASSES: dict[int, type[ApiFailure]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    429: Throttled,
}


@attrs.frozen
class Asked:
    """What was asked of the API server, as messages name it."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def path(self) -> str:
        """Where it is asked; Invalid when a name is none."""
        return self.resource.path(self.namespace, self.name, self.subresource)

    @property
    def right(self) -> str:
        """The permission that it takes, as a role spells it."""
        plural = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        return f'"{self.verb}" on "{plural}" of API group "{self.resource.group}"'

    def __str__(self) -> str:
        kind = f"{self.resource.kind}/{self.subresource}" if self.subresource else self.resource.kind
        if self.name:
            return f"{self.verb} {kind} {self.namespace}/{self.name}".replace(" /", " ")
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {kind}{where}"


class _Cause(msgspec.Struct):
    message: str | None = None


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None
    causes: tuple[_Cause, ...] | None = None


class _Status(msgspec.Struct):
    """metav1.Status, https://kubernetes.io/docs/reference/generated/kubernetes-api (Status v1 meta)."""

    message: str | None = None
    reason: str | None = None
    code: int | None = None
    details: _Details | None = None


def failure(asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> ApiFailure:
    """The failure for an answer that is none of 2xx."""
    said = _read(body)
    reason = said.reason or ""
    kind = Exists if status == HTTPStatus.CONFLICT and reason == "AlreadyExists" else _kind(asked, status)
    text = _sentences(f"{asked}: {_words(said, status)}", _advice(asked, kind, status, said.message or ""))
    return kind(text, status=status, reason=reason, retry_after_s=_retry_after(said, headers))


def failure_in_stream(asked: Asked, body: bytes) -> ApiFailure:
    """The failure for the object of an ERROR line of a watch, which is a Status like any other."""
    return failure(asked, _read(body).code or HTTPStatus.INTERNAL_SERVER_ERROR, {}, body)


def shown(text: str) -> str:
    """A text of somebody else, fit for one line of a message. It is cut in its midst: what to do stands at its end."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable()).rstrip(". ")
    if len(line) <= MOST_SHOWN:
        return line
    half = (MOST_SHOWN - len(_CUT)) // 2
    return line[:half] + _CUT + line[-half:]


def _sentences(*parts: str) -> str:
    return ". ".join(part for part in parts if part)


def _read(body: bytes) -> _Status:
    try:
        return msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        return _Status(message=body[:_LONGEST_PAGE].decode(errors="replace"))


def _words(said: _Status, status: int) -> str:
    """What the server said. Of a patch that it could not do, the reason stands in the causes alone."""
    parts = [said.message or ""]
    parts += [cause.message or "" for cause in (said.details and said.details.causes) or ()]
    told = [part for at, part in enumerate(parts) if part and not any(part in before for before in parts[:at])]
    said_all = "; ".join(part.strip().rstrip(".; ") for part in told)
    known = HTTPStatus(status).phrase if status in set(HTTPStatus) else "no reason given"
    return f"HTTP {status}: {shown(said_all) or known}"


def is_away(asked: Asked, status: int) -> bool:
    """True for an answer to a read by which somebody says that the API server is away, or it says so of itself.

    A write may be answered so because of a webhook, while everything else goes on.
    """
    return asked.verb in _READS and status in _AWAY


def _kind(asked: Asked, status: int) -> type[ApiFailure]:
    if is_away(asked, status):
        return Away
    # The API server redirects nobody; whoever does stands between, and is treated like one that is down.
    if status in _CLASSES:
        return _CLASSES[status]
    return Invalid if 400 <= status < 500 else Unavailable


def _advice(asked: Asked, kind: type[ApiFailure], status: int, message: str) -> str:
    if kind is NotFound and message.strip() in _NO_SUCH_KIND:
        return f"This API server has no {asked.resource.kind} ({asked.resource.api_version}): install its definition"
    if status == HTTPStatus.UNAUTHORIZED:
        return "The token or client certificate is missing, expired or revoked: renew it"
    if kind is Forbidden and _OF_ROLES.search(message):
        return _sentences(f"A role bound to this identity must allow {asked.right}", _elsewhere(asked, message))
    if kind is Invalid and asked.verb == "patch" and message == _NO_SUCH_PATCH:
        return "A test of the patch did not hold, or what it changes is not there: read the object again"
    return {
        Conflict: "Read it again, then repeat the change",
        Gone: "Read the list again",
        Invalid: "Trying again is no use before something changes",
        Throttled: "Come back later",
        Away: "Come back later; if it lasts, look at the API server and what stands before it",
        Unavailable: "Come back later; if it lasts, look at the API server, its webhooks and etcd",
    }.get(kind, "")


def _elsewhere(asked: Asked, message: str) -> str:
    """A hint when a service account is refused in another namespace than its own: its role may well be there."""
    account = _ACCOUNT.search(message)
    if account is None or not asked.namespace or account[1] == asked.namespace:
        return ""
    text = f"The account is of namespace {account[1]}, and namespace {asked.namespace} was asked"
    return f"{text}: is that the right one (--namespace, or NAMESPACE in the environment)?"


def _retry_after(said: _Status, headers: Mapping[str, str]) -> float | None:
    """Seconds, from the header or the details; a date or a senseless number counts as nothing said."""
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        seconds = (said.details and said.details.retry_after_seconds) or 0.0
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds > 0 else None
