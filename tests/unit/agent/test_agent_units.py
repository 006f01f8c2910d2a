"""The units of the boot, kept in step with the wish; what the agent takes from its Node; and the reboot."""

from pathlib import Path

import msgspec
import pytest
from agent_machines import OTHER, PF, Cluster, agent, boots, drivers_of, interface, operate, world

from sriov_core.agent import bootunits, rebooting
from sriov_core.agent.bootunits import BootUnits
from sriov_core.agent.node import SeenNode, addresses, platform
from sriov_core.engine import bootfile, bootresult
from sriov_core.engine.bootresult import BootResult, Outcome
from sriov_core.engine.journal import Journal
from sriov_core.errors import StepFailed
from sriov_core.host import units
from sriov_core.host.tools import Result
from sriov_core.model import unittexts
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.planning.stages import Stage

PROGRAM = ("/opt/sriov-core/bin/sriov-core",)


def ran(argv) -> Result:
    return Result(code=0, out="", err="")


@pytest.fixture
def root(tmp_path):
    return str(tmp_path)


def boot_units(root, journal, run=ran) -> BootUnits:
    return BootUnits(root=root, program=PROGRAM, run=run, journal=journal)


def installed(root) -> bootfile.BootFile:
    return bootfile.read(f"{root}{unittexts.BOOT_FILE}")


def test_the_boot_file_follows_the_wish_and_the_node_is_changed_at_once_as_well(root):
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    work = agent(host, cluster, journal, boot=boot_units(root, journal))
    cluster.wishes(interface())
    work.run()
    assert [nic.num_vfs for nic in installed(root).spec.nics] == [2]
    assert len(drivers_of(host)) == 2
    cluster.wishes(interface(vfs=4), interface(OTHER))
    work.run()
    assert [nic.num_vfs for nic in installed(root).spec.nics] == [4, 2]
    assert (boots(host), cluster.requests) == (0, ["Idle"]), "a change of the wish costs no reboot by itself"


def test_what_waits_for_a_drain_is_in_the_boot_file_already(root):
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    work = agent(host, cluster, journal, boot=boot_units(root, journal))
    cluster.wishes(interface())
    work.run()
    host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
    cluster.wishes(interface(vfs=4))
    work.run()
    assert cluster.request == "Drain_Required"
    assert [nic.num_vfs for nic in installed(root).spec.nics] == [4]
    for _ in range(3):
        operate(cluster)
        work.run()
    assert (len(drivers_of(host)), boots(host)) == (4, 0)


def test_a_node_state_that_comes_back_empty_leaves_the_boot_file(root):
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    work = agent(host, cluster, journal, boot=boot_units(root, journal))
    cluster.wishes(interface())
    work.run()
    cluster.uid, cluster.spec, cluster.generation, cluster.notes = "u2", {}, 1, {}
    work.run()
    assert [nic.num_vfs for nic in installed(root).spec.nics] == [2]


RESULTS = {
    "good": (Outcome.SUCCEEDED, "boot-now", ("True", "Succeeded")),
    "a-reboot-is-needed": (Outcome.REBOOT_NEEDED, "boot-now", ("True", "Succeeded")),
    "bad": (Outcome.FAILED, "boot-now", ("False", "Failed")),
    "cut-off": (Outcome.IN_PROGRESS, "boot-now", ("Unknown", "NoResult")),
    "of-another-boot": (Outcome.SUCCEEDED, "boot-then", ("Unknown", "NoResult")),
}


@pytest.mark.parametrize("row", RESULTS.values(), ids=RESULTS)
def test_how_the_boot_ended_is_reported(root, row):
    outcome, boot_id, expected = row
    result = BootResult(phase=Stage.POST, outcome=outcome, words=("post: something",), boot_id=boot_id)
    bootresult.write(f"{root}{bootresult.PATH}", result)
    host, cluster, journal = world(boot_id="boot-now"), Cluster(), Journal(path=None)
    agent(host, cluster, journal, boot=boot_units(root, journal)).run()
    assert cluster.condition("BootConfigured") == expected


def test_units_that_cannot_be_installed_are_told_and_the_node_is_configured(root):
    for name in ("sriov-config.service", "sriov-config-post-network.service"):
        for folder in (unittexts.FOLDER, units.WANTS):
            place = Path(f"{root}{folder}")
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("[Unit]\n")
    host, cluster, journal = world(), Cluster(), Journal(path=None)
    cluster.wishes(interface())
    agent(host, cluster, journal, boot=boot_units(root, journal)).run()
    assert cluster.condition("Degraded") == ("True", "BootUnitsNotInstalled")
    assert "the SR-IOV network operator configures this machine at boot, too" in cluster.sync[1]
    assert len(drivers_of(host)) == 2


def test_units_of_an_agent_are_taken_back_and_those_of_a_person_are_not(root):
    journal = Journal(path=None)
    boot_units(root, journal).keep(NodeSpec(nics=(NicSpec(address=PF, num_vfs=2, named=True),)))
    assert bootunits.leave(root, ran, Journal(path=None)) == ()
    assert bootunits.leave(root, ran, journal)
    assert not Path(f"{root}{unittexts.BOOT_FILE}").exists()
    assert bootunits.leave(root, ran, journal) == ()


NODES = {
    "aws": ("aws:///eu-1a/i-123", "aws"),
    "openstack": ("openstack:///uuid", "openstack"),
    "bare-metal": ("", None),
    "a-name-with-aws-in-it": ("kind://docker/aws-lab/worker", None),
    "a-cloud-without-a-scheme": ("aws", None),
    "an-upper-case-scheme": ("AWS:///x", None),
}


@pytest.mark.parametrize("row", NODES.values(), ids=NODES)
def test_w27_the_platform_is_the_exact_scheme_of_the_providers_id(row):
    provider, expected = row
    node = msgspec.json.decode(msgspec.json.encode({"spec": {"providerID": provider}}), type=SeenNode)
    assert platform(node) == expected


def test_the_addresses_of_the_node_are_those_that_the_cluster_reaches_it_by():
    found = [("InternalIP", "10.0.0.1"), ("Hostname", "worker"), ("ExternalIP", "fd00::1")]
    status = {"addresses": [{"type": kind, "address": address} for kind, address in found]}
    node = msgspec.json.decode(msgspec.json.encode({"metadata": {"name": "w"}, "status": status}), type=SeenNode)
    assert addresses(node) == ("10.0.0.1", "fd00::1")


class NoReboot:
    """A machine that is asked to reboot and does not, or refuses."""

    def __init__(self, host, error: str = "") -> None:
        self._host, self._error, self.asked = host, error, 0

    def start_reboot(self, reason: str) -> None:
        self.asked += 1
        if self._error:
            raise StepFailed(self._error)

    def __getattr__(self, name):
        return getattr(self._host, name)


def rebooting_node(host):
    cluster, journal = Cluster(), Journal(path=None)
    work = agent(host, cluster, journal)
    cluster.wishes(interface(), rdmaMode="exclusive")
    for _ in range(3):
        work.run()
        operate(cluster)
    return work, cluster, journal


def test_after_a_reboot_was_begun_nothing_more_is_done_in_this_boot():
    host = NoReboot(world(other_net_namespaces=1))
    work, cluster, journal = rebooting_node(host)
    assert host.asked == 1
    host.zero_behind_our_back(PF)
    for again in (work, agent(host, cluster, journal)):
        again.run()
        again.run()
    assert (host.asked, drivers_of(host)) == (1, [])
    assert cluster.condition("Progressing") == ("True", "WaitingForReboot")
    assert "nothing more is done in this boot" in cluster.status.conditions[0].message
    assert cluster.request == "Reboot_Required", "the node stays drained"
    cluster.wishes({"pciAddress": "eth0"})
    work.run()
    assert cluster.request == "Reboot_Required", "whatever is wished by now"


def test_a_machine_that_does_not_go_down_is_told_after_a_while(monkeypatch):
    host = NoReboot(world(other_net_namespaces=1))
    work, cluster, _ = rebooting_node(host)
    work.run()
    monkeypatch.setattr(rebooting, "REBOOT_WITHIN_S", -1.0)
    work.run()
    assert cluster.condition("Degraded") == ("True", "RebootOverdue")


def test_a_reboot_that_is_refused_is_told_and_asked_for_again():
    host = NoReboot(world(other_net_namespaces=1), "node: reboot is not possible: busy. Reboot the machine yourself")
    work, cluster, _ = rebooting_node(host)
    assert cluster.sync == ("Failed", "node: reboot is not possible: busy. Reboot the machine yourself")
    asked = host.asked
    work.run()
    assert host.asked > asked
    assert cluster.request == "Reboot_Required"
