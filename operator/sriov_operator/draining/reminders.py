"""When a warning that still holds is logged again: at once when it is new, then at growing distance. No I/O."""

import attrs

FIRST_S = 60.0
LONGEST_S = 3600.0
LAPSE_S = 180.0
"""A warning that was not renewed for so long beyond its distance is over, and a new one when it returns."""


@attrs.frozen
class _Given:
    text: str
    at_s: float
    next_s: float


class Reminders:
    """What was logged of whom. Thread-safe for different names; times are those of a monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._given: dict[str, _Given] = {}

    def is_due(self, about: str, text: str, now_s: float) -> bool:
        """Whether to log a warning that holds now; True counts as logged.

        Another text waits for a minute after the last one, or two obstacles that take turns would fill the log.
        """
        last = self._given.get(about)
        distance_s = FIRST_S
        if last is not None and now_s - last.at_s <= last.next_s + LAPSE_S:
            if now_s - last.at_s < (last.next_s if last.text == text else FIRST_S):
                return False
            distance_s = min(2 * last.next_s, LONGEST_S) if last.text == text else FIRST_S
        self._given[about] = _Given(text, now_s, distance_s)
        return True
