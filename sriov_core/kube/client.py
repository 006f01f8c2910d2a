"""The verbs of the Kubernetes API, typed: bytes from the transport become the types that the caller names.

Every request has a deadline and is counted by the observer. Nothing is retried here: who asks knows whether to.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, cast

import attrs
import msgspec

from sriov_core.kube.exchange import (
    REQUEST_TIMEOUT_S,
    Answer,
    Exchange,
    Observer,
    OnUnreadable,
    Stream,
    Transport,
    log_unreadable,
)
from sriov_core.kube.failures import Gone
from sriov_core.kube.refusals import Asked
from sriov_core.kube.resource import Resource
from sriov_core.kube.troubles import Troubles

__all__ = ["Answer", "Client", "Listing", "Object", "Observer", "Stream", "Transport", "WatchEvent"]

Object = dict[str, Any]

if TYPE_CHECKING:
    # As Python 3.13 has it: where ``type`` is not given, an answer is an `Object`.
    from typing_extensions import TypeVar as TypeVarWithDefault

    T = TypeVarWithDefault("T", default=Object)
else:
    T = TypeVar("T")

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]

PAGE = 500
SILENCE_S = 30.0
"""How long after its own end a watch may be silent before it counts as broken."""

_MERGE_PATCH = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"


@attrs.frozen
class Listing(Generic[T]):
    """All objects of a list, and the version from which a watch goes on.

    ``unreadable`` are the keys (``namespace/name``, or ``name``) of those that are there and could not be decoded.
    """

    items: tuple[T, ...]
    resource_version: str
    unreadable: tuple[str, ...] = ()


@attrs.frozen
class WatchEvent(Generic[T]):
    """One line of a watch. A BOOKMARK has no object, only a version; neither has an object that cannot be decoded.

    ``key`` is ``namespace/name``, or ``name`` for an object of the cluster; empty for a BOOKMARK.
    """

    type: EventType
    object: T | None
    resource_version: str
    key: str = ""


class Silent(Protocol):
    """A cache that knows when it last heard of the API server."""

    @property
    def silent_s(self) -> float:
        """Seconds since then."""
        ...


Followed = Callable[[str, Silent], None]
"""Called with each cache that begins to follow objects, and its name: often their plural."""


class Client:
    """One identity at one API server. Thread-safe. ``manager`` is the field manager of every write.

    ``type`` is what answers are decoded into: a msgspec or attrs type, or `Object`. An answer that does not have that
    type is an Invalid that names the object and the field. Every method raises a subclass of `ApiFailure`.
    ``on_unreadable`` is told the name and the mistake of each object of a list or watch that cannot be decoded.
    ``timeout_s`` is for each request. ``followed`` is told of each cache that is filled through this client.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        manager: str,
        observer: Observer | None = None,
        on_unreadable: OnUnreadable = log_unreadable,
        followed: Followed = lambda _name, _cache: None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self._manager = manager
        self._exchange = Exchange(transport, observer, on_unreadable, timeout_s)
        self.followed = followed

    def within(self, timeout_s: float) -> "Client":
        """The same client with another deadline for each request, over the same connections."""
        other = copy.copy(self)
        other._exchange = attrs.evolve(self._exchange, timeout_s=timeout_s)
        return other

    @property
    def troubles(self) -> Troubles:
        """Who tells what stands between, for all who ask through this client."""
        return self._exchange.troubles

    def get(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """One object as it is now."""
        return self._exchange.one(Asked("get", resource, namespace, name), "GET", type)

    def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
        labels: str = "",
        fields: str = "",
    ) -> Listing[T]:
        """All objects, page by page, decoded with the garbage collector at rest. An empty namespace means all of them.

        Objects that cannot be decoded are not in the answer; `on_unreadable` is told of each.
        """
        asked = Asked("list", resource, namespace)
        items: list[T] = []
        unreadable: list[str] = []
        limit, token = PAGE, ""
        while True:
            query = {"limit": limit, "continue": token, "labelSelector": labels, "fieldSelector": fields}
            try:
                page = self._exchange.page(asked, query, type)
            except Gone:
                # The pages of a list are of one moment, which the server forgets after some minutes. All at once, then.
                if not token:
                    raise
                items, unreadable, limit, token = [], [], 0, ""
                continue
            items += page.items
            unreadable += [one.key for one in page.unreadable]
            token = page.token
            if not token:
                return Listing(tuple(items), page.resource_version, tuple(unreadable))

    def create(
        self,
        resource: Resource,
        body: Any,
        namespace: str = "",
        *,
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """Create; Exists when the name is taken. ``body`` is anything msgspec can encode."""
        query = {"fieldManager": self._manager}
        return self._exchange.one(Asked("create", resource, namespace), "POST", type, query, body)

    def replace(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str = "",
        *,
        subresource: str = "",
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """Replace (PUT); Conflict when the resourceVersion in ``body`` is not the object's any more."""
        asked = Asked("update", resource, namespace, name, subresource)
        return self._exchange.one(asked, "PUT", type, {"fieldManager": self._manager}, body)

    def merge_patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str = "",
        *,
        subresource: str = "",
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """JSON merge patch (RFC 7386): null removes a field; a metadata.resourceVersion in it is a precondition."""
        asked = Asked("patch", resource, namespace, name, subresource)
        return self._exchange.one(
            asked, "PATCH", type, {"fieldManager": self._manager}, patch, content_type=_MERGE_PATCH
        )

    def json_patch(
        self,
        resource: Resource,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        namespace: str = "",
        *,
        subresource: str = "",
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """JSON patch (RFC 6902); a ``test`` that fails is an Invalid with reason Invalid and a text that says so."""
        asked = Asked("patch", resource, namespace, name, subresource)
        return self._exchange.one(
            asked, "PATCH", type, {"fieldManager": self._manager}, operations, content_type=_JSON_PATCH
        )

    def apply(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str = "",
        *,
        subresource: str = "",
        force: bool = True,
        manager: str = "",
        dry_run: bool = False,
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
    ) -> T:
        """Server-side apply under our field manager, or ``manager``; apiVersion, kind and name are filled in."""
        asked = Asked("patch", resource, namespace, name, subresource)
        document = msgspec.to_builtins(body)
        whole = {
            **document,
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {**(document.get("metadata") or {}), "name": name},
        }
        query = {
            "fieldManager": manager or self._manager,
            "force": "true" if force else "false",
            "dryRun": "All" if dry_run else "",
        }
        return self._exchange.one(asked, "PATCH", type, query, whole, content_type=_APPLY_PATCH)

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        grace_period_s: int | None = None,
        propagation: Literal["", "Background", "Foreground", "Orphan"] = "",
    ) -> None:
        """Delete; ``uid`` and ``resource_version`` are preconditions (Conflict). NotFound when it has gone already."""
        preconditions = _without_empty({"uid": uid, "resourceVersion": resource_version})
        options = {
            **_without_empty({"preconditions": preconditions, "propagationPolicy": propagation}),
            **({} if grace_period_s is None else {"gracePeriodSeconds": grace_period_s}),
        }
        self._exchange.ask(Asked("delete", resource, namespace, name), "DELETE", {}, msgspec.json.encode(options))

    def create_under(self, resource: Resource, name: str, subresource: str, body: Any, namespace: str = "") -> Object:
        """POST to a subresource, such as an eviction."""
        asked = Asked("create", resource, namespace, name, subresource)
        return self._exchange.one(asked, "POST", Object, {"fieldManager": self._manager}, body)

    def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        type: type[T] = Object,  # type: ignore[assignment]  # noqa: A002
        labels: str = "",
        fields: str = "",
        stop: threading.Event,
        timeout_s: float = 300.0,
        opened: Callable[[], None] = lambda: None,
    ) -> Iterator[WatchEvent[T]]:
        """Events after a version, bookmarks included, until the server ends the watch or ``stop`` is set (within 1 s).

        Gone for a version that is too old, also when it comes as an ERROR line of the stream. The server ends it after
        ``timeout_s``; one that is silent for longer than that and `SILENCE_S` is Unavailable. ``opened`` is called as
        soon as it has been opened, which may be long before the first event.
        """
        asked = Asked("watch", resource, namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": int(timeout_s),
            "labelSelector": labels,
            "fieldSelector": fields,
        }
        for line in self._exchange.lines(asked, query, silence_s=timeout_s + SILENCE_S, stop=stop, opened=opened):
            value, key, version = self._exchange.object_of(asked, line, type)
            yield WatchEvent(cast(EventType, line.type), value, version, key)


def _without_empty(values: Mapping[str, Any]) -> Object:
    return {name: value for name, value in values.items() if value}
