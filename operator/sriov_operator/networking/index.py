"""Which networks an attachment or a namespace concerns, kept up with every change of a network. No I/O."""

import threading
from collections import Counter, defaultdict

import attrs

from sriov_core.api.networks import Network
from sriov_core.policy.attachment import target_namespace


@attrs.frozen
class Key:
    """One network; ``place`` is its ``namespace/name``."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


@attrs.frozen
class _Known:
    """What was last seen of a network: its deletion may tell of it in another state."""

    namespace: str
    ready: str


def key_of(network: Network) -> Key:
    """The key of a network."""
    return Key(network.kind, f"{network.metadata.namespace}/{network.metadata.name}")


class Index:
    """Networks by the namespace of their attachment, and how many are ready. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Key, _Known] = {}
        self._by_namespace: defaultdict[str, set[Key]] = defaultdict(set)
        self._counts: Counter[tuple[str, str]] = Counter()

    def put(self, network: Network) -> None:
        """A network has appeared or changed."""
        key, known = key_of(network), _Known(target_namespace(network), readiness(network))
        with self._lock:
            self._drop(key)
            self._known[key] = known
            self._by_namespace[known.namespace].add(key)
            self._counts[key.kind, known.ready] += 1

    def drop(self, key: Key) -> None:
        """A network has gone."""
        with self._lock:
            self._drop(key)

    def of_namespace(self, name: str) -> tuple[Key, ...]:
        """The networks whose attachment belongs into that namespace."""
        with self._lock:
            return tuple(self._by_namespace.get(name, ()))

    def counts(self, kind: str) -> dict[str, int]:
        """How many networks of a kind are ready (True), are not (False), or have not been looked at (Unknown)."""
        with self._lock:
            return {status: self._counts[kind, status] for status in ("True", "False", "Unknown")}

    def _drop(self, key: Key) -> None:
        known = self._known.pop(key, None)
        if known is None:
            return
        self._counts[key.kind, known.ready] -= 1
        held = self._by_namespace[known.namespace]
        held.discard(key)
        if not held:
            del self._by_namespace[known.namespace]


def readiness(network: Network) -> str:
    """The status of its condition Ready."""
    return next((one.status for one in network.status.conditions if one.type == "Ready"), "Unknown")
