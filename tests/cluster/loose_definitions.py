"""Definitions as older ones may have been, which let more through: what was stored stays when they get stricter."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from servers_admin import MERGE, Admin

GROUP = "sriovnetwork.openshift.io"


@contextmanager
def without_limit(admin: Admin, plural: str, field: str, limit: str) -> Iterator[None]:
    """In the block, ``limit`` of a field of the spec is no rule of the schema, such as its maximum.

    An API server that is not recent lets nobody write to what is left of that, not even to its status.
    """
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{GROUP}"
    strict: dict[str, Any] = admin.done("GET", path)["spec"]
    loose = copy.deepcopy(strict)
    del loose["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][field][limit]
    admin.done("PATCH", path, {"spec": loose}, content_type=MERGE)
    try:
        yield
    finally:
        admin.done("PATCH", path, {"spec": strict}, content_type=MERGE)
