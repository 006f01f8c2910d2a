"""What stands between a process and the API server, told once for all who ask: as it begins, lasts and ends.

An outage concerns everything in a process, and so does a role that was forgotten; whoever asks tells of neither.
"""

import logging
import threading
import time
from collections.abc import Callable

import attrs

from sriov_core.kube.failures import NO_TRUST, ApiFailure, Forbidden, NotFound
from sriov_core.kube.pace import GAPS_S, Pace
from sriov_core.kube.resource import OURS, Resource

SETTLE_S = 0.9
"""How long one waits for others with the same trouble before it is told, so that one line names them all."""

MOST_NAMED = 8

_ROLES = (
    "Apply the roles and their bindings (sriov-operator manifests prints those of the operator and its agents), and "
    "check that this process runs under their service account"
)
_IDENTITY = (
    "It is not known who asks, so no role can help: in a pod, check that its service account was not made anew and "
    "start the pod again; with a kubeconfig, log in again"
)
_DEFINITIONS = "Apply the definitions of this project: sriov-core crds | kubectl apply --server-side -f -"

_log = logging.getLogger(__name__)
# A command without a log raises what it meets, and needs no second word of it on the standard error.
_log.addHandler(logging.NullHandler())


@attrs.frozen
class Cause:
    """Why kinds cannot be watched. Those with the same cause are told together; ``remedy`` may be empty.

    ``lasts`` says that it stays until somebody does what the remedy says.
    """

    key: str
    remedy: str = ""
    lasts: bool = False


@attrs.define
class _Trouble:
    """One cause, and the watches that have it, each with its last failure."""

    cause: Cause
    since: float
    whom: dict[str, str] = attrs.field(factory=dict)
    ended: float = float("-inf")
    pace: Pace = attrs.field(factory=Pace)


class Troubles:
    """Of one client and all that asks through it. Thread-safe. ``clock`` is monotonic seconds.

    A server that does not answer is told at once, and so is its first answer; a cause that keeps kinds from being
    watched, as soon as it has stayed for `SETTLE_S`. What comes and goes is told once a minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent_since: float | None = None
        self._silence = Pace()
        self._of_kinds: dict[str, _Trouble] = {}

    @property
    def is_away(self) -> bool:
        """True from a request that nobody answered until the next that somebody does."""
        return self._silent_since is not None

    def unanswered(self, text: str, waited_s: float) -> None:
        """Nobody answered a request, for which somebody waited so long."""
        with self._lock:
            now = self._clock()
            if self._silent_since is None:
                self._silent_since = now - waited_s
            before, lasted_s = self._silence.told, now - self._silent_since
            if not self._silence.tells(now):
                return
        is_there = NO_TRUST in text
        if before:
            what = "has not been trusted for" if is_there else "has been away for"
            _log.warning("the API server %s %s: %s", what, _long(lasted_s), text)
        else:
            _log.warning("the API server %s: %s", "is not trusted" if is_there else "is away", text)

    def answered(self) -> None:
        """The API server answered a request."""
        if not self.is_away:  # nearly always, and then nobody waits for the lock
            return
        with self._lock:
            since, self._silent_since = self._silent_since, None
            if since is None:
                return
            told, lasted_s = self._silence.told, self._clock() - since
            self._silence.ends()
        if told:
            # As loud as its beginning: whoever was told of the one waits for the other.
            _log.warning("the API server is back after %s", _long(lasted_s))

    def lost(self, name: str, resource: Resource, failure: ApiFailure) -> None:
        """Objects cannot be listed or watched. ``name`` is that of the cache, often the plural of their kind."""
        cause, now = cause_of(resource, failure), self._clock()
        with self._lock:
            self._take_from_others(name, cause.key, now)
            trouble = self._of_kinds.setdefault(cause.key, _Trouble(cause, now))
            if not trouble.whom and now - trouble.ended > GAPS_S[0]:
                trouble.since = now
            if name not in trouble.whom:
                trouble.pace.grew(now)
            trouble.whom[name] = str(failure)
            if now - trouble.since < SETTLE_S or not trouble.pace.tells(now):
                return
            text = _told(trouble)
        _log.warning("%s", text)

    def well(self, name: str) -> None:
        """They are being watched."""
        with self._lock:
            over = self._take_from_others(name, "", self._clock())
        for cause, lasted_s in over:
            _log.warning("%s is over after %s: all that was not watched is watched now", cause.key, _long(lasted_s))

    @property
    def lacking(self) -> tuple[str, ...]:
        """What stays as it is until somebody does something, a line for each cause, with what to do."""
        with self._lock:
            settled = self._clock() - SETTLE_S
            found = [one for one in self._of_kinds.values() if one.whom and one.cause.lasts and one.since <= settled]
            return tuple(_told(one) for one in sorted(found, key=lambda one: one.cause.key))

    def _take_from_others(self, name: str, key: str, now: float) -> list[tuple[Cause, float]]:
        """It has no cause but ``key`` any more; the causes that have been told and are over now."""
        over = []
        for trouble in self._of_kinds.values():
            if trouble.cause.key == key or trouble.whom.pop(name, None) is None or trouble.whom:
                continue
            if trouble.pace.told:
                over.append((trouble.cause, now - trouble.since))
            trouble.pace.ends()
            trouble.ended = now
        return over


def cause_of(resource: Resource, failure: ApiFailure) -> Cause:
    """Why objects cannot be watched, and what to do about it."""
    if isinstance(failure, Forbidden):
        if failure.status == 401:
            return Cause("HTTP 401", _IDENTITY, lasts=True)
        return Cause("HTTP 403", _ROLES, lasts=True)
    if isinstance(failure, NotFound):
        if resource in OURS.values():
            return Cause("HTTP 404", _DEFINITIONS, lasts=True)
        # Kinds of others may be left out of a cluster for good; the failure says what is missing.
        return Cause(f"HTTP 404 for {resource.plural}")
    return Cause(f"HTTP {failure.status}" if failure.status else type(failure).__name__)


def _told(trouble: _Trouble) -> str:
    names = sorted(trouble.whom)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    why = trouble.whom[names[0]].rstrip(".")
    remedy = f". {trouble.cause.remedy}" if trouble.cause.remedy else ""
    return f"not watched: {', '.join(names[:MOST_NAMED])}{more}: {why}{remedy}"


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
