"""The roles: nobody may do more than needed, and the operator may do all that its deployment takes."""

from collections.abc import Sequence

import attrs
import pytest
from some_deployments import OPENSHIFT, PROMETHEUS, SETTINGS, everything

from sriov_operator.deployment import roles
from sriov_operator.deployment.admissionpolicies import manifests as admission_policies
from sriov_operator.deployment.manifests import left_behind, place_of, wanted
from sriov_operator.deployment.roles import Rule, missing

SECRETS = ("operator-webhook-cert", "network-resources-injector-cert")
CLUSTER = roles.operator_cluster(SETTINGS)
HOME = roles.operator(SETTINGS)
EVERY = [
    pytest.param(CLUSTER, id="operator-cluster"),
    pytest.param(HOME, id="operator"),
    pytest.param(roles.AGENT_CLUSTER, id="agent-cluster"),
    pytest.param(roles.AGENT, id="agent"),
    pytest.param(roles.WEBHOOK_CLUSTER, id="webhook-cluster"),
    pytest.param(roles.WEBHOOK, id="webhook"),
    pytest.param(roles.INJECTOR_CLUSTER, id="injector-cluster"),
    pytest.param(roles.INJECTOR, id="injector"),
    pytest.param(roles.EXPORTER_CLUSTER, id="exporter"),
    pytest.param(roles.DEVICE_PLUGIN_WAITS, id="device-plugin"),
]


@pytest.mark.parametrize("rules", EVERY)
def test_no_role_has_a_wildcard_or_a_way_to_more_rights(rules: Sequence[Rule]) -> None:
    words = {word for rule in rules for word in (rule.group, *rule.resources, *rule.verbs, *rule.names)}
    assert not [word for word in words if "*" in word]
    assert not {"bind", "escalate", "impersonate", "deletecollection"} & words


@pytest.mark.parametrize("rules", EVERY)
def test_no_role_reads_secrets_but_those_two_of_the_operators_own(rules: Sequence[Rule]) -> None:
    found = [rule for rule in rules if "secrets" in rule.resources]
    assert all(rule.names == SECRETS for rule in found)
    assert not found or rules is HOME


def test_the_secrets_are_those_of_the_settings() -> None:
    given = attrs.evolve(SETTINGS.certificates, operator_secret="mine")
    found = roles.operator(attrs.evolve(SETTINGS, certificates=given))
    assert [rule.names for rule in found if "secrets" in rule.resources] == [("mine", SECRETS[1])]


@pytest.mark.parametrize(
    ("owner", "given"),
    [
        pytest.param(CLUSTER, roles.WEBHOOK_CLUSTER, id="webhook-cluster"),
        pytest.param(CLUSTER, roles.INJECTOR_CLUSTER, id="injector-cluster"),
        pytest.param(CLUSTER, roles.EXPORTER_CLUSTER, id="exporter"),
        pytest.param((*CLUSTER, *HOME), roles.WEBHOOK, id="webhook"),
        pytest.param((*CLUSTER, *HOME), roles.INJECTOR, id="injector"),
        pytest.param((*CLUSTER, *HOME), roles.DEVICE_PLUGIN_WAITS, id="device-plugin"),
        pytest.param((*CLUSTER, *HOME), roles.PROMETHEUS, id="prometheus"),
        pytest.param((*CLUSTER, *HOME), roles.PRIVILEGED, id="privileged"),
    ],
)
def test_the_operator_has_what_it_hands_out(owner: Sequence[Rule], given: Sequence[Rule]) -> None:
    assert missing(owner, given) == []


def test_what_is_missing_is_told_in_words() -> None:
    found = missing((Rule("", ("pods",), ("get",), ("a",)),), (Rule("", ("pods",), ("get", "list"), ("a",)),))
    assert found == ["list pods. a"]
    assert missing((Rule("", ("pods",), ("get",), ("a",)),), (Rule("", ("pods",), ("get",)),)) == ["get pods"]
    assert missing((Rule("apps", ("pods",), ("get",)),), (Rule("", ("pods",), ("get",)),)) == ["get pods"]


def test_the_operator_may_write_everything_that_it_deploys_and_nothing_else_of_these_kinds() -> None:
    here = everything(attrs.evolve(PROMETHEUS, cluster_type="openshift"), configurationMode="systemd")
    found = [place_of(document) for document in wanted(here).objects]
    assert len(found) > 40
    for place in (*found, *left_behind(here)):
        rules = (*CLUSTER, *HOME) if place.namespace else CLUSTER
        resource = place.resource
        asked = Rule(resource.group, (resource.plural,), ("get", "create", "patch", "update", "delete"), (place.name,))
        assert missing(rules, [asked]) == []
        if resource.plural not in {"configmaps", "machineconfigs"}:  # of those, there are some without a fixed name
            assert missing(rules, [attrs.evolve(asked, verbs=("patch",), names=("another",))]) != []


def test_pods_are_deleted_only_where_that_was_asked_for() -> None:
    deletes = Rule("", ("pods",), ("delete",))
    assert missing(CLUSTER, [deletes]) == ["delete pods"]
    assert missing(roles.operator_cluster(attrs.evolve(SETTINGS, eviction="delete")), [deletes]) == []


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(Rule("", ("nodes",), ("patch",)), id="mark-its-node"),
        pytest.param(Rule("sriovnetwork.openshift.io", ("sriovnetworknodestates/status",), ("patch",)), id="report"),
        pytest.param(Rule("", ("pods",), ("delete", "patch")), id="restart-the-plugin"),
        pytest.param(Rule("events.k8s.io", ("events",), ("create", "patch")), id="tell"),
    ],
)
def test_the_agent_may_do_its_work(rule: Rule) -> None:
    assert missing((*roles.AGENT, *roles.AGENT_CLUSTER), [rule]) == []


def test_the_agent_may_not_write_wishes_configurations_or_other_nodes_pods_without_a_policy_that_stops_it() -> None:
    every = (*roles.AGENT, *roles.AGENT_CLUSTER)
    ours = "sriovnetwork.openshift.io"
    for resource in ("sriovoperatorconfigs", "sriovnetworknodepolicies", "sriovnetworkpoolconfigs"):
        assert missing(every, [Rule(ours, (resource,), ("patch",))])
    assert missing(every, [Rule("", ("configmaps",), ("patch",))])
    writable = {
        (rule.group, resource.partition("/")[0])
        for rule in every
        if {"patch", "delete"} & {*rule.verbs}
        for resource in rule.resources
    }
    restricted = {
        (rule["apiGroups"][0], "nodes" if "nodes" in rule["resources"] else rule["resources"][0])
        for document in admission_policies("any")
        if document["kind"] == "ValidatingAdmissionPolicy"
        for rule in document["spec"]["matchConstraints"]["resourceRules"]
    }
    assert writable == {("", "nodes"), ("", "pods"), (ours, "sriovnetworknodestates"), ("events.k8s.io", "events")}
    assert restricted == {("", "nodes"), ("", "pods"), (ours, "*/*")}


def test_policies_speak_of_the_accounts_of_one_namespace() -> None:
    here = {
        document["metadata"]["name"]: document
        for document in admission_policies("mine")
        if "Binding" not in document["kind"]
    }
    found = {name: document["spec"]["matchConditions"][0]["expression"] for name, document in here.items()}
    agent, plugin = "sriov-network-config-daemon", "sriov-device-plugin"
    assert found == {
        f"{agent}-nodes": f"request.userInfo.username == 'system:serviceaccount:mine:{agent}'",
        f"{agent}-states": f"request.userInfo.username == 'system:serviceaccount:mine:{agent}'",
        f"{agent}-pods": f"request.userInfo.username == 'system:serviceaccount:mine:{agent}'",
        f"{plugin}-own-pod": f"request.userInfo.username == 'system:serviceaccount:mine:{plugin}'",
    }
    for document in here.values():
        assert document["spec"]["failurePolicy"] == "Fail"
    assert OPENSHIFT.namespace != "mine"
