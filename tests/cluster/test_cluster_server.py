"""The API server that the cluster tests run on: what it is, what it takes and refuses, and what it survives."""

import os
import signal
import subprocess  # noqa: TID251  # the command that people run a server with
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from servers import Server

sys.path.append(str(Path(__file__).parent.parent / "crdcheck"))

# The rules' cases, which the API server's code judges there.
from test_crdcheck import LEAST, MISSPELLED, RULES, thing

from sriov_core.api import documents
from sriov_core.api.kinds import KINDS

HERE = Path(__file__).resolve().parent
MANIFESTS = HERE.parent / "vectors" / "manifests"
DEADLINE_S = 30


def until(what: Callable[[], Any]) -> Any:
    """What it gives as soon as that is something; the test fails when it does not come."""
    end = time.monotonic() + DEADLINE_S
    while not (found := what()):
        assert time.monotonic() < end, f"not within {DEADLINE_S} s"
        time.sleep(0.02)
    return found


def config_map(namespace: str, name: str = "some", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name, **metadata},
        "data": {"key": "value"},
    }


def dry_run(server: Server, document: dict[str, Any], namespace: str) -> tuple[int, Any]:
    """What creating it in the namespace would give, with everything unknown refused."""
    placed = {**document, "metadata": {**document["metadata"], "namespace": namespace}}
    collection, _, _ = server.admin.path(placed).rpartition("/")
    return server.admin.request("POST", f"{collection}?dryRun=All&fieldValidation=Strict", placed)


def test_it_is_the_version_that_its_program_says_and_recent(server, recent):
    version = server.admin.done("GET", "/version")
    assert version["gitVersion"] == f"v{recent.version}"
    assert (int(version["major"]), int(version["minor"])) >= (1, 34)


def test_the_kinds_of_the_project_are_served_with_their_status(server):
    served = {one["name"] for one in server.admin.done("GET", "/apis/sriovnetwork.openshift.io/v1")["resources"]}
    assert served == {name for kind in KINDS for name in (kind.plural, f"{kind.plural}/status")}


def test_network_attachments_are_served(server, namespace):
    document = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "net", "namespace": namespace},
        "spec": {"config": "{}"},
    }
    assert server.admin.create(document)["spec"] == {"config": "{}"}


def manifests() -> list[Any]:
    paths = sorted(MANIFESTS.glob("*.yaml"))
    found = [one for path in paths for one in documents.parse(path.read_text(), path.name)]
    return [pytest.param(one.raw, id=f"{one.source}-{one.number}") for one in found if one.source != MISSPELLED]


@pytest.mark.parametrize("manifest", manifests())
def test_an_example_is_taken(server, namespace, manifest):
    status, said = dry_run(server, manifest, namespace)
    assert status == 201, said


def test_the_example_with_the_misspelled_selector_is_refused(server, recent, namespace):
    (manifest,) = yaml.safe_load_all((MANIFESTS / MISSPELLED).read_text())
    status, said = dry_run(server, manifest, namespace)
    assert (status, "the selector is empty" in said["message"]) == (422, True)


@pytest.mark.usefixtures("recent")
@pytest.mark.parametrize("case", RULES.values(), ids=RULES)
def test_a_rule_fires_for_its_case_and_no_more(server, namespace, case):
    kind, wrong, message, fine = case
    status, said = dry_run(server, thing(kind, wrong), namespace)
    assert (status, message in said["message"]) == (422, True), said
    status, said = dry_run(server, thing(kind, fine), namespace)
    assert status == 201, said


def test_the_least_of_each_kind_is_taken(server, namespace):
    assert {kind: dry_run(server, thing(kind, {}), namespace)[0] for kind in LEAST} == dict.fromkeys(LEAST, 201)


def test_a_user_without_a_role_may_nothing(server, namespace):
    stranger = server.as_user("somebody", ["some-group"])
    status, said = stranger.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    stranger.close()
    assert status == 403
    assert 'User "somebody" cannot list resource "configmaps"' in said["message"]


def test_a_role_of_a_group_gives_what_it_says_and_no_more(server, namespace):
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    metadata = {"name": "readers", "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    server.admin.create({**role, "metadata": metadata, "rules": rules})
    subjects = [{"kind": "Group", "name": "readers", "apiGroup": "rbac.authorization.k8s.io"}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "readers"}
    server.admin.create(
        {**role, "kind": "RoleBinding", "metadata": metadata, "subjects": subjects, "roleRef": reference}
    )
    reader = server.as_user("somebody", ["readers"])
    collection = f"/api/v1/namespaces/{namespace}/configmaps"
    until(lambda: reader.request("GET", collection)[0] == 200)  # the authorizer watches the roles
    status, _ = reader.request("POST", collection, config_map(namespace))
    reader.close()
    assert status == 403


def test_a_token_of_a_pod_on_a_node_names_the_node(server, recent, namespace):
    agent = server.with_token(server.token(namespace, "agent", node="worker-1"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = agent.done("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]
    agent.close()
    assert user["username"] == f"system:serviceaccount:{namespace}:agent"
    assert f"system:serviceaccounts:{namespace}" in user["groups"]
    assert user["extra"]["authentication.kubernetes.io/node-name"] == ["worker-1"]


def test_a_kubeconfig_logs_in(server, tmp_path):
    written = yaml.safe_load(server.kubeconfig("somebody", path=tmp_path / "kubeconfig").read_text())
    assert written["clusters"][0]["cluster"]["server"] == server.url
    assert set(written["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0


def test_a_killed_api_server_is_gone_and_comes_back_with_its_objects(server, namespace):
    stored = server.admin.create(config_map(namespace))
    server.kill()
    with pytest.raises(urllib3.exceptions.HTTPError):
        server.admin.request("GET", "/readyz")
    server.restart()
    assert server.admin.find(server.admin.path(stored)) == stored


def test_what_was_written_before_etcd_was_killed_is_there_afterwards(server, namespace):
    stored = server.admin.create(config_map(namespace))
    server.kill_etcd()
    server.start_etcd()
    assert server.admin.find(server.admin.path(stored)) == stored
    assert server.admin.create(config_map(namespace, "after"))["data"] == {"key": "value"}


def test_the_audit_log_says_who_asked_for_what(server, namespace):
    somebody = server.as_user(f"somebody-of-{namespace}")
    somebody.request("GET", f"/api/v1/namespaces/{namespace}/secrets/one")
    somebody.close()
    (entry,) = until(lambda: [one for one in server.audited() if one["user"]["username"] == f"somebody-of-{namespace}"])
    assert (entry["verb"], entry["responseStatus"]["code"]) == ("get", 403)
    assert entry["objectRef"] == {"resource": "secrets", "namespace": namespace, "name": "one", "apiVersion": "v1"}


def test_the_garbage_collector_runs_on_request(server, recent, namespace):
    owner = server.admin.create(config_map(namespace, "owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = server.admin.create(config_map(namespace, "owned", ownerReferences=[reference]))
    server.start_controller_manager()
    try:
        server.admin.done("DELETE", server.admin.path(owner))
        until(lambda: server.admin.find(server.admin.path(owned)) is None)
    finally:
        server.stop_controller_managers()


def test_a_namespace_is_removed_with_what_holds_on_to_it(server):
    server.admin.create_namespace("doomed")
    held = server.admin.create(
        {**thing("SriovNetwork", {}), "metadata": {"name": "a", "namespace": "doomed", "finalizers": ["a.example/b"]}}
    )
    server.admin.remove_namespace("doomed")
    assert server.admin.find("/api/v1/namespaces/doomed") is None
    assert server.admin.find(server.admin.path(held)) is None


@pytest.fixture
def gone(server):
    """Paths that must lead nowhere when the fixtures of the test are torn down."""
    paths: list[str] = []
    yield paths
    assert [path for path in paths if server.admin.find(path)] == []


def test_what_a_test_made_is_gone_after_it(server, gone, made):
    node = made({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "made", "finalizers": ["a.example/b"]}})
    gone.append(server.admin.path(node))
    assert server.admin.find(gone[0])


@pytest.fixture
def command(binaries, tmp_path):
    """The command that people run a server with, and a way to its processes."""
    argv = [sys.executable, str(HERE / "servers.py"), "run", "--folder", str(tmp_path / "server")]
    started = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    yield started
    started.kill()
    started.wait(DEADLINE_S)
    started.stdout.close()


def children(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    """True when there is no such process, or only its corpse, which waits for init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends between opening and reading
        return True


@pytest.mark.parametrize(
    ("how", "code"),
    [
        pytest.param(signal.SIGKILL, -signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGTERM, 0, id="asked-to-end"),
    ],
)
def test_no_server_outlives_the_command_that_runs_it(command, how, code):
    kubeconfig = Path(command.stdout.readline().strip())
    assert kubeconfig.is_file()
    programs = children(command)
    assert len(programs) == 2
    os.kill(command.pid, how)
    assert command.wait(DEADLINE_S) == code
    until(lambda: all(is_gone(pid) for pid in programs))
