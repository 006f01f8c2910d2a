"""The agent's half of the drain protocol: what to ask for, and what the answer allows. Pure.

The agent writes the request (annotation ``state`` of the Node, ``desired-state`` of the node state), whoever drains
writes the answer (``current-state``). A drain that takes the pods with VFs is finished as such: for a reboot the agent
takes its request back, waits for the answer Idle, and asks anew.
"""

import enum
from typing import TypeVar

import attrs

Word = TypeVar("Word", bound=enum.StrEnum)


class Request(enum.StrEnum):
    """What the agent asks for."""

    IDLE = "Idle"
    DRAIN = "Drain_Required"
    REBOOT = "Reboot_Required"


class Answer(enum.StrEnum):
    """How far the draining is."""

    IDLE = "Idle"
    DRAINING = "Draining"
    COMPLETE = "DrainComplete"


class Need(enum.IntEnum):
    """What a plan needs before it may be done, in rising order."""

    NONE = 0
    DRAIN = 1
    REBOOT = 2


@attrs.frozen(kw_only=True)
class Seen:
    """What stands in the annotations; None where nothing does, or a word that nobody knows.

    ``external`` is whether the node state leaves the draining to somebody else.
    """

    request: Request | None = None
    answer: Answer | None = None
    external: bool = False

    @property
    def is_at_rest(self) -> bool:
        """True when nothing is asked for and no drain is left to end."""
        return self.request in (None, Request.IDLE) and self.answer in (None, Answer.IDLE)


@attrs.frozen(kw_only=True)
class Terms:
    """How draining is to go: not at all (``disabled``), or by somebody outside of this project (``external``)."""

    disabled: bool = False
    external: bool = False


@attrs.frozen(kw_only=True)
class Talk:
    """What to write (None leaves it alone), what is granted now, and what is waited for, empty for nothing."""

    request: Request | None = None
    external: bool | None = None
    granted: Need = Need.NONE
    waits: str = ""


ASKED = {
    Request.IDLE: "no drain",
    Request.DRAIN: "a drain of the pods that have devices",
    Request.REBOOT: "a drain of all pods, for a reboot",
}
ANSWERED = {
    Answer.IDLE: "the drain is over",
    Answer.DRAINING: "the drain is under way",
    Answer.COMPLETE: "the node is drained",
}
"""For people."""

_ASKS = {Need.DRAIN: Request.DRAIN, Need.REBOOT: Request.REBOOT}
_GRANTS = {Request.DRAIN: Need.DRAIN, Request.REBOOT: Need.REBOOT}


def read(request: str | None, answer: str | None, external: str | None) -> Seen:
    """The annotations as they stand; words that nobody knows count as none."""
    return Seen(request=_known(Request, request), answer=_known(Answer, answer), external=external == "true")


def talk(seen: Seen, need: Need, terms: Terms, *, written: Request | None = None, keep: bool = False) -> Talk:
    """The agent's next word.

    ``written`` is the request that this process wrote last: as long as something else is seen, what is seen is old,
    and an answer in it may be to an earlier request. ``keep`` holds on to a drain for which there is no need at this
    moment, because work that it was for has failed and is tried again.
    """
    if terms.disabled:
        idle = need is Need.NONE or seen.request is None
        return Talk(request=_unless(seen.request, Request.IDLE) if idle else None, granted=Need.REBOOT)
    if seen.is_at_rest and seen.external != terms.external:
        # Who drains is settled before anything is asked for.
        waits = "for the choice of who drains to be taken up" if need else ""
        first = Request.IDLE if seen.request is None else None
        return Talk(request=first, external=terms.external, waits=waits)
    if need is Need.NONE:
        return _at_ease(seen, keep=keep)
    is_old = written not in (None, seen.request)
    if is_old and seen.answer in (Answer.DRAINING, Answer.COMPLETE):
        return Talk(request=written, waits="for its own request to be taken up")
    return _asking(seen, need)


def _at_ease(seen: Seen, *, keep: bool) -> Talk:
    drained = seen.answer is Answer.COMPLETE and seen.request in _GRANTS
    granted = _GRANTS[seen.request] if drained and seen.request else Need.NONE
    if keep and seen.request in _GRANTS:
        return Talk(granted=granted)
    return Talk(request=_unless(seen.request, Request.IDLE), granted=granted)


def _asking(seen: Seen, need: Need) -> Talk:
    match seen.request, seen.answer:
        case (None | Request.IDLE, Answer.DRAINING | Answer.COMPLETE):
            return Talk(request=_unless(seen.request, Request.IDLE), waits="for an earlier drain to be ended")
        case (None | Request.IDLE, _):
            return Talk(request=_ASKS[need], waits="for the drain that it asks for")
        case (Request.DRAIN, Answer.DRAINING | Answer.COMPLETE) if need is Need.REBOOT:
            return Talk(
                request=Request.IDLE, waits="for a partial drain to be ended, because a reboot needs a full one"
            )
        case (request, Answer.COMPLETE):
            return Talk(granted=_GRANTS[request])
        case (_, Answer.DRAINING):
            return Talk(waits="for the drain to end")
        case (request, _):
            return Talk(request=_unless(request, _ASKS[need]), waits="for its turn to be drained")


def _unless(seen: Request | None, wanted: Request) -> Request | None:
    return None if seen is wanted else wanted


def _known(words: type[Word], text: str | None) -> Word | None:
    return next((word for word in words if word.value == text), None)
