"""Which failures people have to hear of, and which are over with the next attempt. Nothing here does I/O."""

from sriov_core.errors import SriovError
from sriov_core.kube.failures import ApiFailure, Conflict, Exists, Gone, Throttled


class Incomplete(SriovError):
    """Not everything could be deployed; the status of the configuration tells it, too."""


def is_passing(failure: SriovError) -> bool:
    """True for what the next attempt mends by itself: no answer, too many requests, or an object that has changed."""
    if not isinstance(failure, ApiFailure):
        return False
    return failure.status == 0 or isinstance(failure, Conflict | Exists | Gone | Throttled)
