"""What the status of the SriovOperatorConfig says: conditions, words and rollouts. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import attrs

from sriov_core.api.conditions import Condition
from sriov_core.api.operatorconfig import OperatorConfig, Rollout
from sriov_operator.deployment import names

READY, PROGRESSING, DEGRADED = "Ready", "Progressing", "Degraded"
TYPES = (READY, PROGRESSING, DEGRADED)
"""The conditions that are the operator's; others stay as they are."""

STUCK_S = 600.0
"""How long a rollout may stand still before it counts as stuck."""

_SUCCESS = "SriovOperatorConfig reconciled successfully"
_MOST_TOLD = 10

_NOBODY = "no node has the role control-plane or master, so no pod of it runs, and"
_WITHOUT_NODES: Mapping[str, str] = {
    names.OPERATOR_WEBHOOK: (
        f"{_NOBODY} objects of this group are refused. Label a node, or set enableOperatorWebhook to false"
    ),
    names.INJECTOR: f"{_NOBODY} pods get no devices of their networks. Label a node, or set enableInjector to false",
}

Word = Literal["Deployed", "Progressing", "Blocked", "Disabled"]


@attrs.frozen(kw_only=True)
class Progress:
    """A DaemonSet that is wanted: ``counts`` are of what is wanted now when ``is_current``."""

    counts: Rollout
    is_current: bool = False

    @property
    def is_over(self) -> bool:
        """True when every node that shall run it does, as it is wanted now."""
        counts = self.counts
        return self.is_current and counts.updated >= counts.desired and counts.available >= counts.desired

    def __str__(self) -> str:
        counts = self.counts
        if not self.is_current:
            return f"{counts.name}: not begun"
        return f"{counts.name}: {counts.updated} of {counts.desired} nodes updated, {counts.available} available"


@attrs.frozen(kw_only=True)
class Standing:
    """How a pass ended. ``unsupported`` says why nothing was done at all.

    ``stuck`` are rollouts that stand still; ``reasons`` is what their pods say, by DaemonSet.
    """

    failures: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unsupported: str = ""
    rollouts: tuple[Progress, ...] = ()
    stuck: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = attrs.field(factory=dict)


def conditions(standing: Standing, generation: int) -> tuple[Condition, ...]:
    """The three conditions of a configuration of that generation."""
    return (
        _condition(READY, *_ready(standing), generation),
        _condition(PROGRESSING, *_progressing(standing), generation),
        _condition(DEGRADED, *_degraded(standing), generation),
    )


def words(config: OperatorConfig, standing: Standing) -> Mapping[str, Word]:
    """The fields ``injector`` and ``operatorWebhook`` of the status.

    Blocked is what does not come by itself: the condition Degraded says why.
    """
    known = {one.counts.name: one for one in standing.rollouts if one.counts.name not in standing.stuck}
    asked = {
        "injector": (config.spec.enable_injector, names.INJECTOR),
        "operatorWebhook": (config.spec.enable_operator_webhook, names.OPERATOR_WEBHOOK),
    }
    return {field: _word(known.get(name)) if is_asked else "Disabled" for field, (is_asked, name) in asked.items()}


def _word(progress: Progress | None) -> Word:
    if progress is None or (progress.is_current and not progress.counts.desired):
        return "Blocked"
    return "Deployed" if progress.is_over else "Progressing"


_Told = tuple[Literal["True", "False", "Unknown"], str, str]


def _ready(standing: Standing) -> _Told:
    if standing.unsupported:
        return "False", "UnsupportedConfiguration", standing.unsupported
    if standing.failures:
        return "False", "OperatorConfigSyncFailed", _joined(standing.failures)
    return "True", "OperatorConfigReady", _joined((_SUCCESS, *standing.faults, *standing.remarks))


def _progressing(standing: Standing) -> _Told:
    under_way = [_with_reason(one, standing) for one in standing.rollouts if not one.is_over]
    if under_way:
        return "True", "RollingOut", _joined(under_way)
    return "False", "RolledOut", "everything that is deployed runs on all its nodes"


def _degraded(standing: Standing) -> _Told:
    found = list(_defects(standing))
    if not found:
        return "False", "AsExpected", "nothing is wrong"
    return "True", found[0][0], _joined([text for _, text in found])


def _defects(standing: Standing) -> Iterator[tuple[str, str]]:
    """Reason and text of all that is wrong, the worst first."""
    if standing.unsupported:
        yield "UnsupportedConfiguration", standing.unsupported
    for text in standing.failures:
        yield "OperatorConfigSyncFailed", text
    for one in standing.rollouts:
        name = one.counts.name
        if name in standing.stuck:
            why = standing.reasons.get(name) or "See its pods"
            yield "RolloutStuck", f"{one}, and nothing has changed for {STUCK_S / 60:.0f} minutes. {why}"
        elif name in _WITHOUT_NODES and one.is_current and not one.counts.desired:
            yield "NoNodes", f"{name}: {_WITHOUT_NODES[name]}"
    for text in standing.faults:
        yield "SettingsIgnored", text


def _with_reason(one: Progress, standing: Standing) -> str:
    why = standing.reasons.get(one.counts.name)
    return f"{one} ({why})" if why else str(one)


def _joined(texts: Iterable[str]) -> str:
    found = list(texts)
    more = [f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
    return "; ".join((*found[:_MOST_TOLD], *more))


def _condition(
    kind: str, status: Literal["True", "False", "Unknown"], reason: str, message: str, generation: int
) -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message, observed_generation=generation)
