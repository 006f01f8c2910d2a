"""The second look: what only a wish makes worth reading, and what is remembered of NICs that tell nothing any more."""

import attrs
import pytest
from engine_machines import CATALOGUE, OTHER, PF, converge, engine, port, remembered, spec, wish, world

from sriov_core.engine.journal import Journal
from sriov_core.engine.observe import inspect
from sriov_core.errors import HostError
from sriov_core.model.desired import Baseline, NodeSpec
from sriov_core.model.observed import Setting
from sriov_core.model.record import NicRecord
from sriov_core.plugin import API, Match, PluginInfo, Problem, hookimpl
from sriov_core.plugin.loading import Catalogue, Loaded, validate
from sriov_core.plugin.registry import drivers


class Vendor:
    """A vendor's driver whose second look reads a file of the machine."""

    def __init__(self, answer=None) -> None:
        self.answer = answer

    @hookimpl
    def describe(self) -> PluginInfo:
        return PluginInfo(name="vendor", api=API, matches=(Match(vendor="8086", device="10c9"),))

    @hookimpl
    def inspect(self, nic, spec, host):
        if self.answer:
            return self.answer(nic)
        firmware = host.file("/etc/firmware") or "none"
        return attrs.evolve(nic, settings={"VFS": Setting(current=firmware, next=firmware)})

    @hookimpl
    def check(self, nic, spec):
        if spec.num_vfs > int(nic.settings["VFS"].current):
            text = f"firmware gives {nic.settings['VFS'].current}"
            return (Problem(code="firmware", text=text, remedy="Ask for fewer", nic=nic.address),)
        return ()


def served_by(vendor, host, journal=None):
    plugin = Loaded(info=vendor.describe(), module=vendor, distribution="vendor", hooks=validate(vendor))
    base = [entry for entry in CATALOGUE.loaded if entry.info.is_base]
    catalogue = Catalogue(loaded=(*base, plugin), refused=())
    return engine(host, journal, catalogue=catalogue, drivers=drivers(catalogue))


def test_what_the_second_look_finds_decides():
    host = world(other_files={"/etc/firmware": "2"})
    found = served_by(Vendor(), host).look(spec(wish(vfio=1, netdevs=2)), release=False)
    assert [str(problem) for problem in found.plan.all_problems] == [f"{PF}: firmware gives 2. Ask for fewer"]


def test_a_nic_nobody_wishes_anything_of_is_not_looked_at_twice():
    found = served_by(Vendor(), world(other_files={"/etc/firmware": "7"})).look(spec(wish()), release=False)
    assert [bool(nic.settings) for nic in found.snapshot.nics] == [True, False]


def test_who_served_it_is_remembered_and_firmware_that_nobody_changes_is_not():
    host, journal = world(other_files={"/etc/firmware": "7"}), Journal(path=None)
    assert converge(served_by(Vendor(), host, journal), spec()).converged
    assert (remembered(journal).plugin, remembered(journal).baseline.settings) == ("vendor", {})


def unreadable(nic):
    raise HostError(f"{nic.address}: the file is gone")


def broken(nic):
    raise KeyError("VFS")


def stranger(nic):
    return attrs.evolve(nic, address=OTHER)


FAILURES = {
    "the-machine-cannot-be-read": (unreadable, "the file is gone"),
    "the-driver-is-broken": (broken, "plugin vendor failed in inspect"),
    "it-answers-for-another-nic": (stranger, "plugin vendor answered"),
}


@pytest.mark.parametrize(("answer", "text"), FAILURES.values(), ids=FAILURES)
def test_a_failed_second_look_costs_its_own_nic_only(answer, text):
    host = world(port(PF, 0), port(OTHER, 1, vendor="14e4"))
    working = served_by(Vendor(answer), host)
    snapshot = inspect(working.snapshot(), spec(wish(), wish(OTHER)), host, working.drivers)
    assert [nic.address for nic in snapshot.nics] == [OTHER]
    result = converge(working, spec(wish(), wish(OTHER, vfio=0)))
    (problem,) = result.last.plan.all_problems
    assert (problem.nic, problem.code) == (PF, "driver-failed")
    assert text in problem.text


def virtual(**facts):
    """A VF that a virtual machine was given, in a cloud that knows its address."""
    given = port(PF, 0, platform="openstack", is_vf=True, **facts)
    given.sriov = None
    given.iommu_group = 1
    return world(given, network_ids={"02:00:00:00:00:00": "openstack/NetworkID:blue"})


def test_the_network_of_a_nic_is_remembered_while_its_netdev_is_away():
    host, journal = virtual(), Journal(path=None)
    working = engine(host, journal)
    assert converge(working, spec(wish(vfio=1, netdevs=0))).converged
    (nic,) = working.snapshot().nics
    assert (nic.name, nic.vfs[0].kernel_driver) == (None, "vfio-pci")
    assert (nic.net_filter, nic.mac) == ("openstack/NetworkID:blue", "02:00:00:00:00:00")
    assert nic.alt_names == ("eth0",), "policies name it as before"


def test_a_record_from_before_a_driver_knew_an_offload_gets_its_baseline_completed():
    def offloading(nic):
        return attrs.evolve(nic, settings={"VFS": Setting(current="7", next="7")}, features={"hw-tc-offload": False})

    host, journal = world(), Journal(path=None)
    known = NicRecord(address=PF, plugin="vendor", baseline=Baseline(mtu=1400))
    journal.write(attrs.evolve(journal.read(), nics={PF: known}))
    converge(served_by(Vendor(offloading), host, journal), spec(wish(vfio=1)))
    assert remembered(journal).baseline == Baseline(mtu=1400, features={"hw-tc-offload": False})


def test_a_release_looks_twice_as_well():
    journal = Journal(path=None)
    journal.write(attrs.evolve(journal.read(), nics={PF: NicRecord(address=PF)}))
    found = served_by(Vendor(), world(other_files={"/etc/firmware": "7"}), journal).look(NodeSpec(), release=True)
    assert found.snapshot.nic(PF).settings
