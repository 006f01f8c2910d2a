"""`kubectl sriov` at a real API server, with the role of docs/kubectl.md: what it says, and that it only reads."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import kubectl_scene
import pytest
import yaml
from kube_clients import Gate
from nodestates_stage import API, Stage, stage
from operator_runs import until
from servers import Binaries, Server
from servers_admin import MERGE

from sriov_core.cli.kubectl.program import program

DOCS = Path(__file__).parent.parent.parent / "docs" / "kubectl.md"
VIEWER = "viewer"
RESOURCE = "openshift.io/prest"


@attrs.frozen
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        return [one["code"] for one in self.data["findings"]]


Run = Callable[..., Ran]


def role() -> dict[str, Any]:
    """The ClusterRole that the documentation has its readers apply."""
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(kubeconfig: Path, namespace: str, command: str) -> Ran:
        argv = [*shlex.split(command), "--kubeconfig", str(kubeconfig), "--operator-namespace", namespace]
        with pytest.raises(SystemExit) as ended:
            program.main(argv, prog_name="kubectl sriov")
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return ran


@pytest.fixture
def here(server: Server, namespace: str) -> Iterator[Stage]:
    with stage(server, namespace) as made:
        yield made


def bound(server: Server, user: str, rules: list[dict[str, Any]]) -> Path:
    """A kubeconfig of a user with these rights in the cluster."""
    name = f"of-{user}"
    document = {**role(), "metadata": {"name": name}, "rules": rules}
    server.admin.apply(document)
    whole = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    binding = {**document, "kind": "ClusterRoleBinding", "roleRef": whole, "subjects": [subject]}
    server.admin.apply({key: value for key, value in binding.items() if key != "rules"})
    verb, group, resource = (rules[0][part][0] for part in ("verbs", "apiGroups", "resources"))
    until(lambda: server.admin.allows(user, verb, resource, group=group))
    return server.kubeconfig(user)


@pytest.fixture
def viewer(server: Server) -> Path:
    """Somebody with the role of the documentation."""
    return bound(server, VIEWER, role()["rules"])


def attachment(here: Stage, name: str, resource: str) -> dict[str, Any]:
    annotations = {"k8s.v1.cni.cncf.io/resourceName": resource}
    metadata = {"name": name, "namespace": here.namespace, "annotations": annotations}
    return {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": metadata}


def a_pod(here: Stage, name: str, *, devices: int = 0, node: str = "", **labels: str) -> dict[str, Any]:
    resources = {"limits": {RESOURCE: str(devices)}} if devices else {}
    spec = {"containers": [{"name": "main", "image": "none", "resources": resources}]}
    selector = {"nodeSelector": {"stage": here.namespace}}
    metadata = {
        "name": name,
        "namespace": here.namespace,
        "labels": labels,
        "annotations": {"k8s.v1.cni.cncf.io/networks": "rail"},
    }
    placed = {"nodeName": node, "tolerations": [{"operator": "Exists"}]} if node else selector
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **placed}}


def set_status(here: Stage, path: str, status: dict[str, Any]) -> None:
    here.server.admin.done("PATCH", f"{path}/status", {"status": status}, content_type=MERGE)


def ready_device_plugin(here: Stage, node: str) -> None:
    name = "sriov-device-plugin-a"
    here.server.admin.create(a_pod(here, name, node=here.name(node), app="sriov-device-plugin"))
    condition = {"type": "Ready", "status": "True"}
    path = f"/api/v1/namespaces/{here.namespace}/pods/{name}"
    set_status(here, path, {"phase": "Running", "conditions": [condition]})


def offer(here: Stage, node: str, number: int) -> None:
    amounts = {RESOURCE: str(number)}
    set_status(here, f"/api/v1/nodes/{here.name(node)}", {"capacity": amounts, "allocatable": amounts})


def untaint(here: Stage, node: str) -> None:
    """The API server taints a new Node until it is Ready."""
    path = f"/api/v1/nodes/{here.name(node)}"
    here.server.admin.done("PATCH", path, {"spec": {"taints": None}}, content_type=MERGE)


def test_a_pod_is_explained_link_by_link_as_each_is_mended(here: Stage, viewer: Path, run: Run) -> None:
    here.configure(enableInjector=True)
    here.start()
    here.node("a")
    untaint(here, "a")
    pods = f"/api/v1/namespaces/{here.namespace}/pods"

    def broken() -> str:
        ran = run(viewer, here.namespace, f"explain pod web -n {here.namespace} -o json")
        found = ran.data["broken"]
        assert ran.code == (2 if found else 0)
        return found["code"] if found else ran.data["verdict"]

    def make(devices: int) -> None:
        here.server.admin.remove(f"{pods}/web")
        here.server.admin.create(a_pod(here, "web", devices=devices))

    make(0)
    assert broken() == "POD-462"
    here.server.admin.create(attachment(here, "rail", RESOURCE))
    assert broken() == "POD-463"
    make(1)
    assert broken() == "POD-464"
    here.policy("p", resourceName="prest", nicSelector={"vendor": "15b3"})
    here.report("a")
    here.ready("p", "NoNicMatched")
    assert broken() == "POD-465"
    here.policy("p", resourceName="prest", on="b")
    here.ready("p", "NoNodeMatched")
    assert broken() == "POD-465"
    here.policy("p", resourceName="prest")
    here.ready("p")
    assert broken() == "POD-468"
    nic = {"pciAddress": "0000:86:00.0", "name": "ens803f0", "driver": "i40e", "vendor": "8086", "totalvfs": 64}
    here.report("a", {**nic, "numVfs": 4})
    assert broken() == "POD-469"
    ready_device_plugin(here, "a")
    assert broken() == "POD-470"
    offer(here, "a", 4)
    assert "has what the pod wants" in broken()
    here.server.admin.create(a_pod(here, "greedy", devices=4, node=here.name("a")))
    assert broken() == "POD-471"
    told = run(viewer, here.namespace, f"explain pod web -n {here.namespace}").out
    assert f"4 of 4 are taken by {here.namespace}/greedy; the pod wants 1" in told
    assert f"Node {here.name('a')}: status.allocatable[{RESOURCE}]" in told
    assert "remedy    Raise numVfs" in told


def test_the_screen_tells_what_the_operator_found(here: Stage, viewer: Path, run: Run) -> None:
    here.configure()
    here.start()
    here.node("a")
    here.policy("good")
    here.policy("bad", nicSelector={"pfNames": ["ens9"]}, resourceName="badres")
    here.report("a", syncStatus="Failed", lastSyncError="no IOMMU in effect")
    here.ready("good", "Failed")
    here.ready("bad", "NoNicMatched")
    ran = run(viewer, here.namespace, "status")
    assert ran.code == 2
    assert f"K8S-421: Node {here.name('a')}: no IOMMU in effect. Also holds up policy good" in ran.out
    assert "fail    POL-504: SriovNetworkNodePolicy bad" in ran.out
    assert ran.out.index("K8S-421") < ran.out.index("POL-504")
    findings = run(viewer, here.namespace, "status -o json").codes
    assert {"K8S-421", "POL-504"} <= set(findings)
    assert "POL-501" not in findings
    assert "POL-501" in run(viewer, here.namespace, "policies -o json").codes
    assert yaml.safe_load(run(viewer, here.namespace, "policies -o yaml").out)["policies"][0]["policy"] == "bad"
    assert "ens9" in run(viewer, here.namespace, "policies bad").out
    assert "0000:86:00.0" in run(viewer, here.namespace, f"nodes {here.name('a')}").out
    assert "POL-501" in run(viewer, here.namespace, "explain policy good").out
    assert "K8S-421" in run(viewer, here.namespace, f"explain node {here.name('a')}").out


def test_drains_and_networks_are_told(here: Stage, viewer: Path, run: Run) -> None:
    here.configure()
    here.start()
    here.node("a")
    here.report("a")
    network = {"metadata": {"name": "blue", "namespace": here.namespace}, "spec": {"resourceName": "nobody"}}
    here.server.admin.create({"apiVersion": API, "kind": "SriovNetwork", **network})
    path = f"/api/v1/nodes/{here.name('a')}"
    asked = {"metadata": {"annotations": {"sriovnetwork.openshift.io/state": "Drain_Required"}}}
    here.server.admin.done("PATCH", path, asked, content_type=MERGE)
    drains = run(viewer, here.namespace, "drains -o json")
    assert drains.data["drains"][0]["asks_for"] == "Drain_Required"
    assert "LIFE-723" in drains.codes
    assert {"NET-442", "NET-443"} <= set(run(viewer, here.namespace, "networks -o json").codes)


def test_the_documentation_shows_what_is_said(server: Server) -> None:
    shown = kubectl_scene.BLOCKS.findall(DOCS.read_text())
    assert len(shown) == 4
    with kubectl_scene.scene(server):
        for command, text in shown:
            said = kubectl_scene.settled(server.admin_kubeconfig, command, text)
            assert kubectl_scene.ageless(said) == kubectl_scene.ageless(text), said


def test_it_only_reads_and_the_role_has_nothing_more_than_it_takes(here: Stage, run: Run, server: Server) -> None:
    here.configure()
    here.server.admin.create(a_pod(here, "web"))
    user = f"auditor-{here.namespace}"
    kubeconfig = bound(server, user, role()["rules"])
    pod = f"explain pod web -n {here.namespace}"
    for command in ("status", "nodes", "policies", "drains", "networks", pod, "explain node x", "explain policy x"):
        run(kubeconfig, here.namespace, command)
    granted = {
        (verb, group, resource)
        for rule in role()["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }

    def used() -> set[tuple[str, str, str]]:
        every = [one for one in server.audited() if one["user"]["username"] == user]
        assert all(one["responseStatus"]["code"] < 400 for one in every)
        return {(one["verb"], one["objectRef"].get("apiGroup", ""), one["objectRef"]["resource"]) for one in every}

    until(lambda: used() == granted)


def test_what_may_not_be_read_is_told_and_the_rest_is_shown(here: Stage, run: Run, server: Server) -> None:
    here.configure()
    rules = [rule for rule in role()["rules"] if rule["resources"] not in (["nodes"], ["pods"])]
    ran = run(bound(server, f"poor-{here.namespace}", rules), here.namespace, "status -o json")
    assert [one["object"] for one in ran.data["findings"] if one["code"] == "K8S-405"] == ["Node", "Pod"]


@pytest.mark.parametrize("command", ["status", "nodes", "policies x", "explain pod web -n default", "explain node x"])
def test_without_any_right_it_is_one_error_that_names_the_right(command: str, run: Run, server: Server) -> None:
    ran = run(server.kubeconfig("nobody"), "default", command)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert "A role bound to this identity must allow" in ran.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param("explain pod none -n default", "there is no Pod default/none", id="no-pod"),
        pytest.param("explain pod none", "there is no Pod default/none", id="the-contexts-namespace"),
        pytest.param("explain policy none", "there is no policy none", id="no-policy"),
        pytest.param("explain node none", "there is no Node none", id="no-node"),
        pytest.param("nodes none", "there is no SriovNetworkNodeState none", id="no-node-state"),
        pytest.param("policies none", "there is no policy none", id="no-policy-in-the-table"),
        pytest.param("status --context other", "other", id="no-such-context"),
        pytest.param("status --request-timeout 0", "Invalid value", id="no-time"),
        pytest.param("statuses", "No such command", id="no-such-command"),
    ],
)
def test_what_is_not_there_is_one_error(command: str, words: str, here: Stage, viewer: Path, run: Run) -> None:
    ran = run(viewer, here.namespace, command)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err


def test_the_context_says_which_cluster_and_which_namespace(
    here: Stage, viewer: Path, run: Run, tmp_path: Path
) -> None:
    config = yaml.safe_load(viewer.read_text())
    (only,) = config["contexts"]
    config["contexts"] = [
        {"name": "far", "context": {**only["context"], "cluster": "far"}},
        {"name": "near", "context": {**only["context"], "namespace": here.namespace}},
    ]
    config["clusters"].append({"name": "far", "cluster": {"server": "https://127.0.0.1:1"}})
    config["current-context"] = "far"
    two = tmp_path / "two.kubeconfig"
    two.write_text(yaml.safe_dump(config))
    here.server.admin.create(a_pod(here, "web"))
    assert run(two, here.namespace, "status").code == 1
    ran = run(two, here.namespace, "explain pod web --context near -o json")
    assert ran.data["title"] == f"why {here.namespace}/web is Pending"


def test_a_configuration_in_another_namespace_is_pointed_at(here: Stage, viewer: Path, run: Run) -> None:
    here.configure()
    ran = run(viewer, "default", "status")
    assert ran.code == 2
    assert here.namespace in ran.out
    assert "--operator-namespace" in ran.out


def test_a_policy_in_another_namespace_is_found(here: Stage, viewer: Path, run: Run, made: Callable[..., Any]) -> None:
    here.configure()
    spec = {"resourceName": "edge", "numVfs": 1, "nicSelector": {"vendor": "8086"}, "nodeSelector": {}}
    metadata = {"name": "edge-wrong", "namespace": "default"}
    made({"apiVersion": API, "kind": "SriovNetworkNodePolicy", "metadata": metadata, "spec": spec})
    said = run(viewer, here.namespace, "status").out
    assert "warn    K8S-410: SriovNetworkNodePolicy default/edge-wrong: has no effect" in said
    assert "kubectl get sriovnetworknodepolicy edge-wrong -n default -o yaml" in said
    for command in ("explain policy edge-wrong", "policies edge-wrong"):
        ran = run(viewer, here.namespace, command)
        assert (ran.code, ran.out) == (1, "")
        assert "There is one of that name in namespace default, which the operator does not read" in ran.err


def test_who_may_look_into_the_operators_namespace_only_sees_what_is_there(
    here: Stage, run: Run, server: Server
) -> None:
    here.configure()
    user = f"neighbour-{here.namespace}"
    rules = role()["rules"]
    nodes = bound(server, user, [rule for rule in rules if rule["resources"] == ["nodes"]])
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": user, "namespace": here.namespace}}
    server.admin.apply({**head, "kind": "Role", "rules": rules})
    whole = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    server.admin.apply({**head, "kind": "RoleBinding", "roleRef": whole, "subjects": [subject]})

    def unread() -> list[str]:
        found = run(nodes, here.namespace, "policies -o json").data["findings"]
        return [one["object"] for one in found if one["code"] == "K8S-405"]

    until(lambda: unread() == ["SriovOperatorConfig, SriovNetworkNodePolicy of other namespaces"])


@pytest.mark.parametrize("how", ["shut", "freeze"])
def test_an_api_server_that_is_away_or_hangs_is_one_error(how: str, run: Run, server: Server) -> None:
    gate = Gate(server.url)
    kubeconfig = server.kubeconfig("cut-off", url=gate.url)
    getattr(gate, how)()
    try:
        ran = run(kubeconfig, "default", "status --request-timeout 1")
    finally:
        gate.shut()
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert gate.url.removeprefix("https://") in ran.err


def test_a_cluster_without_the_definitions_is_told_how_to_get_them(
    binaries: Binaries, tmp_path: Path, run: Run
) -> None:
    bare = Server.start(tmp_path, binaries)
    try:
        ran = run(bare.admin_kubeconfig, "default", "status")
    finally:
        bare.stop()
    assert (ran.code, ran.out) == (1, "")
    assert "sriov-core crds | kubectl apply --server-side -f -" in ran.err
