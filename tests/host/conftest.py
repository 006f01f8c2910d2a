"""A real Open vSwitch for the tests that ask for one; it is fetched and started when the first of them does."""

import os
import shutil
from collections.abc import Iterator
from typing import NoReturn

import openvswitch
import pytest
from debian import LabError, Root
from openvswitch import Switch

from sriov_core.host.ovsdb import OvsDatabase


@pytest.fixture(scope="session")
def software() -> Root:
    """Its programs."""
    if os.geteuid() != 0:
        _cannot("it needs root for a network namespace")
    if shutil.which("ip") is None:
        _cannot("ip is missing (Debian: iproute2)")
    try:
        return openvswitch.programs()
    except LabError as err:
        _cannot(str(err))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, software: Root) -> Iterator[Switch]:
    """Both servers, with netdevs to attach."""
    with openvswitch.switch(tmp_path_factory.mktemp("ovs"), software) as made:
        made.start_server()
        made.start_switch("pf0", "pf1", "rep0")
        yield made


@pytest.fixture
def ovs(running: Switch) -> Switch:
    """Both servers, without any bridge."""
    running.forget_bridges()
    return running


@pytest.fixture
def database(ovs: Switch) -> OvsDatabase:
    """What is tested, on that database."""
    return OvsDatabase(str(ovs.root), openvswitch.WAIT_S)


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"Open vSwitch must run here and cannot: {reason}", pytrace=False)
    pytest.skip(f"Open vSwitch cannot run here: {reason}")
