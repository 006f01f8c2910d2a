"""Intel's driver: what ice says of its firmware and DDP package, and safe mode before anybody runs into it."""

from pathlib import Path

import attrs
import pytest

import sriov_plugins.intel
from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import Function, Nic
from sriov_core.plugin import Severity
from sriov_core.plugin.ownership import choose
from sriov_core.testing import trees
from sriov_core.testing.tree import Tree
from sriov_core.testing.workbench import Workbench, catalogue_of
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
PACKAGE = {"fw.app.name": "ICE OS Default Package", "fw.app": "1.3.1.0"}
FIRMWARE = {"fw.mgmt": "2.1.7", "fw.undi": "1.2581.0", "fw.psid.api": "0.80"}
NO_PACKAGE = {**FIRMWARE, "fw.app": "0.0.0.0"}


def e810(versions: dict[str, str]) -> Tree:
    tree = trees.load(TREES / "intel-e810.yaml")
    for function in tree.functions:
        function.versions = dict(versions)
    return tree


def look(tree: Tree) -> Nic:
    return Workbench.for_plugin(sriov_plugins.intel, FakeWorld(tree)).nic()


@pytest.mark.parametrize(
    ("versions", "facts"),
    [
        pytest.param({**FIRMWARE, **PACKAGE}, {**FIRMWARE, **PACKAGE}, id="all-is-well"),
        pytest.param(NO_PACKAGE, {**FIRMWARE, "safe mode": "no DDP package is active"}, id="safe-mode"),
        pytest.param({"fw.mgmt.build": "0x305d955f"}, {}, id="what-nobody-asks-for-is-left-out"),
        pytest.param({}, {}, id="devlink-tells-nothing"),
    ],
)
def test_facts_of_ice_are_its_firmware_and_its_package(versions, facts):
    assert look(e810(versions)).facts == facts


def test_other_families_tell_nothing_more():
    assert look(trees.load(TREES / "intel-xl710.yaml")).facts == {}


def test_the_rdma_device_of_the_pf_is_told():
    tree = e810({})
    tree.functions[0].node_guid = "02:00:00:ff:fe:00:00:31"
    assert look(tree).facts == {"RDMA node GUID": "02:00:00:ff:fe:00:00:31"}


@pytest.mark.parametrize(
    ("versions", "count", "codes"),
    [
        pytest.param(NO_PACKAGE, 4, ["ddp-package-missing"], id="vfs-in-safe-mode"),
        pytest.param(NO_PACKAGE, 0, [], id="no-vfs-in-safe-mode"),
        pytest.param({**FIRMWARE, **PACKAGE}, 4, [], id="vfs-with-a-package"),
        pytest.param({}, 4, [], id="not-known"),
    ],
)
def test_vfs_are_refused_in_safe_mode(versions, count, codes):
    bench = Workbench.for_plugin(sriov_plugins.intel, FakeWorld(e810(versions)))
    problems = bench.nic_plan(NicSpec(address=bench.address, num_vfs=count, named=True)).problems
    assert [problem.code for problem in problems] == codes
    assert all("/lib/firmware/intel/ice/ddp/ice.pkg" in problem.remedy for problem in problems)


def test_what_is_there_already_is_not_refused():
    nic = attrs.evolve(look(e810(NO_PACKAGE)), num_vfs=2)
    assert not sriov_plugins.intel.check(nic=nic, spec=NicSpec(address=nic.address, num_vfs=2))
    external = NicSpec(address=nic.address, num_vfs=1, externally_managed=True)
    assert not sriov_plugins.intel.check(nic=nic, spec=external)


def test_probe_says_that_ice_runs_in_safe_mode():
    (finding,) = sriov_plugins.intel.diagnose(nic=look(e810(NO_PACKAGE)))
    assert (finding.code, finding.severity) == ("DDP-101", Severity.FAIL)
    assert not sriov_plugins.intel.diagnose(nic=look(e810(PACKAGE | FIRMWARE)))


@pytest.mark.parametrize(
    ("platform", "owner"),
    [
        pytest.param("baremetal", "intel", id="bare-metal"),
        pytest.param("virtual", "generic", id="a-guest-is-somebody-else's"),
        pytest.param("openstack", "generic", id="so-is-a-cloud"),
    ],
)
def test_intel_serves_cards_and_not_guests(platform, owner):
    bench = Workbench.for_plugin(sriov_plugins.intel, FakeWorld(e810({})))
    function = Function(address=bench.address, vendor="8086", device="1592", platform=platform)
    assert choose(function, catalogue_of(sriov_plugins.intel).infos).plugin == owner
