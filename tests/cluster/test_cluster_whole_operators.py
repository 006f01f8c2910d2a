"""Several operators as processes of their own, of which the one that works is killed or stopped in the middle."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from operator_runs import Process
from servers import Server
from whole import Cluster, cluster
from whole_proxy import WRITES, Fault, Proxy
from whole_scene import done_once, held_up, hold, three

LIVES = (2, 3, 5, 4)
"""At which of its writes each operator is killed; the one after them lives on."""


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        yield made


def lease(whole: Cluster) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{whole.namespace}/leases/sriov-network-operator"


def leads(whole: Cluster, process: Process) -> None:
    """Wait until it does."""
    whole.until(lambda: process.page("/readyz") == (200, "leading\n"))


def test_an_operator_that_was_stopped_and_wakes_up_does_no_harm(whole):
    first = whole.spawn()
    leads(whole, first)
    second = whole.spawn()
    machines = three(whole)
    budget = hold(whole)
    whole.policy(vfs=4)
    held_up(whole, machines)
    first.send(signal.SIGSTOP)
    leads(whole, second)
    whole.server.admin.remove(budget)
    whole.until(lambda: any(machine.vfs == 4 for machine in machines))
    first.send(signal.SIGCONT)
    assert first.ended() == 1, "it has lost its Lease"
    done_once(whole, machines)


@attrs.define
class Chain:
    """Operators that are killed at one of their writes each, before it reaches the API server or after it."""

    whole: Cluster
    proxy: Proxy
    left: list[int]
    killed: int = 0
    _process: Process | None = None
    _writes: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def judge(self, method: str, path: str) -> Fault | None:
        counts = method in WRITES and "/leases" not in path and "/events" not in path
        with self._lock:
            if not counts or not self.left or self._process is None:
                return None
            self._writes += 1
            if self._writes < self.left[0]:
                return None
            self.left.pop(0)
            self.killed += 1
            self._writes = 0
            process, self._process = self._process, None
        process.send(signal.SIGKILL)
        return Fault(status=500, after=self.killed % 2 == 0)

    def next(self, kubeconfig: Path) -> None:
        """The next operator; the Lease of a dead one is taken away, as it would expire."""
        self.whole.server.admin.remove(lease(self.whole))
        self._process = self.whole.spawn(kubeconfig)

    def work(self, kubeconfig: Path) -> None:
        """Until nobody is left to be killed."""
        while self.left:
            known = self.killed
            self.next(kubeconfig)
            self.whole.until(lambda known=known: self.killed > known)
            self.whole.processes[-1].ended()
            self.whole.until(self.proxy.is_quiet)  # what it asked for last comes before what the next one does
        self.next(kubeconfig)


def test_operators_that_are_all_killed_after_a_few_writes_get_everything_done_once(whole, server, tmp_path):
    first = whole.spawn()
    machines = three(whole)
    first.send(signal.SIGTERM)
    assert first.ended() == 0
    proxy = Proxy(server, tmp_path / "proxy")
    chain = Chain(whole, proxy, list(LIVES))
    proxy.judge = chain.judge
    try:
        whole.policy(vfs=4)
        chain.work(whole.operator_through(proxy.url))
        done_once(whole, machines)
        assert chain.killed == len(LIVES)
    finally:
        for process in whole.processes:
            process.end()
        proxy.close()
