"""Answers to AdmissionReview requests about pods, as plain JSON values. Nothing here does I/O."""

import base64
import json
from collections.abc import Callable
from typing import Any

from sriov_core.admission.review import FORBIDDEN, Malformed, completed
from sriov_core.injection.inject import Injection

Inject = Callable[[Any, str], Injection]
"""The injection for a pod, which may have any shape, and the namespace that it is created in."""


def injected(review: Any, inject: Inject) -> dict[str, Any] | Malformed:
    """The answer with the pod's patch, or Malformed; raises only what ``inject`` raises.

    What is not a new pod is allowed as it is.
    """
    plain = completed(review)
    if isinstance(plain, Malformed):
        return plain
    response = {"uid": plain["response"]["uid"], "allowed": True}
    request = review["request"]
    if _is_new_pod(request):
        response.update(_response(inject(request.get("object"), _namespace(request))))
    return {**plain, "response": response}


def _is_new_pod(request: dict[str, Any]) -> bool:
    kind = request.get("kind")
    is_pod = isinstance(kind, dict) and kind.get("kind") == "Pod" and not kind.get("group")
    return is_pod and request["operation"] == "CREATE" and not request.get("subResource")


def _namespace(request: dict[str, Any]) -> str:
    """Where the pod is created: the API server says so, and the pod may."""
    pod = request.get("object")
    metadata = pod.get("metadata") if isinstance(pod, dict) else None
    for found in (request, metadata):
        namespace = found.get("namespace") if isinstance(found, dict) else None
        if isinstance(namespace, str) and namespace:
            return namespace
    return ""


def _response(found: Injection) -> dict[str, Any]:
    response: dict[str, Any] = {"allowed": found.allowed, "status": {"message": found.message}}
    if not found.allowed:
        response["status"] |= {"status": "Failure", "code": FORBIDDEN, "reason": found.message}
    if found.warnings:
        response["warnings"] = list(found.warnings)
    if found.operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(list(found.operations)).encode()).decode()
    return response
