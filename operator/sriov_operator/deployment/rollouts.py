"""How far the DaemonSets have come, from their caches, and which of them stand still. Nothing here does I/O."""

from collections.abc import Iterable

from sriov_core.api.operatorconfig import Rollout
from sriov_operator.deployment.owned import LeanDaemonSet
from sriov_operator.deployment.reporting import STUCK_S, Progress


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
        return frozenset(
            name for name, (one, since) in self._since.items() if not one.is_over and now - since >= STUCK_S
        )


def _since(before: tuple[Progress, float] | None, one: Progress, now: float) -> float:
    return before[1] if before and before[0] == one else now
