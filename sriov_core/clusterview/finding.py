"""Findings about objects of a cluster: those of `probe`, with the object in the place of the NIC. No I/O."""

from collections.abc import Iterable
from typing import Any

import attrs

from sriov_core.plugin.diagnosis import Finding, Severity


@attrs.frozen(kw_only=True)
class ClusterFinding(Finding):
    """``about`` names the object, as in ``SriovNetworkNodePolicy rail0``."""

    about: str


def found(code: str, severity: Severity, about: str, fact: str, remedy: str, *evidence: str) -> ClusterFinding:
    """A finding; evidence is ``object: field`` each, empty ones are left out."""
    seen = tuple(filter(None, evidence))
    return ClusterFinding(code=code, severity=severity, about=about, fact=fact, remedy=remedy, evidence=seen)


def worst_first(findings: Iterable[ClusterFinding]) -> tuple[ClusterFinding, ...]:
    """By severity, then by code and object."""
    return tuple(sorted(findings, key=lambda one: (_rank(one), one.code, one.about)))


def failed(findings: Iterable[ClusterFinding]) -> bool:
    """True when some finding says that something is broken."""
    return any(one.severity is Severity.FAIL for one in findings)


def finding_data(finding: ClusterFinding) -> dict[str, Any]:
    """For programs: the keys of `probe`, with ``object`` for ``nic``."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "object": finding.about,
        "fact": finding.fact,
        "evidence": list(finding.evidence),
        "remedy": finding.remedy,
    }


def _rank(finding: Finding) -> int:
    order = (Severity.FAIL, Severity.WARN, Severity.UNKNOWN, Severity.ADVICE)
    return order.index(finding.severity)
