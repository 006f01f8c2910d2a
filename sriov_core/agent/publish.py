"""Writes what the agent has to say into the cluster, in a thread of its own: nobody waits for an API server.

Only the last word counts. What could not be written is written when the server is back; what is there already is not.
"""

import datetime as dt
import enum
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from sriov_core.agent import handshake
from sriov_core.agent.handshake import Answer, Request, Seen, Talk
from sriov_core.agent.report import own, stamped
from sriov_core.agent.wish import SeenNodeState, status_of
from sriov_core.agent.writes import Told, events, node_patch, request_patch, status_body
from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.api.wire import API_VERSION
from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure, Away, Forbidden, NotFound
from sriov_core.kube.recorder import Recorder, Reference
from sriov_core.kube.resource import NODE_STATES, NODES

MANAGER = "sriov-core-agent"
PACE_S = 1.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
_SLICE_S = 1.0
REMIND_S = 60.0
"""How often a request is written to the Node once more while a drain is asked for or not ended: the Node may be a new
one by now, or somebody has overwritten it, and the agent does not watch it."""
_ECHO_S = 10.0
"""How long after a write of our own the watch may still tell of versions before it."""

_HELD = "nothing is changed on this machine before the cluster takes this agent's report, which it refuses"
_KEPT = "the cluster is not told for now, and what is to be said is kept"

_log = logging.getLogger("sriov_core.agent")


class _Standing(enum.Enum):
    """What became of the first word of this process. Whoever is away refuses nobody; a refusal is meant."""

    UNKNOWN = enum.auto()
    TAKEN = enum.auto()
    AWAY = enum.auto()
    REFUSED = enum.auto()


class Publisher(Protocol):
    """Where the agent says what it has to say."""

    @property
    def written(self) -> Request | None:
        """The request that was written last, or that may have been; None since this process began."""
        ...

    def want(self, status: NodeStateStatus, talk: Talk, about: str) -> None:
        """Say this from now on of the node state with that uid, and nothing of another one. Never waits."""
        ...

    def tell(self, told: Told) -> None:
        """Record an event about the node state."""
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that is wanted is written; False when it was not in that time."""
        ...

    def may_begin(self, timeout_s: float) -> bool:
        """Whether the machine may be changed: a word of this process was taken, or the cluster was away for it.

        Waits for the first word to be answered. False when it was refused, or not answered in that time.
        """
        ...


class Unheard:
    """The `Publisher` of a node without a cluster: there is the log."""

    @property
    def written(self) -> Request | None:
        """Nobody is asked for anything."""
        return None

    def want(self, status: NodeStateStatus, talk: Talk, about: str) -> None:
        """Nobody reads it."""

    def tell(self, told: Told) -> None:
        """Nobody reads it."""

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002  # nothing waits
        """Nothing is left to be written."""
        return True

    def may_begin(self, timeout_s: float) -> bool:  # noqa: ARG002  # nothing waits
        """There is nobody who could refuse."""
        return True


def seen_of(state: SeenNodeState) -> Seen:
    """What the annotations of the node's object say."""
    notes = state.metadata.annotations
    return handshake.read(
        notes.get(keys.DESIRED_STATE), notes.get(keys.CURRENT_STATE), notes.get(keys.EXTERNAL_DRAINER)
    )


class ClusterPublisher:
    """The `Publisher` of a node in a cluster.

    ``pace_s`` is the least time between two writes of the status; what was refused is tried again after ``retry_s``,
    then ever later.
    """

    def __init__(
        self,
        client: Client,
        *,
        node: str,
        namespace: str,
        recorder: Recorder | None = None,
        pace_s: float = PACE_S,
        retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._client = client
        self._node, self._namespace = node, namespace
        self._recorder = recorder
        self._pace_s, self._retry_s = pace_s, retry_s
        self._changed = threading.Condition()
        self._state: SeenNodeState | None = None
        self._status: NodeStateStatus | None = None
        self._talk, self._about = Talk(), ""
        self._answer: Answer | None = None
        self._written: Request | None = None
        self._mirrored: Request | None = None
        self._mirrored_at = -REMIND_S
        self._took_at = -_ECHO_S
        self._asked, self._done = 0, 0
        self._failures = 0
        self._complained = self._heard = False
        self._standing = _Standing.UNKNOWN

    @property
    def written(self) -> Request | None:
        return self._written

    def saw(self, state: SeenNodeState | None) -> None:
        """The node's object as it is now; None when there is none. What is wanted is compared with it."""
        with self._changed:
            if state is None or not self._is_echo(state):
                self._state = state
                self._heed(seen_of(state).answer if state else None)
            self._asked += 1
            self._heard = True
            self._changed.notify_all()

    def want(self, status: NodeStateStatus, talk: Talk, about: str) -> None:
        with self._changed:
            self._status, self._talk, self._about = status, talk, about
            self._asked += 1
            self._changed.notify_all()

    def tell(self, told: Told) -> None:
        state = self._state
        if self._recorder is None:
            return
        about = Reference(
            api_version=API_VERSION,
            kind=NODE_STATES.kind,
            name=self._node,
            namespace=self._namespace,
            uid=state.metadata.uid if state else "",
        )
        self._recorder.tell(about, told.kind, told.reason, told.action, told.note)

    def flush(self, timeout_s: float) -> bool:
        with self._changed:
            asked = self._asked
            return self._changed.wait_for(lambda: self._done >= asked, timeout_s)

    def may_begin(self, timeout_s: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._standing is not _Standing.UNKNOWN, timeout_s)
            return self._standing in (_Standing.TAKEN, _Standing.AWAY)

    def run(self, stop: threading.Event) -> None:
        """Write until ``stop`` is set; each request has the client's deadline."""
        while not stop.is_set():
            asked = self._next(stop)
            if asked is None:
                continue
            pause_s = self._attempt()
            with self._changed:
                self._done = asked if not self._failures else self._done
                self._changed.notify_all()
            self._rest(pause_s, stop)

    def _rest(self, pause_s: float, stop: threading.Event) -> None:
        """Let some time pass; after a failure, until the server is heard of again."""
        end = time.monotonic() + pause_s
        with self._changed:
            self._heard = False
            while not stop.is_set() and (left := end - time.monotonic()) > 0 and not (self._failures and self._heard):
                self._changed.wait(min(left, _SLICE_S))

    def _next(self, stop: threading.Event) -> int | None:
        """The number of the newest word that is not written yet; None when there was none for a second."""
        with self._changed:
            if not self._changed.wait_for(lambda: stop.is_set() or self._asked > self._done, _SLICE_S):
                return None
            return None if stop.is_set() else self._asked

    def _attempt(self) -> float:
        """Write what differs; answers how long to rest afterwards."""
        try:
            wrote = self._write()
        except NotFound as err:
            _log.debug("nothing to write to: %s", err)
            self._failures = 0
            return self._pace_s
        except ApiFailure as err:
            self._failures += 1
            self._stands(_Standing.REFUSED if isinstance(err, Forbidden) else _Standing.AWAY)
            if not self._complained and not isinstance(err, Away):
                self._complained = True
                is_held = self._standing is _Standing.REFUSED
                _log.warning("%s: %s", _HELD if is_held else _KEPT, err)
            pause_s = min(LONGEST_RETRY_S, self._retry_s * float(2 ** min(self._failures - 1, 16)))
            return max(pause_s, err.retry_after_s or 0.0)
        if self._complained:
            _log.info("the cluster is told again")
        self._failures, self._complained = 0, False
        return self._pace_s if wrote else 0.0

    def _write(self) -> bool:
        with self._changed:
            state, status, talk, about = self._state, self._status, self._talk, self._about
        if state is None or state.metadata.uid != about:
            return False
        seen = seen_of(state)
        request = talk.request if talk.request is not seen.request else None
        external = talk.external if talk.external != seen.external else None
        wrote, refused = False, None
        # Each for itself: a status that is refused shall not keep the node from being drained, or from leaving that.
        writes: tuple[Callable[[], bool], ...] = (
            lambda: self._mirror(request or seen.request, seen),
            lambda: self._ask(request, external, seen.request),
            lambda: self._report(status),
        )
        for write in writes:
            try:
                wrote = write() or wrote
            except ApiFailure as err:
                refused = refused or err
        if refused:
            raise refused
        self._stands(_Standing.TAKEN)
        return wrote

    def _stands(self, standing: "_Standing") -> None:
        """Whether this process is heard; once it was, no later answer makes it another's."""
        with self._changed:
            self._standing = _Standing.TAKEN if self._standing is _Standing.TAKEN else standing
            self._changed.notify_all()

    def _mirror(self, request: Request | None, seen: Seen) -> bool:
        """The Node's annotation goes first, as drain controllers expect; it is written anew by each process."""
        is_old = not seen.is_at_rest and time.monotonic() - self._mirrored_at >= REMIND_S
        if request is None or (request is self._mirrored and not is_old):
            return False
        self._written = request
        self._mirrored = None  # a write that fails may have been done all the same
        with suppress(NotFound):  # a node that left the cluster
            self._client.merge_patch(NODES, self._node, node_patch(request))
            self._mirrored, self._mirrored_at = request, time.monotonic()
        return False

    def _ask(self, request: Request | None, external: bool | None, before: Request | None) -> bool:  # noqa: FBT001
        patch = request_patch(request, external=external, before=before, now=_now())
        if patch:
            self._written = request or self._written
            self._took(self._client.merge_patch(NODE_STATES, self._node, patch, self._namespace, type=SeenNodeState))
            if request:
                _log.info("asks for %s (%s)", handshake.ASKED[request], request)
        return False

    def _report(self, wanted: NodeStateStatus | None) -> bool:
        """True when the status was written: that is what happens once a pace at the most."""
        state = self._state
        if wanted is None or state is None:
            return False
        before = status_of(state)
        status = stamped(wanted, before, _now())
        if status == own(before):
            return False
        body = status_body(status)
        changed = self._client.apply(
            NODE_STATES, self._node, body, self._namespace, subresource="status", type=SeenNodeState
        )
        self._took(changed)
        for told in events(before, status):
            self.tell(told)
        return True

    def _took(self, changed: SeenNodeState) -> None:
        """The answer to a write is newer than what the watch has told so far, and it will tell the same."""
        with self._changed:
            known = self._state
            if known is not None and known.metadata.uid == changed.metadata.uid and not _is_before(changed, known):
                self._state, self._took_at = changed, time.monotonic()

    def _heed(self, answer: Answer | None) -> None:
        """Log what becomes of a drain; that nothing is asked for is no news."""
        if answer is not self._answer and answer and (self._answer or answer is not Answer.IDLE):
            _log.info("%s (%s)", handshake.ANSWERED[answer], answer)
        self._answer = answer

    def _is_echo(self, state: SeenNodeState) -> bool:
        """True for what the watch tells of the time before a write that has just been answered."""
        known = self._state
        if known is None or time.monotonic() - self._took_at > _ECHO_S or known.metadata.uid != state.metadata.uid:
            return False
        return _is_before(state, known)


def _is_before(one: SeenNodeState, other: SeenNodeState) -> bool:
    """Whether one version of an object is older; what is no number cannot be compared."""
    old, new = one.metadata.resource_version, other.metadata.resource_version
    return old.isdecimal() and new.isdecimal() and int(old) < int(new)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
