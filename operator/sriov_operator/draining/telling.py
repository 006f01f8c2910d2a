"""Tells of drains: the condition where it differs, an event and a line in the log where it is news.

What somebody has to mend is logged as a warning, and again as long as it holds, at growing distance.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from sriov_core.api.conditions import Condition, merged
from sriov_core.kube.client import Client
from sriov_core.kube.recorder import Recorder, Reference
from sriov_core.kube.resource import NODE_STATES
from sriov_operator.draining import moments
from sriov_operator.draining.reminders import Reminders
from sriov_operator.draining.verdicts import BEFORE, BLOCKED, CONDITION, WAITING, Verdict, told
from sriov_operator.process.lean import LeanNodeState

ACTION = "Drain"
"""The action of the events."""

_log = logging.getLogger("sriov_operator.draining")


class Teller:
    """Tells of the nodes of a namespace. Thread-safe for different nodes."""

    def __init__(self, client: Client, recorder: Recorder, namespace: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._recorder = recorder
        self._namespace = namespace
        self._now = now
        self._sent: dict[str, tuple[str, Condition]] = {}
        self._reminders = Reminders()

    def tell(self, state: LeanNodeState, verdict: Verdict, *, begun: Verdict | None = None) -> None:
        """Set the condition Drained of a node state; nothing is sent when it says so already.

        With ``begun``, the drain is under way: where nobody has been told so yet, that is told first.
        """
        if verdict.warns:
            self._warn(state.metadata.name, verdict)
        current = state.status.conditions
        wanted = merged(current, (verdict.condition,), moments.written(self._now()))
        if wanted == current:
            return
        meta = state.metadata
        sent = (meta.resource_version, verdict.condition)
        if self._sent.get(meta.name) == sent:  # the cache does not show yet what was sent
            return
        body = {"status": {"conditions": [_sendable(one) for one in wanted if one.type == CONDITION]}}
        self._client.apply(NODE_STATES, meta.name, body, self._namespace, subresource="status", type=LeanNodeState)
        self._sent[meta.name] = sent
        held = told(state)
        if begun is not None and verdict.reason == BLOCKED and (held is None or held.reason in BEFORE):
            self._announce(state, begun)
        if verdict.is_news(held):
            self._announce(state, verdict)

    def _warn(self, node: str, verdict: Verdict) -> None:
        about = verdict.about or f"node {node}"
        if self._reminders.is_due(about, verdict.message, time.monotonic()):
            others = f" (and whoever else waits in {verdict.about})" if verdict.about else ""
            _log.warning("node %s%s: %s", node, others, verdict.line)

    def _announce(self, state: LeanNodeState, verdict: Verdict) -> None:
        if verdict.reason == WAITING:
            _log.info("node %s: its drain waits: %s", state.metadata.name, verdict.message)
        about = Reference(
            api_version=NODE_STATES.api_version,
            kind=NODE_STATES.kind,
            name=state.metadata.name,
            namespace=self._namespace,
            uid=state.metadata.uid,
        )
        kind: Literal["Normal", "Warning"] = "Warning" if verdict.warns else "Normal"
        self._recorder.tell(about, kind, verdict.event, ACTION, verdict.message, is_logged=verdict.warns)


def _sendable(condition: Condition) -> dict[str, Any]:
    """A drain follows annotations, which have no generation: it is left out."""
    said: dict[str, Any] = msgspec.to_builtins(condition)
    return {key: value for key, value in said.items() if key != "observedGeneration"}
