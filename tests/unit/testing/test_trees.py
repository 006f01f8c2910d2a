"""Trees: what is read from files, what is refused of them and with which words, and what is written."""

from pathlib import Path

import pytest
from machines import PF, machine

from sriov_core.errors import HostError, SpecError
from sriov_core.model.address import Address
from sriov_core.testing import trees
from sriov_core.testing.facts import BridgeFacts, CardFacts, OvsFacts, UplinkFacts
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.plausible import implausible
from sriov_core.testing.tree import LinkFacts, NodeFacts, Quirk, Refusal, Tree, VfFacts

TREES = Path(__file__).parents[2] / "trees"
SHIPPED = trees.load_all(TREES)
CAPTURED = {"netdevsim", "intel-82576-lab"}  # tests/lab/test_captured_trees.py compares them with the machine

HEAD = "format: 1\nfunctions:\n- {address: '0000:01:00.0', vendor: '8086', device: 10c9"

MALFORMED = {
    "empty": ("", "tree is empty; a device tree opens with 'format: 1'"),
    "no mapping": ("- a\n- b\n", "tree is a list, not a mapping; it must open with 'format: 1'"),
    "no YAML": ("format: [1\n", "tree is no YAML: "),
    "nested JSON": ('{"format": 1, "a": ' + "[" * 100_000, "tree is no device tree: it nests deeper than any"),
    "no JSON": ("{format", "tree is no JSON: "),
    "no format": ("functions: []\n", "tree has no format version; it must say 'format: 1'"),
    "no format in JSON": ('{"functions": []}', "tree has no format version"),
    "a later format": ("format: 2\nnovelty: 1\n", "tree has format 2; this version reads format 1"),
    "a later format in JSON": ('{"format": 2, "novelty": 1}', "tree has format 2"),
    "a misspelled field": ("format: 1\nfunction: []\n", "unknown field 'function'; did you mean 'functions'?"),
    "a misspelled field of a function": (
        HEAD + ", numa: 0}\n",
        "unknown field 'numa' at functions[0]; did you mean 'numa_node'?",
    ),
    "a misspelled field in JSON": (
        '{"format": 1, "functions": [{"address": "a", "vendor": "8086", "device": "10c9", "sriov": {"totalvfs": 1}}]}',
        "unknown field 'totalvfs' at functions[0].sriov; did you mean 'total_vfs'?",
    ),
    "an alien field": ("format: 1\nnode: {colour: red}\n", "unknown field 'colour' at node; known here: access, "),
    "a number for an id": (
        "format: 1\nfunctions:\n- {address: '0000:01:00.0', vendor: 8086, device: 10c9}\n",
        "Expected str, got int - at $.functions[0].vendor; put it in quotes",
    ),
    "an address without quotes": (
        "format: 1\nfunctions:\n- {address: 0000:01:00.0, vendor: '8086', device: 10c9}\n",
        "Expected str, got float - at $.functions[0].address; put it in quotes",
    ),
    "an id in capitals": (
        "format: 1\nfunctions:\n- {address: '0000:01:00.0', vendor: '8086', device: 10C9}\n",
        "matching regex",
    ),
    "an unknown refusal": (HEAD + ", refuses: [everything]}\n", "Invalid enum value 'everything'"),
    "an impossible machine": (
        HEAD + ", links: [{name: eth0}]}\n",
        "no possible machine: 0000:01:00.0: netdev",
    ),
}


@pytest.mark.parametrize(("text", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_tree_is_answered_with_what_to_change(text, message):
    with pytest.raises(SpecError) as caught:
        trees.loads(text, name="tree")
    assert str(caught.value).startswith("tree")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_capture_of_an_earlier_version_is_read():
    """It has a process without a number, and nothing of network namespaces."""
    vf = "{index: 0, address: '0000:01:10.0', kernel_driver: vfio-pci, holder: a process}"
    sriov = f"sriov: {{total_vfs: 7, vf_device: 10ca, vf_offset: 128, vf_stride: 2, vfs: [{vf}]}}"
    tree = trees.loads(f"{HEAD}, kernel_driver: igb, {sriov}}}\nnode: {{iommu_groups: 1}}\n")
    assert FakeKernel(tree).vf_user(Address("0000:01:10.0")) == "a process"


def test_netdevs_in_namespaces_that_nobody_knows_may_have_equal_names():
    tree = machine()
    links = [LinkFacts(name="net1", netns=netns) for netns in ("?", "?")]
    tree.functions[0].sriov.vfs = [_vf(index, kernel_driver="igbvf", link=link) for index, link in enumerate(links)]
    assert list(implausible(tree)) == []
    for link in links:
        link.netns = "pod"
    assert list(implausible(tree)) == ["netdev name net1 in namespace pod is there 2 times"]


def _function(tree: Tree):
    return tree.functions[0]


def _vf(index=0, **facts) -> VfFacts:
    return VfFacts(index=index, address=f"0000:01:{0x10 + index:02x}.0", **facts)


def _bridge(name) -> BridgeFacts:
    return BridgeFacts(name=name, uplink=UplinkFacts(name="eth0"))


def _changed(change) -> Tree:
    tree = machine()
    change(tree)
    return tree


IMPOSSIBLE = {
    "more VFs than totalvfs": (
        lambda t: _function(t).sriov.vfs.extend(_vf(index) for index in range(8)),
        "8 VFs but sriov_totalvfs is 7",
    ),
    "VFs with a gap": (lambda t: _function(t).sriov.vfs.append(_vf(1)), "without gaps"),
    "a VF of a VF": (lambda t: setattr(_function(t), "is_vf", True), "a VF cannot have VFs of its own"),
    "a VF without its PF": (lambda t: setattr(_function(t), "is_vf", True), "exists only inside a guest"),
    "one address twice": (lambda t: t.functions.append(_function(machine())), f"address {PF} is there 2 times"),
    "one netdev name twice": (
        lambda t: _function(t).sriov.vfs.append(_vf(kernel_driver="igbvf", link=LinkFacts(name="eth0"))),
        "netdev name eth0 is there 2 times",
    ),
    "VFs without a PF driver": (
        lambda t: (
            _function(t).sriov.vfs.append(_vf()),
            setattr(_function(t), "kernel_driver", None),
            _function(t).links.clear(),
        ),
        "VFs without a kernel driver of the PF",
    ),
    "a netdev without a driver": (lambda t: setattr(_function(t), "kernel_driver", None), "without a kernel driver"),
    "a netdev under vfio": (
        lambda t: _function(t).sriov.vfs.append(_vf(kernel_driver="vfio-pci", link=LinkFacts(name="eth7"))),
        "netdev eth7 while bound to vfio-pci",
    ),
    "vfio without an IOMMU": (
        lambda t: (setattr(t, "node", NodeFacts()), _function(t).sriov.vfs.append(_vf(kernel_driver="vfio-pci"))),
        "vfio-pci while no IOMMU is in effect",
    ),
    "a holder without vfio": (lambda t: _function(t).sriov.vfs.append(_vf(holder="pid 1")), "held by pid 1 without"),
    "a foreign VF driver": (
        lambda t: _function(t).sriov.vfs.append(_vf(kernel_driver="iavf")),
        "bound to iavf, but the kernel's driver for these VFs is igbvf",
    ),
    "an MTU beyond the limit": (lambda t: setattr(_function(t).links[0], "mtu", 9217), "lies outside 68..9216"),
    "eswitch rules without an eswitch": (
        lambda t: _function(t).refuses.append(Refusal.MODE_WITH_VFS),
        "has no eswitch",
    ),
    "no address": (lambda t: setattr(_function(t), "address", "eth0"), "is no device address"),
    "a netdev of the wrong link type": (
        lambda t: setattr(_function(t), "pci_class", "020700"),
        "eth0 is of link type ETH, but the PCI class is 020700",
    ),
    "an address of the wrong length": (
        lambda t: setattr(_function(t).links[0], "mac", "fe:80:00:00:00:00:00:00:02:00:00:03:00:00:00:01"),
        "has not the 6 octets",
    ),
    "a node GUID without RDMA": (
        lambda t: _function(t).sriov.vfs.append(_vf(kernel_driver="igbvf", guid="02:00:00:03:00:00:00:01")),
        "vf0: node GUID 02:00:00:03:00:00:00:01 without a kernel driver",
    ),
    "an admin GUID on Ethernet": (
        lambda t: _function(t).sriov.vfs.append(_vf(admin_guid="02:00:00:03:00:00:00:01")),
        "a PF on Ethernet does not take",
    ),
    "vDPA of a VF that is not bound": (
        lambda t: (setattr(_function(t).sriov, "vdpa", True), _function(t).sriov.vfs.append(_vf(vdpa="virtio"))),
        "vDPA device (virtio) without a kernel driver",
    ),
    "VFs that the firmware hides": (
        lambda t: (setattr(_function(t).sriov, "hidden", True), _function(t).sriov.vfs.append(_vf())),
        "although the firmware offers no VFs",
    ),
    "a number that is bound": (
        lambda t: (
            _function(t).quirks.append(Quirk.VFS_WITHOUT_DEVICES),
            _function(t).sriov.vfs.append(_vf(kernel_driver="igbvf")),
        ),
        "cannot be bound to igbvf",
    ),
    "netdevs that are there and away": (
        lambda t: _function(t).unbound_links.append(LinkFacts(name="eth9")),
        "netdevs that are there and netdevs that come back",
    ),
    "a function held without vfio": (lambda t: setattr(_function(t), "holder", "pid 1"), "held by pid 1 without being"),
    "a card of nobody": (
        lambda t: t.cards.append(CardFacts(functions=["0000:99:00.0"], type="ConnectX5")),
        "card ConnectX5: it has no function 0000:99:00.0",
    ),
    "two cards in one place": (
        lambda t: t.cards.extend([CardFacts(functions=[str(PF)], type="ConnectX5")] * 2),
        f"{PF} belongs to two cards",
    ),
    "a setting without a default": (
        lambda t: t.cards.append(CardFacts(functions=[str(PF)], type="ConnectX5", current={"NUM_OF_VFS": "8"})),
        "setting NUM_OF_VFS has no default",
    ),
    "noiommu of a kernel without it": (lambda t: setattr(t.node, "noiommu", True), "built without it"),
    "a netdev in two bridges": (
        lambda t: setattr(t.node, "ovs", OvsFacts(bridges=[_bridge("br0"), _bridge("br1")])),
        "eth0 is the uplink of two bridges",
    ),
    "VFs in each other's place": (
        lambda t: t.functions.extend(machine(address="0000:01:00.2", links=[]).functions),
        "would share addresses",
    ),
}


@pytest.mark.parametrize(("change", "complaint"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_machine_that_cannot_be_is_refused(change, complaint):
    assert complaint in "; ".join(implausible(_changed(change)))


def test_a_machine_that_can_be_is_not_refused():
    assert list(implausible(machine(eswitch=True))) == []


@pytest.mark.parametrize("tree", SHIPPED, ids=[tree.title for tree in SHIPPED])
class TestShippedTrees:
    def test_each_says_where_its_facts_come_from_and_whether_it_was_captured(self, tree):
        assert bool(tree.captured) == (tree.title in CAPTURED)
        assert {"vendor", "invented"} & set(" ".join((*tree.origin, *tree.origin.values())).replace(",", " ").split())
        assert all(source.strip() for source in tree.origin.values())
        assert "kernel_driver" in " ".join(tree.origin)

    def test_each_survives_yaml_and_json(self, tree):
        assert trees.loads(trees.dump_yaml(tree)) == tree
        assert trees.loads(trees.dump_json(tree)) == tree

    def test_each_can_have_all_its_vfs(self, tree):
        kernel = FakeKernel(tree)
        for function in kernel.functions():
            total = int(kernel.attribute(function.address, "sriov_totalvfs") or 0)
            if not total:  # a guest's VF, or one whose firmware offers none
                continue
            kernel.set_link(function.address, up=True)
            kernel.set_num_vfs(function.address, total)
            devices = total if function.address.bus == "pci" else 0
            assert len(set(kernel.vf_addresses(function.address).values())) == devices
        assert list(implausible(kernel.tree())) == []


def large_machine(pfs: int, vfs: int) -> Tree:
    """A machine with all its VFs made, as a tree."""
    tree = machine()
    tree.functions.clear()
    for number in range(pfs):
        port = machine(
            address=f"0000:{0x20 + number:02x}:00.0",
            links=[LinkFacts(name=f"ens{number}", up=True)],
            sriov={"total_vfs": vfs, "vf_offset": 8, "vf_stride": 1},
        )
        tree.functions += port.functions
    kernel = FakeKernel(tree)
    for number in range(pfs):
        kernel.set_num_vfs(Address(f"0000:{0x20 + number:02x}:00.0"), vfs)
    return kernel.tree()


def test_a_thousand_vfs_survive_json():
    tree = large_machine(16, 64)

    kernel = FakeKernel(trees.loads(trees.dump_json(tree)))

    assert kernel.tree() == tree
    assert sum(len(kernel.vf_addresses(function.address)) for function in kernel.functions()) == 1024


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(HostError, match="cannot read the device tree /nowhere/x"):
        trees.load("/nowhere/x.yaml")


def test_a_folder_without_trees_is_named(tmp_path):
    with pytest.raises(HostError, match="holds no device tree"):
        trees.load_all(tmp_path)
