"""The life of the operator's process: caches, leadership, controllers, and an end that leaves nothing half done.

At the end nothing in the cluster is taken back: finalizers stay and webhooks go on refusing, because the next process
goes on from there. What a removal for good needs is the clean-up's.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import attrs

from sriov_core.api import operatorconfig
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.kube import logs
from sriov_core.kube.client import Client, Transport
from sriov_core.kube.election import Election, Timing
from sriov_core.kube.failures import Forbidden, NotFound
from sriov_core.kube.recorder import Recorder
from sriov_operator.process.context import Context, Part
from sriov_operator.process.fence import Fence
from sriov_operator.process.health import Health
from sriov_operator.process.metrics import Metrics
from sriov_operator.process.parts import Make, caches, parts
from sriov_operator.process.settings import Settings

NAME = "sriov-network-operator"
"""The Lease, the field manager of every write, and the component of every event."""

STOPPED, LOST = 0, 1
"""Exit codes."""

LONGEST_NAME = 100
"""Of a pod, in the identity: what reports an event may have 128 characters (events.k8s.io/v1, reportingInstance)."""

LOOK_S = 0.5
"""How often it is looked whether the leadership is lost; far below what a Lease lasts after its last renewal."""

_log = logging.getLogger("sriov_operator.process")


@attrs.frozen(kw_only=True)
class Patience:
    """Seconds for an orderly end; together below the 30 s that the kubelet gives."""

    passes_s: float = 18.0
    lost_s: float = 2.0
    lease_s: float = 5.0
    events_s: float = 3.0
    caches_s: float = 1.0


class Operator:
    """One process. `run` is called once, and answers the exit code: 0 told to stop, 1 the Lease was lost.

    ``make`` are the controllers by name, all those that are on unless said otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        *,
        metrics: Metrics,
        health: Health,
        make: Mapping[str, Make] | None = None,
        timing: Timing | None = None,
        patience: Patience | None = None,
        set_level: Callable[[int], None] = logs.set_level,
    ) -> None:
        self._health = health
        self._patience = patience or Patience()
        self._set_level = set_level
        self._metrics = metrics
        self._make = parts(settings.controllers) if make is None else make
        self.identity = f"{(settings.identity or NAME)[:LONGEST_NAME]}_{secrets.token_hex(4)}"
        self._fence = Fence(transport)
        client = Client(self._fence, manager=NAME, observer=metrics, followed=metrics.listens)
        self._election = Election(
            client, namespace=settings.namespace, name=NAME, identity=self.identity, timing=timing or Timing()
        )
        self._context = Context(
            client=client,
            caches=caches(client, settings.namespace),
            settings=settings,
            recorder=Recorder(client, component=NAME, instance=self.identity, logs=True),
            metrics=metrics,
            now=lambda: datetime.now(UTC),
        )

    def run(self, stop: threading.Event) -> int:
        """Wait for the leadership, then work until ``stop`` is set or the leadership is lost."""
        over, code = threading.Event(), LOST
        self._metrics.gauge("config_missing", 1)
        self._context.caches.configs.subscribe(self._on_config)
        for informer in self._context.caches.all:
            informer.start(over)
        try:
            self._health.waits(self._missing)
            _log.info("%s waits for the Lease %s/%s", self.identity, self._context.settings.namespace, NAME)
            code = self._lead(stop, over) if self._election.acquire(stop) else STOPPED
            return code
        finally:
            over.set()
            self._health.stops()
            self._context.recorder.close(self._patience.events_s if code == STOPPED else 0.0)
            _join({str(one): one for one in self._context.caches.all}, self._patience.caches_s)
            _log.info("%s has ended", self.identity)

    def _lead(self, stop: threading.Event, over: threading.Event) -> int:
        _log.info("controllers: %s", ", ".join(self._make) or "none")
        self._health.leads()
        self._metrics.leads(leader=True)
        keeper = _Keeper(self._election)
        self._fence.is_shut = lambda: keeper.lost
        keeper.start()
        try:
            running = self._started(stop, over, keeper)
            while not (stop.wait(LOOK_S) or keeper.lost):
                pass
        finally:
            over.set()
            self._metrics.leads(leader=False)
        return self._ended(running, keeper)

    def _started(self, stop: threading.Event, over: threading.Event, keeper: "_Keeper") -> Mapping[str, Part]:
        """The parts that run, none when the end came first."""
        while self._unlisted():
            if stop.wait(LOOK_S) or keeper.lost:
                return {}
        running = {name: make(self._context) for name, make in self._make.items()}
        for part in running.values():
            part.start(over)
        return running

    def _ended(self, running: Mapping[str, Part], keeper: "_Keeper") -> int:
        """The Lease is given back only when nothing works any more: whoever gets it may start at once."""
        busy = _join(running, self._patience.lost_s if keeper.lost else self._patience.passes_s)
        if keeper.lost:
            _log.error("the leadership is lost: this process ends with exit code %d, to be started anew", LOST)
            return LOST
        if busy:
            _log.warning("still busy: %s. The Lease is left to expire", ", ".join(busy))
        elif not keeper.give_back(self._patience.lease_s):
            _log.warning("the Lease could not be given back; the next process starts when it has expired")
        return STOPPED

    def _unlisted(self) -> Sequence[str]:
        """The shared caches without a list; those of single parts are told by `sriov_core.kube.troubles` alone."""
        missing = [(one.name, one.trouble) for one in self._context.caches.all if not one.synced]
        return [f"no list of {name} yet{why and f': {why}'}" for name, why in missing]

    def _missing(self) -> Sequence[str]:
        """What keeps this process from its work, also while another leads: it would be of no use as the next one.

        An API server that is away after the lists were read is nothing that another pod could do without.
        """
        refused = self._election.trouble
        election = [f"no leadership: {refused}"] if isinstance(refused, Forbidden | NotFound) else []
        return [*election, *self._context.client.troubles.lacking, *self._unlisted()]

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        seen = after or before
        if seen is None or seen.metadata.name != operatorconfig.NAME:
            return
        self._metrics.gauge("config_missing", after is None)
        if after is not None and (before is None or before.spec.log_level != after.spec.log_level):
            self._set_level(after.spec.log_level)


class _Joined(Protocol):
    def join(self, timeout_s: float) -> bool: ...


def _join(running: Mapping[str, _Joined], timeout_s: float) -> list[str]:
    """The names of those that have not ended in that time."""
    end = time.monotonic() + timeout_s
    return [name for name, one in running.items() if not one.join(max(0.0, end - time.monotonic()))]


class _Keeper:
    """Renews the Lease in a thread of its own."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="lease", daemon=True)

    @property
    def lost(self) -> bool:
        return self._lost.is_set() or self._election.is_overdue

    def start(self) -> None:
        self._thread.start()

    def give_back(self, timeout_s: float) -> bool:
        """True when it was given back in time."""
        self._stop.set()
        self._thread.join(timeout_s)
        return not (self._thread.is_alive() or self.lost)

    def _hold(self) -> None:
        held = False
        try:
            held = self._election.hold(self._stop)
        finally:
            if not held:
                self._lost.set()
