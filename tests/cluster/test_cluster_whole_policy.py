"""From a policy to VFs and back, by operator and agents together: what is done, in which order, and what is told."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_runs import OTHER, PF, boots, condition, drivers_of, world
from servers import Server
from whole import Cluster, cluster
from whole_scene import three

from sriov_core.api import keys

NO_IOMMU = {"iommu_groups": 0, "iommu_after_reboot": True, "cpu_vendor": "GenuineIntel"}
"""vfio-pci is of no use before a kernel argument was set and the machine has rebooted."""


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        made.operate()
        yield made
        made.unharmed()


def test_a_policy_becomes_vfs_a_plugin_config_a_label_and_conditions(whole):
    one = whole.node("one")
    whole.until(lambda: whole.stage.label("one") == "Disabled")
    whole.policy()
    whole.settled(2)
    assert drivers_of(one.host) == ["igbvf", "igbvf"]
    (resource,) = whole.until(lambda: whole.stage.resources("one"))
    assert (resource["resourceName"], resource["selectors"]["pfNames"]) == ("fast", ["eth0"])
    whole.until(lambda: whole.stage.label("one") == "Enabled")
    status = whole.stage.ready("fast")
    assert [status[name] for name in ("matchedNodes", "appliedNodes", "appliedNics")] == [1, 1, 1]
    assert {one["type"]: one["status"] for one in status["conditions"]} == {
        "Ready": "True",
        "Progressing": "False",
        "Degraded": "False",
    }
    report = one.objects.status()
    assert condition(report, "Ready", PF)["reason"] == "Configured"
    assert [nic.get("conditions", []) for nic in report["interfaces"] if nic["pciAddress"] == str(OTHER)] == [[]]
    assert [nic["plugin"] for nic in report["interfaces"]] == ["intel", "intel"]
    assert one.objects.state()["spec"]["interfaces"][0]["plugin"] == "intel"
    whole.until(lambda: ("Normal", "SyncStatusChanged") in whole.reasons(one.name))
    assert (whole.history.drains(one.name), whole.history.cordons(one.name)) == (0, 0)
    assert one.deeds == [str(PF)]


def test_vfs_that_nobody_uses_are_changed_without_a_drain(whole):
    one = whole.node("one")
    whole.policy()
    whole.settled(2)
    whole.policy(vfs=4)
    whole.settled(4)
    assert (whole.history.drains(one.name), whole.history.cordons(one.name)) == (0, 0)


def test_a_change_of_vfs_in_use_is_told_drained_applied_and_the_node_serves_again(whole):
    one, _ = whole.node("one"), whole.node("two")
    whole.policy(on="one")
    whole.settled(2, one)
    user, bystander = whole.pod("user", one), whole.pod("bystander", one, None)
    whole.policy(on="one", vfs=4)
    whole.settled(4, one)
    assert whole.server.admin.find(user) is None
    assert whole.server.admin.find(bystander), "it has no VF"
    assert whole.evictions() == ["user"]
    assert whole.history.requests(one.name)[-3:] == ["Idle", "Drain_Required", "Idle"]
    assert (whole.history.drains(one.name), whole.history.cordons(one.name)) == (1, 1)
    assert one.deeds == [str(PF)] * 3, "made, and once away and made anew"
    whole.until(lambda: whole.ledger() == {})
    told = {("Normal", reason) for reason in ("SyncStatusChanged", "DrainStarted", "DrainEnded")}
    whole.until(lambda: told <= whole.reasons(one.name))
    assert keys.REQUESTED_SINCE not in one.objects.state()["metadata"]["annotations"]


def test_a_drain_that_a_disruption_budget_holds_up_says_so_and_touches_nothing(whole):
    one, _ = whole.node("one"), whole.node("two")
    whole.policy(on="one")
    whole.settled(2, one)
    whole.pod("user", one)
    meta = {"name": "keep", "namespace": whole.namespace}
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "user"}}}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec}
    whole.server.admin.create(budget)
    whole.policy(on="one", vfs=4)
    whole.until(lambda: whole.condition(one, "Drained").get("reason") == "Blocked")
    assert "user" in whole.condition(one, "Drained")["message"]
    assert whole.cordoned(one)
    whole.until(lambda: whole.condition(one, "Progressing").get("reason") == "WaitingForDrain")
    assert one.vfs == 2
    status = whole.stage.ready("fast", "Progressing")
    assert (status["pendingNodes"], status["details"][0]["node"]) == (1, one.name)
    whole.until(lambda: ("Warning", "DrainBlocked") in whole.reasons(one.name))
    assert whole.evictions() == []
    whole.server.admin.remove(whole.server.admin.path(budget))
    whole.settled(4, one)
    assert whole.stage.ready("fast")["pendingNodes"] == 0
    assert one.deeds == [str(PF)] * 3


def test_a_policy_that_needs_a_reboot_drains_everything_and_reboots_once(whole):
    one, _ = whole.node("one", world(**NO_IOMMU)), whole.node("two")
    whole.until(lambda: whole.at_rest(one))
    whole.pod("bystander", one, None)
    whole.policy(on="one", deviceType="vfio-pci")
    whole.until(lambda: "Reboot_Required" in whole.history.requests(one.name))
    whole.settled(2, one)
    assert drivers_of(one.host) == ["vfio-pci", "vfio-pci"]
    assert (boots(one.host), one.crashes, one.reboots) == (1, 1, 1)
    assert one.deeds == ["reboot", str(PF)], "no VFs before the machine is fit for them"
    assert whole.evictions() == ["bystander"]
    assert whole.history.requests(one.name)[-3:] == ["Idle", "Reboot_Required", "Idle"]
    assert whole.history.answers(one.name)[-4:] == ["Idle", "Draining", "DrainComplete", "Idle"]
    assert (whole.history.drains(one.name), whole.history.cordons(one.name)) == (1, 1)
    whole.until(
        lambda: {("Normal", one) for one in ("RebootNode", "DrainComplete", "DrainEnded")} <= whole.reasons(one.name)
    )
    (note,) = [note for _, reason, note in whole.events(one.name) if reason == "RebootNode"]
    assert "intel_iommu=on" in note
    assert whole.stage.ready("fast")["appliedNodes"] == 1


def test_a_pool_that_asks_for_another_rdma_mode_has_its_nodes_rebooted_when_they_cannot_without(whole):
    one, _ = whole.node("one", world(other_net_namespaces=1)), whole.node("two")
    whole.policy(on="one")
    whole.settled(2, one)
    spec = {"nodeSelector": {"matchLabels": {"one": one.name}}, "rdmaMode": "exclusive", "maxUnavailable": 1}
    whole.stage.put("SriovNetworkPoolConfig", "exclusive", spec)
    whole.until(lambda: one.objects.state()["spec"].get("system") == {"rdmaMode": "exclusive"})
    whole.until(lambda: one.host.node().rdma_mode == "exclusive")
    whole.settled(2, one)
    assert (one.reboots, one.objects.status()["system"]["rdmaMode"]) == (1, "exclusive")


def test_a_policy_that_goes_gives_its_vfs_back_with_a_drain_where_they_are_in_use(whole):
    one, two = whole.node("one"), whole.node("two")
    whole.policy()
    whole.settled(2)
    whole.pod("user", one)
    whole.forget()
    whole.settled(0)
    assert (whole.history.drains(one.name), whole.history.drains(two.name)) == (1, 0)
    assert whole.evictions() == ["user"]
    for name in ("one", "two"):
        whole.until(lambda name=name: whole.stage.label(name) == "Disabled")
        whole.until(lambda name=name: whole.stage.resources(name) == [])
    assert one.deeds == two.deeds == [str(PF), str(PF)]


def test_what_the_kernel_refuses_is_told_at_once_and_everywhere_and_tried_again(whole):
    one, two = whole.node("one"), whole.node("two")
    whole.until(lambda: whole.at_rest(one))
    whole.until(lambda: whole.at_rest(two))
    one.host.fail(lambda verb: verb.name == "set_num_vfs", errno.EIO)
    whole.policy()

    def told() -> dict[str, Any] | None:
        status: dict[str, Any] = whole.stage.ready("fast", "Failed")
        return status if (status["matchedNodes"], status["failedNodes"]) == (2, 1) else None

    status = whole.until(told)
    assert one.name in next(one["message"] for one in status["conditions"] if one["type"] == "Ready")
    assert (one.objects.status()["syncStatus"], whole.condition(one, "Degraded")["status"]) == ("Failed", "True")
    whole.until(lambda: ("Warning", "ConfigurationFailed") in whole.reasons(one.name))
    one.heal()
    whole.settled(2)
    assert whole.stage.ready("fast")["failedNodes"] == 0
    assert whole.condition(one, "Degraded")["status"] == "False"


def test_a_node_whose_card_fails_keeps_its_place_and_the_next_waits(whole):
    machines = three(whole)
    for machine in machines:
        machine.host.fail(lambda verb: verb.name == "set_num_vfs", 5)
    whole.policy(vfs=4)
    whole.until(lambda: [one for one in machines if one.objects.status().get("syncStatus") == "Failed"])
    (first,) = [one for one in machines if one.objects.status().get("syncStatus") == "Failed"]
    whole.until(lambda: whole.condition(first, "Degraded").get("reason") == "StepFailed")
    whole.until(lambda: whole.history.drains(first.name))
    assert [name for name in whole.names if whole.history.drains(name)] == [first.name]
    whole.until(lambda: first.objects.notes() == ("Drain_Required", "DrainComplete"))
    for machine in machines:
        machine.heal()
    whole.settled(4)
    assert whole.history.most_out(whole.names) == 1
    assert [whole.history.drains(machine.name) for machine in machines] == [1, 1, 1]


def test_a_node_state_that_somebody_deletes_comes_back_and_nothing_is_taken_for_it(whole):
    one = whole.node("one")
    whole.policy()
    whole.settled(2)
    whole.pod("user", one)
    before = one.objects.state()["metadata"]["uid"]
    whole.server.admin.remove(one.objects.path)
    whole.until(lambda: (whole.stage.state("one") or {"metadata": {"uid": before}})["metadata"]["uid"] != before)
    whole.settled(2)
    assert one.deeds == [str(PF)]
    assert whole.history.drains(one.name) == 0


def test_a_node_that_is_managed_no_more_loses_label_and_state_and_keeps_its_vfs(whole):
    one = whole.node("one")
    whole.policy()
    whole.settled(2)
    whole.until(lambda: whole.stage.label("one") == "Enabled")
    whole.stage.relabel("one", stage=None)
    whole.until(lambda: whole.stage.state("one") is None)
    assert whole.stage.label("one") is None
    whole.until(lambda: whole.stage.resources("one") is None)
    whole.stage.relabel("one", stage=whole.namespace)
    whole.settled(2)
    assert one.deeds == [str(PF)]
