"""What is told of policies on a real API server that nobody acts on, or that nobody acts on as they are written."""

from collections.abc import Iterator

import pytest
from nodestates_stage import Document, Stage, requests, stage
from operator_runs import until
from servers import Server
from servers_admin import MERGE


@pytest.fixture
def here(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage on which nothing runs."""
    with stage(server, namespace) as made:
        yield made


def conditions(here: Stage, policy: str) -> dict[str, Document]:
    found = here.server.admin.find(here.path("SriovNetworkNodePolicy", policy)) or {}
    return {one["type"]: one for one in found.get("status", {}).get("conditions", [])}


def test_a_policy_waits_for_the_configuration_and_goes_on_with_it(here: Stage) -> None:
    here.node("a")
    here.put("SriovOperatorConfig", "other", {})
    here.policy("p")
    here.start()
    status = here.ready("p", "NoConfiguration")
    message = conditions(here, "p")["Ready"]["message"]
    assert f"waits for the SriovOperatorConfig default in namespace {here.namespace}" in message
    assert "found other, which does not count" in message
    assert "Create it" in message
    assert (status["priority"], status["matchedNodes"]) == (0, 0)
    assert here.state("a") is None
    here.configure()
    here.report("a")
    assert here.ready("p")["appliedVfs"] == 4
    here.delete("SriovOperatorConfig", "default")
    here.ready("p", "NoConfiguration")
    assert here.wishes("a") == ["ens803f0 4: pres 0-3"]
    here.configure()
    here.ready("p")


def test_a_field_that_nobody_knows_is_told_and_looked_for_once_for_each_spec(here: Stage) -> None:
    here.configure()
    running = here.start()
    here.node("a")
    here.report("a")
    selector = {"vendor": "8086", "pfName": ["ens803f0"]}
    here.policy("p", nicSelector=selector, numVFs=8)
    here.ready("p")
    told = until(lambda: conditions(here, "p").get("Accepted"))
    assert (told["status"], told["reason"]) == ("False", "UnknownFields")
    assert "spec.nicSelector.pfName: unknown field. Did you mean pfNames?" in told["message"]
    assert "spec.numVFs: unknown field. Did you mean numVfs?" in told["message"]
    until(lambda: "Warning AcceptedAdded" in here.events("p"))
    reads = requests(running, verbs=("get",), resource="sriovnetworknodepolicies")
    here.status("a", syncStatus="InProgress")
    here.ready("p", "Progressing")
    here.status("a", syncStatus="Succeeded")
    here.ready("p")
    assert reads() == 0
    assert here.events("p").count("Warning AcceptedAdded") == 1
    here.policy("p")
    until(lambda: "Accepted" not in conditions(here, "p"))
    until(lambda: "Normal AcceptedRemoved" in here.events("p"))
    here.ready("p")


def test_what_is_told_of_fields_follows_each_change(here: Stage) -> None:
    here.configure()
    here.start()
    here.policy("p", numVFs=8)
    here.ready("p", "NoNodeMatched")
    until(lambda: conditions(here, "p").get("Accepted", {}).get("observedGeneration") == 1)
    path = here.path("SriovNetworkNodePolicy", "p")
    here.server.admin.done("PATCH", path, {"spec": {"numVFs": None, "mtU": 5}}, content_type=MERGE)
    until(lambda: "mtU" in conditions(here, "p").get("Accepted", {}).get("message", ""))


def test_how_a_policy_goes_on_is_no_warning_and_what_failed_is_one(here: Stage) -> None:
    here.configure()
    here.start()
    here.node("a")
    until(lambda: here.state("a"))  # a policy that comes before its nodes warns that it matches none
    here.policy("p")
    here.ready("p", "NotReported")
    until(lambda: "Normal ReadyAdded" in here.events("p"))
    here.report("a", syncStatus="InProgress")
    here.ready("p", "Progressing")
    here.status("a", syncStatus="Succeeded")
    here.ready("p")
    assert not [event for event in here.events("p") if event.startswith("Warning")]
    here.status("a", syncStatus="Failed", lastSyncError="no IOMMU")
    here.ready("p", "Failed")
    until(lambda: {"Warning ReadyChanged", "Warning DegradedChanged"} <= set(here.events("p")))


def agent(here: Stage, node: str, *, ready: bool) -> None:
    """The pod of a node's agent, as the DaemonSet makes it and the kubelet reports."""
    name, labels = f"agent-{node}", {"app": "sriov-network-config-daemon"}
    path = f"/api/v1/namespaces/{here.namespace}/pods"
    spec = {"nodeName": here.name(node), "containers": [{"name": "agent", "image": "agent"}]}
    if here.server.admin.find(f"{path}/{name}") is None:
        metadata = {"name": name, "labels": labels}
        here.server.admin.done("POST", path, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    here.server.admin.done("PATCH", f"{path}/{name}/status", {"status": status}, content_type=MERGE)


def test_an_agent_that_is_silent_is_told_where_it_is_waited_for(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sriov_operator.nodestates.nodes.PATIENCE_S", 0.0)
    here.configure()
    for node in ("a", "b"):
        here.node(node)
    here.start()
    here.policy("p", on="a")
    (detail,) = here.ready("p", "NotReported")["details"]
    assert detail["reason"] == "no agent has reported from this node yet"
    until(lambda: (here.condition("a", "AgentReporting") or {}).get("reason") == "NotReported")
    agent(here, "b", ready=True)
    agent(here, "a", ready=False)
    until(lambda: "agent-a of its agent is not ready" in here.ready("p", "NotReported")["details"][0]["reason"])
    until(lambda: (here.condition("a", "AgentReporting") or {}).get("reason") == "AgentNotReady")
    agent(here, "a", ready=True)
    here.report("a")
    here.ready("p")
    until(lambda: here.condition("a", "AgentReporting") is None)
    until(lambda: (here.condition("b", "AgentReporting") or {}).get("reason") == "NotReported")
    until(lambda: "Warning AgentReportingAdded" in here.events(here.name("a")))
    agent(here, "a", ready=False)
    told = until(lambda: here.condition("a", "AgentReporting"))
    assert "the report may be an old one" in told["message"]
