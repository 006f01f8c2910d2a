"""A real API server for the tests that ask for one; it is built when it is not there, and started once a process."""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
import servers
import servers_install
from servers import Binaries, CannotRun, Server

Made = Callable[[dict[str, Any]], dict[str, Any]]


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"the cluster tests must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"the cluster tests did not run: {reason}")


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The programs; for a test that starts a Server of its own."""
    try:
        return servers.binaries()
    except CannotRun as err:
        _cannot(str(err))


@pytest.fixture(scope="session")
def recent(binaries: Binaries) -> Binaries:
    """For a test that needs CEL or younger kinds: it does not run on a server older than Kubernetes 1.34."""
    if not binaries.at_least(1, 34):
        why = f" ({binaries.lacking})" if binaries.lacking else ""
        _cannot(f"Kubernetes 1.34 or newer is needed, and {binaries.kube_apiserver} is {binaries.version}{why}")
    return binaries


@pytest.fixture(scope="session")
def server(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an audit log and the kinds of this project, shared by the tests of a process."""
    started = Server.start(tmp_path_factory.mktemp("server"), binaries, audit=True)
    try:
        servers_install.definitions(started.admin)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def namespace(server: Server, _numbers: Iterator[int]) -> Iterator[str]:
    """A namespace of the test's own with a default service account; removed afterwards with all that is in it."""
    name = f"test-{next(_numbers)}"
    server.admin.create_namespace(name)
    yield name
    server.revive()  # a test that failed may have left it killed
    server.admin.remove_namespace(name)


@pytest.fixture
def made(server: Server) -> Iterator[Made]:
    """Create an object, of the cluster or of a namespace, and remove it after the test: ``made({...})``."""
    paths: list[str] = []

    def make(document: dict[str, Any]) -> dict[str, Any]:
        stored = server.admin.create(document)
        paths.append(server.admin.path(document))
        return stored

    yield make
    for path in reversed(paths):
        server.admin.remove(path)
