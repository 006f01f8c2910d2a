"""What a VF without a PF looks like, and what `probe` says of it."""

import attrs
import pytest
from virtual_machines import CATALOGUE, DRIVER, ENA, ENA_MAC, ENA_NETWORK, function, look, nic, world

from sriov_core.engine.diagnosis import node_findings
from sriov_core.engine.journal import Memory
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, Node, Snapshot
from sriov_core.plugin.diagnosis import Severity
from sriov_core.plugin.ownership import choose

DOWN = "GET http://169.254.169.254/it was not answered within 5 s. Look whether this machine reaches it"


def findings(found, host=None):
    return {finding.code: finding for finding in DRIVER.diagnose(found, host or world())}


def test_it_is_its_own_vf():
    found = look(world())
    (vf,) = found.vfs
    assert (found.total_vfs, found.num_vfs, found.link_up, found.platform) == (1, 1, None, "aws")
    assert (vf.index, vf.address, vf.name, vf.mac, vf.mtu) == (0, ENA, "ens6", ENA_MAC, 1500)
    assert (vf.vendor, vf.device, vf.kernel_driver, vf.iommu_group) == ("1d0f", "ec20", "ena", None)


def test_its_network_is_found_by_its_address():
    assert look(world()).net_filter == ENA_NETWORK


def test_the_network_goes_by_the_address_it_was_given_not_by_one_set_later():
    def bonded(tree):
        function(tree).links[0].mac = "02:00:00:00:00:ff"

    assert look(world(bonded)).net_filter == ENA_NETWORK


def test_addresses_are_the_same_in_upper_case():
    def upper(tree):
        tree.node.network_ids = {"fa:16:3e:00:00:c1": "openstack/NetworkID:x"}

    host = world(upper, "openstack-iavf")
    there = Address("0000:00:04.0")
    found = look(host, there)
    shouting = attrs.evolve(found, mac=(found.mac or "").upper())
    assert shouting.mac != found.mac
    assert found.net_filter == "openstack/NetworkID:x"


def test_bound_to_a_userspace_driver_it_has_neither_netdev_nor_network():
    host = world(lambda tree: tree.node.modules.append("uio_pci_generic"))
    host.bind(ENA, "uio_pci_generic")
    found = look(host)
    assert (found.name, found.mac, found.net_filter) == (None, None, None)
    assert found.vfs[0].kernel_driver == "uio_pci_generic"


def test_its_rdma_device_shows_a_guid():
    there = Address("0000:00:05.0")
    assert look(world(name="openstack-mlx5"), there).vfs[0].guid == "f8:16:3e:00:00:00:00:d1"


def test_a_pod_that_has_the_netdev_is_its_user():
    host = world()
    host.move_to_namespace(ENA, "pod-1")
    assert look(host).vfs[0].used_by == "network namespace pod-1"


def test_a_cloud_that_does_not_answer_is_told_and_keeps_nothing_else_from_being_seen():
    def down(tree):
        tree.node.network_ids_error = DOWN

    host = world(down)
    found = look(host)
    assert found.net_filter is None
    assert found.facts["metadata"] == DOWN
    assert found.unreadable == ()
    told = findings(found, host)
    assert told["CLD-801"].severity is Severity.UNKNOWN
    assert DOWN in told["CLD-801"].fact
    assert "CLD-802" not in told


def test_an_address_that_the_cloud_does_not_know_is_told():
    def unknown(tree):
        tree.node.network_ids = {}

    host = world(unknown)
    told = findings(look(host), host)
    assert told["CLD-802"].severity is Severity.WARN
    assert ENA_MAC in told["CLD-802"].fact


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(nic(platform="virtual"), id="no-cloud"),
        pytest.param(nic(net_filter=ENA_NETWORK), id="a-network"),
        pytest.param(nic(kernel_driver="vfio-pci", name=None, mac=None, mtu=None), id="no-address-to-ask-by"),
    ],
)
def test_where_no_network_is_missed_none_is_told_of(found):
    assert {"CLD-801", "CLD-802"}.isdisjoint(findings(found))


def test_what_belongs_to_the_pf_is_said_to_be_elsewhere():
    assert findings(look(world()))["CLD-803"].severity is Severity.ADVICE


def test_what_only_a_pf_can_lack_is_not_told_of():
    """Without an IOMMU, vfio serves a guest all the same, and without a kernel driver the VF is still there."""
    without_driver = nic(kernel_driver=None, name=None, mac=None, mtu=None)
    for found in (nic(), without_driver):
        assert {"PLT-101", "HW-101", "HW-104"}.isdisjoint(findings(found))


def test_vfio_without_an_iommu_is_a_fault_only_where_the_kernel_does_not_serve_it():
    bound = nic(kernel_driver="vfio-pci", name=None, mac=None, mtu=None)
    for noiommu, faults in ((None, ["PLT-102"]), (False, ["PLT-102"]), (True, [])):
        node = Node(noiommu=noiommu)
        told = node_findings(Snapshot(node=node, nics=(bound,)), Memory())
        assert [finding.code for finding in told if finding.code == "PLT-102"] == faults


@pytest.mark.parametrize(
    ("platform", "owner"),
    [
        pytest.param("virtual", "virtual", id="virtual-machine"),
        pytest.param("openstack", "virtual", id="openstack"),
        pytest.param("aws", "virtual", id="aws"),
        pytest.param("baremetal", "generic", id="bare-metal-or-a-pf-in-a-guest"),
    ],
)
def test_it_owns_what_was_handed_to_a_guest_whoever_made_it(platform, owner):
    card = Function(address=ENA, vendor="ee01", device="0001", platform=platform)
    assert choose(card, CATALOGUE.infos).plugin == owner
