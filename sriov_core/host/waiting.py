"""Waits for something to become true: wakes on the kernel's notifications, never longer than a deadline."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from sriov_core.errors import HostError
from sriov_core.host.changes import KernelChanges, kernel_changes

_GLANCE_S = 0.02
_LONGEST_DOZE_S = 0.5
"""A notification can be lost (a full socket buffer, another namespace), so one looks now and then all the same."""


def until(is_so: Callable[[], bool], timeout_s: float, *, live: bool) -> bool:
    """True as soon as it is so, False when it is still not so after that many seconds.

    Without libudev, and on a tree that is no running machine, it looks every few hundredths of a second instead.
    """
    deadline = time.monotonic() + timeout_s
    if is_so():
        return True
    with ExitStack() as stack:
        bell = _listen(stack) if live else None
        # Subscribed first, looked afterwards: nothing can happen unseen in between.
        while not is_so():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if bell:
                bell.wait(min(left, _LONGEST_DOZE_S))
            else:
                time.sleep(min(left, _GLANCE_S))
    return True


def _listen(stack: ExitStack) -> KernelChanges | None:
    try:
        return stack.enter_context(kernel_changes())
    except HostError:
        return None
