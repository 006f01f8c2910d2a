"""The objects of an informer by key: what a list or an event changes in them. No I/O."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import attrs

from sriov_core.kube.client import Listing, WatchEvent

T = TypeVar("T")


@attrs.frozen
class Change(Generic[T]):
    """One object before and after; one of them may be None, never both."""

    before: T | None
    after: T | None


def key_of(value: Any) -> str:
    """``namespace/name``, or the name alone for an object of the cluster."""
    meta = value.metadata
    return f"{meta.namespace}/{meta.name}" if meta.namespace else str(meta.name)


class Store(Generic[T]):
    """What was last seen. An object that has become unreadable stays as it was when it could still be read."""

    def __init__(self) -> None:
        self._objects: dict[str, T] = {}
        self._unreadable: set[str] = set()

    @property
    def unreadable(self) -> frozenset[str]:
        """The keys of those that are there and cannot be read."""
        return frozenset(self._unreadable)

    def get(self, key: str) -> T | None:
        """The object of that key."""
        return self._objects.get(key)

    def items(self) -> tuple[T, ...]:
        """All objects in the order of their keys."""
        return tuple(value for _, value in sorted(self._objects.items(), key=lambda pair: pair[0]))

    def replace(self, listing: Listing[T]) -> tuple[Change[T], ...]:
        """Take over a list; the differences, those that have gone first."""
        now = {key_of(value): value for value in listing.items}
        self._unreadable = set(listing.unreadable) - now.keys()
        kept = {key: value for key, value in self._objects.items() if key in self._unreadable}
        before, self._objects = self._objects, {**now, **kept}
        gone = [Change(value, None) for key, value in before.items() if key not in self._objects]
        return (*gone, *_told(before, now.items()))

    def take(self, event: WatchEvent[T]) -> Change[T] | None:
        """Take over an event; None when nothing is to be told of it."""
        before = self._objects.get(event.key)
        if event.type == "DELETED":
            self._unreadable.discard(event.key)
            gone = self._objects.pop(event.key, None)
            # The last state of an object is in its deletion; without one (unreadable) what was known must do.
            return None if gone is None else Change(event.object or gone, None)
        if event.type == "BOOKMARK":
            return None
        if event.object is None:
            self._unreadable.add(event.key)
            return None
        self._unreadable.discard(event.key)
        self._objects[event.key] = event.object
        return Change(before, event.object) if _differs(before, event.object) else None


def _told(before: dict[str, T], now: Iterable[tuple[str, T]]) -> Iterable[Change[T]]:
    return (Change(before.get(key), value) for key, value in now if _differs(before.get(key), value))


def _differs(before: Any, after: Any) -> bool:
    return before is None or before.metadata.resource_version != after.metadata.resource_version
