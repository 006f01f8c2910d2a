"""From the body of a request to the body of its answer: whatever arrives, there is a text. Nothing here does I/O."""

import json
from collections.abc import Callable
from typing import Any

import attrs

from sriov_core.admission.review import Malformed
from sriov_core.api.fault import legible
from sriov_core.api.kinds import KINDS

Judge = Callable[[Any], dict[str, Any] | Malformed]
"""Answers an AdmissionReview as parsed from JSON with one, or says why it is none."""

OK = 200
BAD_REQUEST = 400

_KINDS = frozenset({"Pod", *(kind.name for kind in KINDS)})
_OTHER = "other"


def _open() -> str:
    return ""


@attrs.frozen(kw_only=True)
class Hook:
    """One webhook: its name in metrics and logs, and what answers it, in whatever thread.

    ``blocked`` says why nothing can be answered at the moment; empty when it can.
    """

    name: str
    judge: Judge
    blocked: Callable[[], str] = _open


@attrs.frozen(kw_only=True)
class Outcome:
    """The answer: an HTTP status and a body, which is a text unless the status is 200.

    ``kind`` (of the object) and ``verdict`` are for metrics, and take few values; ``told`` is for the log, if anything.
    """

    status: int
    body: bytes
    kind: str = _OTHER
    verdict: str
    told: str = ""


def answered(hook: Hook, body: bytes) -> Outcome:
    """The answer to a body, which may hold anything. Raises only what the judge raises."""
    try:
        review = json.loads(body)
    except RecursionError:
        return _malformed("lists and mappings are nested too deep. Flatten the object")
    except ValueError as err:
        return _malformed(f"the body is no JSON: {err}. Send an AdmissionReview")
    answer = hook.judge(review)
    if isinstance(answer, Malformed):
        return _malformed(str(answer))
    response = answer["response"]
    told = "" if response["allowed"] else f"denied {_subject(review)}: {_reason(response)}"
    return Outcome(
        status=OK,
        body=json.dumps(answer).encode(),
        kind=_kind(review),
        verdict="allowed" if response["allowed"] else "denied",
        told=told,
    )


def _malformed(text: str) -> Outcome:
    return Outcome(status=BAD_REQUEST, body=text.encode(errors="replace"), verdict="malformed", told=text)


def _kind(review: Any) -> str:
    kind = _field(review["request"].get("kind"), "kind")
    return kind if kind in _KINDS else _OTHER


def _subject(review: Any) -> str:
    """What a request is about, in a few words."""
    request = review["request"]
    metadata = request.get("object") or request.get("oldObject") or {}
    metadata = metadata.get("metadata") if isinstance(metadata, dict) else None
    name = _field(request, "name") or _field(metadata, "name") or f"{_field(metadata, 'generateName')}..."
    place = "/".join(filter(None, (_field(request, "namespace"), name)))
    kind = _field(request.get("kind"), "kind") or "object"
    return f"{legible(request['operation'])} of {legible(kind)} {legible(place)}"


def _reason(response: dict[str, Any]) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in response["status"]["message"])


def _field(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
