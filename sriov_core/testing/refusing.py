"""The words of a refusal: device, attribute, what was wanted, the errno, and what to do."""

import errno
import os

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.model.address import Address


def refused(where: Address | str, attribute: str, wanted: object, code: int, advice: str) -> StepFailed:
    """The error for a write that the kernel answers with ``code``."""
    # errno.errorcode calls 95 ENOTSUP, a name that no kernel source uses.
    name = "EOPNOTSUPP" if code == errno.EOPNOTSUPP else errno.errorcode.get(code, str(code))
    return StepFailed(f"{where}: {attribute}: {wanted} refused with {name} ({os.strerror(code)}). {advice}")


def impossible(where: Address | str, attribute: str, wanted: object, found: str, advice: str) -> StepFailed:
    """The error for a change that is not even tried, or that the kernel takes without doing it."""
    return StepFailed(f"{where}: {attribute}: {wanted} is not possible: {found}. {advice}")


def blocked(where: Address | str, attribute: str, wanted: object, waited_for: str) -> DeadlineExceeded:
    """The error for a write that did not end in time."""
    return DeadlineExceeded(f"{where}: {attribute}: {wanted} did not end in time: {waited_for}")
