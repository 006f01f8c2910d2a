"""A rendering in words and table rows for people. Nothing here does I/O."""

from collections.abc import Container, Iterator

import attrs

from sriov_core.api.fault import legible
from sriov_core.model.address import Address
from sriov_core.policy.verdict import Outcome, Rendering, Summary, Verdict


@attrs.frozen(kw_only=True)
class Row:
    """One line of a table: a policy, a NIC, what became of it (``VFs`` is empty unless taken), and why."""

    policy: str
    priority: int
    nic: str
    name: str
    outcome: str
    vfs: str
    resource: str
    reason: str


def rows(rendering: Rendering) -> tuple[Row, ...]:
    """A row for each verdict, the strongest policy first."""
    return tuple(
        Row(
            policy=legible(verdict.policy),
            priority=summary.priority,
            nic=str(verdict.nic),
            name=verdict.nic_name,
            outcome=verdict.outcome.value,
            vfs=", ".join(group.vf_range for group in verdict.groups),
            resource=verdict.groups[0].resource_name if verdict.groups else "",
            reason=verdict.reason,
        )
        for summary in rendering.summaries
        for verdict in summary.verdicts
    )


def lines(rendering: Rendering) -> tuple[str, ...]:
    """The whole story as text: each policy with its NICs, strongest first, then what must be changed.

    What is not here is listed as remarks; whether it is a problem is for the caller.
    """
    refused = {problem.nic for problem in rendering.problems if problem.nic}
    text = [line for summary in rendering.summaries for line in _policy(summary, refused)]
    text.extend(f"problem: {problem}" for problem in rendering.problems)
    text.extend(f"not here: {entry.problem}" for entry in rendering.unmatched)
    return tuple(text)


def _policy(summary: Summary, refused: Container[Address]) -> Iterator[str]:
    yield f"policy {legible(summary.policy)} (priority {summary.priority}){_headline(summary)}"
    if not summary.skipped:
        for verdict in summary.verdicts:
            yield f"  {_nic(verdict)}: {_outcome(verdict, refused)}: {verdict.reason}"
    for verdict in summary.nearest:
        yield f"  nearest: {_nic(verdict)}"
    for note in summary.notes:
        yield f"  note: {note}"


def _outcome(verdict: Verdict, refused: Container[Address]) -> str:
    if verdict.outcome is Outcome.TAKEN and verdict.nic in refused:
        return "selected, and cannot be served (see the problem below)"
    return verdict.outcome.value


def _headline(summary: Summary) -> str:
    if summary.skipped:
        return f": skipped: {summary.skipped}"
    if summary.faults:
        return ": invalid"
    if not summary.matched:
        return ": takes no NIC of this node"
    return ""


def _nic(verdict: Verdict) -> str:
    return f"{verdict.nic} ({verdict.nic_name})" if verdict.nic_name else str(verdict.nic)
