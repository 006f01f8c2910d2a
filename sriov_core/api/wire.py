"""What every wire type shares: names as Kubernetes spells them, and zero values left out as Go does. No I/O."""

from typing import Any

import msgspec

GROUP = "sriovnetwork.openshift.io"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A part of a document. Scalars and lists at their default are not written; parts that are structs always are."""


class ObjectMeta(Wire, frozen=True, kw_only=True):
    """The metadata of an object; what this project never looks at is carried as it came."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[dict[str, Any], ...] = ()
    managed_fields: tuple[dict[str, Any], ...] = ()
    generate_name: str = ""
    self_link: str = ""


class LabelRequirement(Wire, frozen=True, kw_only=True):
    """One expression of a label selector; ``values`` is empty for Exists and DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(Wire, frozen=True, kw_only=True):
    """A label selector as in the rest of Kubernetes; all its parts must hold, an empty one takes everything."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[LabelRequirement, ...] = ()


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for the schema of a part: each pair is a rule and the message of its refusal."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}
