"""What is told of a node's drain: the condition Drained of its node state, and the events of its changes. No I/O."""

from datetime import datetime
from typing import Literal

import attrs

from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_operator.draining import moments
from sriov_operator.draining.protocol import COMPLETE, DRAINING
from sriov_operator.process.lean import LeanNodeState

CONDITION = "Drained"
WAITING = "Waiting"
BLOCKED = "Blocked"
IDLE = "Idle"
BEFORE = frozenset({IDLE, WAITING})
"""The reasons of the condition before a drain begins."""
STUCK = "DrainBlocked"
"""The event of a drain that somebody has to allow, or that an obstacle has to be mended for."""
DEADLINE = "DrainDeadlineExceeded"
"""The event of a drain, or of a node's return from one, that takes longer than the deadline."""


@attrs.frozen(kw_only=True)
class Verdict:
    """How a drain stands; ``event`` is the reason of the event that tells of it, ``warns`` that somebody should act.

    ``about`` is what a warning is about when it is not about the node alone: it is logged once for all its nodes.
    """

    reason: str
    message: str
    event: str
    status: Literal["True", "False", "Unknown"] = "False"
    warns: bool = False
    about: str = ""

    @property
    def condition(self) -> Condition:
        """The condition that says so."""
        return Condition(type=CONDITION, status=self.status, reason=self.reason, message=self.message)

    @property
    def line(self) -> str:
        """What the log says of it, behind the name of the node."""
        return f"its drain is blocked: {self.message}" if self.event == STUCK else self.message

    def is_news(self, held: Condition | None) -> bool:
        """True when an event shall tell of it: another pod to go is none, another obstacle is one."""
        if held is None or (held.status, held.reason) != (self.status, self.reason):
            return True
        return self.warns and held.message != self.message


def idle() -> Verdict:
    """The node serves."""
    return Verdict(reason=IDLE, message="no drain is under way", event="DrainEnded")


def external() -> Verdict:
    """Somebody else drains the node."""
    message = f"the annotation {keys.EXTERNAL_DRAINER} leaves the draining of this node to somebody else"
    return Verdict(reason="External", message=message, event="DrainLeft", status="Unknown")


def waiting(why: str) -> Verdict:
    """It is not the node's turn."""
    return Verdict(reason=WAITING, message=why, event="DrainWaiting")


def draining(what: str) -> Verdict:
    """Pods are on their way."""
    return Verdict(reason="Draining", message=what, event="DrainStarted")


def blocked(why: str, about: str = "") -> Verdict:
    """Somebody has to do something, or to allow it."""
    return Verdict(reason=BLOCKED, message=why, event=STUCK, warns=True, about=about)


def late(what: str, deadline_s: float) -> Verdict:
    """The drain takes too long. Nothing is forced."""
    message = f"not drained within {moments.duration(deadline_s)}: {what}"
    return Verdict(reason=BLOCKED, message=message, event=DEADLINE, warns=True)


def complete() -> Verdict:
    """The agent may begin."""
    return Verdict(reason="Complete", message="drained: it is the agent's turn", event="DrainComplete", status="True")


def absent(deadline_s: float, *, ready: bool) -> Verdict:
    """The node was drained, and the agent does not say that it is done."""
    why = "its agent has not finished: look at its node state and log" if ready else "the Node is not Ready"
    message = f"drained, but not back within {moments.duration(deadline_s)}, and keeps its place in its pool: {why}"
    return Verdict(reason="Complete", message=message, event=DEADLINE, status="True", warns=True)


def told(state: LeanNodeState) -> Condition | None:
    """What a node state says of its drain; None when nobody has told anything yet."""
    return next((one for one in state.status.conditions if one.type == CONDITION), None)


def began(state: LeanNodeState) -> str:
    """Since when the deadline counts: the begin of the drain, its end once the node is drained; empty: nobody knows."""
    annotations, held = state.metadata.annotations, told(state)
    if annotations.get(keys.CURRENT_STATE) == COMPLETE and held is not None and held.status == "True":
        return held.last_transition_time
    return annotations.get(keys.DRAIN_SINCE, "")


def age(state: LeanNodeState, now: datetime) -> str:
    """How long ago a drain began, for people."""
    return moments.so_far(moments.read(state.metadata.annotations.get(keys.DRAIN_SINCE, "")), now)


def left_s(state: LeanNodeState, now: datetime, deadline_s: float) -> float:
    """Seconds until a drain, or a node's return from it, is late; not above 0 when it is. One of unknown age is not."""
    if state.metadata.annotations.get(keys.CURRENT_STATE) not in {DRAINING, COMPLETE}:
        return deadline_s
    return deadline_s - (moments.seconds_since(began(state), now) or 0.0)
