"""The processes start from their images as their users, with a root that cannot be written to."""

from pathlib import Path

import pytest
import yaml
from images_build import REVISION, ROOT, Image
from images_container import run, said

TREES = ROOT / "tests/trees"
UNREACHABLE = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: me, user: {token: secret}}]
"""
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
        if not module.name.startswith("sriov_core.testing.") and not module.name.endswith(("__main__", "writer_child")):
            importlib.import_module(module.name)
            print(module.name)
"""


def test_an_image_tells_its_program_its_user_and_where_it_comes_from(image: Image) -> None:
    expected = {
        "operator": ("65532:65532", ["sriov-operator"], ["run"]),
        "agent": ("0:0", ["sriov-core"], ["agent"]),
    }
    config = image.config
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == expected[image.name]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == "1.2.3"
    assert labels["revision"] == REVISION
    assert labels["licenses"] == "Apache-2.0"
    assert labels["title"]
    assert labels["description"]


def test_the_operator_tells_its_version(operator: Image) -> None:
    assert said(operator, "sriov-operator", "version").startswith("sriov-operator ")


@pytest.mark.parametrize("command", ["run", "webhook", "injector", "cleanup"])
def test_each_process_of_the_operator_has_its_help(operator: Image, command: str) -> None:
    assert "Usage: sriov-operator" in said(operator, "sriov-operator", command, "--help")


def test_an_operator_without_its_environment_says_what_is_missing(operator: Image) -> None:
    done = run(operator, ["sriov-operator", "run"])
    assert done.returncode == 1
    assert "NAMESPACE" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_operator_without_an_api_server_says_so(operator: Image, tmp_path: Path) -> None:
    """With the credentials of the library's own, of which only a part is in the image."""
    tmp_path.chmod(0o755)
    (tmp_path / "config").write_text(UNREACHABLE)
    argv = ["sriov-operator", "cleanup", "--kubeconfig=/tmp/here/config", "--namespace=here", "--watch-timeout=1"]
    done = run(operator, argv, environment={"NAMESPACE": "here"}, volumes={tmp_path: "/tmp/here"})
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_operator_prints_what_it_needs_in_place(operator: Image) -> None:
    kinds = {document["kind"] for document in yaml.safe_load_all(said(operator, "sriov-operator", "manifests"))}
    assert {"Namespace", "ServiceAccount", "ClusterRole"} <= kinds


@pytest.mark.parametrize("command", [pytest.param((), id="agent"), pytest.param(("wait-for-config",), id="waiting")])
def test_each_process_of_the_agent_has_its_help(agent: Image, command: tuple[str, ...]) -> None:
    assert f"Usage: sriov-core agent {' '.join(command)}".strip() in said(
        agent, "sriov-core", "agent", *command, "--help"
    )


def test_the_agent_image_probes_a_sample(agent: Image) -> None:
    argv = ["sriov-core", "probe", "--host", "/tmp/trees/intel-x550.yaml"]
    assert "0000:05:00.0" in said(agent, *argv, volumes={TREES: "/tmp/trees"})


def test_the_agent_hears_of_devices(agent: Image) -> None:
    """pyudev finds libudev by the cache of the loader alone: no compiler is there to be asked."""
    assert said(agent, "python3", "-I", "-c", "import pyudev; print(pyudev.Context())").startswith(
        "<pyudev.core.Context"
    )


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(("mstconfig", "--version"), id="mstconfig"),
        pytest.param(("mstfwreset", "--version"), id="mstfwreset"),
        pytest.param(("lspci", "--version"), id="lspci"),
        pytest.param(("modprobe", "--version"), id="modprobe"),
    ],
)
def test_the_tools_for_cards_start(agent: Image, argv: tuple[str, ...]) -> None:
    assert said(agent, *argv)


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        pytest.param("operator", ("sriov_core.kube", "sriov_operator"), id="operator"),
        pytest.param("agent", ("sriov_core", "sriov_plugins"), id="agent"),
    ],
)
def test_every_module_finds_what_it_imports(images: dict[str, Image], name: str, packages: tuple[str, ...]) -> None:
    imported = said(images[name], _python(images[name]), "-I", "-c", IMPORT_ALL, *packages).split()
    assert len(imported) > 30


def _python(image: Image) -> str:
    """The one interpreter of the image."""
    return f"/{next((image.prefix / 'bin').glob('python3*')).relative_to(image.root)}"


def test_the_operator_runs_as_anybody(operator: Image) -> None:
    """OpenShift gives each namespace users of its own, which are in no list of accounts."""
    done = run(operator, ["sriov-operator", "version"], user="1000660000:0")
    assert done.returncode == 0, done.stderr
