"""The injector, called by a real API server when pods are created: a process with the rights that it is given."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from servers import Server
from serving_processes import (
    Process,
    Raw,
    User,
    access,
    applied,
    configurations,
    deployed,
    running,
    until,
)

from sriov_operator.deployment.deployed import Deployed

OPERATOR = "injector-tests"
PODS = "injector-pods"
NETWORKS = "k8s.v1.cni.cncf.io/networks"
RESOURCE_NAME = "k8s.v1.cni.cncf.io/resourceName"
HOOK = "network-resources-injector-config.k8s.io"
DENIED = f'admission webhook "{HOOK}" denied the request: '
GATE = "resourceInjectorMatchCondition"
SWITCHES: Raw = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "nri-control-switches", "namespace": OPERATOR},
}


def definition(name: str, resource: str = "example.com/nic", **annotations: str) -> Raw:
    return {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": PODS, "annotations": {RESOURCE_NAME: resource, **annotations}},
        "spec": {"config": "{}"},
    }


def pod(networks: str | None = None, *, labels: Raw | None = None, resources: Raw | None = None) -> Raw:
    annotations = {} if networks is None else {NETWORKS: networks}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "pod-", "namespace": PODS, "annotations": annotations, "labels": labels or {}},
        "spec": {"containers": [{"name": "c0", "image": "none.example/none", "resources": resources or {}}]},
    }


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[User]:
    """The operator's namespace, and one of pods with two networks."""
    for name in (OPERATOR, PODS):
        server.admin.create_namespace(name)
    for network in (definition("a"), definition("b", "example.com/other")):
        server.admin.create(network)
    yield User(server)
    for name in (PODS, OPERATOR):
        server.admin.remove_namespace(name)


@pytest.fixture(scope="module")
def injector(server: Server, cluster: User, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The process, ready, with its roles; nobody calls it yet."""
    known = deployed(server, OPERATOR)
    with ExitStack() as held:
        held.enter_context(applied(server, access(known, "injector")))
        process = held.enter_context(running(server, tmp_path_factory.mktemp("injector"), "injector", OPERATOR))
        yield process.ready()


def injected(user: User, given: Raw) -> Raw | None:
    """The first container's requests when there are any, of a pod as it would be stored."""
    reply = user.create(given, dry_run=True)
    assert reply.status == 201, reply
    return _requests(reply.body)


@contextmanager
def called(user: User, known: Deployed, port: int) -> Iterator[None]:
    """Whoever listens there is called within the block, and behind it nobody is, which both take a moment."""
    with applied(user.server, configurations(known, "injector", port)):
        yield
    until(lambda: (reply := user.create(pod("a"), dry_run=True)).status == 201 and not _requests(reply.body))


def _requests(stored: Raw) -> Raw | None:
    requests: Raw | None = stored["spec"]["containers"][0]["resources"].get("requests")
    return requests


@pytest.fixture
def user(server: Server, cluster: User, injector: Process) -> Iterator[User]:
    """The administrator of a cluster in which the injector is in effect."""
    with called(cluster, deployed(server, OPERATOR), injector.port):
        until(lambda: injected(cluster, pod("a")))
        yield cluster


def test_a_pod_is_stored_with_the_devices_of_its_networks(server: Server, user: User) -> None:
    reply = user.create(pod("a, b, a@net3"))
    assert reply.status == 201, reply
    try:
        (container,) = reply.body["spec"]["containers"]
        wanted = {"example.com/nic": "2", "example.com/other": "1"}
        assert container["resources"] == {"requests": wanted, "limits": wanted}
        assert {"name": "podnetinfo", "readOnly": True, "mountPath": "/etc/podnetinfo"} in container["volumeMounts"]
        assert "podnetinfo" in [volume["name"] for volume in reply.body["spec"]["volumes"]]
    finally:
        server.admin.remove(f"/api/v1/namespaces/{PODS}/pods/{reply.body['metadata']['name']}")


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        pytest.param(pod(), None, id="no-networks"),
        pytest.param(pod(""), None, id="empty"),
        pytest.param(
            pod('[{"name": "a"}, {"name": "b", "namespace": "injector-pods"}]'),
            {"example.com/nic": "1", "example.com/other": "1"},
            id="json",
        ),
        pytest.param(
            pod("a", resources={"requests": {"example.com/nic": "3"}, "limits": {"example.com/nic": "3"}}),
            {"example.com/nic": "3"},
            id="asked-for-already",
        ),
    ],
)
def test_other_pods_get_what_they_need_and_no_more(user: User, given: Raw, requests: Raw | None) -> None:
    assert injected(user, given) == requests


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        pytest.param("missing", f"could not find network attachment definition '{PODS}/missing'", id="unknown-network"),
        pytest.param("other/a", "could not find network attachment definition 'other/a'", id="other-namespace"),
        pytest.param("a/b/c", "wanted [namespace/]name[@interface]", id="no-name"),
        pytest.param("[null]", NETWORKS, id="null"),
        pytest.param("../a", NETWORKS, id="path"),
    ],
)
def test_networks_that_are_not_there_deny_the_pod_with_a_text(user: User, networks: str, said: str) -> None:
    reply = user.create(pod(networks), dry_run=True)
    assert reply.text.startswith(DENIED), reply
    assert said in reply.text


def test_a_network_is_known_as_soon_as_it_is_created(server: Server, user: User) -> None:
    for number in range(20):
        network = definition(f"new-{number}")
        server.admin.create(network)
        assert injected(user, pod(f"new-{number}")) == {"example.com/nic": "1"}
        server.admin.remove(server.admin.path(network))


def test_a_network_that_is_known_costs_the_api_server_no_request(server: Server, user: User) -> None:
    account = f"system:serviceaccount:{OPERATOR}:network-resources-injector-sa"

    def asked() -> list[str]:
        own = [one for one in server.audited() if one["user"]["username"] == account and one["verb"] != "watch"]
        return [one["requestURI"] for one in own]

    before = asked()
    for _ in range(20):
        assert injected(user, pod("a,b"))
    assert asked() == before


def test_changes_of_a_network_and_its_end_are_followed(server: Server, user: User) -> None:
    network = definition("changing")
    with applied(server, [network]):
        assert injected(user, pod("changing")) == {"example.com/nic": "1"}
        server.admin.apply(definition("changing", "example.com/third"))
        assert until(lambda: injected(user, pod("changing")) == {"example.com/third": "1"})
    assert until(lambda: user.create(pod("changing"), dry_run=True).text.startswith(DENIED))


def test_the_switches_of_the_config_map_are_followed(server: Server, user: User) -> None:
    asking = pod("a", resources={"requests": {"example.com/nic": "3"}, "limits": {"example.com/nic": "3"}})
    labelled = pod(labels={"inject-a": "true"})
    before = server.admin.done("GET", server.admin.path(SWITCHES))["data"]
    value = {"op": "add", "path": "/metadata/annotations", "value": {NETWORKS: "a"}}
    features = {"enableHonorExistingResources": True}
    text = json.dumps({"features": features, "user-defined-injections": {"inject-a": value}})
    try:
        server.admin.apply({**SWITCHES, "data": {"config.json": text}})
        assert until(lambda: injected(user, asking) == {"example.com/nic": "4"})
        assert injected(user, labelled) == {"example.com/nic": "1"}
        server.admin.apply({**SWITCHES, "data": {"config.json": "{no json"}})
        assert until(lambda: injected(user, asking) == {"example.com/nic": "3"})
    finally:
        server.admin.apply({**SWITCHES, "data": before})


def test_while_nobody_answers_pods_are_created_all_the_same(server: Server, cluster: User, injector: Process) -> None:
    """failurePolicy Ignore, as deployed unless told otherwise; nobody listens on port 1."""
    with called(cluster, deployed(server, OPERATOR), 1):
        assert injected(cluster, pod("a")) is None


@pytest.mark.usefixtures("recent")
def test_with_the_match_condition_only_pods_with_networks_depend_on_it(
    server: Server, cluster: User, injector: Process
) -> None:
    with called(cluster, deployed(server, OPERATOR, on=[GATE], labels=["inject-a"]), 1):
        reply = until(lambda: found if (found := cluster.create(pod("a"), dry_run=True)).status != 201 else None)
        assert (reply.status, f'failed calling webhook "{HOOK}"' in reply.text) == (500, True)
        default = pod()
        default["metadata"]["annotations"] = {"v1.multus-cni.io/default-network": "a"}
        assert cluster.create(default, dry_run=True).status == 500
        assert cluster.create(pod(labels={"inject-a": "true"}), dry_run=True).status == 500
        assert injected(cluster, pod()) is None
        assert injected(cluster, pod(labels={"app": "some"})) is None
    with called(cluster, deployed(server, OPERATOR, on=[GATE]), injector.port):
        assert until(lambda: injected(cluster, pod("a")) == {"example.com/nic": "1"})
        assert injected(cluster, pod()) is None
