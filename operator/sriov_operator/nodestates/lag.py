"""Which caches have not caught up with our own last write, so that it is not made again. Nothing here does I/O."""

import threading

import attrs

LONGEST_LAG_S = 5.0
"""How long is waited for a cache to show our own write; then it is looked at as it is, for writes may be repeated."""


@attrs.define
class Lag:
    """The last write of each object by its key. Times are monotonic seconds. Thread-safe."""

    _writes: dict[str, tuple[str, float]] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def wrote(self, key: str, *, seen: str, written: str, now: float) -> None:
        """Note a write: the version (empty: none) that was ``seen`` before it, and the one that it made."""
        with self._lock:
            if seen != written:  # else it changed nothing, and nothing will be seen
                self._writes[key] = (seen, now + LONGEST_LAG_S)

    def is_behind(self, key: str, *, seen: str, now: float) -> bool:
        """True while the cache shows what it did before the last write."""
        with self._lock:
            before, until = self._writes.get(key, ("", 0.0))
            if before == seen and now < until:
                return True
            self._writes.pop(key, None)
            return False
