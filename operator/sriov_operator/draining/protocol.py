"""The handshake between agent and operator about a drain, as a table: request and answer give one next step.

The agent asks (annotation `keys.NODE_STATE` of the Node), the operator answers (`keys.CURRENT_STATE` of the node
state). The words are those of the SR-IOV network operator, so either side may be it. Nothing here does I/O.
"""

import enum
from collections.abc import Mapping

import attrs

from sriov_core.api import keys
from sriov_core.api.fault import shown
from sriov_core.api.wire import GROUP

IDLE = "Idle"
DRAIN = "Drain_Required"
REBOOT = "Reboot_Required"
DRAINING = "Draining"
COMPLETE = "DrainComplete"

OF_NODE = f"{GROUP}/drain-of-node"
"""Annotation of a node state: the uid of the Node that is drained. Another of its name serves, and has pods."""

REQUESTS = (IDLE, DRAIN, REBOOT)
ANSWERS = (IDLE, DRAINING, COMPLETE)
EXTERNAL = "true"
"""The value of `keys.EXTERNAL_DRAINER` that leaves a node to somebody else; any other means nothing."""


class Terms(enum.Enum):
    """What the operator's configuration says of drains."""

    UNKNOWN = "there is none: nothing is touched"
    DRAIN = "they are done as they are asked for"
    NONE = "disableDrain: agents go on without, so none is begun, and one that is not done yet is ended"
    END = "the configuration is going or gone, and the agents with it: every drain is ended"


class Step(enum.Enum):
    """What the operator does next about a node."""

    REST = "nothing is asked"
    LEAVE = "somebody else drains it"
    INTRODUCE = "write the annotations that are missing"
    ADMIT = "begin to drain it when its pool allows"
    EVICT = "go on draining it"
    AWAIT = "it is drained: the agent's turn"
    RELEASE = "the agent is done: let it serve again"
    REFUSE = "an annotation makes no sense"


@attrs.frozen
class Next:
    """The next step. ``full`` drains every pod and not only those with devices; ``why`` tells what makes no sense."""

    step: Step
    full: bool = False
    why: str = ""


@attrs.frozen(kw_only=True)
class Handshake:
    """The annotations by which a node is judged; an empty one is one that is missing.

    ``mirror`` is the request as the node state repeats it. The Node's counts, because the agent writes it first.
    ``unserved`` says that the node is not managed any more, and its state is kept for a while: no agent is there that
    would work on it, or ask for the end of its drain. ``replaced`` says that the drain was that of another Node.
    """

    request: str = ""
    answer: str = ""
    mirror: str = ""
    external: bool = False
    unserved: bool = False
    replaced: bool = False

    @property
    def asks(self) -> bool:
        """True when a drain is asked for."""
        return self.request in {DRAIN, REBOOT} and not self.unserved

    @property
    def is_waiting(self) -> bool:
        """True when a drain is asked for that we shall do and have not begun."""
        return self.asks and self.answer in {"", IDLE} and not self.external

    @property
    def is_busy(self) -> bool:
        """True when the node takes a place of its pool. What nobody understands may be a node that is drained."""
        return self.answer not in {"", IDLE}


def handshake(node: Mapping[str, str], state: Mapping[str, str], uid: str = "") -> Handshake:
    """The handshake in the annotations of a Node, which has that ``uid``, and of its node state."""
    return Handshake(
        request=node.get(keys.NODE_STATE, ""),
        answer=state.get(keys.CURRENT_STATE, ""),
        mirror=state.get(keys.DESIRED_STATE, ""),
        external=state.get(keys.EXTERNAL_DRAINER) == EXTERNAL,
        unserved=keys.KEEP_STATE_UNTIL in state,
        replaced=state.get(OF_NODE, uid) != uid,
    )


def decide(seen: Handshake, terms: Terms = Terms.DRAIN) -> Next:
    """The next step; every combination of texts has one, and none is an error.

    An answer that nobody understands is overwritten when nothing is asked. While a drain is asked for it is told and
    left: the node may be drained or serve, and to take it for either could evict pods beyond the budget.
    """
    if not (seen.request and seen.answer and seen.mirror) and terms is not Terms.END:
        return Next(Step.INTRODUCE)
    if seen.external:
        return Next(Step.LEAVE)
    if terms is Terms.END or (terms is Terms.NONE and seen.answer in {IDLE, DRAINING}):
        return Next(Step.RELEASE if seen.is_busy else Step.REST)
    if seen.request not in REQUESTS:
        return Next(Step.REFUSE, why=_senseless(keys.NODE_STATE, "Node", seen.request, REQUESTS))
    if not seen.asks or (seen.replaced and seen.is_busy):
        return Next(Step.REST if seen.answer == IDLE else Step.RELEASE)
    if seen.answer not in ANSWERS:
        return Next(Step.REFUSE, why=_senseless(keys.CURRENT_STATE, "SriovNetworkNodeState", seen.answer, ANSWERS))
    steps = {IDLE: Step.ADMIT, DRAINING: Step.EVICT, COMPLETE: Step.AWAIT}
    return Next(steps[seen.answer], full=seen.request == REBOOT)


def missing(seen: Handshake) -> tuple[dict[str, str], dict[str, str]]:
    """The annotations to add to the Node and to its node state, so that the agent finds all of them.

    A Node that came anew while its node state was kept has not lost what the agent asked for.
    """
    node = {} if seen.request else {keys.NODE_STATE: seen.mirror if seen.mirror in REQUESTS else IDLE}
    state = {keys.DESIRED_STATE: seen.mirror, keys.CURRENT_STATE: seen.answer}
    return node, {key: IDLE for key, value in state.items() if not value}


def _senseless(key: str, kind: str, found: str, words: tuple[str, ...]) -> str:
    wanted = f"wanted one of {', '.join(words)}"
    return f"the annotation {key} of the {kind} is {shown(found)}, {wanted}. Write {IDLE} there to begin anew"
