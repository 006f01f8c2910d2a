"""A wish that goes while a node is drained for it, with real agents: nothing is left cordoned."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_runs import world
from servers import Server
from whole import Cluster, cluster
from whole_machines import Machine
from whole_scene import hold

NO_IOMMU = {"iommu_groups": 0, "iommu_after_reboot": True, "cpu_vendor": "GenuineIntel"}


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        made.operate(STALE_NODE_STATE_CLEANUP_DELAY_MINUTES="30")
        yield made
        made.unharmed()


def held_for(whole: Cluster, **change: object) -> Machine:
    """A node with two VFs, one of them with a pod that may not be evicted, in the drain for that change."""
    one, _ = whole.node("one", world(**NO_IOMMU)), whole.node("two")
    whole.policy(on="one")
    whole.settled(2, one)
    whole.pod("user", one)
    hold(whole)
    whole.policy(on="one", **change)
    whole.until(lambda: whole.condition(one, "Drained").get("reason") == "Blocked" and whole.cordoned(one))
    why = "it is not known yet how many disruptions PodDisruptionBudget hold allows"  # its controller does not run
    assert why in whole.condition(one, "Drained")["message"]
    return one


def put_back(whole: Cluster) -> None:
    whole.policy(on="one")


def node_is_managed_no_longer(whole: Cluster) -> None:
    """Its agent goes, and its state is kept for half an hour."""
    whole.configure(configDaemonNodeSelector={"elsewhere": "yes"})


def configuration_is_deleted(whole: Cluster) -> None:
    whole.stage.delete("SriovOperatorConfig", "default")


BOTH = pytest.mark.parametrize("change", [{"vfs": 4}, {"deviceType": "vfio-pci"}], ids=["for-a-drain", "for-a-reboot"])


@BOTH
@pytest.mark.parametrize("goes", [put_back, node_is_managed_no_longer, configuration_is_deleted])
def test_a_wish_that_goes_while_its_drain_is_blocked_leaves_no_cordon(
    whole: Cluster, change: dict[str, object], goes: Callable[[Cluster], None]
) -> None:
    one = held_for(whole, **change)
    goes(whole)
    whole.until(lambda: not whole.cordoned(one))
    whole.until(lambda: whole.ledger() == {})
    assert whole.evictions() == []


@BOTH
def test_without_policies_vfs_in_use_are_given_back_after_the_drain(whole: Cluster, change: dict[str, object]) -> None:
    """The drain goes on: a pod would lose its VF otherwise."""
    one = held_for(whole, **change)
    whole.forget()
    whole.until(lambda: "VFs 2 -> 0 costs drain" in whole.condition(one, "Ready").get("message", ""))
    assert whole.cordoned(one)
    whole.server.admin.remove(f"/apis/policy/v1/namespaces/{whole.namespace}/poddisruptionbudgets/hold")
    whole.settled(0, one)
    assert whole.evictions() == ["user"]
    assert one.reboots == 0
