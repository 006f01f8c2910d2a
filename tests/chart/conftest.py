"""The real helm, and a real API server for the tests that install the chart."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

TESTS = Path(__file__).resolve().parent.parent
for folder in (TESTS / "cluster", TESTS.parent / "operator" / "chart" / "generator"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

import helm  # noqa: E402
import servers  # noqa: E402
from operator_runs import Process  # noqa: E402
from release import ARGUMENTS, DEPLOYMENT, NAMESPACE, WITH_CONFIG, forget, operators_kubeconfig, variables  # noqa: E402
from servers import CannotRun, Server  # noqa: E402


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"the chart's tests must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"the chart's tests did not run: {reason}")


@pytest.fixture(scope="session", autouse=True)
def _helm() -> None:
    try:
        helm.folder()
    except CannotRun as err:
        _cannot(str(err))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without any definition of ours at first, with the garbage collector and the audit log."""
    try:
        programs = servers.binaries()
    except CannotRun as err:
        _cannot(str(err))
    if not programs.at_least(1, 34):
        _cannot(f"Kubernetes 1.34 or newer is needed, and this is {programs.version}")
    started = Server.start(tmp_path_factory.mktemp("server"), programs, audit=True)
    try:
        started.start_controller_manager()
        yield started
    finally:
        started.stop()


@pytest.fixture
def tidy(bare: Server) -> Iterator[Server]:
    """Nothing of a release is there before, and what a test leaves of one is removed afterwards."""
    yield bare
    if bare.admin.find(DEPLOYMENT):
        helm.helm("uninstall", *ARGUMENTS[:1], *ARGUMENTS[2:], "--no-hooks", kubeconfig=bare.admin_kubeconfig)
    forget(bare)


@pytest.fixture
def installed(tidy: Server) -> Server:
    """The release with a configuration."""
    helm.helm("install", *ARGUMENTS, "--create-namespace", *WITH_CONFIG, kubeconfig=tidy.admin_kubeconfig)
    return tidy


@pytest.fixture
def kubeconfig(installed: Server, tmp_path: Path) -> Path:
    """That of the operator's service account."""
    return operators_kubeconfig(installed, tmp_path / "operator.kubeconfig")


@pytest.fixture
def operator(installed: Server, kubeconfig: Path, tmp_path: Path) -> Iterator[Process]:
    """The operator with the variables of the Deployment."""
    given = {**variables([installed.admin.find(DEPLOYMENT)]), "DISABLED_CONTROLLERS": ""}
    process = Process.start(tmp_path / "operator.log", kubeconfig, NAMESPACE, **given)
    yield process
    process.end()
