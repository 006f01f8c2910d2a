"""Policies and pools that do not fit their kind any more, on a real API server: nothing is taken back for them."""

from collections.abc import Iterator

import pytest
from loose_definitions import without_limit
from nodestates_stage import PLURALS, Stage, stage
from operator_runs import until
from servers import Server
from servers_admin import MERGE

pytestmark = pytest.mark.usefixtures("recent")


@pytest.fixture
def cluster(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage with a configuration and an operator."""
    with stage(server, namespace) as made:
        made.configure()
        made.start()
        yield made


def spoil(cluster: Stage, kind: str, name: str, *, limit: str, **fields: object) -> None:
    """Store a value that the definition, but for that limit, does not allow."""
    ((field, value),) = fields.items()
    path = cluster.path(kind, name)
    with without_limit(cluster.server.admin, PLURALS[kind], field, limit):
        body = {"spec": {field: value}}
        until(lambda: cluster.server.admin.request("PATCH", path, body, content_type=MERGE)[0] == 200)


def restart(cluster: Stage) -> None:
    """Another process: it has never read what cannot be read."""
    cluster.operators[-1].stop()
    cluster.start()


@pytest.fixture
def spoilt(cluster: Stage) -> Stage:
    """Node a has VFs by policy p, which the operator of now never could read, and b has none."""
    for node in ("a", "b"):
        cluster.node(node)
        cluster.report(node)
    cluster.policy("p", on="a")
    until(lambda: cluster.wishes("a") == ["ens803f0 4: pres 0-3"] and cluster.label("a") == "Enabled")
    spoil(cluster, "SriovNetworkNodePolicy", "p", limit="maximum", priority=500)
    restart(cluster)
    return cluster


def is_served_as_before(cluster: Stage) -> bool:
    resources = [one["resourceName"] for one in cluster.resources("a") or []]
    return (cluster.wishes("a"), resources, cluster.label("a")) == (["ens803f0 4: pres 0-3"], ["pres"], "Enabled")


def test_what_a_node_has_by_a_policy_that_cannot_be_read_stays_and_its_status_says_why(spoilt: Stage) -> None:
    status = spoilt.ready("p", "Invalid")
    (ready,) = [one for one in status["conditions"] if one["type"] == "Ready"]
    assert ready["message"].startswith("spec.priority: found 500")
    assert "keep them until it is corrected or deleted" in ready["message"]
    until(lambda: any(event.startswith("Warning Ready") for event in spoilt.events("p")))
    spoilt.settle("b")
    assert is_served_as_before(spoilt)


def test_another_policy_waits_on_the_node_and_says_so(spoilt: Stage) -> None:
    spoilt.policy("q", numVfs=2, priority=50)
    until(lambda: spoilt.wishes("b") == ["ens803f0 2: qres 0-1"])
    (detail,) = spoilt.ready("q", "Failed")["details"]
    assert detail["node"] == spoilt.name("a")
    assert "it has VFs by the policy p, which cannot be read" in detail["reason"]
    assert is_served_as_before(spoilt)


def test_it_goes_on_when_the_policy_is_corrected(spoilt: Stage) -> None:
    spoilt.policy("p", on="a", numVfs=6)
    until(lambda: spoilt.wishes("a") == ["ens803f0 6: pres 0-5"])
    assert spoilt.ready("p")["appliedNodes"] == 1


def test_it_goes_on_when_the_policy_is_corrected_for_another_node(spoilt: Stage) -> None:
    spoilt.policy("p", on="b")
    until(lambda: spoilt.wishes("b") == ["ens803f0 4: pres 0-3"])
    until(lambda: spoilt.wishes("a") == [] and spoilt.label("a") == "Disabled")


def test_it_goes_on_when_the_policy_is_deleted(spoilt: Stage) -> None:
    spoilt.ready("p", "Invalid")
    spoilt.delete("SriovNetworkNodePolicy", "p")
    until(lambda: spoilt.wishes("a") == [] and spoilt.label("a") == "Disabled")
    until(lambda: spoilt.resources("a") == [])
    until(lambda: spoilt.operators[-1].counted("policies", state="not-ready") == 0)


def test_what_was_read_once_goes_on_to_count(cluster: Stage) -> None:
    cluster.node("a")
    cluster.report("a")
    cluster.policy("p")
    cluster.ready("p")
    spoil(cluster, "SriovNetworkNodePolicy", "p", limit="maximum", priority=500)
    cluster.ready("p", "Invalid")
    cluster.node("b")
    cluster.report("b")
    until(lambda: cluster.wishes("b") == ["ens803f0 4: pres 0-3"])


def test_the_rdma_mode_of_a_pool_that_cannot_be_read_stays(cluster: Stage) -> None:
    def modes(node: str) -> str | None:
        return (cluster.state(node) or {"spec": {"system": {}}})["spec"]["system"].get("rdmaMode")

    for node in ("a", "b"):
        cluster.node(node, cluster.labels(node, pool=node))
        cluster.report(node)
        wanted = {"nodeSelector": {"matchLabels": {"pool": node}}, "rdmaMode": "exclusive"}
        cluster.put("SriovNetworkPoolConfig", node, wanted)
    until(lambda: modes("a") == modes("b") == "exclusive")
    spoil(cluster, "SriovNetworkPoolConfig", "a", limit="enum", rdmaMode="wild")
    restart(cluster)
    cluster.put("SriovNetworkPoolConfig", "b", {"nodeSelector": {"matchLabels": {"pool": "b"}}, "rdmaMode": "shared"})
    until(lambda: modes("b") == "shared")
    cluster.settle("a")
    assert modes("a") == "exclusive"
    cluster.delete("SriovNetworkPoolConfig", "a")
    until(lambda: modes("a") is None)
