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


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's own without any definition of ours, with the garbage collector and the audit log."""
    try:
        programs = servers.binaries()
    except CannotRun as err:
        _cannot(str(err))
    if not programs.at_least(1, 34):
        _cannot(f"Kubernetes 1.34 or newer is needed, and this is {programs.version}")
    started = Server.start(tmp_path_factory.mktemp("server"), programs)
    try:
        started.start_controller_manager()
        yield started
    finally:
        started.stop()
