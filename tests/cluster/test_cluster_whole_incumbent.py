"""A cluster that the Go operator has run until now: all goes on as it is, and what it left half done is ended."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_runs import PF, world
from nodestates_stage import LABEL
from servers import Server
from servers_admin import MERGE
from whole import Cluster, cluster
from whole_machines import Machine
from whole_scene import NODES, one_by_one

from sriov_core.api import keys
from sriov_core.testing.world import FakeWorld

REQUEST, DRAINING, COMPLETE, IDLE = "Drain_Required", "Draining", "DrainComplete", "Idle"


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        yield made
        made.unharmed()


def wish(vfs: int) -> dict[str, Any]:
    """In the incumbent's words, for the policy of the tests."""
    group = {"resourceName": "fast", "deviceType": "netdevice", "vfRange": f"0-{vfs - 1}", "policyName": "fast"}
    return {"pciAddress": str(PF), "name": "eth0", "numVfs": vfs, "linkType": "eth", "vfGroups": [group]}


def left_behind(vfs: int) -> FakeWorld:
    """A machine with VFs of the incumbent and its file about them."""
    host = world(other_files={f"/etc/sriov-operator/pci/{PF}": json.dumps(wish(2))})
    host.set_num_vfs(PF, vfs)
    return host


def node(whole: Cluster, name: str, *, vfs: int, wished: int, request: str = IDLE, answer: str = IDLE) -> Machine:
    """A node of the incumbent, without an agent for now."""
    machine = whole.node(name, left_behind(vfs), start=False)
    cordoned = answer != IDLE
    changed = {
        "metadata": {"labels": {LABEL: "Enabled"}, "annotations": {keys.NODE_STATE: request}},
        "spec": {"unschedulable": cordoned or None},
    }
    whole.server.admin.done("PATCH", f"/api/v1/nodes/{machine.name}", changed, content_type=MERGE)
    spec = {"interfaces": [wish(wished)], "bridges": {}, "system": {}}
    notes = {keys.DESIRED_STATE: request, keys.CURRENT_STATE: answer}
    whole.stage.put("SriovNetworkNodeState", machine.name, spec, annotations=notes, ownerReferences=[owner(whole)])
    port = {"pciAddress": str(PF), "name": "eth0", "driver": "igb", "vendor": "8086", "deviceID": "10c9"}
    nics = [{**port, "linkType": "ETH", "totalvfs": 7, "numVfs": vfs, "mtu": 1500}]
    whole.stage.status(name, interfaces=nics, syncStatus="Succeeded" if vfs == wished else "InProgress")
    return machine


def owner(whole: Cluster) -> dict[str, Any]:
    config = whole.server.admin.find(whole.stage.path("SriovOperatorConfig", "default"))
    assert config
    head = {"apiVersion": config["apiVersion"], "kind": config["kind"], "name": "default"}
    return {**head, "uid": config["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}


def plugin_config(whole: Cluster) -> None:
    """As the incumbent wrote it."""
    selectors = {"pfNames": ["eth0"], "IsRdma": False, "NeedVhostNet": False}
    resource = {"resourceName": "fast", "selectors": selectors, "SelectorObj": None}
    text = json.dumps({"resourceList": [resource]}, separators=(",", ":"))
    meta = {"name": "device-plugin-config", "namespace": whole.namespace, "ownerReferences": [owner(whole)]}
    data = dict.fromkeys(whole.names, text)
    whole.server.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})


def take_over(whole: Cluster) -> None:
    """Ours begin."""
    for machine in whole.machines:
        machine.start()
    whole.operate()


def test_a_cluster_at_rest_is_taken_over_without_touching_anything_and_serves_on(whole):
    whole.policy()
    for name in NODES:
        machine = node(whole, name, vfs=2, wished=2)
        whole.pod(f"user-{machine.name}", machine)
    plugin_config(whole)
    before = [machine.host.tree() for machine in whole.machines], whole.stage.config_map()["data"]
    take_over(whole)
    whole.settled(2)
    assert whole.stage.ready("fast")["appliedNodes"] == len(NODES)
    assert ([machine.host.tree() for machine in whole.machines], whole.stage.config_map()["data"]) == before
    assert [whole.history.answers(name) for name in whole.names] == [[IDLE]] * len(NODES)
    assert [whole.history.requests(name) for name in whole.names] == [["", IDLE]] * len(NODES)
    assert [machine.deeds for machine in whole.machines] == [[]] * len(NODES)
    assert whole.evictions() == []
    whole.policy(vfs=4)
    whole.settled(4)
    one_by_one(whole)
    assert [whole.history.drains(name) for name in whole.names] == [1] * len(NODES)
    whole.forget()
    whole.settled(0)
    assert [machine.deeds for machine in whole.machines] == [[str(PF)] * 3] * len(NODES), "away, anew, given back"
    assert sorted(whole.evictions()) == sorted(f"user-{name}" for name in whole.names)


@pytest.mark.parametrize(
    ("answer", "vfs"),
    [pytest.param(DRAINING, 2, id="before-its-pods-went"), pytest.param(COMPLETE, 0, id="after-its-vfs-went")],
)
def test_a_drain_that_was_left_half_done_is_ended_and_the_next_ones_wait_for_it(whole, answer, vfs):
    whole.policy(vfs=4)
    one = node(whole, "one", vfs=vfs, wished=4, request=REQUEST, answer=answer)
    others = [node(whole, name, vfs=2, wished=4, request=REQUEST) for name in NODES[1:]]
    users = [machine for machine in whole.machines if machine.vfs]
    for machine in users:
        whole.pod(f"user-{machine.name}", machine)
    take_over(whole)
    whole.settled(4)
    one_by_one(whole)
    answers = whole.history.answers(one.name)
    assert (answers[0], answers[-1], answers.count(IDLE)) == (answer, IDLE, 1), whole.picture()
    assert [whole.history.drains(machine.name) for machine in others] == [1, 1]
    assert sorted(whole.evictions()) == sorted(f"user-{machine.name}" for machine in users)
    assert [machine.deeds for machine in others] == [[str(PF)] * 2] * 2
    assert one.deeds == [str(PF)] * (2 if vfs else 1)
    whole.until(lambda: whole.ledger() == {})
