"""The agent on a real API server: wishes in, VFs out, drains and reboots asked for, everything visible in status."""

from collections.abc import Iterator
from typing import Any

import pytest
from agent_runs import (
    ENDS_WITHIN_S,
    GROUP,
    OTHER,
    PF,
    Objects,
    boots,
    condition,
    count,
    drivers_of,
    interface,
    running,
    world,
)
from kube_clients import Noting, admin, until
from servers import Server

from sriov_core.agent.switches import Given
from sriov_core.api import keys
from sriov_core.engine.journal import Journal
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.recorder import Recorder


@pytest.fixture
def client(server: Server) -> Client:
    return admin(server)


@pytest.fixture
def objects(server: Server, namespace: str) -> Iterator[Objects]:
    made = Objects(server.admin, namespace, f"worker-{namespace}")
    made.create()
    yield made
    server.admin.remove(f"/api/v1/nodes/{made.node}")


@pytest.fixture
def pods(server: Server, objects: Objects) -> Iterator[Any]:
    """Makes a pod of the device plugin that waits; it ends when it is deleted, as no kubelet holds it."""

    def wait(name: str) -> str:
        meta = {
            "name": name,
            "namespace": objects.namespace,
            "labels": {"app": "sriov-device-plugin"},
            "annotations": {keys.WAITS_FOR_CONFIG: "true"},
        }
        spec = {
            "nodeName": objects.node,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "plugin", "image": "example.com/plugin"}],
        }
        server.admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        return f"/api/v1/namespaces/{objects.namespace}/pods/{name}"

    return wait


def events(objects: Objects) -> list[dict[str, Any]]:
    found = objects.admin.done("GET", f"/apis/events.k8s.io/v1/namespaces/{objects.namespace}/events")
    return [event for event in found["items"] if event["regarding"]["name"] == objects.node]


def test_t64_from_an_empty_wish_to_vfs_and_back_with_a_drain(client, objects):
    host = world()
    with running(client, objects, host):
        status = objects.synced()
        assert [nic["pciAddress"] for nic in status["interfaces"]] == [str(PF), str(OTHER)]
        assert {plugin["name"] for plugin in status["plugins"]} >= {"generic", "intel"}
        objects.wish(interface())
        status = objects.synced()
        assert drivers_of(host) == ["igbvf", "igbvf"]
        assert len(status["interfaces"][0]["Vfs"]) == 2
        assert condition(status, "Ready", PF)["status"] == "True"
        assert objects.notes() == ("Idle", "Idle")
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.drain()
        assert objects.synced()["lastSyncError"] == ""
        until(lambda: objects.notes()[0] == "Idle")
        assert drivers_of(host) == []
        until(lambda: objects.node_note() == "Idle")
        assert keys.EXTERNAL_DRAINER not in objects.state()["metadata"]["annotations"]
    assert boots(host) == 0


def test_while_it_waits_for_a_drain_that_and_the_plan_are_in_the_status(client, objects):
    host = world()
    with running(client, objects, host):
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[1], "pod-1")
        objects.wish(interface(vfs=4))
        status = objects.synced(status="InProgress")
        until(lambda: (condition(objects.status(), "Progressing", PF) or {}).get("reason") == "WaitingForDrain")
        status = objects.status()
        (nic,) = [entry for entry in status["interfaces"] if entry["pciAddress"] == str(PF)]
        assert any("VFs 2 -> 0" in row and "vf1 is used by" in row for row in nic["plan"])
        assert "vf1 is used by" in condition(status, "Ready")["message"]
        objects.asked("Drain_Required")
        assert keys.REQUESTED_SINCE in objects.state()["metadata"]["annotations"]
        objects.answer("Draining")
        objects.answer("DrainComplete")
        objects.synced()
        until(lambda: objects.notes()[0] == "Idle")
        assert keys.REQUESTED_SINCE not in objects.state()["metadata"]["annotations"]


def test_t65_t66_and_t67_a_reboot_needs_a_full_drain(client, objects):
    host = world(other_net_namespaces=1)
    recorder = Recorder(client, component="config-daemon", instance=objects.node)
    with running(client, objects, host, recorder=recorder):
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish(interface(vfs=3))
        objects.asked("Drain_Required")
        objects.answer("Draining")
        objects.wish(interface(vfs=3), rdmaMode="exclusive")
        objects.asked("Idle")
        assert objects.notes() == ("Idle", "Draining")
        objects.answer("Idle")
        objects.asked("Reboot_Required")
        objects.answer("Draining")
        assert boots(host) == 0
        assert objects.notes()[0] == "Reboot_Required"
        objects.answer("DrainComplete")
        until(lambda: boots(host) == 1)
        objects.synced()
        objects.asked("Idle")
        assert (len(drivers_of(host)), host.node().rdma_mode) == (3, "exclusive")
    recorder.close(ENDS_WITHIN_S)
    told = {event["reason"]: event for event in events(objects)}
    assert (told["RebootNode"]["type"], told["SyncStatusChanged"]["type"]) == ("Normal", "Normal")
    assert boots(host) == 1


def test_t68_an_external_drainer_is_announced_at_rest_and_taken_back(client, objects):
    def external() -> str | None:
        note: str | None = objects.state()["metadata"]["annotations"].get(keys.EXTERNAL_DRAINER)
        return note

    host, journal = world(), Journal(path=None)
    with running(client, objects, host, journal, given=Given(external_drainer=True)):
        until(lambda: external() == "true")
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.drain()
        objects.asked("Idle")
        objects.answer("Idle")
    with running(client, objects, host, journal):
        until(lambda: external() is None)


def test_t69_without_draining_everything_is_done_at_once(client, objects):
    host = world()
    objects.configure(disableDrain=True)
    with running(client, objects, host):
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.synced()
        assert drivers_of(host) == []
        assert objects.notes() == ("Idle", "Idle")


def test_t70_pods_of_the_device_plugin_wait_until_there_is_something_for_them(client, objects, server, pods):
    def waits(path: str) -> bool:
        found = server.admin.find(path)
        return bool(found and keys.WAITS_FOR_CONFIG in found["metadata"].get("annotations", {}))

    host = world()
    first = pods("plugin-1")
    with running(client, objects, host):
        objects.synced()
        assert waits(first), "an empty wish lets nobody go"
        objects.wish(interface())
        until(lambda: server.admin.find(first) is None)
        second = pods("plugin-2")
        objects.synced()
        # The pod may have come after the node was ready: the next pass finds it, and something has to begin one.
        objects.wish(interface(mtu=1600))
        until(lambda: not waits(second))
        assert server.admin.find(second), "it is let go, and not restarted"


def test_t71_the_configuration_is_followed_while_it_runs(client, objects):
    levels: list[int] = []
    host = world()
    with running(client, objects, host, on_switches=lambda on: levels.append(on.log_level)):
        objects.wish(interface())
        objects.synced()
        objects.configure(logLevel=2)
        until(lambda: levels[-1] == 2)
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.asked("Drain_Required")
        objects.configure(logLevel=0, disableDrain=True)
        objects.synced()
        until(lambda: objects.notes()[0] == "Idle")
        assert (drivers_of(host), levels[-1]) == ([], 0)


def test_a_configuration_that_comes_after_the_node_state_was_never_missing(client, objects, server):
    server.admin.remove(f"/apis/{GROUP}/v1/namespaces/{objects.namespace}/sriovoperatorconfigs/default")
    recorder = Recorder(client, component="config-daemon", instance=objects.node)
    with running(client, objects, world(), recorder=recorder) as agent:
        agent.notice()
        objects.configure()
        objects.synced()
    recorder.close(ENDS_WITHIN_S)
    assert {event["type"] for event in events(objects)} == {"Normal"}


def test_an_error_is_in_the_status_at_once_and_is_an_event(client, objects):
    host = world()
    host.fail(lambda verb: verb.name == "set_num_vfs", 12)
    recorder = Recorder(client, component="config-daemon", instance=objects.node)
    with running(client, objects, host, recorder=recorder):
        objects.wish(interface(), interface(OTHER, 0, mtu=9000))
        status = objects.synced(status="Failed")
        assert "ENOMEM" in status["lastSyncError"]
        assert condition(status, "Degraded", PF)["reason"] == "StepFailed"
        assert condition(status, "Ready", OTHER)["status"] == "True"
        host.heal()
        objects.synced()
    recorder.close(ENDS_WITHIN_S)
    told = [event for event in events(objects) if event["type"] == "Warning"]
    assert [event["reason"] for event in told] == ["ConfigurationFailed"]
    assert "ENOMEM" in told[0]["note"]


def test_w17_what_becomes_of_a_vf_is_published(client, objects):
    host = world()
    with running(client, objects, host) as agent:
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        agent.notice()
        until(lambda: "name" not in objects.status()["interfaces"][0]["Vfs"][0])
        assert objects.status()["interfaces"][0]["Vfs"][1]["name"]


def test_w47_a_node_state_that_comes_back_empty_takes_nothing_away(client, objects, server):
    host = world()
    with running(client, objects, host):
        objects.wish(interface())
        objects.synced()
        server.admin.remove(objects.path)
        objects.make_state()
        status = objects.synced()
        assert len(status["interfaces"][0]["Vfs"]) == 2
        assert drivers_of(host) == ["igbvf", "igbvf"]
        objects.note(keys.RENDERED, "true")
        until(lambda: drivers_of(host) == [])


def test_a_node_state_that_is_gone_leaves_the_node_as_it_is(client, objects, server):
    host = world()
    with running(client, objects, host) as agent:
        objects.wish(interface())
        objects.synced()
        server.admin.remove(objects.path)
        agent.notice()
        objects.make_state()
        objects.wish(interface(vfs=2, mtu=9000))
        objects.synced()
        assert len(drivers_of(host)) == 2


GARBAGE = {
    "no-address": ([{"pciAddress": "eth0", "numVfs": 2}], "no PCI address"),
    "a-range-backwards": ([{"pciAddress": str(PF), "numVfs": 2, "vfGroups": [{"vfRange": "3-1"}]}], "vfRange"),
    "a-nic-that-is-not-here": ([{"pciAddress": "0000:ff:1f.7", "numVfs": 2}], "this machine has no such NIC"),
    "more-vfs-than-there-can-be": ([{"pciAddress": str(PF), "numVfs": 200}], "200"),
    "one-nic-twice": ([interface(), interface()], "is given in"),
}


@pytest.mark.parametrize("row", GARBAGE.values(), ids=GARBAGE)
def test_garbage_written_by_hand_changes_nothing_and_is_told(client, objects, row):
    interfaces, words = row
    host = world()
    with running(client, objects, host):
        objects.synced()
        objects.wish(*interfaces)
        status = objects.synced(status="Failed")
        assert words in status["lastSyncError"]
        assert condition(status, "Degraded")["status"] == "True"
        assert drivers_of(host) == []
        objects.wish(interface())
        objects.synced()


def test_annotations_that_nobody_knows_are_put_right(client, objects):
    host = world()
    objects.note(keys.DESIRED_STATE, "Please")
    objects.note(keys.CURRENT_STATE, None)
    with running(client, objects, host):
        objects.asked("Idle")
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.drain()
        objects.synced()


def test_what_another_agent_reported_is_replaced_and_what_others_own_is_kept(client, objects):
    path = f"{objects.path}/status"
    when = "2025-01-01T00:00:00Z"
    drained = {"type": "Drained", "status": "False", "reason": "Idle", "message": "", "lastTransitionTime": when}
    kind = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState"}
    body = {**kind, "metadata": {"name": objects.node}, "status": {"conditions": [drained]}}
    query = "?fieldManager=sriov-network-operator&force=true"
    objects.admin.done("PATCH", path + query, body, content_type="application/apply-patch+yaml")
    old = {"status": {"lastSyncError": "old", "syncStatus": "Failed", "interfaces": [{"pciAddress": "0000:99:00.0"}]}}
    objects.admin.done("PATCH", path, old, content_type="application/merge-patch+json")
    with running(client, objects, world()):
        status = objects.synced()
        assert status["lastSyncError"] == ""
        assert [nic["pciAddress"] for nic in status["interfaces"]] == [str(PF), str(OTHER)]
        assert condition(status, "Drained")["lastTransitionTime"] == when


def test_a_node_as_wished_writes_nothing(objects, server):
    way = Noting(connect(str(server.admin_kubeconfig), user_agent="sriov-test"))
    host = world()
    with running(Client(way, manager="sriov-core-agent"), objects, host) as agent:
        objects.wish(interface())
        objects.synced()
        objects.asked("Idle")
        until(lambda: condition(objects.status(), "Ready", PF)["status"] == "True")
        before = len(way.writes)
        for _ in range(5):
            agent.notice()
        host.set_mtu(OTHER, 1600)
        agent.notice()
        until(lambda: objects.status()["interfaces"][1]["mtu"] == 1600)
        assert len(way.writes) == before + 1, way.writes
    assert before < 10


def test_a_config_map_can_be_the_wish(client, objects, server):
    def say(text: str) -> None:
        path = f"/api/v1/namespaces/{objects.namespace}/configmaps/nics"
        objects.admin.done("PATCH", path, {"data": {"interfaces": text}}, content_type="application/merge-patch+json")

    host = world()
    labels = {keys.NODE_INTERFACES: objects.node}
    meta = {"name": "nics", "namespace": objects.namespace, "labels": labels}
    text = "- {name: eth0, numVfs: 3}"
    server.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"interfaces": text}})
    with running(client, objects, host, config_maps=True):
        until(lambda: len(drivers_of(host)) == 3)
        say("- {name: eth7, numVfs: 3}")
        until(lambda: "no NIC eth7" in objects.status().get("lastSyncError", ""))
        assert len(drivers_of(host)) == 3, "nothing is given back while a name means nothing"
        say("[]")
        until(lambda: drivers_of(host) == [])


def test_a_fresh_agent_touches_nothing_that_is_as_wished(client, objects):
    host, journal = world(), Journal(path=None)
    with running(client, objects, host, journal):
        objects.wish(interface())
        objects.synced()
    resized = count(host, "set_num_vfs")
    with running(client, objects, host, journal) as agent:
        agent.notice()
        objects.wish(interface(mtu=9000))
        objects.synced()
    assert resized == []
