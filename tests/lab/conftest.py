"""Fixtures of the lab: guests with a real kernel. Nothing is built or booted before a test asks for it."""

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import build
import pytest
from debian import LabError
from vm import Vm

sys.path.append(str(Path(__file__).parent.parent / "cluster"))

import servers_build

HERE = Path(__file__).parent
LONGEST_FIRST = ("accidents", "conformance", "power_cuts", "crashes", "netdevsim", "lab_cluster", "scenarios")
"""Files that take minutes, so ordered that no guest works alone at the end: a process whose file has a single test
takes over another file at once, the first three the next three."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {HERE / f"test_{name}.py": number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the guest's console with each failure."""
    report = yield
    if report.failed:
        for name in ("vm", "fresh_vm"):
            guest = getattr(item, "funcargs", {}).get(name)
            if isinstance(guest, Vm):
                report.sections.append((f"console of {name}", guest.diagnosis()))
    return report


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"the lab must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"the lab cannot run here: {reason}")


@pytest.fixture(scope="session")
def image() -> build.Image:
    """What the guests boot; built when it is not in the cache."""
    obstacle = build.obstacle()
    if obstacle:
        _cannot(obstacle)
    try:
        return build.ensure()
    except LabError as err:
        _cannot(str(err))


@pytest.fixture(scope="session")
def cluster_binaries() -> servers_build.Binaries:
    """An API server, and what it needs, for a guest that is the node of a cluster."""
    try:
        found = servers_build.binaries()
    except servers_build.CannotRun as err:
        _cannot(str(err))
    if not found.at_least(1, 34):
        _cannot(f"Kubernetes 1.34 or newer is needed, and {found.kube_apiserver} is {found.version}")
    return found


@pytest.fixture(scope="session")
def vm(image: build.Image) -> Iterator[Vm]:
    """The guest that the tests of a run share; a test that needs it clean calls `vm.reset_nics()` first."""
    with Vm(image) as guest:
        yield guest


@pytest.fixture
def fresh_vm(image: build.Image) -> Iterator[Vm]:
    """A guest of the test's own, with an empty disk, to cut its power or break it."""
    with Vm(image) as guest:
        yield guest
