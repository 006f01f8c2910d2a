"""What is printed for an administrator to apply: accounts, roles, restrictions that fit what the operator deploys."""

import subprocess  # noqa: TID251  # the command as it is typed is what is tested
import sys
from typing import Any

import attrs
import pytest
import yaml
from some_deployments import NAMESPACE, SETTINGS, everything, pod

from sriov_operator.deployment import roles
from sriov_operator.deployment.admissionpolicies import manifests as admission_policies
from sriov_operator.deployment.installation import installation
from sriov_operator.deployment.names import CONFIG_DAEMON, MANAGER
from sriov_operator.process.settings import from_environment

Object = dict[str, Any]
IMAGE = "registry.example/operator:2"
DEADLINE_S = 60


def printed(*arguments: str, code: int = 0) -> str:
    argv = [sys.executable, "-m", "sriov_operator", "manifests", *arguments]
    done = subprocess.run(argv, env={}, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def named(documents: list[Object], kind: str, name: str) -> Object:
    (found,) = [one for one in documents if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def test_everything_in_a_namespace_is_in_the_operators_and_comes_after_it() -> None:
    documents = installation(attrs.evolve(SETTINGS, namespace="mine"), IMAGE)
    assert (documents[0]["kind"], documents[0]["metadata"]["name"]) == ("Namespace", "mine")
    assert {one["metadata"].get("namespace", "mine") for one in documents} == {"mine"}
    subjects = [subject for one in documents for subject in one.get("subjects", ())]
    assert {subject["namespace"] for subject in subjects} == {"mine"}
    assert [one for one in documents if "AdmissionPolicy" in one["kind"]] == admission_policies("mine")


@pytest.mark.parametrize(
    ("account", "home", "everywhere"),
    [
        pytest.param(MANAGER, roles.operator(SETTINGS), roles.operator_cluster(SETTINGS), id="operator"),
        pytest.param(CONFIG_DAEMON, roles.AGENT, roles.AGENT_CLUSTER, id="agent"),
    ],
)
def test_an_account_has_its_roles(account: str, home: Any, everywhere: Any) -> None:
    documents = installation(SETTINGS)
    assert named(documents, "ServiceAccount", account)["metadata"]["namespace"] == NAMESPACE
    for kind, rules in (("Role", home), ("ClusterRole", everywhere)):
        assert named(documents, kind, account)["rules"] == roles.as_objects(rules)
        binding = named(documents, f"{kind}Binding", account)
        assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": account}
        assert [subject["name"] for subject in binding["subjects"]] == [account]


def test_the_agents_account_is_the_one_that_its_pods_run_under() -> None:
    assert pod(everything(), CONFIG_DAEMON)["serviceAccountName"] == CONFIG_DAEMON


def test_without_an_image_there_is_no_deployment() -> None:
    assert "Deployment" not in {one["kind"] for one in installation(SETTINGS)}


def test_the_deployment_is_one_from_which_the_operator_reads_the_same_settings() -> None:
    given = {"RESOURCE_PREFIX": "example.com", "IMAGE_PULL_SECRETS": "one,two", "POD_EVICTION_POLICY": "delete"}
    settings = from_environment({**given, "NAMESPACE": NAMESPACE})
    spec = named(installation(settings, IMAGE, given), "Deployment", MANAGER)["spec"]["template"]["spec"]
    assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    (container,) = spec["containers"]
    assert container["image"] == IMAGE
    values = {one["name"]: one.get("value", NAMESPACE) for one in container["env"]}
    read = from_environment(values)
    assert attrs.evolve(read, images=settings.images, identity="") == settings
    assert (read.images.webhook, read.images.injector) == (IMAGE, IMAGE)


def test_an_image_that_is_given_is_not_the_operators_own() -> None:
    given = {"SRIOV_NETWORK_WEBHOOK_IMAGE": "registry.example/webhook:3"}
    spec = named(installation(SETTINGS, IMAGE, given), "Deployment", MANAGER)["spec"]["template"]["spec"]
    values = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
    assert values["SRIOV_NETWORK_WEBHOOK_IMAGE"] == "registry.example/webhook:3"
    assert values["NETWORK_RESOURCES_INJECTOR_IMAGE"] == IMAGE


def test_the_command_prints_what_kubectl_reads() -> None:
    text = printed("--namespace", "mine", "--image", IMAGE, "-e", "DRAIN_DEADLINE_SECONDS=60")
    documents = list(yaml.safe_load_all(text))
    given = {"DRAIN_DEADLINE_SECONDS": "60"}
    settings = from_environment({**given, "NAMESPACE": "mine", "RESOURCE_PREFIX": "openshift.io"})
    assert documents == installation(settings, IMAGE, given)


def test_roles_follow_the_operators_variables() -> None:
    texts = (printed(), printed("-e", "POD_EVICTION_POLICY=delete"))
    found = [named(list(yaml.safe_load_all(text)), "ClusterRole", MANAGER)["rules"] for text in texts]
    deletes = {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}
    assert [deletes in rules for rules in found] == [False, True]


def test_agents_read_config_maps_only_where_that_is_asked_for() -> None:
    texts = (printed(), printed("--node-config-maps"))
    found = [named(list(yaml.safe_load_all(text)), "Role", CONFIG_DAEMON)["rules"] for text in texts]
    reads = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}
    assert [reads in rules for rules in found] == [False, True]
    assert [rule for rule in found[1] if rule != reads] == found[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("-e", "DEV_MODE"), "--env: found 'DEV_MODE', wanted NAME=VALUE", id="no-value"),
        pytest.param(("-e", "NAMESPACE=mine"), "NAMESPACE is told by the pod", id="of-the-pod"),
        pytest.param(("-e", "POD_EVICTION_POLICY=kill"), "wanted evict or delete", id="senseless-value"),
        pytest.param(("--namespace", "Mine"), "wanted the name of a namespace", id="no-namespace"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_printed(arguments: tuple[str, ...], expected: str) -> None:
    said = printed(*arguments, code=1)
    assert said.startswith("error: ")
    assert expected in said
