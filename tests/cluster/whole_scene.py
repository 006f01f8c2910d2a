"""The work that is disturbed: three nodes whose VFs are in use, of which one at a time may be out of service."""

from collections.abc import Sequence

from agent_runs import PF
from whole import Cluster
from whole_machines import Machine

NODES = ("one", "two", "three")


def three(whole: Cluster, *, url: str = "") -> tuple[Machine, ...]:
    """Nodes with two VFs each, the first one in a pod."""
    machines = tuple(whole.node(name, url=url) for name in NODES)
    whole.policy()
    whole.settled(2)
    for machine in machines:
        whole.pod(f"user-{machine.name}", machine)
    return machines


def hold(whole: Cluster) -> str:
    """No pod may be evicted until what is at this path is removed."""
    meta = {"name": "hold", "namespace": whole.namespace}
    spec = {"minAvailable": "100%", "selector": {}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}
    whole.server.admin.create(budget)
    return whole.server.admin.path(budget)


def held_up(whole: Cluster, machines: Sequence[Machine]) -> Machine:
    """Wait until the drain of a node is held up; that node."""

    def found() -> Machine | None:
        return next((one for one in machines if whole.condition(one, "Drained").get("reason") == "Blocked"), None)

    blocked: Machine = whole.until(found)
    return blocked


def done_once(whole: Cluster, machines: Sequence[Machine], vfs: int = 4) -> None:
    """All of it is done in the end, each thing once, and one node at a time."""
    whole.settled(vfs)
    one_by_one(whole)
    drains = [whole.history.drains(machine.name) for machine in machines]
    assert drains == [1] * len(machines), f"{drains}\n{whole.picture()}"
    each_thing_once(whole, machines)
    whole.until(lambda: whole.ledger() == {})
    whole.unharmed()


def one_by_one(whole: Cluster) -> None:
    """Never was more than one node out of service."""
    most = whole.history.most_out(whole.names)
    assert most == 1, f"{most} nodes were out of service at a time:\n{whole.picture()}"


def each_thing_once(whole: Cluster, machines: Sequence[Machine]) -> None:
    """The VFs were made, ended and made anew; each pod was evicted once."""
    deeds = {machine.name: machine.deeds for machine in machines}
    assert deeds == {machine.name: [str(PF)] * 3 for machine in machines}, deeds
    evicted, expected = sorted(whole.evictions()), sorted(f"user-{machine.name}" for machine in machines)
    assert evicted == expected, evicted
