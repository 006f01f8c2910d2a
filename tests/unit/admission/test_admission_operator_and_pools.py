"""The operator's configuration and the pools of nodes."""

from typing import Any

import pytest
from admission_world import OPERATOR, Raw, cluster, created, node, nodes, of_kind, policy, state, told

from sriov_core.admission.admitting import admit


def config(name: str = "default", namespace: str = OPERATOR, **spec: Any) -> Raw:
    return of_kind("SriovOperatorConfig", name, spec, namespace)


def pool(name: str = "pool-1", namespace: str = OPERATOR, **spec: Any) -> Raw:
    return of_kind("SriovNetworkPoolConfig", name, spec, namespace)


def labelled(**labels: str) -> Raw:
    return {"matchLabels": labels}


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE"])
def test_the_default_configuration_and_the_default_pool_are_allowed(operation: str) -> None:
    assert admit(operation, config(), config(logLevel=1), cluster()).allowed
    assert admit(operation, pool("default"), pool("default", maxUnavailable=1), cluster()).allowed


@pytest.mark.parametrize("namespace", [OPERATOR, "elsewhere"])
@pytest.mark.parametrize("name", ["default", "mine"])
def test_there_is_one_configuration_in_one_place(name: str, namespace: str) -> None:
    decision = created(config(name, namespace))
    assert decision.allowed is ((name, namespace) == ("default", OPERATOR))
    assert ("only default SriovOperatorConfig" in decision.message) is not decision.allowed


@pytest.mark.parametrize(
    ("sync", "before", "allowed"),
    [
        pytest.param("InProgress", config(), False, id="while-a-node-changes"),
        pytest.param("InProgress", config(disableDrain=False), False, id="explicitly-on-before"),
        pytest.param("InProgress", config(disableDrain=True, logLevel=1), True, id="off-already"),
        pytest.param("Succeeded", config(), True, id="while-nothing-changes"),
        pytest.param("InProgress", None, True, id="new"),
    ],
)
def test_draining_is_not_switched_off_while_a_node_is_updating(sync: str, before: Raw | None, allowed: bool) -> None:
    at = nodes(node(), state(sync=sync), node("worker-2"), state("worker-2"))
    decision = admit("UPDATE" if before else "CREATE", config(disableDrain=True), before, cluster(at=at))
    assert decision.allowed is allowed
    assert ("node worker-1 is updating" in decision.message) is not allowed
    assert "spec.disableDrain: draining is off" in decision.warnings[0]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"disableDrain": True}, "spec.disableDrain", id="no-drain"),
        pytest.param({"featureGates": {"metricExporter": True}}, "Did you mean metricsExporter?", id="gate"),
        pytest.param({"enableOvsOffload": True}, "spec.enableOvsOffload: it has no effect", id="ovs-offload"),
        *(
            pytest.param({"configDaemonEnvVars": {name: "x"}}, f"configDaemonEnvVars[{name}]", id=name.lower())
            for name in ("NODE_NAME", "NAMESPACE", "CLUSTER_TYPE", "DEV_MODE", "USE_EXTERNAL_DRAINER")
        ),
    ],
)
def test_what_is_hardly_meant_is_a_warning(spec: dict[str, Any], words: str) -> None:
    decision = created(config(**spec))
    assert decision.allowed
    assert [words in text for text in decision.warnings] == [True]


def test_known_gates_and_other_variables_are_no_warning() -> None:
    assert told(created(config(featureGates={"metricsExporter": True}, configDaemonEnvVars={"PROXY": "x"}))) == ""


def test_deleting_the_configuration_while_policies_exist_is_a_warning() -> None:
    assert admit("DELETE", None, config(), cluster()).warnings == ()
    decision = admit("DELETE", None, config(), cluster(policy("p1"), policy("p2", namespace="elsewhere")))
    assert decision.allowed
    assert [text.partition(";")[0] for text in decision.warnings] == [
        "metadata.name: policies exist (1, among them p1)",
    ]


@pytest.mark.parametrize(
    ("limit", "allowed"),
    [
        pytest.param(1, True, id="one"),
        pytest.param("33%", True, id="a-third"),
        pytest.param("100%", True, id="all"),
        pytest.param(-1, False, id="negative"),
        pytest.param("bla", False, id="a-word"),
        pytest.param("0%", False, id="no-percent"),
        pytest.param("10000%", False, id="too-many-percent"),
        pytest.param("99999999999999999.", False, id="a-long-number"),
        pytest.param("5", False, id="a-number-as-text"),
    ],
)
@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_a_limit_is_a_count_or_a_percentage(operation: str, limit: int | str, allowed: bool) -> None:
    stored = pool(maxUnavailable=7)
    at = nodes(*(node(f"worker-{number}") for number in range(10)))
    decision = admit(operation, pool(maxUnavailable=limit), stored, cluster(at=at))
    assert decision.allowed is allowed
    assert decision.warnings == ()
    assert ("spec.maxUnavailable: invalid maxUnavailable" in decision.message) is not allowed


def test_a_pool_can_be_deleted_whatever_is_wrong_with_it() -> None:
    bad = pool(maxUnavailable="bla", ovsHardwareOffloadConfig={"name": "worker-hwol"})
    assert not created(bad).allowed
    assert admit("DELETE", None, bad, cluster()).allowed


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"maxUnavailable": 1}, id="limit"),
        pytest.param({"nodeSelector": labelled(a="b")}, id="selector"),
        pytest.param({"nodeSelector": {}}, id="empty-selector"),
        pytest.param({"nodeSelector": {}, "maxUnavailable": "10%"}, id="both"),
    ],
)
def test_a_pool_for_offload_has_the_nodes_of_somebody_else(spec: dict[str, Any]) -> None:
    offload = {"ovsHardwareOffloadConfig": {"name": "worker-hwol"}}
    assert created(pool(**offload)).allowed
    decision = created(pool(**offload, **spec))
    assert [fault.path for fault in decision.reasons] == sorted(f"spec.{field}" for field in spec)


@pytest.mark.parametrize(
    ("limit", "workers", "words"),
    [
        pytest.param(0, 3, "no node is ever drained", id="zero"),
        pytest.param(0, 0, "no node is ever drained", id="zero-of-none"),
        pytest.param("30%", 1, "30% of 1 nodes is less than one", id="rounded-to-zero"),
        pytest.param("30%", 4, "", id="rounded-to-one"),
        pytest.param("30%", 0, "", id="percentage-of-none"),
    ],
)
def test_a_limit_of_nothing_is_a_warning(limit: int | str, workers: int, words: str) -> None:
    at = nodes(node("control", control=""), *(node(f"worker-{number}") for number in range(workers)))
    decision = created(pool(maxUnavailable=limit, nodeSelector=labelled(worker="")), at=at)
    assert decision.allowed
    assert [words in text for text in decision.warnings] == ([True] if words else [])


@pytest.mark.parametrize(
    ("selector", "other", "where"),
    [
        pytest.param(labelled(worker=""), labelled(zone="a"), "node both", id="two-labels"),
        pytest.param(None, labelled(zone="a"), "nodes both, zoned", id="every-node"),
        pytest.param({}, labelled(zone="a"), "nodes both, zoned", id="empty-selector"),
        pytest.param(labelled(zone="b"), labelled(zone="a"), "", id="two-zones"),
        pytest.param(
            {"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]},
            labelled(zone="a"),
            "",
            id="not-in-a-zone",
        ),
    ],
)
def test_a_node_belongs_to_one_pool(selector: Raw | None, other: Raw, where: str) -> None:
    at = nodes(node(), node("both", worker="", zone="a"), node("zoned", zone="a"))
    beside = (pool("other", nodeSelector=other), pool("elsewhere", "other", nodeSelector={}))
    own = pool(nodeSelector=selector) if selector is not None else pool()
    decision = created(own, at=at, pools=(*beside, pool(nodeSelector={})))
    assert decision.allowed is (where == "")
    if where:
        assert "pool other has some of these" in decision.message
        assert f", on {where}." in decision.message


def test_an_offload_pool_beside_others_shares_no_nodes() -> None:
    offload = pool("offload", ovsHardwareOffloadConfig={"name": "worker-hwol"})
    assert created(pool(), pools=[offload]).allowed
    assert created(offload, pools=[pool()]).allowed


def test_files_without_nodes_show_pools_with_the_same_selector() -> None:
    one, other = pool(nodeSelector=labelled(a="b")), pool("other", nodeSelector=labelled(a="b"))
    assert not created(one, at=(), pools=[other], is_complete=False).allowed
    assert created(one, at=(), pools=[other]).allowed
    assert created(pool(), at=(), pools=[other], is_complete=False).allowed


def test_a_selector_that_kubernetes_would_refuse_is_denied() -> None:
    selector = {"matchExpressions": [{"key": "a", "operator": "Equals", "values": ["b"]}]}
    decision = created(pool(nodeSelector=selector))
    assert [fault.path for fault in decision.reasons] == ["spec.nodeSelector.matchExpressions[0].operator"]


def test_a_pool_in_another_namespace_is_a_warning() -> None:
    decision = created(pool(namespace="elsewhere"), pools=[pool("other")])
    assert decision.allowed
    assert "only pools in the operator's namespace" in told(decision)
