"""What is worth saying about a node's device plugin config: coded, with a remedy. Nothing here does I/O."""

import enum

import attrs

from sriov_core.api.fault import legible


class Severity(enum.StrEnum):
    """``warning`` when pods may not get what a policy asks for, ``info`` when they do."""

    INFO = "info"
    WARNING = "warning"


class RemarkCode(enum.StrEnum):
    """What happened; each code has one severity."""

    SELECTS_NOTHING = "selects-nothing"
    CLAIMED_TWICE = "claimed-twice"
    ALT_NAME = "alt-name-translated"
    DISPLACED = "displaced-policy-left-out"
    INVALID = "invalid-policy-left-out"
    UNFILTERED = "selects-everything"
    PRECISE = "precise-form"
    EXCLUDE_TOPOLOGY = "exclude-topology-differs"
    FLAGS = "flags-differ"
    RDMA_WITH_VDPA = "rdma-with-vdpa"

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return Severity.INFO if self in QUIET else Severity.WARNING


QUIET = frozenset({RemarkCode.ALT_NAME, RemarkCode.PRECISE})
"""What is only good to know."""


@attrs.frozen(kw_only=True)
class Remark:
    """One thing worth saying about a resource; ``policy`` is empty when several have a part in it."""

    code: RemarkCode
    resource: str
    policy: str = ""
    text: str
    remedy: str

    @property
    def severity(self) -> Severity:
        """That of its code."""
        return self.code.severity

    def __str__(self) -> str:
        who = f"resource {legible(self.resource)}" + (f", policy {legible(self.policy)}" if self.policy else "")
        return f"{who}: {self.text}. {self.remedy}"
