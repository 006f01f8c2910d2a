"""What somebody wrote by hand that makes no sense, and Nodes that come back as others: told where it stands in the way,
mended where it is ours, and no harm done.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_runs import PF
from servers import Server
from servers_admin import MERGE
from whole import QUICK, Cluster, cluster
from whole_machines import Machine
from whole_scene import done_once, each_thing_once, held_up, hold, one_by_one, three

from sriov_core.api import keys


@pytest.fixture
def whole(server: Server, recent: object, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(server, namespace, tmp_path) as made:
        made.configure()
        yield made
        made.unharmed()


def group(**facts: Any) -> dict[str, Any]:
    return {"vfRange": "0-1", "resourceName": "fast", "deviceType": "netdevice", **facts}


def nic(**facts: Any) -> dict[str, Any]:
    return {"pciAddress": str(PF), "name": "eth0", "numVfs": 2, "vfGroups": [group()], **facts}


WISHES = [
    pytest.param([nic(pciAddress="../../etc/passwd")], id="a-path-as-address"),
    pytest.param([nic(numVfs=2**40)], id="more-vfs-than-there-are-numbers"),
    pytest.param([nic(vfGroups=[group(vfRange="from 0 to $(reboot)")])], id="a-command-as-range"),
    pytest.param([nic(vfGroups=[group(vfRange="0-1"), group(vfRange="1-1")])], id="groups-that-overlap"),
    pytest.param([nic(vfGroups=[group(deviceType="banana")])], id="an-unknown-device-type"),
    pytest.param([nic(plugin="banana")], id="an-unknown-plugin"),
    pytest.param([nic(eSwitchMode="banana")], id="an-unknown-eswitch-mode"),
    pytest.param([nic(mtu=2**31)], id="an-mtu-beyond-everything"),
]
"""Others are tried on an agent alone."""


@pytest.fixture(scope="module")
def place(server: Server, recent: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A node with two VFs in use, and an operator that can be stopped: what it does not see, the agent has to."""
    server.admin.create_namespace("garbage")
    with cluster(server, "garbage", tmp_path_factory.mktemp("garbage")) as made:
        made.configure()
        made.node("one")
        made.operate(timing=QUICK)
        made.policy()
        made.settled(2)
        made.pod("user", made.machines[0])
        made.rest()
        yield made
    server.admin.remove_namespace("garbage")


@pytest.mark.parametrize("interfaces", WISHES)
def test_a_wish_that_makes_no_sense_is_told_and_touches_nothing(place, interfaces):
    (one,) = place.machines
    before = list(one.deeds)
    spec = {"spec": {"interfaces": interfaces}}
    stored = place.server.admin.done("PATCH", one.objects.path, spec, content_type=MERGE)

    def told() -> str:
        """What went wrong, once that is known: an agent may have begun with the wish before."""
        status = one.objects.status()
        ready: dict[str, Any] = next((it for it in status.get("conditions", []) if it["type"] == "Ready"), {})
        current = ready.get("observedGeneration", 0) >= stored["metadata"]["generation"]
        failed = current and ready["status"] == "False" and status["syncStatus"] == "Failed"
        return status["lastSyncError"] if failed and ready["message"] else ""

    place.until(told)
    assert (one.deeds, one.vfs) == (before, 2)
    assert one.objects.notes() == ("Idle", "Idle")


def test_a_wish_that_somebody_spoilt_is_written_anew_when_the_operator_is_back(place):
    (one,) = place.machines
    place.server.admin.done("PATCH", one.objects.path, {"spec": {"interfaces": [nic(numVfs=5)]}}, content_type=MERGE)
    place.operate(timing=QUICK)
    place.settled(2)
    assert one.objects.state()["spec"]["interfaces"][0]["numVfs"] == 2
    place.unharmed()
    place.rest()


NOTES = {
    keys.REQUESTED_SINCE: "soon",
    keys.DRAIN_SINCE: "yesterday",
    keys.CORDONED_BEFORE: "perhaps",
    keys.KEEP_STATE_UNTIL: "never",
    keys.PINNED_PLUGINS: ";;=,0000=",
    keys.EXTERNAL_DRAINER: "perhaps",
    keys.RENDERED: "banana",
}


def annotate(whole: Cluster, machine: Machine, notes: dict[str, str]) -> None:
    patch = {"metadata": {"annotations": notes}}
    whole.server.admin.done("PATCH", machine.objects.path, patch, content_type=MERGE)


def test_annotations_that_make_no_sense_hold_nothing_up(whole):
    """Words of the handshake that nobody knows are overwritten at rest."""
    meta = {"name": "supported-nic-ids", "namespace": whole.namespace}
    ids = {"banana": "", "number": "\x00\n", "Intel_igb": "8086 10c9 10ca", "long": "f" * 1000}
    whole.server.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": ids})
    whole.operate()
    one, two, _ = machines = three(whole)
    for machine in machines:
        annotate(whole, machine, NOTES)
    annotate(whole, one, {keys.CURRENT_STATE: "banana"})
    annotate(whole, two, {keys.DESIRED_STATE: "banana"})
    whole.until(lambda: one.objects.notes() == two.objects.notes() == ("Idle", "Idle"))
    whole.policy(vfs=4)
    done_once(whole, machines)


def test_a_node_that_is_deleted_with_its_state_in_the_middle_of_its_drain_and_comes_back(whole):
    whole.operate()
    machines = three(whole)
    budget = hold(whole)
    whole.policy(vfs=4)
    first = held_up(whole, machines)
    others = [machine for machine in machines if machine is not first]
    name = first.name.removeprefix(f"{whole.namespace}-")
    whole.stage.delete_node(name)
    whole.until(lambda: first.name not in whole.ledger())
    second = held_up(whole, others)
    assert whole.ledger().keys() == {second.name}, "its place was free again"
    whole.stage.node(name)
    whole.server.admin.remove(budget)
    whole.settled(4)
    one_by_one(whole)
    each_thing_once(whole, machines)
    whole.until(lambda: whole.ledger() == {})
