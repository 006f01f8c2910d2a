"""How long to wait after the n-th failure in a row. No I/O."""


def pause(failures: int, *, first_s: float, longest_s: float, share: float) -> float:
    """Seconds to wait: ``first_s`` doubled with each further failure, at most ``longest_s``, less jitter.

    ``failures`` counts from 1. ``share`` is a random number from 0 to 1 that the caller draws: it takes away up to half
    of the pause, so that those who failed together do not come back together.
    """
    doubled = first_s * 2.0 ** min(max(failures, 1) - 1, 60)
    return min(doubled, longest_s) * (1.0 - share / 2.0)
