"""Answers to AdmissionReview requests of the API server, as plain JSON values. Nothing here does I/O.

The envelope is that of admission.k8s.io/v1, and of v1beta1, which is the same for what is used here.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from sriov_core.admission.admitting import DELETE, admit
from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Decision
from sriov_core.admission.mutation import Operation, mutate, overridden
from sriov_core.admission.reading import document_of
from sriov_core.api import shape
from sriov_core.api.documents import Document
from sriov_core.api.fault import Fault
from sriov_core.api.kinds import KINDS
from sriov_core.api.wire import API_VERSION, GROUP

VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
FORBIDDEN = 403
"""The HTTP code that a denial carries, inside the answer."""

_KIND = "AdmissionReview"
_POLICY = "SriovNetworkNodePolicy"
_NAMES = frozenset(kind.name for kind in KINDS)
_APPENDED = "xxxxx"
"""Stands for the characters that the API server appends to generateName, which are as many."""
_REMEDY = "Send an AdmissionReview of admission.k8s.io/v1 with a request"


@attrs.frozen
class Malformed:
    """A body that is no request, so that there is nothing to answer: HTTP 400 with this fault as its text."""

    fault: Fault

    def __str__(self) -> str:
        return str(self.fault)


@attrs.frozen(kw_only=True)
class _Request:
    """What is read of a request. ``given`` and ``old`` are the objects, None where there is none."""

    version: str
    uid: str
    operation: str
    kind: str
    name: str = ""
    namespace: str = ""
    subresource: str = ""
    given: dict[str, Any] | None = None
    old: dict[str, Any] | None = None

    @property
    def is_ours(self) -> bool:
        """True for an object of our group; its parts, such as its status, are not judged."""
        return self.kind in _NAMES and not self.subresource


def validated(review: Any, cluster: Cluster) -> dict[str, Any] | Malformed:
    """The answer of the validating webhook: what `admit` decides, or Malformed; it never raises."""
    return _answered(review, lambda request: _answer(request, _decision(request, cluster)))


def completed(review: Any) -> dict[str, Any] | Malformed:
    """The answer of the mutating webhook: always allowed, with the patch of `mutate`, or Malformed; it never raises."""
    return _answered(review, _patched)


def _answered(review: Any, answer: Callable[[_Request], dict[str, Any]]) -> dict[str, Any] | Malformed:
    request = _read(review)
    return request if isinstance(request, Malformed) else answer(request)


def _read(review: Any) -> _Request | Malformed:
    if not isinstance(review, dict):
        return Malformed(Fault("", f"found {shape.described(review)}, wanted an {_KIND}", _REMEDY))
    version, kind, request = review.get("apiVersion"), review.get("kind"), review.get("request")
    if version not in VERSIONS or kind != _KIND:
        found = f"found {shape.described(kind)} of {shape.described(version)}"
        return Malformed(Fault("apiVersion", f"{found}, wanted an {_KIND} of {' or '.join(VERSIONS)}", _REMEDY))
    if not isinstance(request, dict):
        return Malformed(Fault("request", f"found {shape.described(request)}, wanted a mapping", _REMEDY))
    for field in ("uid", "operation"):
        if not isinstance(request.get(field), str) or not request[field]:
            text = f"found {shape.described(request.get(field))}, wanted text"
            return Malformed(Fault(f"request.{field}", text, _REMEDY))
    for field in ("object", "oldObject"):
        if not isinstance(request.get(field), dict | None):
            text = f"found {shape.described(request[field])}, wanted a mapping"
            return Malformed(Fault(f"request.{field}", text, _REMEDY))
    return _request(str(version), request)


def _request(version: str, request: dict[str, Any]) -> _Request:
    kind = request.get("kind")
    given, old = request.get("object"), request.get("oldObject")
    read = _Request(
        version=version,
        uid=request["uid"],
        operation=request["operation"],
        kind=_kind(kind if isinstance(kind, dict) else None, given or old or {}),
        name=_text(request, "name"),
        namespace=_text(request, "namespace"),
        subresource=_text(request, "subResource"),
    )
    return attrs.evolve(read, given=_identified(given, read), old=_identified(old, read))


def _kind(stated: dict[str, Any] | None, found: dict[str, Any]) -> str:
    """The kind that the request is about when it is of our group, else empty."""
    if stated is not None:
        return _text(stated, "kind") if stated.get("group") == GROUP else ""
    version = _text(found, "apiVersion")
    return _text(found, "kind") if version.startswith(f"{GROUP}/") else ""


def _identified(raw: dict[str, Any] | None, request: _Request) -> dict[str, Any] | None:
    """The object with what may stand in the request only: kind, namespace and name.

    A name that is yet to be made is stood in for by one like it, which is that of no other object.
    """
    if raw is None or not request.kind:
        return raw
    metadata = raw.get("metadata", {})
    if isinstance(metadata, dict):
        known = {"name": request.name or _generated(_text(metadata, "generateName")), "namespace": request.namespace}
        missing = {field: value for field, value in known.items() if value and not metadata.get(field)}
        metadata = {**metadata, **missing}
    return {"apiVersion": API_VERSION, "kind": request.kind, **raw, "metadata": metadata}


def _generated(start: str) -> str:
    """A name such as the API server makes of generateName; empty for none."""
    return f"{start}{_APPENDED}" if start else ""


def _text(found: dict[str, Any], field: str) -> str:
    value = found.get(field)
    return value if isinstance(value, str) else ""


def _decision(request: _Request, cluster: Cluster) -> Decision:
    """Fields that are not known here are no reason: the API server keeps only those of the schema that is installed."""
    if not request.is_ours:
        return Decision()
    if request.given is None and request.operation != DELETE:
        fault = Fault("request.object", "the object is missing", "Send it with the request")
        return Decision(reasons=(fault,))
    document = document_of(request.given) if request.given is not None else None
    known = attrs.evolve(document, unknown=()) if document else None
    decision = admit(request.operation, known, request.old, cluster)
    return attrs.evolve(decision, warnings=(*_unknown(document), *decision.warnings))


def _unknown(document: Document | None) -> tuple[str, ...]:
    """What is stored and nobody acts on; the client shows each as a warning."""
    found = document.unknown if document else ()
    return tuple(str(attrs.evolve(one, text=f"{one.text}, without effect")) for one in found)


def _patched(request: _Request) -> dict[str, Any]:
    wanted = request.is_ours and request.kind == _POLICY and request.operation != DELETE
    patch = mutate(request.given) if wanted else None
    warning = overridden(request.given) if wanted else ""
    return _answer(request, Decision(warnings=(warning,) if warning else ()), patch)


def _answer(request: _Request, decision: Decision, patch: Sequence[Operation] | None = None) -> dict[str, Any]:
    """The review to send back. The text stands in ``reason``, too, where clients of older operators look for it."""
    response: dict[str, Any] = {"uid": request.uid, "allowed": decision.allowed}
    if not decision.allowed:
        text = decision.message
        response["status"] = {"status": "Failure", "code": FORBIDDEN, "message": text, "reason": text}
    if decision.warnings:
        response["warnings"] = list(decision.warnings)
    if patch is not None:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(list(patch)).encode()).decode()
    return {"apiVersion": request.version, "kind": _KIND, "response": response}
