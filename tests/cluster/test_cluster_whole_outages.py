"""The API server or etcd die in the middle of the work: nothing is lost, nothing is done twice."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Server
from whole import QUICK, Cluster, cluster
from whole_machines import Machine
from whole_scene import done_once, held_up, hold, three


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        made.operate(timing=QUICK)
        yield made


def on_first(machines: tuple[Machine, ...], verb: str, act: Callable[[], None]) -> threading.Event:
    """Do it once, before an agent does that to its machine; set when it is done."""
    done, lock = threading.Event(), threading.Lock()

    def note(one: object) -> bool:
        if getattr(one, "name", "") == verb:
            with lock:
                if not done.is_set():
                    act()
                    done.set()
        return False

    for machine in machines:
        machine.host.crash(note)
    return done


def test_the_api_server_is_killed_as_an_agent_begins_its_work_until_the_operator_has_lost_its_lease(whole):
    machines, budget = three(whole), list[str]()
    (operator,) = whole.operators

    def hold_the_others_and_kill() -> None:
        """Nobody goes on before the history follows again."""
        budget.append(hold(whole))
        whole.server.kill()

    killed = on_first(machines, "set_num_vfs", hold_the_others_and_kill)
    whole.policy(vfs=4)
    assert killed.wait(60)
    whole.until(lambda: any(machine.vfs == 4 for machine in machines))
    whole.until(lambda: operator.has_ended)
    whole.server.revive()
    whole.followed()
    whole.server.admin.remove(*budget)
    done_once(whole, machines)
    assert whole.operators[0] is not operator


def test_etcd_is_killed_while_a_drain_is_held_up_and_as_an_agent_works(whole):
    machines = three(whole)
    budget = [hold(whole)]
    whole.policy(vfs=4)
    held_up(whole, machines)
    whole.server.kill_etcd()
    whole.server.start_etcd()
    whole.followed()

    def hold_the_others_and_kill() -> None:
        """Nobody goes on before the history follows again."""
        budget.append(hold(whole, "hold-the-others"))
        whole.server.kill_etcd()

    killed = on_first(machines, "set_num_vfs", hold_the_others_and_kill)
    whole.server.admin.remove(budget.pop())
    assert killed.wait(60)
    whole.until(lambda: any(machine.vfs == 4 for machine in machines))
    whole.server.start_etcd()
    whole.followed()
    whole.server.admin.remove(*budget)
    done_once(whole, machines)
