"""What users are told on a real API server: the status of policies, and the condition about plugins."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from kube_clients import Way
from nodestates_stage import CX6, GENERIC, GROUP, INTEL, PINS, RIVAL, X710, Stage, stage
from operator_runs import until
from servers import Server
from servers_admin import MERGE

from sriov_core.kube.exchange import Answer, Transport


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


NOT_TOLD = "its node state does not have the policy as it is now; if that lasts, the operator's log says why"


@attrs.define
class Gateway(Way):
    """A way to the API server on which no change of a node state comes through until ``is_open``.

    It is refused, or with ``drops`` answered with the node state as it is: so does a definition without the field.
    """

    inner: Any = None
    is_open: bool = False
    drops: bool = False

    def __call__(self, transport: Transport) -> "Gateway":
        self.inner = transport
        return self

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        if method == "PATCH" and "/sriovnetworknodestates/" in path and not self.is_open:
            if self.drops:
                bare = path.partition("?")[0]
                return super().request("GET", bare, **{**facts, "body": None, "content_type": ""})
            return Answer(503, {"content-type": "text/plain"}, b"no server is available to handle this request")
        return super().request(method, path, **facts)


def test_a_policy_is_not_ready_by_what_nodes_said_before_they_were_told_of_it(here: Stage) -> None:
    gateway = Gateway()
    here.configure()
    here.start(way=gateway)
    here.node("a")
    here.report("a")
    here.policy("p")
    (detail,) = here.ready("p", "Progressing")["details"]
    assert (detail["outcome"], detail["reason"]) == ("waiting", NOT_TOLD)
    assert here.wishes("a") == []
    gateway.is_open = True
    here.ready("p")
    assert here.wishes("a") == ["ens803f0 4: pres 0-3"]


def test_a_policy_does_not_wait_for_a_field_that_the_definition_does_not_have(here: Stage) -> None:
    here.configure()
    here.start(way=Gateway(drops=True))
    here.node("a")
    here.report("a")
    here.policy("p")
    here.ready("p")
    assert here.wishes("a") == []


def test_garbage_in_one_report_costs_one_node_its_changes(cluster: Stage) -> None:
    for node in ("bad", "good"):
        cluster.node(node)
        cluster.report(node)
    cluster.policy("p")
    until(lambda: cluster.wishes("bad") and cluster.label("bad") == "Enabled")
    cluster.report("bad", {**X710, "pciAddress": "../../etc"})
    told = until(lambda: cluster.condition("bad"))
    assert (told["status"], told["reason"]) == ("False", "ReportNotUnderstood")
    assert "'../../etc' is no PCI address" in told["message"]
    cluster.policy("p", numVfs=6)
    until(lambda: cluster.wishes("good") == ["ens803f0 6: pres 0-5"])
    assert cluster.wishes("bad") == ["ens803f0 4: pres 0-3"]
    assert cluster.resources("bad")
    status = cluster.ready("p", "Failed")
    (detail,) = status["details"]
    assert (detail["node"], detail["outcome"]) == (cluster.name("bad"), "failed")
    assert "../../etc" in detail["reason"]
    until(lambda: "Warning PluginsChosenAdded" in cluster.events(cluster.name("bad")))
    cluster.report("bad", plugins=[GENERIC])
    until(lambda: (cluster.condition("bad") or told)["status"] == "True")
    until(lambda: cluster.wishes("bad") == ["ens803f0 6: pres 0-5"])


def test_a_policy_that_contradicts_itself_holds_up_nobody(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("bad", numVfs=2, nicSelector={"pfNames": ["ens803f0#5"]})
    cluster.policy("good")
    until(lambda: cluster.wishes("a") == ["ens803f0 4: goodres 0-3"])
    status = cluster.ready("bad", "Invalid")
    (ready,) = [one for one in status["conditions"] if one["type"] == "Ready"]
    assert "spec.nicSelector.pfNames[0]" in ready["message"]
    until(lambda: "Warning ReadyAdded" in cluster.events("bad"))


def test_each_nic_gets_its_plugin_and_a_tie_is_settled_by_a_pin(cluster: Stage) -> None:
    def plugins() -> dict[str, str]:
        spec = (cluster.state("a") or {"spec": {}})["spec"]
        return {nic["name"]: nic.get("plugin", "") for nic in spec.get("interfaces", [])}

    cluster.policy("intel")
    cluster.policy("mellanox", nicSelector={"vendor": "15b3"})
    cluster.node("a")
    cluster.report("a", X710, CX6)
    until(lambda: plugins() == {"ens803f0": "", "enp216s0f0np0": ""})
    assert cluster.condition("a") is None
    cluster.report("a", X710, CX6, plugins=[INTEL, GENERIC])
    until(lambda: plugins() == {"ens803f0": "intel", "enp216s0f0np0": "generic"})
    cluster.report("a", X710, CX6, plugins=[INTEL, RIVAL, GENERIC])
    until(lambda: plugins() == {"ens803f0": "", "enp216s0f0np0": "generic"})
    told = until(lambda: cluster.condition("a"))
    assert (told["status"], told["reason"]) == ("False", "Conflict")
    assert "plugins intel and rival match it equally well" in told["message"]
    (running,) = cluster.operators
    until(lambda: running.counted("plugin_conflicts") == 1)
    cluster.annotate("a", pinned_plugins=f"{X710['pciAddress']}=rival")
    until(lambda: plugins() == {"ens803f0": "rival", "enp216s0f0np0": "generic"})
    until(lambda: (cluster.condition("a") or told)["status"] == "True")
    until(lambda: running.counted("plugin_conflicts") == 0)
    cluster.annotate("a", pinned_plugins="nonsense")
    until(lambda: plugins()["ens803f0"] == "")
    until(lambda: "found 'nonsense'" in (cluster.condition("a") or told)["message"])
    assert PINS in (cluster.state("a") or {})["metadata"]["annotations"]


def test_the_conditions_of_others_stay(cluster: Stage) -> None:
    cluster.node("a")
    until(lambda: cluster.state("a"))
    document = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetworkNodeState"}
    metadata = {"name": cluster.name("a"), "namespace": cluster.namespace}
    ready = {
        "type": "Drained",
        "status": "True",
        "reason": "Idle",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    path = f"{cluster.path('SriovNetworkNodeState', cluster.name('a'))}/status"
    cluster.server.admin.done(
        "PATCH",
        f"{path}?fieldManager=sriov-network-operator&force=true",
        {**document, "metadata": metadata, "status": {"conditions": [ready]}},
        content_type="application/apply-patch+yaml",
    )
    cluster.report("a", plugins=[INTEL, RIVAL])
    until(lambda: cluster.condition("a"))
    assert (cluster.condition("a", "Drained") or {})["reason"] == "Idle"


def test_a_status_follows_its_nodes(cluster: Stage) -> None:
    for node in ("a", "b", "c"):
        cluster.node(node)
        cluster.report(node)
    cluster.policy("p")
    assert cluster.ready("p")["appliedNodes"] == 3
    cluster.status("a", syncStatus="InProgress")
    assert cluster.ready("p", "Progressing")["pendingNodes"] == 1
    cluster.status("b", syncStatus="Failed", lastSyncError="no IOMMU in effect")
    status = cluster.ready("p", "Failed")
    assert [(one["node"], one["outcome"]) for one in status["details"]] == [
        (cluster.name("b"), "failed"),
        (cluster.name("a"), "waiting"),
    ]
    states = {one["type"]: one["status"] for one in status["conditions"]}
    assert states == {"Ready": "False", "Progressing": "True", "Degraded": "True"}
    cluster.status("a", syncStatus="Succeeded")
    cluster.status("b", syncStatus="Succeeded")
    assert "details" not in cluster.ready("p")
    until(lambda: "Warning ReadyChanged" in cluster.events("p"))
    until(lambda: "Normal ReadyChanged" in cluster.events("p"))


def test_a_status_that_is_wiped_by_hand_comes_back(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    before = cluster.ready("p")
    path = f"{cluster.path('SriovNetworkNodePolicy', 'p')}/status"
    cluster.server.admin.done("PATCH", path, {"status": None}, content_type=MERGE)
    after: dict[str, Any] = cluster.ready("p")
    assert after["appliedNodes"] == before["appliedNodes"]
