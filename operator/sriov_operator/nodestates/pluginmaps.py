"""The ConfigMaps with the device plugin's configs: what is in them, what should be, and the next patches. No I/O.

Which ConfigMap carries a node, and how many there are, is that of `sriov_core.policy.deviceplugin.config_maps`; here it
is followed from change to change, so that one node's config costs one look at its own ConfigMap.
"""

import sys
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs

from sriov_core.policy.deviceplugin import CONFIG_MAP, LARGEST_CONFIG_MAP


@attrs.frozen(kw_only=True)
class MapPatch:
    """What to do to one ConfigMap: the keys to set, and those to remove (None).

    ``creates`` when it is not there yet; ``deletes`` when it is left over from a larger cluster.
    """

    number: int
    data: Mapping[str, str | None] = attrs.field(factory=dict)
    creates: bool = False
    deletes: bool = False

    @property
    def name(self) -> str:
        """The name of the ConfigMap."""
        return map_name(self.number)


def map_name(number: int) -> str:
    """The name of the ConfigMap of a number."""
    return f"{CONFIG_MAP}-{number}" if number else CONFIG_MAP


@attrs.define
class PluginMaps:
    """``limit`` is the bytes of keys and values in one ConfigMap. Not thread-safe.

    Nothing is known of the ConfigMaps until each was adopted, or found missing; `patches` may be asked then.
    """

    limit: int = LARGEST_CONFIG_MAP
    _wanted: dict[str, str] = attrs.field(factory=dict)
    _sizes: list[int] = attrs.field(factory=lambda: [0])
    _written: dict[int, dict[str, str]] = attrs.field(factory=dict)
    _dirty: dict[int, set[str]] = attrs.field(factory=dict)

    @property
    def count(self) -> int:
        """How many ConfigMaps there should be: the smallest power of two that keeps each below the limit."""
        return len(self._sizes)

    def adopt(self, number: int, data: Mapping[str, str], nodes: Collection[str]) -> None:
        """Take up a ConfigMap as it was read; it counts instead of what was known of it.

        Its keys for ``nodes`` stay until a config is put for these; keys of other nodes will be removed.
        """
        self._written[number] = dict(data)
        for node in data.keys() & nodes:
            if node not in self._wanted:
                self.put(node, data[node])
        self._compare(number)

    def missing(self, number: int) -> None:
        """Take up that a ConfigMap does not exist."""
        self._written.pop(number, None)
        self._compare(number)

    def put(self, node: str, text: str) -> bool:
        """Want a config for a node; False when it is too large for a ConfigMap, and what the node had stays."""
        if _size(node, text) > self.limit:
            return False
        before = self._wanted.get(node)
        if before != text:
            self._wanted[node] = sys.intern(text)
            self._resize(node, _size(node, text) - (_size(node, before) if before is not None else 0))
        return True

    def drop(self, node: str) -> None:
        """Want no config for a node."""
        before = self._wanted.pop(node, None)
        if before is not None:
            self._resize(node, -_size(node, before))

    def is_written(self, node: str) -> bool:
        """True when the config that is wanted for the node, or that it has none, stands where its pod reads it."""
        return self._there(node, self._home(node))

    @property
    def pending(self) -> bool:
        """True when there is something to patch, now or after what has to be written first."""
        is_due = any(self._dirty.get(number) or number not in self._written for number in range(self.count))
        return is_due or any(number >= self.count for number in self._written)

    def patches(self) -> tuple[MapPatch, ...]:
        """What to write next, in this order; report each with `done`, then ask again until there is nothing.

        A key that moves to another ConfigMap is removed from the old one only when it stands in the new one.
        """
        return tuple(self._patches())

    def done(self, patch: MapPatch) -> None:
        """A patch was written."""
        if patch.deletes:
            self._written.pop(patch.number, None)
            self._dirty.pop(patch.number, None)
            return
        there = self._written.setdefault(patch.number, {})
        for node, text in patch.data.items():
            if text is None:
                there.pop(node, None)
            else:
                there[node] = text
        self._compare(patch.number, patch.data)

    def _patches(self) -> Iterator[MapPatch]:
        for number in range(self.count):
            nodes = self._dirty.get(number, set())
            data = {node: self._wish(node, number) for node in sorted(nodes) if not self._is_moving(node, number)}
            creates = number not in self._written
            if creates:
                data = {node: text for node, text in data.items() if text is not None}
            if data or creates:
                yield MapPatch(number=number, data=data, creates=creates)
        # The last one only: whoever reads them after a failure counts on numbers without a gap.
        last = max(self._written, default=0)
        if last >= self.count and not any(self._is_moving(node, last) for node in self._written[last]):
            yield MapPatch(number=last, deletes=True)

    def _home(self, node: str) -> int:
        return zlib.crc32(node.encode()) % self.count

    def _wish(self, node: str, number: int) -> str | None:
        """What a ConfigMap shall have under the node's name."""
        return self._wanted.get(node) if self._home(node) == number else None

    def _there(self, node: str, number: int) -> bool:
        return self._written.get(number, {}).get(node) == self._wish(node, number)

    def _is_moving(self, node: str, number: int) -> bool:
        """True for a key that is to leave this ConfigMap, and does not stand in its new one yet."""
        home = self._home(node)
        return home != number and node in self._wanted and not self._there(node, home)

    def _resize(self, node: str, by: int) -> None:
        """Note other bytes in the node's ConfigMap, and move to another count of them where that is due."""
        self._sizes[self._home(node)] += by
        half = self.count // 2
        too_large = self.count < len(self._wanted) and any(size > self.limit for size in self._sizes)
        pairs = (self._sizes[at] + self._sizes[at + half] for at in range(half))
        if too_large or (half and (half >= len(self._wanted) or all(size <= self.limit for size in pairs))):
            self._spread()
        else:
            self._compare(self._home(node), (node,))

    def _spread(self) -> None:
        """Find the count anew, from scratch: it changes once in the life of most clusters."""
        count = 1
        while True:
            self._sizes = [0] * count
            for node, text in self._wanted.items():
                self._sizes[self._home(node)] += _size(node, text)
            if count >= len(self._wanted) or all(size <= self.limit for size in self._sizes):
                break
            count *= 2
        self._dirty.clear()
        for number in {*range(self.count), *self._written}:
            self._compare(number)

    def _compare(self, number: int, nodes: Iterable[str] | None = None) -> None:
        """Find out which keys of a ConfigMap differ; ``nodes`` are those that may, all when None."""
        if nodes is None:
            own = {node for node in self._wanted if self._home(node) == number}
            nodes = own | self._written.get(number, {}).keys()
        dirty = self._dirty.setdefault(number, set())
        for node in nodes:
            (dirty.discard if self._there(node, number) else dirty.add)(node)


def _size(node: str, text: str) -> int:
    return len(node.encode()) + len(text.encode())
