"""Drains nodes: which changes bring a node to the workers, and the metrics of all of them."""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from sriov_core.api import operatorconfig
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.kube.controller import Controller
from sriov_operator.draining import verdicts
from sriov_operator.draining.drainer import Drainer, Timing
from sriov_operator.draining.fleet import Fleet, Pools
from sriov_operator.draining.gauges import measured
from sriov_operator.draining.ledger import Ledger
from sriov_operator.draining.places import Places
from sriov_operator.draining.protocol import Terms
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNode, LeanNodeState

WORKERS = 10
MEASURING_S = 1.0
"""How long changes are gathered before the metrics are set anew."""
MEASURING_AGAIN_S = 15.0
"""How often they are set anew while a drain is under way: one becomes late without a change."""

# Keys that no Node can be called.
_REVIEW, _MEASURE = "#review", "#measure"

_log = logging.getLogger("sriov_operator.draining")


class Drain:
    """The controller of drains, keyed by node. ``workers`` bounds the nodes that are looked at at a time."""

    def __init__(self, context: Context, *, timing: Timing | None = None, workers: int = WORKERS) -> None:
        self._context = context
        self._fleet = Fleet(context.now)
        ledger = Ledger(context.client, context.settings.namespace)
        self._places = Places(ledger, self._fleet, context.now, self._wake)
        self._drainer = Drainer(context, self._fleet, self._places, timing or Timing(), self._terms)
        self._controller: Controller[str] = Controller("drain", self._pass, workers=workers, watcher=context.metrics)
        self._has_lost_config = False

    def start(self, stop: threading.Event) -> None:
        """Subscribe to the caches and start the workers."""
        caches = self._context.caches
        caches.pools.subscribe(self._on_pool)
        caches.nodes.subscribe(self._on_node)
        caches.states.subscribe(self._on_state)
        caches.configs.subscribe(self._on_config)
        if self._terms() is Terms.UNKNOWN:
            _log.warning("no SriovOperatorConfig %s: no node is drained before there is one", operatorconfig.NAME)
        self._wake((_REVIEW, _MEASURE))
        self._controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the workers after ``stop``; False when one is still busy."""
        return self._controller.join(timeout_s)

    def _pass(self, key: str) -> float | None:
        if key == _MEASURE:
            return MEASURING_AGAIN_S if self._measure() else None
        if self._terms() is Terms.UNKNOWN:
            return None  # the workers are woken when there is a configuration
        return self._drainer.review() if key == _REVIEW else self._drainer.reconcile(key)

    def _measure(self) -> bool:
        """Set the metrics; True when a node waits or is drained."""
        settings, states = self._context.settings, self._context.caches.states
        rows = self._fleet.rows()
        found = measured(
            rows,
            lambda node: states.get(f"{settings.namespace}/{node}"),
            self._context.now(),
            settings.drain_deadline_s,
        )
        for name, value in found.items():
            self._context.metrics.gauge(name, value)
        return any(found.values())

    def _on_node(self, before: LeanNode | None, after: LeanNode | None) -> None:
        name = (before or after).metadata.name  # type: ignore[union-attr]  # one of them is there
        row = self._fleet.row(name)
        touched = self._fleet.node_changed(before, after)
        self._lost(name, before, after, was_busy=row is not None and row.hands.is_busy)
        self._moved(name, touched)

    def _on_state(self, before: LeanNodeState | None, after: LeanNodeState | None) -> None:
        name = (before or after).metadata.name  # type: ignore[union-attr]  # one of them is there
        row = self._fleet.row(name)
        touched = self._fleet.state_changed(before, after)
        self._lost(name, before, after, was_busy=row is not None and row.hands.is_busy)
        self._moved(name, touched)
        if before is not None and after is not None and verdicts.told(before) != verdicts.told(after):
            self._controller.add_after(_MEASURE, MEASURING_S)

    def _on_pool(self, before: PoolConfig | None, after: PoolConfig | None) -> None:
        if self._fleet.pool_changed(before, after):
            self._wake(row.node for row in self._fleet.rows() if row.hands.asks)

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        if operatorconfig.NAME not in {one.metadata.name for one in (before, after) if one is not None}:
            return
        self._has_lost_config = after is None
        if before is not None and after is not None and _said(before) is _said(after):
            return
        busy = sum(row.hands.is_busy for row in self._fleet.rows())
        if busy and after is not None and _said(after) is Terms.NONE:
            _log.warning("disableDrain is on: drains under way are ended that are not done, of %d", busy)
        elif before is not None and busy and (after is None or _said(after) is Terms.END):
            _log.warning("the SriovOperatorConfig is going: drains under way are ended, and cordons lifted: %d", busy)
        self._wake((_REVIEW, *self._places.noted, *(row.node for row in self._fleet.rows())))

    def _lost(self, name: str, before: Any, after: Any, *, was_busy: bool) -> None:
        """What is gone in the middle of a drain, or is another one now, leaves a cordon and a place behind."""
        is_another = before is not None and (after is None or after.metadata.uid != before.metadata.uid)
        if is_another and was_busy:
            self._places.note((name,))

    def _moved(self, name: str, touched: Pools) -> None:
        if not touched:
            return
        self._controller.add(name)
        self._controller.add_after(_MEASURE, MEASURING_S)
        for pool in touched:
            self._places.wake_waiting(pool)

    def _wake(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._controller.add(key)

    def _terms(self) -> Terms:
        """What counts now.

        A configuration that was taken away takes the agents with it, and nobody would ask for the end of a drain.
        """
        config = self._context.caches.configs.get(f"{self._context.settings.namespace}/{operatorconfig.NAME}")
        if config is not None:
            return _said(config)
        return Terms.END if self._has_lost_config else Terms.UNKNOWN


def _said(config: OperatorConfig) -> Terms:
    if config.metadata.deletion_timestamp:
        return Terms.END
    return Terms.NONE if config.spec.disable_drain else Terms.DRAIN
