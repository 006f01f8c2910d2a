"""How far the DaemonSets have come, which of them stand still, and why."""

import math
from collections.abc import Iterable, Mapping

import attrs

from sriov_core.api.operatorconfig import Rollout
from sriov_core.errors import SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.resource import PODS
from sriov_operator.deployment.ailing import LeanPod, reason
from sriov_operator.deployment.owned import LeanDaemonSet
from sriov_operator.deployment.reporting import STUCK_S, Progress

SLOW_S = 30.0
"""How long a rollout may stand still before its pods are asked why."""
REASON_S = 300.0
"""How long what they said holds, while nothing moves."""


def progress(name: str, seen: LeanDaemonSet | None) -> Progress:
    """How far one has come; None stands for one that is not in the cache yet."""
    if seen is None:
        return Progress(counts=Rollout(name=name))
    status = seen.status
    counts = Rollout(
        name=name,
        desired=status.desired_number_scheduled,
        updated=status.updated_number_scheduled,
        available=status.number_available,
    )
    return Progress(counts=counts, is_current=0 < seen.metadata.generation <= status.observed_generation)


class Stalls:
    """Remembers since when each rollout has looked as it does. Not thread-safe; times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Progress, float]] = {}

    def stuck(self, rollouts: Iterable[Progress], now: float) -> frozenset[str]:
        """The names of those that are under way and have not moved for `STUCK_S`."""
        before = self._since
        self._since = {one.counts.name: (one, _since(before.get(one.counts.name), one, now)) for one in rollouts}
        return self.still(STUCK_S, now)

    def still(self, seconds: float, now: float) -> frozenset[str]:
        """The names of those that are under way and have not moved for so long, as of the last call of `stuck`."""
        return frozenset(
            name for name, (one, since) in self._since.items() if not one.is_over and now - since >= seconds
        )

    def next_look_s(self, now: float) -> float:
        """When one of them, if it goes on standing still, has to be looked at again; infinite when none has."""
        ages = [now - since for one, since in self._since.values() if not one.is_over]
        return min((end - age for age in ages for end in (SLOW_S, STUCK_S) if end > age), default=math.inf)


@attrs.frozen
class _Told:
    about: Progress
    at: float
    text: str


class Reasons:
    """Asks pods why a rollout stands still: one list of its pods, and none again before `REASON_S`. Not thread-safe."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._told: dict[str, _Told] = {}

    def of(self, rollouts: Iterable[Progress], now: float) -> Mapping[str, str]:
        """By the name of the DaemonSet; ``now`` is monotonic seconds."""
        before = self._told
        self._told = {one.counts.name: self._asked(before.get(one.counts.name), one, now) for one in rollouts}
        return {name: told.text for name, told in self._told.items() if told.text}

    def _asked(self, before: _Told | None, one: Progress, now: float) -> _Told:
        if before and before.about == one and now - before.at < REASON_S:
            return before
        return _Told(one, now, self._text(one) if one.is_current and one.counts.desired else "")

    def _text(self, one: Progress) -> str:
        try:
            return reason(self._client.list(PODS, self._namespace, type=LeanPod, labels=f"app={one.counts.name}").items)
        except SriovError as err:
            return f"its pods cannot be looked at: {err}"


def _since(before: tuple[Progress, float] | None, one: Progress, now: float) -> float:
    return before[1] if before and before[0] == one else now
