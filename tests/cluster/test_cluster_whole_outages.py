"""The API server or etcd die in the middle of the work: nothing is lost, nothing is done twice."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
from servers import Server
from whole import QUICK, Cluster, cluster
from whole_machines import Machine
from whole_scene import done_once, held_up, hold, three

from sriov_core.testing.faults import Verb

ANEW = 3
"""The writes of the number of VFs until they are there anew: made, ended, made."""
LONGEST_S = 120.0


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        made.operate(timing=QUICK)
        yield made


@attrs.frozen
class Outage:
    """Begins when an agent is about to change its machine, once.

    That agent goes on by itself until it has its VFs anew, and stands still before it is `over`: nobody else's drain
    begins as long as the history does not follow.
    """

    whole: Cluster
    machines: tuple[Machine, ...]
    begin: Callable[[], None]
    begun: threading.Event = attrs.field(factory=threading.Event)
    over: threading.Event = attrs.field(factory=threading.Event)
    impatient: list[str] = attrs.field(factory=list)
    """The nodes whose agents stood still for as long as they may, and went on before it was over."""
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @contextmanager
    def planned(self) -> Iterator[None]:
        """From now on; it is over behind the block, whatever has come of that."""
        for machine in self.machines:
            machine.host.crash(self._before)
            machine.host.crash(partial(self._after, machine), after=True)
        try:
            yield
        finally:
            self.over.set()
        assert self.impatient == [], f"these went on after {LONGEST_S:g} s, before the outage was over"

    def lived_through(self) -> None:
        """Wait until the agent has done its work in spite of it."""
        assert self.begun.wait(LONGEST_S)
        self.whole.until(lambda: any(len(machine.deeds) == ANEW for machine in self.machines))

    def _before(self, verb: Verb) -> bool:
        if verb.name == "set_num_vfs":
            with self._lock:
                if not self.begun.is_set():
                    self.whole.followed()
                    self.begin()
                    self.begun.set()
        return False

    def _after(self, machine: Machine, _verb: Verb) -> bool:
        if len(machine.deeds) == ANEW and not self.over.wait(LONGEST_S):
            self.impatient.append(machine.name)
        return False


def test_the_api_server_is_killed_as_an_agent_begins_its_work_until_the_operator_has_lost_its_lease(whole):
    machines = three(whole)
    (operator,) = whole.operators
    outage = Outage(whole, machines, whole.server.kill)
    with outage.planned():
        whole.policy(vfs=4)
        outage.lived_through()
        whole.until(lambda: operator.has_ended)
        whole.server.revive()
        whole.followed()
    done_once(whole, machines)
    assert whole.operators[0] is not operator


def test_etcd_is_killed_while_a_drain_is_held_up_and_as_an_agent_works(whole):
    machines = three(whole)
    budget = hold(whole)
    whole.policy(vfs=4)
    held_up(whole, machines)
    whole.server.kill_etcd()
    whole.server.start_etcd()
    whole.followed()
    outage = Outage(whole, machines, whole.server.kill_etcd)
    with outage.planned():
        whole.until(lambda: whole.server.admin.request("DELETE", budget)[0] in (200, 404))
        outage.lived_through()
        whole.server.start_etcd()
        whole.followed()
    done_once(whole, machines)
