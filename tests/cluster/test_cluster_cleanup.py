"""The clean-up before a removal, against a real API server: with an operator, without one, and with networks left."""

import subprocess  # noqa: TID251  # the command as a Job runs it
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployments import EVERYTHING, FINALIZER, GROUP, Home, homes, settings
from operator_runs import until
from servers import Server
from servers_admin import MERGE

from sriov_core.errors import DeadlineExceeded, SpecError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_operator.deployment.cleanup import clean_up
from sriov_operator.deployment.installation import installation
from sriov_operator.deployment.leftovers import on_nodes, without_the_namespace
from sriov_operator.deployment.manifests import RESOURCES
from sriov_operator.deployment.names import OURS

NETWORK_FINALIZER = f"netattdef.finalizers.{GROUP}"
POOL_FINALIZER = f"poolconfig.finalizers.{GROUP}"
KINDS = {"SriovNetwork": "sriovnetworks", "SriovIBNetwork": "sriovibnetworks", "OVSNetwork": "ovsnetworks"}
NADS = "/apis/k8s.cni.cncf.io/v1/namespaces/{}/network-attachment-definitions"
SELECTORS = {"nicSelector": {"vendor": "8086"}, "nodeSelector": {"a": "b"}}
WEBHOOKS = "sriov-operator-webhook-config"
Document = dict[str, Any]


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


@pytest.fixture
def client(home: Home) -> Client:
    return Client(connect(str(home.kubeconfig), user_agent="test"), manager="sriov-network-operator")


@pytest.fixture
def admin(server: Server) -> Client:
    return Client(connect(str(server.admin_kubeconfig), user_agent="test"), manager="sriov-network-operator")


@pytest.fixture
def other_namespace(server: Server, namespace: str) -> Iterator[str]:
    """One of an application."""
    server.admin.create_namespace(f"{namespace}-app")
    yield f"{namespace}-app"
    server.admin.remove_namespace(f"{namespace}-app")


def lease(home: Home) -> None:
    """What an operator that once ran has left."""
    head = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    home.server.admin.apply({**head, "metadata": {"name": "sriov-network-operator", "namespace": home.namespace}})


def ours(home: Home, kind: str, name: str, spec: Document | None = None, **metadata: Any) -> str:
    """An object of this project in the operator's namespace, unless another is named; its path."""
    head = {"apiVersion": f"{GROUP}/v1", "kind": kind}
    document = {**head, "metadata": {"name": name, "namespace": home.namespace, **metadata}, "spec": spec or {}}
    home.server.admin.create(document)
    return home.server.admin.path(document)


def policy(home: Home, name: str) -> str:
    return ours(home, "SriovNetworkNodePolicy", name, {"resourceName": "a", "numVfs": 1, **SELECTORS})


def network(home: Home, kind: str, name: str, namespace: str = "") -> str:
    """One as the operator keeps it, with its attachment; its path."""
    finalizers, namespace = [NETWORK_FINALIZER, "example.com/theirs"], namespace or home.namespace
    path = ours(home, kind, name, {"resourceName": "a"}, namespace=namespace, finalizers=finalizers)
    owner = f"{kind}.{GROUP}/{namespace}/{name}"
    attachment = {"name": name, "annotations": {f"{GROUP}/owner-ref": owner}}
    nad = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": attachment}
    home.server.admin.done("POST", NADS.format(namespace), {**nad, "spec": {"config": "{}"}})
    return path


def finalizers(home: Home, path: str) -> list[str]:
    found = home.server.admin.find(path)
    assert found is not None
    held: list[str] = found["metadata"].get("finalizers", [])
    return held


def cleaned(home: Home, client: Client) -> list[str]:
    """What a good clean-up says."""
    told: list[str] = []
    clean_up(client, home.namespace, 30.0, told.append)
    return told


def test_the_operator_takes_back_what_it_deployed_and_then_the_configuration_is_gone(
    home: Home, client: Client, recent: object
) -> None:
    home.start()
    home.create(**EVERYTHING)
    home.told("True")
    told = cleaned(home, client)
    assert told[0] == f"the SriovOperatorConfig {home.namespace}/default is gone, and all that it owns follows"
    assert f"removed: ValidatingWebhookConfiguration {WEBHOOKS}" in told
    assert f"removed: MutatingWebhookConfiguration network-resources-injector-config, {WEBHOOKS}" in told
    assert home.server.admin.find(home.path) is None
    (restrictions,) = [line for line in told if line.startswith("left: ") and "ValidatingAdmissionPolicies (" in line]
    assert f"That deletes the namespace {home.namespace} with everything in it, too" in restrictions
    assert "; ".join(without_the_namespace(home.namespace)) in restrictions
    for resource in RESOURCES.values():
        if not resource.namespaced and "openshift" not in resource.group and "AdmissionPol" not in resource.kind:
            assert home.server.admin.done("GET", f"{resource.path()}?labelSelector={OURS}")["items"] == []


def test_a_running_operator_puts_nothing_back_that_would_hold_a_network_up(
    home: Home, client: Client, recent: object
) -> None:
    home.start(None, "networks")
    home.create()
    place = ours(home, "SriovNetwork", "blue", {"resourceName": "a"})
    until(lambda: finalizers(home, place) == [NETWORK_FINALIZER])
    until(lambda: FINALIZER in finalizers(home, home.path))  # one that was not taken up yet goes unseen
    told = cleaned(home, client)
    assert f"SriovNetwork {home.namespace}/blue: the finalizer is taken off" in told
    later = ours(home, "SriovNetwork", "green", {"resourceName": "a"})
    until(lambda: ((home.server.admin.find(later) or {}).get("status") or {}).get("conditions"))
    until(lambda: "NoConfiguration" in str(home.server.admin.find(place)))
    assert (finalizers(home, place), finalizers(home, later)) == ([], [])


def test_what_an_operator_that_is_gone_has_left_is_removed_all_the_same(
    home: Home, client: Client, recent: object
) -> None:
    home.start()
    home.create(enableOperatorWebhook=True)
    home.told("True")
    home.stop()
    with pytest.raises(DeadlineExceeded, match="clean up with --operator-is-gone"):
        clean_up(client, home.namespace, 0.3, lambda _: None)
    told: list[str] = []
    clean_up(client, home.namespace, 30.0, told.append, is_gone=True)
    assert home.server.admin.find(home.path) is None
    assert f"removed: ValidatingWebhookConfiguration {WEBHOOKS}" in told
    assert home.find("ValidatingWebhookConfiguration", WEBHOOKS) is None
    assert home.find("ClusterRole", "operator-webhook") is None


def test_a_second_time_there_is_nothing_to_do(home: Home, client: Client) -> None:
    lease(home)
    assert cleaned(home, client)[0] == f"there is no SriovOperatorConfig {home.namespace}/default"


def test_a_namespace_without_the_operator_is_refused_and_the_right_one_named(
    home: Home, admin: Client, client: Client
) -> None:
    home.create()
    wrong = f"{home.namespace}x"
    with pytest.raises(SpecError) as refused:
        clean_up(admin, wrong, 5.0, lambda _: None)
    assert f"--namespace {wrong}: nothing of the operator is there" in str(refused.value)
    there, remedy = f"There is a configuration in namespace {home.namespace}", f"give --namespace {home.namespace}"
    assert str(refused.value).endswith(f"{there}. Nothing was changed; {remedy}")
    assert home.config()["metadata"].get("deletionTimestamp") is None


def test_a_namespace_without_the_operator_is_good_for_whoever_asks_for_what_is_there(home: Home, admin: Client) -> None:
    home.create()
    kept = network(home, "SriovNetwork", "blue")
    told: list[str] = []
    wrong = f"{home.namespace}x"
    clean_up(admin, wrong, 30.0, told.append, if_any=True)
    assert told == [f"nothing of the operator is in namespace {wrong}, so there is nothing to take back"]
    assert home.config()["metadata"].get("deletionTimestamp") is None
    assert NETWORK_FINALIZER in finalizers(home, kept)
    good = run(home.server.admin_kubeconfig, "-n", wrong, "--if-any")
    assert (good.returncode, good.stderr) == (0, "")


def test_a_namespace_is_refused_when_no_other_has_a_configuration(home: Home, admin: Client) -> None:
    with pytest.raises(SpecError, match="look whether this is the right cluster"):
        clean_up(admin, home.namespace, 5.0, lambda _: None)


def test_what_nodes_still_bear_is_told_whether_or_not_there_is_anything_else(home: Home, admin: Client) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"{home.namespace}-marked"}}
    home.server.admin.create(node)
    path = home.server.admin.path(node)
    marked = {"metadata": {"annotations": {f"{GROUP}/state": "Idle"}}}
    home.server.admin.done("PATCH", path, marked, content_type=MERGE)
    try:
        (mark,) = list(on_nodes(admin))
        assert f"1 Node ({home.namespace}-marked): kubectl label nodes --all {GROUP}/device-plugin-; " in mark
        with pytest.raises(SpecError) as refused:
            clean_up(admin, home.namespace, 5.0, lambda _: None)
        assert str(refused.value).endswith(f"Left: {mark}")
        lease(home)
        assert f"left: {mark}" in cleaned(home, admin)
    finally:
        home.server.admin.remove(path)
    assert list(on_nodes(admin)) == []


def test_notes_of_the_operator_are_named(home: Home, admin: Client) -> None:
    lease(home)
    ledger = {"apiVersion": "v1", "kind": "ConfigMap"}
    home.server.admin.create({**ledger, "metadata": {"name": "sriov-drain-ledger", "namespace": home.namespace}})
    (line,) = [line for line in cleaned(home, admin) if "Lease" in line]
    assert line.startswith(
        f"left: Lease {home.namespace}/sriov-network-operator and ConfigMap {home.namespace}/sriov-drain-ledger, "
    )
    assert f"kubectl delete --namespace {home.namespace} lease/sriov-network-operator " in line


def test_what_manifests_prints_can_be_deleted_without_its_namespace() -> None:
    by_name, by_label = (command.split() for command in without_the_namespace("here"))
    printed = installation(settings("here"), "registry.example/operator:1")
    assert [one["metadata"]["name"] for one in printed if one["kind"] == "Namespace"] == ["here"]
    for one in printed:
        kind, metadata = one["kind"].lower(), one["metadata"]
        if kind in by_label[2].split(","):
            key, _, value = by_label[-1].partition("=")
            assert metadata["labels"][key] == value
        elif kind != "namespace":
            assert kind in by_name[-3].split(",")
            assert metadata["name"] in by_name[-2:]
            assert metadata.get("namespace", "here") == "here"


def test_while_a_configuration_has_policies_nothing_is_changed_unless_nodes_may_keep_their_vfs(
    home: Home, client: Client, admin: Client
) -> None:
    policy(home, "default")  # has no effect, by its name
    policy(home, "fast")
    network_path = network(home, "SriovNetwork", "blue")
    home.create()
    with pytest.raises(SpecError, match="--keep-vfs") as refused:
        clean_up(client, home.namespace, 5.0, lambda _: None)
    assert f"found 1 SriovNetworkNodePolicy ({home.namespace}/fast), wanted none" in str(refused.value)
    assert "the nodes keep the VFs that they have, and nobody looks after them" in str(refused.value)
    assert home.config()["metadata"].get("deletionTimestamp") is None
    assert NETWORK_FINALIZER in finalizers(home, network_path)
    failed = run(home.server.admin_kubeconfig, "-n", home.namespace)
    assert (failed.returncode, failed.stdout) == (1, "")
    good = run(home.server.admin_kubeconfig, "-n", home.namespace, "--keep-vfs")
    assert (good.returncode, good.stderr) == (0, "")
    assert f"left: 1 SriovNetworkNodePolicy ({home.namespace}/fast): the nodes keep" in good.stdout
    assert home.server.admin.find(home.path) is None


def test_what_is_left_is_told_with_what_it_means(home: Home, admin: Client) -> None:
    policy(home, "fast")
    ours(home, "SriovNetworkNodeState", "n1", annotations={f"{GROUP}/current-state": "DrainComplete"})
    cordoned = {f"{GROUP}/current-state": "Draining", f"{GROUP}/cordoned-before": "true"}
    path = ours(home, "SriovNetworkNodeState", "n2", annotations=cordoned)
    nobodys = ours(
        home, "SriovNetworkNodeState", "n3", annotations={f"{GROUP}/keep-state-until": "2999-01-01T00:00:00Z"}
    )
    busy = {"status": {"syncStatus": "InProgress"}}
    for one in (path, nobodys):
        home.server.admin.done("PATCH", f"{one}/status", busy, content_type=MERGE)
    network(home, "SriovNetwork", "blue")
    told = cleaned(home, admin)
    left = [line for line in told if line.startswith("left: ")]
    assert left[0].startswith(
        f"left: 1 SriovNetworkNodePolicy ({home.namespace}/fast): the nodes keep the VFs that they have"
    )
    assert "left: node n1 is cordoned, since its drain was not over: kubectl uncordon n1" in left
    assert not [line for line in left if "uncordon n2" in line]
    assert left[1].startswith(
        "left: 1 node not done, whose NICs stay as they are: n2 (InProgress). To have them done, "
    )
    states = ", ".join(f"{home.namespace}/{name}" for name in ("n1", "n2", "n3"))
    assert any(f"3 SriovNetworkNodeStates ({states}): " in line for line in left)
    assert any(line.startswith(f"left: 1 SriovNetwork ({home.namespace}/blue): ") for line in left)
    assert any("NetworkAttachmentDefinition" in line and f"{home.namespace}/blue" in line for line in left)


def test_a_node_that_keeps_vfs_of_a_policy_that_is_gone_is_named_at_the_end_and_when_the_time_is_up(home: Home) -> None:
    wish = {"interfaces": [{"pciAddress": "0000:86:00.0", "numVfs": 4}]}
    path = ours(home, "SriovNetworkNodeState", "n1", wish)
    status = {"syncStatus": "Succeeded", "interfaces": [{"pciAddress": "0000:86:00.0", "numVfs": 4}]}
    home.server.admin.done("PATCH", f"{path}/status", {"status": status}, content_type=MERGE)
    home.create()
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": [FINALIZER]}}, content_type=MERGE)
    named = "left: 1 node not done, whose NICs stay as they are: n1 (VFs of a policy that is gone: 4 on 0000:86:00.0). "
    late = run(home.kubeconfig, "-n", home.namespace, "-w", "1")
    assert late.returncode == 1
    assert late.stdout.startswith(named)
    assert len(late.stdout.splitlines()) == 1
    assert late.stderr.startswith("error: the SriovOperatorConfig")
    done = run(home.kubeconfig, "-n", home.namespace, "--operator-is-gone")
    assert (done.returncode, done.stderr) == (0, "")
    assert sum(line.startswith(named) for line in done.stdout.splitlines()) == 1


def test_networks_of_other_namespaces_and_pools_are_let_go_too(
    home: Home, client: Client, other_namespace: str
) -> None:
    lease(home)
    path = network(home, "SriovNetwork", "theirs", other_namespace)
    offload = {"ovsHardwareOffloadConfig": {"name": "worker"}}
    pool = ours(home, "SriovNetworkPoolConfig", "offload", offload, finalizers=[POOL_FINALIZER])
    told = cleaned(home, client)
    assert finalizers(home, path) == ["example.com/theirs"]
    assert finalizers(home, pool) == []
    assert any("00-worker-ovs-hw-offload" in line for line in told)


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
    lease(home)
    kept, leaving = network(home, kind, "kept"), network(home, kind, "leaving")
    home.server.admin.done("DELETE", leaving)
    told = cleaned(home, client)
    assert finalizers(home, kept) == finalizers(home, leaving) == ["example.com/theirs"]
    place = NADS.format(home.namespace)
    assert home.server.admin.find(f"{place}/kept")
    assert home.server.admin.find(f"{place}/leaving") is None
    assert sorted(line for line in told if "finalizer" in line) == [
        f"{kind} {home.namespace}/kept: the finalizer is taken off",
        f"{kind} {home.namespace}/leaving: the finalizer is taken off, and so it can go",
    ]


def run(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sriov_operator", "cleanup", *arguments, "--kubeconfig", str(kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_tells_how_it_went_by_its_exit_code(home: Home) -> None:
    home.create()
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": [FINALIZER]}}, content_type=MERGE)
    failed = run(home.kubeconfig, "-n", home.namespace, "-w", "1")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("error: the SriovOperatorConfig")
    assert "Traceback" not in failed.stderr
    refused = run(home.server.admin_kubeconfig, "-n", "no-such-namespace")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: --namespace no-such-namespace: nothing of the operator is there")
    home.server.admin.done("PATCH", home.path, {"metadata": {"finalizers": None}}, content_type=MERGE)
    lease(home)
    good = run(home.kubeconfig, "--namespace", home.namespace, "--watch-timeout", "10")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith(f"there is no SriovOperatorConfig {home.namespace}/default\n")
