"""The words of a refusal: device, attribute, what was wanted, the errno, and what to do."""

import errno
import os

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.model.address import Address


def refused(where: Address | str, attribute: str, wanted: object, code: int, advice: str) -> StepFailed:
    """The error for a write that the kernel answers with ``code``."""
    name = errno.errorcode.get(code, str(code))
    return StepFailed(f"{where}: {attribute}: {wanted} refused with {name} ({os.strerror(code)}). {advice}")


def blocked(where: Address | str, attribute: str, wanted: object, waited_for: str) -> DeadlineExceeded:
    """The error for a write that did not end in time."""
    return DeadlineExceeded(f"{where}: {attribute}: {wanted} did not end in time: {waited_for}")
