"""Whether a complaint says again, in other words, what was told a moment ago. No I/O."""

import threading
import time
from collections.abc import Callable, Iterable

from sriov_core.api.conditions import Condition
from sriov_operator.networking.index import Key

AGAIN_S = 60.0
"""After how long the same complaint is told in the words of the day."""


class Repetition:
    """What was complained of, and when. Thread-safe; ``clock`` is monotonic seconds.

    Some failures read differently each time, as when they name the port of a connection. To write each of them down is
    a change of the network, which is looked at again at once, and fails again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[Key, float] = {}

    def is_one(self, key: Key, before: Iterable[Condition], wanted: Condition) -> bool:
        """True when the network has a condition that differs in its words alone, and was told lately; else note it."""
        now = self._clock()
        held = next((one for one in before if one.type == wanted.type), None)
        with self._lock:
            lately = now - self._told.get(key, -AGAIN_S) < AGAIN_S
            if held is not None and lately and _facts(held) == _facts(wanted):
                return True
            self._told[key] = now
            return False

    def forget(self, key: Key) -> None:
        """The network has gone."""
        with self._lock:
            self._told.pop(key, None)


def _facts(condition: Condition) -> tuple[str, str, int]:
    return condition.status, condition.reason, condition.observed_generation
