"""From nodes, policies and reports to node states and labels, on a real API server with the real rights."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from nodestates_stage import (
    CX6,
    GENERIC,
    GROUP,
    INTEL,
    KEEP,
    LABEL,
    RENDERED,
    WORKER,
    WRITES,
    X710,
    X710_1,
    Document,
    Stage,
    made,
    requests,
    stage,
)
from operator_runs import until
from servers import Server
from servers_admin import MERGE, Refused

from sriov_core.api.nodestate import NodeStateSpec
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Invalid
from sriov_core.kube.resource import NODE_STATES
from sriov_operator.nodestates import specs
from sriov_operator.process.lean import LeanNodeState


@pytest.fixture
def here(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage on which nothing runs."""
    with stage(server, namespace) as made:
        yield made


@pytest.fixture
def cluster(here: Stage) -> Stage:
    """A stage with a configuration and an operator; states of nodes that are not served are deleted at once."""
    here.configure()
    here.start()
    return here


def test_a_node_is_taken_up_served_and_let_go(here: Stage) -> None:
    here.configure(configDaemonNodeSelector={})
    here.start()
    here.node("a", {**WORKER, **here.labels("a")})
    state = until(lambda: here.state("a"))
    assert state["spec"] == {"bridges": {}, "system": {}}
    assert "ownerReferences" not in state["metadata"]
    until(lambda: here.label("a") == "Disabled")
    until(lambda: here.resources("a") == [])
    here.report("a")
    until(lambda: (here.state("a") or state)["metadata"].get("annotations", {}).get(RENDERED) == "true")
    here.policy("p", numVfs=5, priority=20)
    until(lambda: here.wishes("a") == ["ens803f0 5: pres 0-4"])
    until(lambda: here.label("a") == "Enabled")
    assert here.resources("a") == [
        {
            "resourceName": "pres",
            "selectors": {"vendors": ["8086"], "IsRdma": False, "NeedVhostNet": False},
            "SelectorObj": None,
        }
    ]
    status = here.ready("p")
    assert (status["matchedNodes"], status["appliedNodes"], status["appliedNics"]) == (1, 1, 1)
    assert (status["failedNodes"], status["pendingNodes"], status["displacedNodes"]) == (0, 0, 0)
    here.relabel("a", **{"node-role.kubernetes.io/worker": None})
    until(lambda: here.state("a") is None)
    until(lambda: here.label("a") is None)
    until(lambda: here.resources("a") is None)
    here.ready("p", "NoNodeMatched")


@pytest.mark.parametrize("minutes", ["0", "5"])
def test_a_node_that_is_deleted_holds_up_no_other(here: Stage, minutes: str) -> None:
    here.configure()
    here.start(STALE_NODE_STATE_CLEANUP_DELAY_MINUTES=minutes)
    here.node("a")
    here.node("b")
    here.report("a")
    here.report("b")
    here.delete_node("a")
    if minutes == "0":
        until(lambda: here.state("a") is None)
    else:
        until(lambda: KEEP in (here.state("a") or {})["metadata"].get("annotations", {}))
    here.policy("p")
    until(lambda: here.label("b") == "Enabled")
    assert here.resources("a") is None
    if minutes != "0":
        assert here.state("a")
        here.node("a")
        until(lambda: KEEP not in (here.state("a") or {})["metadata"].get("annotations", {}))
        until(lambda: here.wishes("a") == ["ens803f0 4: pres 0-3"])
        until(lambda: here.label("a") == "Enabled")


def test_a_node_that_is_made_anew_under_its_name_is_served(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    until(lambda: cluster.label("a") == "Enabled")
    cluster.delete_node("a")
    cluster.node("a")

    def served() -> bool:
        """Whether the operator saw that there was no Node for a moment or not: the node state goes then, or stays."""
        with suppress(Refused):  # it goes at this moment
            cluster.report("a", CX6, X710_1)
        return cluster.wishes("a") == ["ens803f1 4: pres 0-3"]

    until(served)
    until(lambda: cluster.label("a") == "Enabled")


def test_a_node_state_that_is_deleted_by_hand_comes_back(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    until(lambda: cluster.wishes("a"))
    cluster.delete("SriovNetworkNodeState", cluster.name("a"))
    until(lambda: cluster.wishes("a") == [])
    assert RENDERED not in (cluster.state("a") or {})["metadata"].get("annotations", {})
    cluster.report("a")
    until(lambda: cluster.wishes("a") == ["ens803f0 4: pres 0-3"])


def test_a_wish_that_is_changed_by_hand_is_put_right(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    until(lambda: cluster.wishes("a"))
    path = cluster.path("SriovNetworkNodeState", cluster.name("a"))
    cluster.server.admin.done("PATCH", path, {"spec": {"interfaces": None}}, content_type=MERGE)
    until(lambda: cluster.wishes("a") == ["ens803f0 4: pres 0-3"])
    cluster.relabel("a", **{LABEL: "Disabled"})
    until(lambda: cluster.label("a") == "Enabled")


def test_the_rdma_mode_is_that_of_the_pool(cluster: Stage) -> None:
    cluster.node("a", cluster.labels("a", test=""))
    until(lambda: cluster.state("a"))
    cluster.report("a")
    pool = {"nodeSelector": {"matchLabels": {"test": ""}}, "rdmaMode": "exclusive"}
    cluster.put("SriovNetworkPoolConfig", "pool", pool)
    until(lambda: (cluster.state("a") or {})["spec"]["system"] == {"rdmaMode": "exclusive"})
    cluster.node("b", cluster.labels("b", test=""))
    assert until(lambda: cluster.state("b"))["spec"]["system"] == {"rdmaMode": "exclusive"}


def test_two_policies_share_a_port(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("last", numVfs=5, mtu=9000, nicSelector={"pfNames": ["ens803f0#2-4"]})
    until(lambda: cluster.wishes("a") == ["ens803f0 5: lastres 2-4"])
    cluster.policy("first", numVfs=2, nicSelector={"pfNames": ["ens803f0#0-1"]})
    until(lambda: sorted(cluster.wishes("a") or []) == ["ens803f0 5: firstres 0-1", "ens803f0 5: lastres 2-4"])
    (nic,) = (cluster.state("a") or {})["spec"]["interfaces"]
    assert {group["resourceName"]: group.get("mtu") for group in nic["vfGroups"]} == {"lastres": 9000, "firstres": None}


def test_a_policy_for_one_of_fifty_nodes_is_one_write_and_no_list(cluster: Stage) -> None:
    nodes = [f"n{number}" for number in range(50)]
    for node in nodes:
        cluster.node(node)
    for node in nodes:
        cluster.report(node)
    cluster.node("other")
    cluster.report("other", X710_1)
    cluster.policy("everywhere", numVfs=2, priority=50, nicSelector={"pfNames": ["ens803f0"]})
    assert cluster.ready("everywhere")["appliedNics"] == 50
    until(lambda: all(cluster.label(node) == "Enabled" for node in nodes))
    cluster.settle("other")
    (running,) = cluster.operators
    lists = requests(running, verbs=("list", "get"))
    states = requests(running, verbs=WRITES, resource="sriovnetworknodestates")
    labels = requests(running, verbs=WRITES, resource="nodes")
    maps = requests(running, verbs=WRITES, resource="configmaps")
    policies = requests(running, verbs=WRITES, resource="sriovnetworknodepolicies")
    cluster.policy("one", on="n7", numVfs=8, priority=10)
    assert cluster.ready("one")["appliedNodes"] == 1
    assert cluster.ready("everywhere", "PartlyDisplaced")["displacedNodes"] == 1
    until(lambda: [one["resourceName"] for one in cluster.resources("n7") or []] == ["oneres"])
    assert (states(), labels(), maps(), policies()) == (1, 0, 1, 2)
    cluster.settle("other")
    assert cluster.wishes("n7") == ["ens803f0 8: oneres 0-7"]
    assert states() == 3, "the two more are those of settling"
    assert lists() == 0


def incumbent(here: Stage, node: str, config: Document) -> None:
    """What the other operator leaves behind, in its own words."""
    group = {
        "resourceName": "pres",
        "deviceType": "netdevice",
        "vfRange": "0-4",
        "policyName": "p",
        "mtu": 9000,
    }
    nic = {
        "pciAddress": X710["pciAddress"],
        "name": "ens803f0",
        "mtu": 9000,
        "numVfs": 5,
        "linkType": "eth",
        "eSwitchMode": "legacy",
        "vfGroups": [group],
    }
    owner = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "SriovOperatorConfig",
        "name": "default",
        "uid": config["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {"ownerReferences": [owner]}
    spec = {"interfaces": [nic], "bridges": {}, "system": {}}
    here.put("SriovNetworkNodeState", here.name(node), spec, **metadata)
    here.report(node)
    plugin = {
        "resourceName": "pres",
        "selectors": {"vendors": ["8086"], "linkTypes": ["ether"], "IsRdma": False, "NeedVhostNet": False},
        "SelectorObj": None,
    }
    text = json.dumps({"resourceList": [plugin]}, separators=(",", ":"))
    here.server.admin.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "device-plugin-config", "namespace": here.namespace, **metadata},
            "data": {here.name(node): text},
        }
    )


def test_what_another_operator_made_is_taken_over_without_a_write(here: Stage) -> None:
    config = here.configure()
    here.policy("p", numVfs=5, mtu=9000, linkType="eth", eSwitchMode="legacy", deviceType="netdevice")
    here.node("a", here.labels("a", **{LABEL: "Enabled"}))
    incumbent(here, "a", config)
    before, maps = here.state("a"), here.config_map()
    running = here.start()
    here.ready("p")
    assert made(running) == []
    assert (here.state("a"), here.config_map()) == (before, maps)


def test_a_restart_writes_nothing(cluster: Stage) -> None:
    cluster.node("a")
    cluster.node("b")
    cluster.report("a", plugins=[INTEL, GENERIC])
    cluster.policy("p")
    cluster.ready("p", "Progressing")
    until(lambda: cluster.label("a") == "Enabled" == cluster.label("b"))
    cluster.operators[0].stop()
    again = cluster.start()
    cluster.report("b")
    cluster.ready("p")
    until(lambda: cluster.wishes("b"))
    assert made(again) == [("patch", "sriovnetworknodestates")], "b has reported, and all else was as it should be"


def test_while_the_operator_was_away_nodes_went(cluster: Stage) -> None:
    for node in ("a", "b"):
        cluster.node(node)
        cluster.report(node)
    cluster.policy("p")
    until(lambda: cluster.label("a") == "Enabled" == cluster.label("b"))
    cluster.operators[0].stop()
    cluster.delete_node("a")
    cluster.relabel("b", stage=None)
    cluster.start()
    until(lambda: cluster.state("a") is None and cluster.state("b") is None)
    until(lambda: (cluster.config_map() or {}).get("data") in (None, {}))
    assert cluster.label("b") is None


def test_bridges_come_and_go_with_their_gate(cluster: Stage) -> None:
    def bridges() -> list[str]:
        return [one["name"] for one in (cluster.state("a") or {"spec": {}})["spec"].get("bridges", {}).get("ovs", [])]

    cluster.node("a")
    cluster.report("a", CX6)
    cluster.policy("p", nicSelector={"vendor": "15b3"}, eSwitchMode="switchdev", bridge={"ovs": {}})
    until(lambda: cluster.wishes("a"))
    assert bridges() == []
    cluster.configure(featureGates={"manageSoftwareBridges": True})
    until(lambda: bridges() == ["br-0000_d8_00.0"])
    cluster.configure()
    until(lambda: bridges() == [])


def test_without_a_configuration_nothing_is_touched(here: Stage) -> None:
    running = here.start()
    here.node("a")
    here.policy("p")
    until(lambda: running.counted("config_missing") == 1)
    assert here.state("a") is None
    here.configure()
    until(lambda: here.state("a"))
    until(lambda: running.counted("config_missing") == 0)
    here.report("a")
    here.ready("p")
    here.delete("SriovOperatorConfig", "default")
    until(lambda: running.counted("config_missing") == 1)
    here.policy("p", numVfs=9)
    here.relabel("a", **{LABEL: None})
    here.configure()
    until(lambda: here.wishes("a") == ["ens803f0 9: pres 0-8"])
    until(lambda: here.label("a") == "Enabled")


def test_a_configuration_that_goes_takes_no_node_state_along(here: Stage) -> None:
    config = here.put("SriovOperatorConfig", "default", {}, finalizers=["example.com/hold"])
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "rack", "uid": "11111111-2222-3333-4444-555555555555"}
    owner = {"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig", "name": "default"}
    owners = [{**owner, "uid": config["metadata"]["uid"]}, other]
    here.configure()
    here.node("a")
    here.put("SriovNetworkNodeState", here.name("a"), {}, ownerReferences=owners)
    here.start()
    here.report("a")
    here.policy("p")
    until(lambda: here.wishes("a"))
    assert (here.state("a") or {})["metadata"]["ownerReferences"] == owners
    here.server.admin.request("DELETE", here.path("SriovOperatorConfig", "default"))
    until(lambda: (here.state("a") or {})["metadata"].get("ownerReferences") == [other])
    here.policy("p", numVfs=9)
    here.delete("SriovOperatorConfig", "default")
    here.configure()
    until(lambda: here.wishes("a") == ["ens803f0 9: pres 0-8"])


def test_a_node_state_of_a_former_configuration_is_freed(cluster: Stage) -> None:
    owner = {"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig", "name": "default", "uid": "0-0-0"}
    cluster.put("SriovNetworkNodeState", cluster.name("a"), {}, ownerReferences=[owner])
    cluster.node("a")
    until(lambda: "ownerReferences" not in (cluster.state("a") or {"metadata": owner})["metadata"])


def test_what_a_former_leader_still_sends_takes_no_wish_back(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    until(lambda: cluster.wishes("a"))
    client = Client(connect(str(cluster.server.admin_kubeconfig), user_agent="former"), manager="former")
    name = cluster.name("a")
    former = client.get(NODE_STATES, name, cluster.namespace, type=LeanNodeState)
    cluster.policy("p", numVfs=9)
    until(lambda: cluster.wishes("a") == ["ens803f0 9: pres 0-8"])
    late = specs.operations(former, specs.Change(spec=NodeStateSpec()))
    with pytest.raises(Invalid, match="A test of the patch did not hold"):
        client.json_patch(NODE_STATES, name, late, cluster.namespace)
    assert cluster.wishes("a") == ["ens803f0 9: pres 0-8"]


def test_two_who_write_at_once_both_have_their_way(cluster: Stage) -> None:
    """Somebody else changes the same node state all the time; nothing of either is lost."""
    cluster.node("a")
    cluster.report("a")
    stop = threading.Event()
    counts: list[int] = []

    def storm() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            cluster.annotate("a", desired_state=f"storm-{number}")
            cluster.status("a", lastSyncError=f"storm-{number}")
        counts.append(number)

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        for count in range(1, 12):
            cluster.policy("p", numVfs=count)
            until(lambda wanted=count: cluster.wishes("a") == [f"ens803f0 {wanted}: pres 0-{wanted - 1}"])
    finally:
        stop.set()
        thread.join()
    last = cluster.state("a") or {}
    assert last["metadata"]["annotations"][f"{GROUP}/desired-state"] == f"storm-{counts[0]}"
    assert last["metadata"]["annotations"][RENDERED] == "true"
    assert last["status"]["lastSyncError"] == f"storm-{counts[0]}"
