"""Keeps the status of pools, and what pools for Open vSwitch offload have on OpenShift."""

import logging
import threading

import msgspec

from sriov_core.api import conditions, keys, operatorconfig
from sriov_core.api.conditions import ACCEPTED, Condition
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig, PoolConfigStatus
from sriov_core.errors import SriovError
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import Conflict, Unavailable
from sriov_core.kube.recorder import Reference
from sriov_core.kube.resource import POOLS
from sriov_operator.draining import moments, verdicts
from sriov_operator.draining.budget import SHOWN
from sriov_operator.draining.fleet import Fleet
from sriov_operator.draining.offload import Offload
from sriov_operator.draining.openshift import OPENSHIFT, OpenShift
from sriov_operator.draining.poolstatus import READY, Facts, next_late_s, offloading, status
from sriov_operator.process.context import Context
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.stored import Object, acceptance, accepted, joined

GATHERING_S = 1.0
"""How long changes of nodes are gathered before a pool's status is written: a pool changes with each of its nodes."""
OFFLOAD_S = 300.0
"""How often it is looked whether the MachineConfig of an offload pool is still there; it is not watched."""

_log = logging.getLogger("sriov_operator.draining")


class Pools:
    """The controller of pools, keyed by name."""

    def __init__(self, context: Context, *, gathering_s: float = GATHERING_S) -> None:
        self._context = context
        self._gathering_s = gathering_s
        self._fleet = Fleet(context.now)
        openshift = OpenShift(context.client) if context.settings.cluster_type == OPENSHIFT else None
        self._offload = Offload(context.client, context.settings.namespace, openshift)
        self._controller: Controller[str] = Controller("pools", self._reconcile, watcher=context.metrics)

    def start(self, stop: threading.Event) -> None:
        """Subscribe to the caches and start the worker."""
        caches = self._context.caches
        caches.pools.subscribe(self._on_pool)
        caches.nodes.subscribe(self._on_node)
        caches.states.subscribe(self._on_state)
        caches.configs.subscribe(self._on_config)
        self._controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the worker after ``stop``; False when it is still busy."""
        return self._controller.join(timeout_s)

    def _reconcile(self, name: str) -> float | None:
        caches, namespace = self._context.caches, self._context.settings.namespace
        pool = caches.pools.get(f"{namespace}/{name}")
        if pool is None or caches.configs.get(f"{namespace}/{operatorconfig.NAME}") is None:
            return None
        is_offload = bool(pool.spec.ovs_hardware_offload_config.name)
        problem = self._settled(pool) if is_offload or keys.POOL_FINALIZER in pool.metadata.finalizers else ""
        if pool.metadata.deletion_timestamp:
            return None
        if is_offload:
            self._write(pool, offloading(pool, problem))
            return OFFLOAD_S
        return self._report(pool)

    def _settled(self, pool: PoolConfig) -> str:
        """What keeps an offload pool from what it should be. What passes by itself is raised, and tried again soon."""
        known = self._context.caches.pools.items()
        named = (one.spec.ovs_hardware_offload_config.name for one in known if one.metadata.name != pool.metadata.name)
        try:
            return self._offload.settle(pool, frozenset(named))
        except (Conflict, Unavailable):
            raise
        except SriovError as err:
            if pool.metadata.deletion_timestamp:
                raise
            _log.warning("pool %s: %s", pool.metadata.name, err)
            return str(err)

    def _report(self, pool: PoolConfig) -> float | None:
        fleet, name = self._fleet, pool.metadata.name
        facts = Facts(
            pool=pool,
            view=fleet.view(name),
            busy=fleet.busy(name),
            waiting=fleet.waiting(name, SHOWN),
            overlapping=fleet.overlapping(name),
        )
        deadline_s, now = self._context.settings.drain_deadline_s, self._context.now()
        self._context.metrics.gauge("pool_nodes", facts.view.members, pool=name)
        self._write(pool, status(facts, self._state_of, now, deadline_s))
        return next_late_s(facts, self._state_of, now, deadline_s)

    def _write(self, pool: PoolConfig, wanted: PoolConfigStatus) -> None:
        now, found = moments.written(self._context.now()), accepted(pool.status.conditions)
        after = msgspec.structs.replace(
            wanted, conditions=joined(pool.status.conditions, wanted.conditions, found, now)
        )
        if after == pool.status:
            return
        found = acceptance(self._apply(pool, after))
        better = msgspec.structs.replace(after, conditions=joined(after.conditions, wanted.conditions, found, now))
        if better != after:
            self._apply(msgspec.structs.replace(pool, status=after), better)

    def _apply(self, pool: PoolConfig, wanted: PoolConfigStatus) -> Object:
        """The pool as it is stored then."""
        before, after = pool.status.conditions, wanted.conditions
        counts = {"nodes": wanted.nodes, "draining": wanted.draining, "waiting": wanted.waiting}  # also when they are 0
        own = [one for one in after if one.type in (READY, ACCEPTED)]
        told = {**msgspec.to_builtins(wanted), **counts, "conditions": own}
        name, namespace = pool.metadata.name, self._context.settings.namespace
        stored: Object = self._context.client.apply(POOLS, name, {"status": told}, namespace, subresource="status")
        about = Reference(
            api_version=POOLS.api_version, kind=POOLS.kind, name=name, namespace=namespace, uid=pool.metadata.uid
        )
        for change in conditions.changes(before, after):
            self._context.recorder.tell(about, change.event_type, change.reason, change.action, change.note)
        return stored

    def _state_of(self, node: str) -> LeanNodeState | None:
        return self._context.caches.states.get(f"{self._context.settings.namespace}/{node}")

    def _on_pool(self, before: PoolConfig | None, after: PoolConfig | None) -> None:
        self._touch(self._fleet.pool_changed(before, after))
        if after is not None and (before is None or _asked(before) != _asked(after)):
            self._controller.add(after.metadata.name)
        elif after is None and before is not None:
            self._context.metrics.gauge("pool_nodes", 0, pool=before.metadata.name)

    def _on_node(self, before: LeanNode | None, after: LeanNode | None) -> None:
        self._touch(self._fleet.node_changed(before, after))

    def _on_state(self, before: LeanNodeState | None, after: LeanNodeState | None) -> None:
        touched = self._fleet.state_changed(before, after)
        row = self._fleet.row(after.metadata.name) if after is not None else None
        if after is not None and row is not None and row.hands.is_busy and _told(before) != _told(after):
            touched |= row.places
        self._touch(touched)

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        if before is None and after is not None:
            for pool in self._context.caches.pools.items():
                self._controller.add(pool.metadata.name)

    def _touch(self, pools: frozenset[str]) -> None:
        for name in pools:
            if name:
                self._controller.add_after(name, self._gathering_s)


def _told(state: LeanNodeState | None) -> Condition | None:
    return verdicts.told(state) if state is not None else None


def _asked(pool: PoolConfig) -> tuple[object, ...]:
    """What a pool asks for; its status is our own."""
    meta = pool.metadata
    return pool.spec, meta.generation, meta.finalizers, meta.annotations, meta.deletion_timestamp
