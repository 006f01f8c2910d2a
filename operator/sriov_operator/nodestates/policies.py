"""Writes the status of policies: a second after the last change that concerns one, at the latest after five."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable

import attrs
import msgspec

from sriov_core.api.conditions import Condition, changes
from sriov_core.api.nodepolicy import NodePolicy, PolicyStatus
from sriov_core.kube.client import Object
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import NotFound
from sriov_core.kube.recorder import reference
from sriov_core.kube.resource import POLICIES
from sriov_core.policy.reach import Standing
from sriov_operator.configuration import missing
from sriov_operator.nodestates.board import Board
from sriov_operator.nodestates.calm import Calm
from sriov_operator.nodestates.policystatus import body, outline, status, unreadable, waiting
from sriov_operator.process.context import Context
from sriov_operator.stored import acceptance, accepted, mistakes

QUIET_S = 1.0
LONGEST_S = 5.0

_STATES = ("ready", "progressing", "failed", "not-ready")

_log = logging.getLogger("sriov_operator.nodestates")


@attrs.frozen
class _Told:
    """What is to be told of a policy."""

    policy: NodePolicy
    standing: Standing

    def status(self, now: str, found: Condition | None) -> PolicyStatus:
        return status(self.policy, self.standing, now, found)


class PolicyStatuses:
    """Takes names of policies from any thread."""

    def __init__(self, context: Context, board: Board) -> None:
        self._context = context
        self._board = board
        self._lock = threading.Lock()
        self._calm: Calm[str] = Calm(quiet_s=QUIET_S, longest_s=LONGEST_S)
        self._states: dict[str, str] = {}
        self.controller: Controller[str] = Controller(
            "nodestates-policies", self._reconcile, workers=2, watcher=context.metrics
        )

    def changed(self, policies: Iterable[str]) -> None:
        """Something that concerns the status of these policies has changed."""
        now = time.monotonic()
        for name in policies:
            with self._lock:
                is_first = self._calm.changed(name, now)
            if is_first:
                self.controller.add_after(name, QUIET_S)

    def _reconcile(self, name: str) -> float | None:
        with self._lock:
            left = self._calm.left(name, time.monotonic())
        if left:
            return left
        policies, key = self._context.caches.policies, f"{self._context.settings.namespace}/{name}"
        told = self._unreadable(name) if key in policies.unreadable else self._told(policies.get(key))
        self._count(name, told.standing if told else None)
        if told is None:
            return None
        now = self._context.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = told.status(now, accepted(told.policy.status.conditions))
        if wanted == told.policy.status:
            return None
        stored = self._write(told.policy, wanted)
        written = msgspec.structs.replace(told.policy, status=wanted)
        if stored and (better := attrs.evolve(told, policy=written).status(now, acceptance(stored))) != wanted:
            self._write(written, better)
        return None

    def _told(self, policy: NodePolicy | None) -> _Told | None:
        if policy is None:
            return None
        standing = self._board.standing(policy.metadata.name, policy.metadata.generation)
        if standing is None and self._board.is_closed:
            why = missing(self._context.caches.configs, self._context.settings.namespace)
            standing = waiting(policy, why) if why else None  # else it has just come, and everything is looked at anew
        return _Told(policy, standing) if standing else None

    def _unreadable(self, name: str) -> _Told | None:
        """What is to be said of a policy that does not fit its kind; it is read for that."""
        if not (self._board.works or self._board.is_closed):
            return None
        try:
            stored = self._context.client.get(POLICIES, name, self._context.settings.namespace)
        except NotFound:
            return None
        found = mistakes(stored)  # one that was mended comes by the watch
        return _Told(outline(stored), unreadable(found)) if found else None

    def _write(self, policy: NodePolicy, wanted: PolicyStatus) -> Object | None:
        """The policy as it is stored then; None when it has gone."""
        name, namespace = policy.metadata.name, policy.metadata.namespace
        # With the uid, a policy that was deleted meanwhile is not made anew by what is only its status.
        document = {**body(wanted), "metadata": {"uid": policy.metadata.uid}}
        try:
            stored = self._context.client.apply(POLICIES, name, document, namespace, subresource="status")
        except NotFound:
            return None
        self._context.metrics.count("writes", kind=policy.kind, verb="apply")
        for change in changes(policy.status.conditions, wanted.conditions):
            self._context.recorder.tell(reference(policy), change.event_type, change.reason, change.action, change.note)
        return stored

    def _count(self, name: str, standing: Standing | None) -> None:
        with self._lock:
            if standing is None:
                self._states.pop(name, None)
            else:
                self._states[name] = _state(standing)
            numbers = Counter(self._states.values())
            for state in _STATES:  # still locked, or one that counted earlier might tell last
                self._context.metrics.gauge("policies", numbers[state], state=state)


def _state(standing: Standing) -> str:
    if standing.ready:
        return "ready"
    if standing.status.failed_nodes:
        return "failed"
    return "progressing" if standing.status.pending_nodes else "not-ready"
