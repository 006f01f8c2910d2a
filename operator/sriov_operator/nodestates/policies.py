"""Writes the status of policies: a second after the last change that concerns one, at the latest after five."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable

from sriov_core.api.conditions import changes
from sriov_core.api.nodepolicy import NodePolicy, PolicyStatus
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import NotFound
from sriov_core.kube.recorder import reference
from sriov_core.kube.resource import POLICIES
from sriov_core.policy.reach import Standing
from sriov_operator.nodestates.board import Board
from sriov_operator.nodestates.calm import Calm
from sriov_operator.nodestates.policystatus import body, outline, status, unreadable
from sriov_operator.process.context import Context
from sriov_operator.stored import mistakes

QUIET_S = 1.0
LONGEST_S = 5.0

_STATES = ("ready", "progressing", "failed", "not-ready")

_log = logging.getLogger("sriov_operator.nodestates")


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
        if key in policies.unreadable:
            policy, standing = self._unreadable(name)
        else:
            policy = policies.get(key)
            standing = self._board.standing(name) if policy else None
        self._count(name, standing)
        if policy is None or standing is None:
            return None
        wanted = status(policy, standing, self._context.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        if wanted != policy.status:
            self._write(policy, wanted)
        return None

    def _unreadable(self, name: str) -> tuple[NodePolicy | None, Standing | None]:
        """What is to be said of a policy that does not fit its kind; it is read for that."""
        if not self._board.works:
            return None, None
        try:
            stored = self._context.client.get(POLICIES, name, self._context.settings.namespace)
        except NotFound:
            return None, None
        found = mistakes(stored)
        return outline(stored), unreadable(found) if found else None  # one that was mended comes by the watch

    def _write(self, policy: NodePolicy, wanted: PolicyStatus) -> None:
        name, namespace = policy.metadata.name, policy.metadata.namespace
        # With the uid, a policy that was deleted meanwhile is not made anew by what is only its status.
        document = {**body(wanted), "metadata": {"uid": policy.metadata.uid}}
        try:
            self._context.client.apply(POLICIES, name, document, namespace, subresource="status")
        except NotFound:
            return
        self._context.metrics.count("writes", kind=policy.kind, verb="apply")
        for change in changes(policy.status.conditions, wanted.conditions):
            self._context.recorder.tell(reference(policy), change.event_type, change.reason, change.action, change.note)

    def _count(self, name: str, standing: Standing | None) -> None:
        with self._lock:
            if standing is None:
                self._states.pop(name, None)
            else:
                self._states[name] = _state(standing)
            numbers = Counter(self._states.values())
        for state in _STATES:
            self._context.metrics.gauge("policies", numbers[state], state=state)


def _state(standing: Standing) -> str:
    if standing.ready:
        return "ready"
    if standing.status.failed_nodes:
        return "failed"
    return "progressing" if standing.status.pending_nodes else "not-ready"
