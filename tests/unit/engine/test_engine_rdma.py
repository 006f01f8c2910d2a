"""The RDMA mode of a machine: changed at once or with one reboot, remembered, and given back."""

import pytest
from engine_machines import Doing, converge, engine, idle, world

from sriov_core.engine.journal import Journal
from sriov_core.model.desired import NodeSpec
from sriov_core.planning.rdma import OPTIONS_PATH

EXCLUSIVE = NodeSpec(rdma_mode="exclusive")


def machine(**facts):
    return world(**{"rdma_mode": "shared", **facts})


def mode(host):
    return host.node().rdma_mode, OPTIONS_PATH in host.node().files


@pytest.mark.parametrize("before", ["shared", "exclusive"])
def test_the_mode_is_reached_at_once_and_given_back(before):
    host, journal = machine(rdma_mode=before), Journal(path=None)
    wished = NodeSpec(rdma_mode="exclusive" if before == "shared" else "shared")
    assert converge(engine(host, journal), wished).converged
    assert (mode(host), journal.read().rdma_mode) == ((wished.rdma_mode, True), before)
    assert converge(engine(host, journal), NodeSpec(), release=True).converged
    assert (mode(host), journal.read().rdma_mode) == ((before, False), "")


def test_a_mode_that_is_no_longer_wished_for_stays_until_it_is_given_back():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), EXCLUSIVE)
    assert converge(engine(host, journal), NodeSpec()).first.is_empty
    assert (mode(host), journal.read().rdma_mode) == (("exclusive", True), "shared")


def test_it_holds_over_a_reboot():
    host = machine()
    converge(host, EXCLUSIVE)
    host.reboot()
    assert converge(host, EXCLUSIVE).first.is_empty


def test_with_containers_it_takes_one_reboot():
    host, journal = machine(other_net_namespaces=2), Journal(path=None)
    waiting = converge(engine(host, journal), EXCLUSIVE).last.plan
    assert ([reboot.requirement for reboot in waiting.reboots], waiting.steps) == (["rdma-mode-exclusive"], ())
    host.reboot()
    assert converge(engine(host, journal), EXCLUSIVE).converged
    assert journal.read().reboots == ()


def test_a_reboot_that_did_not_bring_it_is_not_asked_for_again():
    host, journal = machine(other_net_namespaces=2), Journal(path=None)
    forgetful = Doing(host, write_file=idle)
    converge(engine(forgetful, journal), EXCLUSIVE)
    for _ in range(2):
        host.reboot()
        host.run_containers(2)
        found = converge(engine(forgetful, journal), EXCLUSIVE).last.plan
        assert ([problem.code for problem in found.all_problems], found.reboots) == (["rdma-mode"], ())
