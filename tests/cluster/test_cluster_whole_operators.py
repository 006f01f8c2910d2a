"""Several operators as processes of their own, of which the one that works is killed or stopped in the middle."""

import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import attrs
import pytest
from operator_runs import Process
from servers import Server
from whole import Cluster, cluster
from whole_proxy import WRITES, Fault, Proxy
from whole_scene import done_once, held_up, hold, three

LIVES = (2, 3, 5, 4)
"""At which of its writes each operator is killed; the one after them lives on."""
MOST_OF_ONE = 6
LEDGER = "configmaps/sriov-drain-ledger"
OF_A_DRAIN = re.compile(rf"(nodes|sriovnetworknodestates)/[^/]+(/status)?$|pods/[^/]+/eviction$|{LEDGER}$|configmaps$")


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


class Deadly(Protocol):
    """Which writes are the end of the operator that asks for them. Asked one at a time."""

    def begin(self) -> None:
        """The next operator is there."""

    def fault(self, method: str, path: str) -> Fault | None:
        """What becomes of this write, at which the operator is killed; None when it lives on and the write is done."""


@attrs.define
class AfterAFew:
    """Each operator is killed at the write of that number, before it reaches the API server or after it in turns."""

    left: list[int]
    _writes: int = 0
    _killed: int = 0

    def begin(self) -> None:
        self._writes = 0

    def fault(self, method: str, path: str) -> Fault | None:
        self._writes += 1
        if not self.left or self._writes < self.left[0]:
            return None
        self.left.pop(0)
        self._killed += 1
        return Fault(status=500, after=self._killed % 2 == 0)


@attrs.define
class AtEach:
    """An operator is killed before each write of a drain, and another one after it.

    A write is known by its object and by how many of these were done before. One of the ledger of drains, which each
    operator takes over anew, is known by how far the drain is and by its place in the life of its operator. Of one
    object `MOST_OF_ONE` count: an operator repeats the last answer until it comes to what follows it.
    """

    met: list[tuple[str, int, int, bool]] = attrs.field(factory=list)
    _done: Counter[str] = attrs.field(factory=Counter)
    _of_ledger: int = 0

    def begin(self) -> None:
        self._of_ledger = 0

    def fault(self, method: str, path: str) -> Fault | None:
        found = OF_A_DRAIN.search(path.partition("?")[0])
        if found is None:
            return None
        what = found[0]
        progress = sum(min(number, MOST_OF_ONE) for number in self._done.values())
        number, place = (progress, self._of_ledger) if what == LEDGER else (self._done[what], 0)
        for after in (False, True) if number < MOST_OF_ONE or what == LEDGER else ():
            if (what, number, place, after) not in self.met:
                self.met.append((what, number, place, after))
                if after:
                    self._note(what)
                return Fault(status=500, after=after)
        self._note(what)
        return None

    def _note(self, what: str) -> None:
        if what == LEDGER:
            self._of_ledger += 1
        else:
            self._done[what] += 1


@attrs.define
class Chain:
    """Operators of which each is killed, until all is done."""

    whole: Cluster
    proxy: Proxy
    deadly: Deadly
    killed: int = 0
    _process: Process | None = None
    _is_over: bool = False
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def judge(self, method: str, path: str) -> Fault | None:
        if method not in WRITES or "/leases" in path or "/events" in path:
            return None
        with self._lock:
            if self._is_over:
                return None
            if self._process is None:
                return Fault(status=500)  # of one that is dead by now
            fault = self.deadly.fault(method, path)
            if fault is None:
                return None
            self.killed += 1
            process, self._process = self._process, None
        process.send(signal.SIGKILL)
        return fault

    def work(self, kubeconfig: Path, is_done: Callable[[], bool]) -> None:
        """Kill one after the other until that is so; the last one lives on."""
        while not self._is_over:
            self.whole.server.admin.remove(lease(self.whole))  # of a dead one, as it would expire
            process, known = self.whole.spawn(kubeconfig), self.killed
            with self._lock:
                self.deadly.begin()
                self._process = process
            self.whole.until(lambda known=known: self.killed > known or is_done())
            with self._lock:
                self._is_over = self._process is not None
            if not self._is_over:
                process.ended()
                self.whole.until(self.proxy.is_quiet)  # what it asked for last comes before what the next one does


@pytest.fixture
def chained(whole: Cluster, server: Server, tmp_path: Path) -> Iterator[Callable[[Deadly], Chain]]:
    """A chain through a proxy; its operators are ended afterwards."""
    proxy = Proxy(server, tmp_path / "proxy")

    def made(deadly: Deadly) -> Chain:
        chain = Chain(whole, proxy, deadly)
        proxy.judge = chain.judge
        return chain

    yield made
    for process in whole.processes:
        process.end()
    proxy.close()


def test_operators_that_are_all_killed_after_a_few_writes_get_everything_done_once(whole, chained):
    first = whole.spawn()
    machines = three(whole)
    first.send(signal.SIGTERM)
    assert first.ended() == 0
    few = AfterAFew(list(LIVES))
    chain = chained(few)
    whole.policy(vfs=4)
    chain.work(whole.operator_through(chain.proxy.url), lambda: not few.left)
    done_once(whole, machines)
    assert chain.killed == len(LIVES)


def test_operators_that_are_killed_at_every_write_of_a_drain_get_it_done_once(whole, chained):
    first = whole.spawn()
    machine = whole.node("one")
    whole.policy()
    whole.settled(2)
    whole.pod(f"user-{machine.name}", machine)
    first.send(signal.SIGTERM)
    assert first.ended() == 0
    each = AtEach()
    chain = chained(each)
    whole.policy(vfs=4)
    chain.work(
        whole.operator_through(chain.proxy.url),
        lambda: machine.vfs == 4 and whole.at_rest(machine) and not whole.ledger(),
    )
    done_once(whole, [machine])
    met = [(what, number) for what, number, _, after in each.met if after]
    node, eviction = f"nodes/{machine.name}", f"pods/user-{machine.name}/eviction"
    assert set(met) >= {(node, 0), (eviction, 0), (node, 1), (f"sriovnetworknodestates/{machine.name}", 2)}, met
    assert LEDGER in {what for what, _ in met[met.index((node, 1)) :]}, f"none was killed as its place was free: {met}"
