"""What `probe` has to say: coded findings that carry their evidence and a remedy."""

import enum

import attrs

from sriov_core.model.address import Address


class Severity(enum.StrEnum):
    """``unknown`` means "could not look" and is never shown as good."""

    FAIL = "fail"
    WARN = "warn"
    ADVICE = "advice"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing worth saying: a stable code (``HW-104``), the fact, where it was read, and what to do."""

    code: str
    severity: Severity
    fact: str
    remedy: str
    evidence: tuple[str, ...] = ()
    nic: Address | None = None
