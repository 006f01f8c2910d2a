"""What the metrics say of drains. Nothing here does I/O."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sriov_operator.draining import verdicts
from sriov_operator.draining.fleet import Row
from sriov_operator.draining.protocol import COMPLETE, DRAINING, REBOOT
from sriov_operator.process.lean import LeanNodeState


def measured(
    rows: Iterable[Row], state_of: Callable[[str], LeanNodeState | None], now: datetime, deadline_s: float
) -> Mapping[str, int]:
    """The gauges by their names in `sriov_operator.process.metrics`."""
    found = dict.fromkeys(
        ("drains_pending", "drains_active", "drains_complete", "drains_blocked", "drains_overdue", "reboots_pending"), 0
    )
    for row in rows:
        if not row.known or not (row.hands.asks or row.hands.is_busy):
            continue
        state = state_of(row.node)
        found["drains_pending"] += row.hands.is_waiting
        found["drains_active"] += row.hands.answer == DRAINING
        found["drains_complete"] += row.hands.answer == COMPLETE
        found["reboots_pending"] += row.hands.request == REBOOT
        if state is not None:
            held = verdicts.told(state)
            found["drains_blocked"] += held is not None and held.reason == verdicts.BLOCKED
            found["drains_overdue"] += verdicts.left_s(state, now, deadline_s) <= 0
    return found
