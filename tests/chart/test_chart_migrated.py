"""From a release of another operator's chart to ours and back, by Helm, as docs/migrating.md says: every object stays.

The other is a stand-in with the names, kinds and selectors of the SR-IOV network operator's. Its release is one of
Helm 3, as those of clusters mostly are, and one of Helm 4.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import CHART, RELEASE, THREE, VERSION, helm, kubectl
from incumbent_judge import GROUP
from incumbent_judge import definition as its_node_states
from release import CONFIG, DEPLOYMENT, NAMESPACE
from servers import Server
from servers_install import served

from sriov_core.api import crd

IMAGES = (
    "--set",
    "images.operator=registry.example/ours:1",
    "--set",
    "images.sriovConfigDaemon=registry.example/agent:1",
)
FLAGS = ("--server-side=true", "--force-conflicts")
"""A release of Helm 3 is not applied on the server's side unless that is said."""
PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"
DAEMON = "sriov-network-config-daemon"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
STATES = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sriovnetworknodestates.{GROUP}"
Document = dict[str, Any]


def its_objects() -> list[Document]:
    """What the release of the other chart holds."""
    rbac = "rbac.authorization.k8s.io"
    here: Document = {"namespace": NAMESPACE}
    labels = {"name": RELEASE}
    container = {"name": RELEASE, "image": "registry.example/theirs:1", "command": ["sriov-network-operator"]}
    pod = {"serviceAccountName": RELEASE, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    subject = {"kind": "ServiceAccount", "name": RELEASE, **here}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": RELEASE}
    every = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}

    def made(version: str, kind: str, name: str, place: Document, **parts: Any) -> Document:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place}, **parts}

    spec = {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels}, "template": template}
    return [
        made("v1", "ServiceAccount", RELEASE, here),
        made("v1", "ServiceAccount", DAEMON, here),
        made(f"{rbac}/v1", "ClusterRole", RELEASE, {}, rules=[every]),
        made(f"{rbac}/v1", "ClusterRoleBinding", RELEASE, {}, roleRef=role, subjects=[subject]),
        made("v1", "ConfigMap", "supported-nic-ids", here, data={"Intel_igb": "8086 10c9 10ca"}),
        made("apps/v1", "Deployment", RELEASE, here, spec=spec),
        made(
            f"{GROUP}/v1", "SriovOperatorConfig", "default", here, spec={"logLevel": 2, "configurationMode": "daemon"}
        ),
    ]


@pytest.fixture(scope="session")
def its_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs") / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "crds").mkdir()
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "theirs", "version": "1.0.0"}))
    (folder / "templates" / "all.yaml").write_text(yaml.safe_dump_all(its_objects()))
    others = [one for one in crd.definitions() if one["metadata"]["name"] != its_node_states()["metadata"]["name"]]
    (folder / "crds" / "all.yaml").write_text(yaml.safe_dump_all([its_node_states(), *others]))
    return folder


@pytest.fixture(params=[THREE, VERSION], ids=["made-by-helm-3", "made-by-helm-4"])
def theirs(request: pytest.FixtureRequest, tidy: Server, its_chart: Path) -> Iterator[Server]:
    """The release of the other chart, at rest."""
    wanted = ("install", RELEASE, str(its_chart), "--namespace", NAMESPACE, "--create-namespace", "--skip-crds")
    definitions(tidy, its_chart)
    helm(*wanted, kubeconfig=tidy.admin_kubeconfig, version=request.param)
    yield tidy
    definitions(tidy, CHART)


def definitions(server: Server, chart: Path) -> None:
    applied, given = ("apply", "--server-side", "--force-conflicts", "-f", "-"), helm("show", "crds", str(chart))
    kubectl(*applied, kubeconfig=server.admin_kubeconfig, given=given)
    served(server.admin, [one for one in yaml.safe_load_all(given) if one])


def stop(server: Server) -> None:
    asked = ("scale", f"deployment/{RELEASE}", "--replicas", "0", "--namespace", NAMESPACE)
    kubectl(*asked, kubeconfig=server.admin_kubeconfig)


def identities(server: Server) -> dict[str, str]:
    found = [server.admin.done("GET", server.admin.path(one)) for one in its_objects()]
    return {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["uid"] for one in found}


def image(server: Server) -> str:
    (container,) = server.admin.done("GET", DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def test_a_release_changes_hands_and_goes_back_without_a_new_object(theirs: Server, its_chart: Path) -> None:
    typed = [line for line in PAGE.read_text().splitlines() if line.startswith(("$ helm upgrade", "$ helm rollback"))]
    assert [line.endswith(" ".join(FLAGS)) for line in typed] == [True, True, True]
    before = identities(theirs)
    at = ("--namespace", NAMESPACE, *FLAGS)
    stop(theirs)
    definitions(theirs, CHART)
    helm(
        "upgrade",
        RELEASE,
        str(CHART),
        *at,
        *IMAGES,
        "--set",
        "sriovOperatorConfig.deploy=true",
        kubeconfig=theirs.admin_kubeconfig,
    )
    assert identities(theirs) == before
    assert image(theirs) == "registry.example/ours:1"
    assert theirs.admin.done("GET", DEPLOYMENT)["spec"]["replicas"] == 1
    assert theirs.admin.done("GET", POLICIES)["items"] != []
    away = ("delete", f"deployment/{RELEASE}", "--namespace", NAMESPACE)
    kubectl(*away, kubeconfig=theirs.admin_kubeconfig)
    definitions(theirs, its_chart)
    helm("rollback", RELEASE, "1", *at, kubeconfig=theirs.admin_kubeconfig)
    now = identities(theirs)
    assert {kind for kind in before if now[kind] != before[kind]} == {f"Deployment {RELEASE}"}
    assert image(theirs) == "registry.example/theirs:1"
    assert theirs.admin.done("GET", POLICIES)["items"] == []
    assert theirs.admin.done("GET", CONFIG)["spec"]["configurationMode"] == "daemon"
    schema = theirs.admin.done("GET", STATES)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "conditions" not in schema["properties"]["status"]["properties"]
