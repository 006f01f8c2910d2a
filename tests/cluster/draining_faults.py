"""Operators that only drain, over a way to the API server on which things go wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from draining_stage import FAST, Stage
from kube_clients import Way

from sriov_core.kube.client import Answer, Client, Stream
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Unavailable
from sriov_core.kube.recorder import Recorder
from sriov_operator.draining.controller import Drain
from sriov_operator.draining.sight import MANAGER
from sriov_operator.process.context import Context
from sriov_operator.process.health import Health
from sriov_operator.process.metrics import Metrics
from sriov_operator.process.parts import caches
from sriov_operator.process.settings import from_environment

ENDS_WITHIN_S = 60.0
Fault = Callable[[int, str, str], str]
"""Says what becomes of a write, by its number from 1, its method and its path; empty when it is simply done."""


class Killed(BaseException):
    """SIGKILL: a thread that meets it ends, and no handler of errors stops it."""


@attrs.define
class Spoilt(Way):
    """A transport whose writes meet faults: refused, conflict, lost (its answer), killed before, killed after.

    Events are let through. Lines of watches come ``lag_s`` late, as from a server that is slow to tell.
    """

    fault: Fault = lambda *_: ""
    lag_s: float = 0.0
    writes: int = 0
    dead: threading.Event = attrs.field(factory=threading.Event)
    _counting: threading.Lock = attrs.field(factory=threading.Lock)

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        self._live()
        how = self._fault(method, path)
        if how == "killed before":
            self._die()
        if how == "refused":
            return _status(500, "InternalError", "something is wrong here")
        if how == "conflict":
            return _status(409, "Conflict", "the object has been modified")
        answer = super().request(method, path, **facts)
        if how == "killed after":
            self._die()
        if how == "lost":
            raise Unavailable("the connection broke")
        self._live()
        return answer

    def stream(self, path: str, **facts: Any) -> tuple[Answer, Stream]:
        self._live()
        answer, stream = super().stream(path, **facts)
        return answer, Late(stream, self.lag_s, self.dead)

    def _fault(self, method: str, path: str) -> str:
        if method == "GET" or "/events" in path:
            return ""
        with self._counting:
            self.writes += 1
            return self.fault(self.writes, method, path)

    def _live(self) -> None:
        if self.dead.is_set():
            raise Killed

    def _die(self) -> None:
        self.dead.set()
        raise Killed


@attrs.define
class Late:
    """A watch whose lines come late and in order; of a process that was killed, not at all."""

    inner: Stream
    lag_s: float
    dead: threading.Event

    def __iter__(self) -> Iterator[bytes]:
        for line in self.inner:
            if self.dead.wait(self.lag_s):
                raise Killed
            yield line

    def close(self) -> None:
        self.inner.close()


@attrs.define
class Worker:
    """One operator without a Lease that drains, and does nothing else."""

    way: Spoilt
    metrics: Metrics
    _informers: tuple[Any, ...]
    _drain: Drain
    _recorder: Recorder
    _stop: threading.Event = attrs.field(factory=threading.Event)

    @classmethod
    def start(
        cls, stage: Stage, kubeconfig: Path, way: Callable[[Any], Spoilt] = Spoilt, *, workers: int = 10
    ) -> "Worker":
        """Started, with full caches."""
        spoilt = way(connect(str(kubeconfig), user_agent="sriov-operator/test"))
        metrics = Metrics(Health(), strict=True)
        client: Client = Client(spoilt, manager=MANAGER, observer=metrics)
        shared = caches(client, stage.namespace)
        recorder = Recorder(client, component=MANAGER, instance="test")
        context = Context(
            client=client,
            caches=shared,
            settings=from_environment({"NAMESPACE": stage.namespace, "RESOURCE_PREFIX": "openshift.io"}),
            recorder=recorder,
            metrics=metrics,
            now=lambda: datetime.now(UTC),
        )
        made = cls(spoilt, metrics, shared.all, Drain(context, timing=FAST, workers=workers), recorder)
        for informer in shared.all:
            informer.start(made._stop)
        assert all(informer.wait_synced(ENDS_WITHIN_S) for informer in shared.all)
        made._drain.start(made._stop)
        return made

    @property
    def is_dead(self) -> bool:
        """True once it was killed."""
        return self.way.dead.is_set()

    def end(self) -> None:
        """Whether it was killed or not, nothing of it runs after this."""
        self._stop.set()
        self._recorder.close(ENDS_WITHIN_S)  # of one that was killed, its thread meets that now, and in no other test
        assert self._drain.join(ENDS_WITHIN_S)
        assert all(informer.join(ENDS_WITHIN_S) for informer in self._informers)


def _status(code: int, reason: str, message: str) -> Answer:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Answer(code, {"content-type": "application/json"}, json.dumps(body).encode())
