"""Many nodes in a cluster, what policies do to them under a running operator, and the same writes by a bare loop."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from bench import cluster_objects as objects
from bench.cluster import Access, Cluster, each
from bench.cluster_objects import FIRST, JSON_PATCH, SECOND, asks_for
from bench.cluster_process import Daemon
from bench.cluster_requests import Audit, Request
from bench.cluster_watch import watching

QUIET_S = 3.0
"""Longer than the operator collects what it then writes at once: configs 0.5 s, status of policies 1 s."""
IDLE_S = 15.0
DEADLINE_S = 300.0
ALL = "all"


@attrs.frozen(kw_only=True)
class Effect:
    """What policies led to: ``seconds`` from the creation of each to its last node state.

    ``requests`` and CPU seconds are the operator's for all of them together, less what it uses when idle.
    """

    seconds: tuple[float, ...]
    requests: tuple[Request, ...]
    cpu_s: float


@attrs.frozen
class Stage:
    """A cluster with these nodes, which report their NICs and have no wish."""

    cluster: Cluster
    names: tuple[str, ...]

    @classmethod
    def fill(cls, cluster: Cluster, nodes: int) -> "Stage":
        """The nodes as they are when their agents have just begun."""
        stage = cls(cluster, tuple(f"node{number:04d}" for number in range(nodes)))
        cluster.admin.create(objects.NODES, map(objects.node, stage.names))
        cluster.admin.create(objects.STATES, map(objects.state, stage.names))
        return stage

    @contextmanager
    def operated(self) -> Iterator["Operated"]:
        """With an operator that has done what there was to do."""
        audit = Audit(self.cluster.server.audit_log, "sriov-operator/")
        with self.cluster.operator() as operator:
            audit.quiet(QUIET_S, DEADLINE_S)
            yield Operated(self, operator, audit)

    def write_all(self) -> float:
        """The seconds that a bare loop takes to give each node a wish, with the operator's identity; taken back."""
        patches = self._patches(objects.wish(FIRST, ALL))
        began = time.monotonic()
        each(lambda patch: _write(self.cluster.as_operator, *patch), patches)
        seconds = time.monotonic() - began
        each(lambda patch: _write(self.cluster.as_operator, *patch), self._patches({}))
        return seconds

    def write_one(self, times: int) -> float:
        """The seconds for a policy and one wish, written by hand one after the other; both are taken back."""
        admin, taken = self.cluster.admin, []
        for name, change in list(self._patches(objects.wish(SECOND, "one")))[:times]:
            began = time.monotonic()
            admin.ask("POST", objects.POLICIES, objects.policy("one", SECOND, on=name))
            _write(self.cluster.as_operator, name, change)
            taken.append(time.monotonic() - began)
            admin.ask("DELETE", f"{objects.POLICIES}/one")
        each(lambda patch: _write(self.cluster.as_operator, *patch), self._patches({}))
        return statistics.median(taken)

    def _patches(self, wish: objects.Document) -> list[tuple[str, list[objects.Document]]]:
        """For each node the patch as the operator writes it."""
        found = self.cluster.admin.ask("GET", objects.STATES)["items"]
        return [
            (
                one["metadata"]["name"],
                [
                    {"op": "test", "path": "/metadata/uid", "value": one["metadata"]["uid"]},
                    {"op": "add", "path": "/spec", "value": wish},
                ],
            )
            for one in found
        ]


@attrs.frozen
class Operated:
    """A stage with an operator that works on it."""

    stage: Stage
    operator: Daemon
    audit: Audit

    def policy_of_all(self) -> Effect:
        """A policy that selects every node."""
        return self._effect([(ALL, FIRST, self.stage.names)])

    def policies_of_one(self, times: int) -> Effect:
        """Policies that select one node each, one after the other, each when the one before has been dealt with."""
        return self._effect([(f"one-{number}", SECOND, [self.stage.names[number]]) for number in range(times)])

    def _effect(self, policies: Sequence[tuple[str, str, Sequence[str]]]) -> Effect:
        idle = self._idle()
        moment, began, cpu = self.audit.now(), time.monotonic(), self.operator.cpu_s()
        seconds = tuple(self._created(*one) for one in policies)
        self.audit.quiet(QUIET_S, DEADLINE_S)
        used = self.operator.cpu_s() - cpu - idle * (time.monotonic() - began)
        return Effect(seconds=seconds, requests=tuple(self.audit.since(moment)), cpu_s=used)

    def _idle(self) -> float:
        """The CPU seconds in a second in which nothing happens."""
        before = self.operator.cpu_s()
        time.sleep(IDLE_S)
        return (self.operator.cpu_s() - before) / IDLE_S

    def _created(self, name: str, port: str, nodes: Sequence[str]) -> float:
        """The seconds from the creation to the last node state; it is also waited for the status of the policy."""
        admin, resource = self.stage.cluster.admin, name.replace("-", "_")
        selects = {"on": nodes[0]} if len(nodes) == 1 else {}
        with watching(admin, objects.STATES) as states, watching(admin, objects.POLICIES) as policies:
            began = time.monotonic()
            admin.ask("POST", objects.POLICIES, objects.policy(name, port, **selects))
            last = states.all(nodes, lambda one: asks_for(one, resource), DEADLINE_S)
            policies.all([name], lambda one: bool(one.get("status", {}).get("conditions")), DEADLINE_S)
        return last - began


def _write(access: Access, name: str, patch: list[objects.Document]) -> None:
    access.ask("PATCH", f"{objects.STATES}/{name}?fieldManager=sriov-network-operator", patch, JSON_PATCH)
