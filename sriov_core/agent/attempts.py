"""When to try again what has failed: ever later, and at once when something else is wished or granted."""

import time
from collections.abc import Callable

import attrs

FIRST_S = 5.0
LONGEST_S = 60.0


@attrs.define
class Attempts:
    """The attempts at one thing. Not thread-safe: one worker makes them."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S
    clock: Callable[[], float] = time.monotonic
    _about: object = None
    _failed: int = 0
    _not_before: float = 0.0

    def about(self, thing: object) -> None:
        """What is attempted from now on; another thing is attempted at once."""
        if thing != self._about:
            self._about, self._failed, self._not_before = thing, 0, 0.0

    @property
    def rest_s(self) -> float:
        """How long to wait before the next attempt; 0 when it may be made now."""
        return max(0.0, self._not_before - self.clock())

    def failed(self) -> float:
        """An attempt has failed: how long to wait before the next one."""
        pause = min(self.longest_s, self.first_s * float(2**self._failed))
        self._failed = min(self._failed + 1, 16)
        self._not_before = self.clock() + pause
        return pause

    def succeeded(self) -> None:
        """Nothing is left to be tried again."""
        self._failed, self._not_before = 0, 0.0
