"""From the bytes of an answer to the types that a caller names; one bad object costs only itself. No I/O."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

import attrs
import msgspec

T = TypeVar("T")


class Head(msgspec.Struct, rename="camel"):
    """What names an object, whatever else is in it."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""

    @property
    def key(self) -> str:
        """``namespace/name``, or the name alone for an object of the cluster."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class _Headed(msgspec.Struct):
    metadata: Head


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, Generic[T]):
    metadata: _ListMeta
    items: list[T] | None = None


class Line(msgspec.Struct):
    """A line of a watch, its object still to be read."""

    type: str
    object: msgspec.Raw


@attrs.frozen
class Unreadable:
    """An object that does not have the type asked for, and why."""

    key: str
    why: str


@attrs.frozen
class Page(Generic[T]):
    """One page of a list; an empty ``token`` says that it is the last."""

    items: list[T]
    unreadable: tuple[Unreadable, ...]
    resource_version: str
    token: str


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Nothing of what a list decodes is garbage, and looking for some in the meantime takes longer than the decoding.

    Safe with several at once: whoever found the collector on switches it on again.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _structs(of: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for struct in of.__subclasses__():
        yield struct
        yield from _structs(struct)


class Decoders:
    """Decoders by type; building one costs more than a small answer does.

    What msgspec (0.22) finds out about a type is in sight of other threads before it is whole, and whoever decodes by
    it then ends the process with SIGSEGV (json_decode_struct_map_inner meets a type that is still NULL). So all types
    that there are, are gone through here, before threads ask for one, and decoders are built one at a time.
    """

    _building = threading.Lock()

    def __init__(self) -> None:
        self._known: dict[Any, msgspec.json.Decoder[Any]] = {}
        with self._building:
            for known in _structs(msgspec.Struct):
                with suppress(TypeError):  # a driver's, with a field that no decoder reads
                    msgspec.json.Decoder(known)

    def _of(self, wanted: Any) -> msgspec.json.Decoder[Any]:
        known = self._known.get(wanted)
        if known is None:
            with self._building:
                known = self._known[wanted] = msgspec.json.Decoder(wanted)
        return known

    def one(self, body: bytes | msgspec.Raw, wanted: type[T]) -> T:
        """A single object. msgspec.DecodeError; its subclass ValidationError when it is JSON of another shape."""
        decoded: T = self._of(wanted).decode(body)
        return decoded

    def page(self, body: bytes, wanted: type[T]) -> Page[T]:
        """A page of a list. msgspec.DecodeError when it is no list at all."""
        with collector_at_rest():
            try:
                # The type is made from a value, which is more than a type checker follows.
                page: _Page[T] = self._of(_Page[wanted]).decode(body)  # type: ignore[valid-type]
            except msgspec.ValidationError:
                return self._one_by_one(body, wanted)
        return Page(page.items or [], (), page.metadata.resource_version, page.metadata.token)

    def head(self, body: bytes | msgspec.Raw) -> Head:
        """What names an object, or an empty head when not even that can be read."""
        try:
            return self.one(body, _Headed).metadata
        except msgspec.DecodeError:
            return Head()

    def _one_by_one(self, body: bytes, wanted: type[T]) -> Page[T]:
        raw: _Page[msgspec.Raw] = self._of(_Page[msgspec.Raw]).decode(body)
        items: list[T] = []
        unreadable = []
        for item in raw.items or []:
            try:
                items.append(self.one(item, wanted))
            except msgspec.ValidationError as error:
                unreadable.append(Unreadable(self.head(item).key, str(error)))
        return Page(items, tuple(unreadable), raw.metadata.resource_version, raw.metadata.token)
