"""Agents that are killed in the middle of their work go on where they were, and repeat nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_runs import PF, boots, drivers_of, world
from servers import Server
from whole import Cluster, cluster
from whole_scene import done_once, three

from sriov_core.testing.faults import Verb


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        made.operate()
        yield made


def every_step(times: int) -> Callable[[Verb], bool]:
    """So many steps, one after the other."""
    left = iter(range(times))
    return lambda _: next(left, None) is not None


def every_step_once_tried(times: int) -> Callable[[Verb], bool]:
    """So many steps at the first try of each; the second is let through."""
    left = iter(range(2 * times))
    return lambda _: next(left, 1) % 2 == 0


def test_agents_that_die_at_each_of_their_steps_get_there(whole):
    before, after, between = machines = three(whole)
    before.host.crash(every_step_once_tried(6))
    after.host.crash(every_step(6), after=True)
    between.host.crash(every_step_once_tried(6))
    between.host.crash(every_step(6), after=True)
    whole.policy(vfs=4)
    done_once(whole, machines)
    assert [machine.crashes for machine in machines] == [6, 6, 12], [machine.crashes for machine in machines]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_agent_that_dies_around_its_reboot_reboots_once(whole, after):
    one, _ = whole.node("one", world(other_net_namespaces=1)), whole.node("two")
    whole.policy(on="one")
    whole.settled(2, one)
    whole.pod("user", one)
    if not after:
        one.kill_at(lambda verb: verb.name == "start_reboot")
    spec = {"nodeSelector": {"matchLabels": {"one": one.name}}, "rdmaMode": "exclusive", "maxUnavailable": 1}
    whole.stage.put("SriovNetworkPoolConfig", "exclusive", spec)
    whole.until(lambda: one.host.node().rdma_mode == "exclusive")
    whole.settled(2, one)
    assert boots(one.host) == 1
    assert one.crashes == (1 if after else 2)
    assert drivers_of(one.host) == ["igbvf", "igbvf"]
    assert whole.evictions() == ["user"]
    assert whole.history.drains(one.name) == 1
    assert one.deeds.count(str(PF)) == 2, "made, and made anew after the boot"
    whole.unharmed()


def test_an_agent_that_is_away_keeps_the_place_of_its_node_and_nobody_else_is_drained(whole):
    machines = three(whole)
    for machine in machines:
        machine.kill_at(lambda verb: verb.name == "set_num_vfs")
    whole.kubelets.revives = False
    whole.policy(vfs=4)
    whole.until(lambda: [one for one in machines if one.agent and one.agent.broken])
    (dead,) = [one for one in machines if one.agent and one.agent.broken]
    others = [machine for machine in machines if machine is not dead]
    whole.until(lambda: all(whole.condition(one, "Drained").get("reason") == "Waiting" for one in others))
    assert whole.ledger().keys() == {dead.name}
    whole.kubelets.revives = True
    done_once(whole, machines)
