"""When to act on what changes often: a while after the last change, and never long after the first. No I/O."""

from typing import Generic, TypeVar

import attrs

K = TypeVar("K")


@attrs.define(kw_only=True)
class Calm(Generic[K]):
    """Keys with their changes. Times are monotonic seconds; not thread-safe.

    A key is due ``quiet_s`` after its last change, at the latest ``longest_s`` after the first since it was due.
    """

    quiet_s: float
    longest_s: float
    _changes: dict[K, tuple[float, float]] = attrs.field(factory=dict)

    def changed(self, key: K, now: float) -> bool:
        """Note a change; True when it is the first one, so that somebody has to come back after ``quiet_s``."""
        first, _ = self._changes.get(key, (now, now))
        is_first = key not in self._changes
        self._changes[key] = (first, now)
        return is_first

    def left(self, key: K, now: float) -> float:
        """Seconds until the key is due, 0 when it is; then its changes are forgotten."""
        if key not in self._changes:
            return 0.0
        first, last = self._changes[key]
        left = min(last + self.quiet_s, first + self.longest_s) - now
        if left <= 0:
            del self._changes[key]
        return max(left, 0.0)
