"""How often the same trouble is told: at once, then at growing distances, so that a log says it and stays readable."""

GAPS_S = (60.0, 240.0, 1500.0, 1800.0)
"""Between one word and the next: again after 1, 5 and 30 minutes, then every half an hour."""


class Pace:
    """Of one trouble. Times are seconds of any clock that goes forward."""

    def __init__(self) -> None:
        self._told = 0
        self._last = self._due = float("-inf")

    @property
    def told(self) -> bool:
        """True when it has been told since it began."""
        return self._told > 0

    def tells(self, now: float) -> bool:
        """True when it is time for a word, which then counts as told."""
        if now < self._due:
            return False
        self._last, self._due = now, now + GAPS_S[min(self._told, len(GAPS_S) - 1)]
        self._told += 1
        return True

    def grew(self, now: float) -> None:
        """There is more to say than there was: within the shortest gap."""
        self._due = min(self._due, now + GAPS_S[0])

    def ends(self) -> None:
        """It is over. When it comes and goes all the time, it is told once in the shortest gap."""
        self._told, self._due = 0, self._last + GAPS_S[0]
