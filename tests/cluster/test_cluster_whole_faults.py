"""Operator and agents behind a way to the API server that refuses, delays, cuts off and loses."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Server
from whole import QUICK, Cluster, cluster
from whole_proxy import WRITES, Fault, Judge, Proxy
from whole_scene import done_once, held_up, hold, three

from sriov_core.kube.election import Timing


@pytest.fixture
def proxy(server: Server, tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy(server, tmp_path / "proxy")
    try:
        yield made
    finally:
        made.calm()
        made.close()


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path, proxy: Proxy) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        yield made
        proxy.calm()


def some(concerns: Callable[[str, str], bool], *faults: tuple[float, Fault]) -> Judge:
    """Each fault for its share of those requests. Drawn, so that no fixed sequence of requests always meets one."""
    drawn, lock = random.Random(5), threading.Lock()
    given, weights = [one for _, one in faults], [share for share, _ in faults]

    def judge(method: str, path: str) -> Fault | None:
        with lock:
            found: Fault | None = drawn.choices([None, *given], [1.0 - sum(weights), *weights])[0]
        return found if concerns(method, path) else None

    return judge


def every(_method: str, _path: str) -> bool:
    return True


def writes(method: str, _path: str) -> bool:
    return method in WRITES


def watches(_method: str, path: str) -> bool:
    return "watch=true" in path


def all_but_watches(_method: str, path: str) -> bool:
    return "watch=true" not in path


CASES = [
    pytest.param(some(writes, (0.25, Fault(409)), (0.1, Fault(500, after=True))), id="conflicts-and-lost-answers"),
    pytest.param(some(all_but_watches, (0.05, Fault(500)), (0.05, Fault(429))), id="errors-and-too-many-requests"),
]


@pytest.mark.parametrize("judge", CASES)
def test_what_is_refused_or_lost_is_done_in_the_end_and_once(whole, proxy, judge):
    whole.operate(whole.operator_through(proxy.url), timing=QUICK)
    machines = three(whole, url=proxy.url)
    proxy.judge = judge
    whole.policy(vfs=4)
    done_once(whole, machines)


def test_watches_that_are_cut_and_answered_with_gone_miss_nothing(whole, proxy):
    whole.operate(whole.operator_through(proxy.url), timing=QUICK)
    machines = three(whole, url=proxy.url)
    proxy.judge = some(watches, (0.25, Fault(410)))
    assert proxy.cut_watches() > 10
    for machine in machines:
        machine.host.crash(lambda verb: verb.name == "set_num_vfs" and proxy.cut_watches() < 0)
    whole.policy(vfs=4)
    done_once(whole, machines)


def test_thirty_seconds_of_latency_in_the_middle_of_a_drain(whole, proxy):
    """The slow one: agents wait longer than they wait for an answer, and the operator loses its Lease."""
    operator = whole.operate(whole.operator_through(proxy.url), timing=Timing(lease_s=10.0, renew_s=7.0, retry_s=1.0))
    machines = three(whole, url=proxy.url)
    budget = hold(whole)
    whole.policy(vfs=4)
    held_up(whole, machines)
    proxy.judge = some(every, (1.0, Fault(delay_s=30.0)))
    whole.server.admin.remove(budget)
    whole.until(lambda: operator.has_ended)
    proxy.calm()
    done_once(whole, machines)
