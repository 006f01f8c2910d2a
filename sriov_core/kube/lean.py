"""The metadata that caches keep. What is not named here is skipped when an answer is read, and costs no memory."""

import msgspec


class LeanOwner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whom an object belongs to: it is collected as garbage with the last of its owners."""

    kind: str = ""
    name: str = ""
    uid: str = ""


class LeanMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Metadata of any object, without managedFields. It refers to texts only, so the collector need not look at it."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[LeanOwner, ...] = ()
