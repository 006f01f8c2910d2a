"""Who else would change NICs: a machine in, findings out; and findings that a known card makes more exact."""

from pathlib import Path

import pytest

from sriov_core.engine.converge import Engine
from sriov_core.engine.diagnosis import nic_findings
from sriov_core.engine.journal import Journal
from sriov_core.engine.rivals import UNITS, rival_findings
from sriov_core.model.address import Address
from sriov_core.planning.udevrules import rule_path
from sriov_core.plugin.loading import load
from sriov_core.plugin.registry import drivers
from sriov_core.testing import trees
from sriov_core.testing.tree import Tree
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
RULE = 'SUBSYSTEM=="net", ENV{NM_UNMANAGED}="1"\n'


def tree(name: str = "intel-82576") -> Tree:
    return trees.loads((TREES / f"{name}.yaml").read_text(), name=name)


def engine_on(machine: Tree) -> Engine:
    catalogue = load()
    return Engine(host=FakeWorld(machine), catalogue=catalogue, drivers=drivers(catalogue), journal=Journal(path=None))


def rivals(machine: Tree, vfs: int = 0) -> list[tuple[str, str]]:
    engine = engine_on(machine)
    if vfs:
        engine.host.set_num_vfs(Address(machine.functions[0].address), vfs)
    return [(found.severity.value, found.code) for found in rival_findings(engine.snapshot(), engine.host)]


def with_manager(**files: str) -> Tree:
    machine = tree()
    machine.node.network_managers = ["NetworkManager"]
    machine.node.other_files.update(files)
    return machine


def test_a_quiet_machine_has_no_rivals():
    assert rivals(tree(), vfs=2) == []


@pytest.mark.parametrize("unit", UNITS)
def test_units_of_another_operator_are_told(unit):
    machine = tree()
    machine.node.other_files[unit] = "[Service]\n"
    assert rivals(machine) == [("warn", "OWN-204")]


def test_vfs_that_network_manager_may_take_are_told():
    assert rivals(with_manager(), vfs=2) == [("warn", "OWN-205")]


def test_without_vfs_there_is_nothing_to_take():
    assert rivals(with_manager()) == []


def test_a_rule_of_ours_keeps_network_manager_off():
    machine = with_manager()
    machine.node.files[rule_path(Address(machine.functions[0].address))] = RULE
    assert rivals(machine, vfs=2) == []


def test_a_rule_of_somebody_else_is_seen_by_its_effect():
    engine = engine_on(with_manager())
    pf = Address(tree().functions[0].address)
    engine.host.set_num_vfs(pf, 2)
    (link,) = engine.host.links(engine.host.vf_addresses(pf)[0])
    machine = engine.host.tree()
    machine.node.other_files[f"/run/udev/data/n{link.ifindex}"] = "I:1\nE:NM_UNMANAGED=1\n"
    assert rivals(machine) == []


def found(machine: Tree, code: str) -> list[tuple[str, str]]:
    engine = engine_on(machine)
    told = nic_findings(engine.snapshot(), engine.drivers, engine.host)
    return [(finding.severity.value, finding.fact) for finding in told if finding.code == code]


def without_capability(device: str = "10c9") -> Tree:
    machine = tree()
    machine.functions[0].device = device
    machine.functions[0].sriov = None
    return machine


def test_a_card_that_is_known_for_sriov_and_shows_none_is_a_warning():
    fact = "the card (Intel 82576) can do SR-IOV and shows no such capability: it is switched off"
    assert found(without_capability(), "HW-104") == [("warn", fact)]


def test_an_unknown_card_without_sriov_is_advice():
    assert found(without_capability("ffff"), "HW-104") == [("advice", "the device offers no SR-IOV capability")]


def test_a_kernel_without_sriov_is_told_from_a_card_that_is_switched_off():
    machine = without_capability()
    machine.functions[0].attributes["resource"] = "0x0 0x0 0x0\n" * 7
    fact = "this kernel was built without SR-IOV for PCI, which the card (Intel 82576) has"
    assert found(machine, "HW-104") == [("warn", fact)]


def test_the_module_of_a_card_without_a_driver_is_named():
    machine = tree()
    machine.functions[0].kernel_driver = None
    machine.functions[0].links = []
    machine.node.modules = ["vfio_pci"]
    ((severity, fact),) = found(machine, "HW-101")
    assert severity == "warn"
    assert fact.endswith("module igb, which drives it (Intel 82576), is not loaded")
    machine.node.modules = ["igb"]
    assert found(machine, "HW-101") == [("warn", "no kernel driver is bound to the PF, so it can have no VFs")]
