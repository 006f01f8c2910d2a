"""A release is brought from the former chart to this one and back, beside the operator: nothing is made anew.

Helm 4 and Helm 3, and one after the other.
"""

import subprocess  # noqa: TID251  # clones of this repository
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import former
import pytest
import yaml
from helm import CHART, RELEASE, THREE, VERSION, helm, kubectl
from operator_runs import Process
from release import ARGUMENTS, DEPLOYMENT, NAMESPACE, Document, ended, operators_kubeconfig, removal, until, variables
from servers import Server
from servers_install import served

GROUP = "sriovnetwork.openshift.io"
CUSTOM = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}"
STATES = f"{CUSTOM}/sriovnetworknodestates"
LABEL = {"upgraded": "yes"}
AS_DOCUMENTED = ("--reset-then-reuse-values", "--server-side=true", "--force-conflicts")
DEFINITION = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sriovnetworks.{GROUP}"
WITHOUT_COLUMNS = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns"}]
VALUES: Document = {
    "operator": {"drainDeadlineSeconds": 77, "extraEnv": {"NO_PROXY": "10.0.0.0/8"}},
    "sriovOperatorConfig": {"deploy": True, "configDaemonNodeSelector": LABEL},
}
THEIRS: list[Document] = [
    {
        "kind": "SriovNetworkNodePolicy",
        "spec": {"resourceName": "a", "numVfs": 1, "nicSelector": {"vendor": "8086"}, "nodeSelector": LABEL},
    },
    {"kind": "SriovNetwork", "spec": {"resourceName": "a", "networkNamespace": "elsewhere"}},
    {"kind": "SriovNetworkPoolConfig", "spec": {"maxUnavailable": 1, "nodeSelector": {"matchLabels": LABEL}}},
]


def node(server: Server, name: str) -> str:
    """A node of the configuration; the path of its state, when the operator has made one."""
    server.admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": LABEL}})
    return str(until(lambda: f"{STATES}/{name}" if server.admin.find(f"{STATES}/{name}") else ""))


def settled(server: Server, path: str) -> Document:
    """What is wished of the node and noted about it, once the operator has answered that the node is at rest."""
    at_rest = {f"{GROUP}/desired-state": "Idle", f"{GROUP}/current-state": "Idle"}

    def found() -> Document | None:
        meta = server.admin.done("GET", path)["metadata"]
        notes = meta.get("annotations", {})
        return {"generation": meta["generation"], "notes": notes} if at_rest.items() <= notes.items() else None

    return dict(until(found))


def uids(server: Server, paths: Iterable[str]) -> dict[str, str]:
    """By path."""
    return {path: server.admin.done("GET", path)["metadata"]["uid"] for path in paths}


def documents(text: str) -> list[Document]:
    found = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]
    return [{**one, "metadata": {"namespace": NAMESPACE, **one["metadata"]}} for one in found]


@pytest.fixture
def theirs(tidy: Server) -> Iterator[list[Document]]:
    """What people make; and the nodes go with it."""
    head = {"apiVersion": f"{GROUP}/v1", "metadata": {"name": "kept", "namespace": NAMESPACE}}
    made = [{**head, **one} for one in THEIRS]
    yield made
    for path in [*map(tidy.admin.path, made), "/api/v1/nodes/first", "/api/v1/nodes/second", "/api/v1/nodes/third"]:
        tidy.admin.remove(path)
    for state in tidy.admin.done("GET", STATES)["items"]:
        tidy.admin.remove(f"{STATES}/{state['metadata']['name']}")


@contextmanager
def operating(server: Server, folder: Path, name: str) -> Iterator[Process]:
    """The operator with the variables that its Deployment has now."""
    given = {**variables([server.admin.find(DEPLOYMENT)]), "DISABLED_CONTROLLERS": ""}
    kubeconfig = operators_kubeconfig(server, folder / "operator.kubeconfig")
    process = Process.start(folder / f"{name}.log", kubeconfig, NAMESPACE, **given)
    try:
        yield process
    finally:
        process.end()


@pytest.mark.filterwarnings("default:the history has no other")
def test_an_upgrade_and_a_rollback_make_nothing_anew_and_touch_no_node(
    tidy: Server, theirs: list[Document], tmp_path: Path
) -> None:
    admin, cluster = tidy.admin, {"kubeconfig": tidy.admin_kubeconfig}
    older = former.former(tmp_path / "former").chart
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(VALUES))
    apply = ("apply", "--server-side", "--force-conflicts", "--filename", "-")
    definitions = helm("show", "crds", str(older))
    kubectl(*apply, given=definitions, **cluster)
    served(admin, documents(definitions))
    named = (RELEASE, str(older), *ARGUMENTS[2:])
    helm("install", *named, "--create-namespace", "--values", str(tmp_path / "values.yaml"), **cluster)
    parts = documents(helm("get", "manifest", RELEASE, *ARGUMENTS[2:], **cluster))
    values = helm("get", "values", RELEASE, *ARGUMENTS[2:], **cluster)

    with operating(tidy, tmp_path, "before"):
        for one in theirs:
            admin.create(one)
        first = node(tidy, "first")
        node(tidy, "second")
        kept = [first, *map(admin.path, [*parts, *theirs, *documents(definitions)])]
        before, state = uids(tidy, kept), settled(tidy, first)

        helm("upgrade", *ARGUMENTS, "--reuse-values", *AS_DOCUMENTED[1:], **cluster)
        assert uids(tidy, kept) == before
        assert variables([admin.find(DEPLOYMENT)])["DRAIN_DEADLINE_SECONDS"] == "77"

        helm("rollback", RELEASE, "1", *ARGUMENTS[2:], *AS_DOCUMENTED[1:], **cluster)
        assert documents(helm("get", "manifest", RELEASE, *ARGUMENTS[2:], **cluster)) == parts

        admin.done("PATCH", DEFINITION, WITHOUT_COLUMNS, content_type="application/json-patch+json")
        kubectl(*apply, given=helm("show", "crds", str(CHART)), **cluster)
        assert "additionalPrinterColumns" in admin.find(DEFINITION)["spec"]["versions"][0]
        helm("upgrade", *ARGUMENTS, *AS_DOCUMENTED, **cluster)
    assert helm("get", "values", RELEASE, *ARGUMENTS[2:], **cluster) == values

    with operating(tidy, tmp_path, "after"):
        node(tidy, "third")
    assert uids(tidy, kept) == before
    assert settled(tidy, first) == state
    for one in theirs:
        assert admin.find(admin.path(one))["spec"].items() >= one["spec"].items()


def test_a_release_of_helm_3_is_upgraded_by_it_and_then_by_helm_4(tidy: Server) -> None:
    cluster = {"kubeconfig": tidy.admin_kubeconfig}
    helm("install", *ARGUMENTS, "--create-namespace", **cluster, version=THREE)
    parts = documents(helm("get", "manifest", RELEASE, *ARGUMENTS[2:], **cluster, version=THREE))
    before = uids(tidy, map(tidy.admin.path, parts))
    helm("upgrade", *ARGUMENTS, "--reset-then-reuse-values", **cluster, version=THREE)
    helm("upgrade", *ARGUMENTS, *AS_DOCUMENTED, **cluster, version=VERSION)
    assert uids(tidy, before) == before
    with removal(tidy, THREE) as process:
        ended(tidy, is_good=True)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert tidy.admin.find(DEPLOYMENT) is None


def git(folder: Path, *arguments: str) -> None:
    who = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "safe.directory=*",
    )
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with three commits: the chart comes, is changed, and something else is changed."""
    folder = tmp_path / "repository"
    chart = folder / former.PLACE
    chart.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, text in (("Chart.yaml", "version: 1"), ("Chart.yaml", "version: 2"), ("other", "")):
        (chart / name if name == "Chart.yaml" else folder / name).write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", text or name)
    return folder


def test_the_former_chart_is_the_one_before_the_last_change(repository: Path, tmp_path: Path) -> None:
    found = former.former(tmp_path / "a", repository)
    assert (found.chart / "Chart.yaml").read_text() == "version: 1"
    (repository / former.PLACE / "Chart.yaml").write_text("version: 3")
    found = former.former(tmp_path / "b", repository)
    assert (found.chart / "Chart.yaml").read_text() == "version: 2"


@pytest.mark.parametrize("is_clone", [pytest.param(True, id="shallow"), pytest.param(False, id="no-clone")])
def test_without_a_history_the_present_chart_stands_for_it_and_that_is_told(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_clone: bool
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    if is_clone:
        git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), str(place))
    monkeypatch.setenv("CI", "")
    with pytest.warns(UserWarning, match="no other operator/chart"):
        assert former.former(tmp_path / "a", place) == former.Former(CHART, "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="whole history"):
        former.former(tmp_path / "b", place)
