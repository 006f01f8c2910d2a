"""The roles: nobody may do more than needed, and the operator may do all that its deployment takes."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from some_deployments import OPENSHIFT, PROMETHEUS, SETTINGS, everything

from sriov_core.kube.resource import ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS, Resource
from sriov_operator.deployment import names, roles
from sriov_operator.deployment.admissionpolicies import manifests as admission_policies
from sriov_operator.deployment.manifests import left_behind, place_of, wanted
from sriov_operator.deployment.roles import Rule, as_objects, missing

SECRETS = ("operator-webhook-cert", "network-resources-injector-cert")
CLUSTER = roles.operator_cluster(SETTINGS)
HOME = roles.operator(PROMETHEUS)
RESTRICTIONS = (ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS)
POLICIES = [one for one in admission_policies("mine") if one["kind"] == "ValidatingAdmissionPolicy"]
RESTRICTING = [one for one in POLICIES if one["metadata"]["name"] not in names.WARNINGS]
Object = dict[str, Any]
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
    assert {name for rule in found for name in rule.names} == (set(SECRETS) if rules is HOME else set())
    assert all(rule.names for rule in found)


def test_the_secrets_are_those_of_the_settings() -> None:
    given = attrs.evolve(SETTINGS.certificates, operator_secret="mine")
    found = roles.operator(attrs.evolve(SETTINGS, certificates=given))
    assert [rule.names for rule in found if "secrets" in rule.resources] == [("mine",), (SECRETS[1],)]


@pytest.mark.parametrize(
    ("more", "left"),
    [
        pytest.param({"cert_manager": True}, [], id="of-cert-manager"),
        pytest.param({"operator_ca": "QQ=="}, [(SECRETS[1],)], id="one-of-somebody-else"),
        pytest.param({"operator_ca": "QQ==", "injector_ca": "QQ=="}, [], id="both-of-somebody-else"),
        pytest.param({"operator_secret": "a", "injector_secret": "a"}, [("a",)], id="one-for-both"),
    ],
)
def test_secrets_that_others_provide_are_nothing_to_the_operator(more: dict[str, Any], left: list[Any]) -> None:
    given = attrs.evolve(SETTINGS, certificates=attrs.evolve(SETTINGS.certificates, **more))
    assert [rule.names for rule in roles.operator(given) if "secrets" in rule.resources] == left
    assert not [rule for rule in roles.operator(OPENSHIFT) if "secrets" in rule.resources]


def test_without_a_prometheus_operator_what_was_made_for_one_is_only_removed() -> None:
    plain = roles.operator(SETTINGS)
    for group, resource, name in (
        ("monitoring.coreos.com", "servicemonitors", names.EXPORTER),
        ("monitoring.coreos.com", "prometheusrules", names.PROMETHEUS_RULES),
        ("rbac.authorization.k8s.io", "roles", names.PROMETHEUS),
        ("rbac.authorization.k8s.io", "rolebindings", names.PROMETHEUS),
    ):
        asked = Rule(group, (resource,), ("list", "watch", "delete", "create", "update", "patch"), (name,))
        assert missing(plain, [asked]) == [
            f"{verb} {resource}.{group} {name}" for verb in ("create", "update", "patch")
        ]
        assert missing(HOME, [asked]) == []
    assert missing(plain, roles.PROMETHEUS)


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
    cluster = roles.operator_cluster(here.settings)
    found = [place_of(document) for document in wanted(here).objects]
    assert len(found) > 40
    for place in (*found, *left_behind(here)):
        rules = (*cluster, *roles.operator(here.settings)) if place.namespace else cluster
        resource = place.resource
        verbs = ("get", "create", "patch", "update", *(() if resource in RESTRICTIONS else ("delete",)))
        asked = Rule(resource.group, (resource.plural,), verbs, (place.name,))
        assert missing(rules, [asked]) == []
        if resource.plural not in {"configmaps", "machineconfigs"}:  # of those, there are some without a fixed name
            assert missing(rules, [attrs.evolve(asked, verbs=("patch",), names=("another",))]) != []


@pytest.mark.parametrize("resource", RESTRICTIONS)
def test_what_restricts_agents_is_not_removed_by_anybody_of_ours(resource: Resource) -> None:
    removes = Rule(resource.group, (resource.plural,), ("delete",), (names.AGENT_NODES,))
    assert missing((*CLUSTER, *HOME), [removes])
    assert not [one for one in left_behind(everything(PROMETHEUS)) if one.resource == resource]


@pytest.mark.parametrize("verb", ["list", "create", "update", "patch", "delete"])
def test_machine_configurations_are_in_reach_on_openshift_only(verb: str) -> None:
    """They are as good as root on every node. Elsewhere only the clean-up looks for the one that may be left."""
    asked = Rule("machineconfiguration.openshift.io", ("machineconfigs",), (verb,), (names.MACHINE_CONFIG,))
    assert missing(CLUSTER, [asked])
    assert missing(roles.operator_cluster(OPENSHIFT), [asked]) == []
    assert missing(CLUSTER, [Rule("config.openshift.io", ("infrastructures",), ("get",))])


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
        if {"patch", "delete", "create"} & {*rule.verbs}
        for resource in rule.resources
    }
    restricted = {
        (group, "*" if resource == "*/*" else resource.partition("/")[0])
        for document in POLICIES
        if "sriov-network-config-daemon" in str(document["spec"].get("matchConditions"))
        for rule in document["spec"]["matchConstraints"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert writable == {("", "nodes"), ("", "pods"), (ours, "sriovnetworknodestates"), ("events.k8s.io", "events")}
    assert {one for one in writable if one not in restricted and (one[0], "*") not in restricted} == set()


def test_an_agent_writes_objects_of_the_cluster_only_where_they_are_its_node() -> None:
    """Events go into the operator's namespace: those of an agent are about its node state."""
    assert as_objects(roles.AGENT_CLUSTER) == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "patch"]}]


def test_policies_speak_of_the_accounts_of_one_namespace() -> None:
    found = {one["metadata"]["name"]: one["spec"]["matchConditions"][0]["expression"] for one in RESTRICTING}
    agent, plugin = "sriov-network-config-daemon", "sriov-device-plugin"
    accounts = {f"{agent}-{what}": agent for what in ("nodes", "states", "pods", "events")} | {
        f"{plugin}-own-pod": plugin
    }
    assert found == {
        name: f"request.userInfo.username == 'system:serviceaccount:mine:{account}'"
        for name, account in accounts.items()
    }


@pytest.mark.parametrize("policy", RESTRICTING, ids=lambda policy: policy["metadata"]["name"])
def test_a_restriction_fails_closed_denies_everywhere_and_says_what_to_do(policy: Object) -> None:
    name, spec = policy["metadata"]["name"], policy["spec"]
    assert spec["failurePolicy"] == "Fail"
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["CREATE", "UPDATE", "DELETE", "CONNECT"]
    assert bindings(name) == [{"policyName": name, "validationActions": ["Deny"]}]
    first, *others = spec["validations"]
    assert first["expression"] == "variables.claim != ''"
    assert "kubectl create token" in first["message"]
    for one in others:
        assert one["reason"] == "Forbidden"
        assert ". " in one["message"], "what is allowed, and what to do"
        assert "found: ' + variables.asked" in one["messageExpression"]


def test_the_warning_refuses_nobody() -> None:
    (policy,) = [one for one in POLICIES if one["metadata"]["name"] == names.UNREAD]
    assert policy["spec"]["failurePolicy"] == "Ignore"
    assert bindings(names.UNREAD) == [{"policyName": names.UNREAD, "validationActions": ["Warn", "Audit"]}]


def test_the_operator_keeps_all_policies_that_there_are() -> None:
    assert {one["metadata"]["name"] for one in POLICIES} == {*names.ADMISSION_POLICIES}


def bindings(policy: str) -> list[Object]:
    """What puts that policy in force."""
    every = [one for one in admission_policies("mine") if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    return [one["spec"] for one in every if one["spec"]["policyName"] == policy]
