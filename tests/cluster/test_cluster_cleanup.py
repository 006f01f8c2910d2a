"""The clean-up before a removal, against a real API server: with an operator, without one, and with networks left."""

import subprocess  # noqa: TID251  # the command as a Job runs it
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from deployments import EVERYTHING, FINALIZER, GROUP, Home, homes
from operator_runs import until
from servers import Server
from servers_admin import MERGE

from sriov_core.errors import DeadlineExceeded
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_operator.deployment.cleanup import clean_up

NETWORK_FINALIZER = f"netattdef.finalizers.{GROUP}"
KINDS = {"SriovNetwork": "sriovnetworks", "SriovIBNetwork": "sriovibnetworks", "OVSNetwork": "ovsnetworks"}
NADS = "/apis/k8s.cni.cncf.io/v1/namespaces/{}/network-attachment-definitions"
WEBHOOKS = "sriov-operator-webhook-config"
Document = dict[str, Any]


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


@pytest.fixture
def client(home: Home) -> Client:
    return Client(connect(str(home.kubeconfig), user_agent="test"), manager="sriov-network-operator")


def network(home: Home, kind: str, name: str) -> str:
    """One as the operator keeps it, with its attachment; its path."""
    where = f"/apis/{GROUP}/v1/namespaces/{home.namespace}/{KINDS[kind]}"
    metadata = {"name": name, "namespace": home.namespace, "finalizers": [NETWORK_FINALIZER, "example.com/theirs"]}
    body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": {"resourceName": "a"}}
    home.server.admin.done("POST", where, body)
    owner = f"{kind}.{GROUP}/{home.namespace}/{name}"
    attachment = {"name": name, "annotations": {f"{GROUP}/owner-ref": owner}}
    nad = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": attachment}
    home.server.admin.done("POST", NADS.format(home.namespace), {**nad, "spec": {"config": "{}"}})
    return f"{where}/{name}"


def test_the_operator_takes_back_what_it_deployed_and_then_the_configuration_is_gone(
    home: Home, client: Client, recent: object
) -> None:
    home.start()
    home.create(**EVERYTHING)
    home.told("True")
    told: list[str] = []
    clean_up(client, home.namespace, 30.0, told.append)
    assert told == [f"the SriovOperatorConfig {home.namespace}/default is gone"]
    assert home.server.admin.find(home.path) is None
    assert home.find("ValidatingWebhookConfiguration", WEBHOOKS) is None
    assert home.find("MutatingWebhookConfiguration", WEBHOOKS) is None
    assert home.find("MutatingWebhookConfiguration", "network-resources-injector-config") is None


def test_without_a_configuration_there_is_nothing_to_wait_for(home: Home, client: Client) -> None:
    told: list[str] = []
    clean_up(client, home.namespace, 30.0, told.append)
    assert told == [f"there is no SriovOperatorConfig {home.namespace}/default"]


def test_what_holds_a_configuration_up_is_named(home: Home, client: Client) -> None:
    home.create()
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": [FINALIZER]}}, content_type=MERGE)
    with pytest.raises(DeadlineExceeded, match=r"still there after 0\.3 s \(its finalizers: " + FINALIZER):
        clean_up(client, home.namespace, 0.3, lambda _: None)


def test_one_that_is_let_go_in_time_is_waited_for(home: Home, client: Client) -> None:
    home.create()
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": [FINALIZER]}}, content_type=MERGE)

    def let_go() -> None:
        until(lambda: home.config()["metadata"].get("deletionTimestamp"))
        home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": None}}, content_type=MERGE)

    thread = threading.Thread(target=let_go)
    thread.start()
    clean_up(client, home.namespace, 30.0, lambda _: None)
    thread.join()
    assert home.server.admin.find(home.path) is None


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_let_go_and_their_attachments_stay_unless_they_are_being_deleted(
    home: Home, client: Client, kind: str
) -> None:
    kept, leaving = network(home, kind, "kept"), network(home, kind, "leaving")
    home.server.admin.done("DELETE", leaving)
    told: list[str] = []
    clean_up(client, home.namespace, 30.0, told.append)
    for path in (kept, leaving):
        found = home.server.admin.find(path)
        assert found is not None
        assert found["metadata"]["finalizers"] == ["example.com/theirs"]
    place = NADS.format(home.namespace)
    assert home.server.admin.find(f"{place}/kept")
    assert home.server.admin.find(f"{place}/leaving") is None
    assert sorted(told[1:]) == [
        f"{kind} {home.namespace}/{name}: the finalizer is taken off" for name in ("kept", "leaving")
    ]


def run(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sriov_operator", "cleanup", *arguments, "--kubeconfig", str(home.kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_tells_how_it_went_by_its_exit_code(home: Home) -> None:
    home.create()
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": [FINALIZER]}}, content_type=MERGE)
    failed = run(home, "-n", home.namespace, "-w", "1")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("error: the SriovOperatorConfig")
    assert "Traceback" not in failed.stderr
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": None}}, content_type=MERGE)
    good = run(home, "--namespace", home.namespace, "--watch-timeout", "10")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"there is no SriovOperatorConfig {home.namespace}/default\n"
