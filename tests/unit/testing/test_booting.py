"""What a boot makes of a machine with cards: firmware in effect, VFs to offer, ports that speak another language."""

from pathlib import Path

import pytest

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.testing import firmware, trees
from sriov_core.testing.plausible import implausible
from sriov_core.testing.tree import Access
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
PORTS = (Address("0000:3b:00.0"), Address("0000:3b:00.1"))
PORT = PORTS[0]


def world(name="mellanox-connectx5", **node):
    tree = trees.load(TREES / f"{name}.yaml")
    for fact, value in node.items():
        setattr(tree.node, fact, value)
    return FakeWorld(tree)


def set_(kernel, *settings, port=PORT):
    kernel.run_tool(port, ("mstconfig", "-d", str(port), "-y", "set", *settings))


class TestVfs:
    def test_the_card_is_asked_and_told_by_any_of_its_ports(self):
        kernel = world()
        set_(kernel, "NUM_OF_VFS=16", port=PORTS[1])
        answer = kernel.query(("mstconfig", "-e", "-d", str(PORT), "q", "NUM_OF_VFS"))
        assert answer.out.splitlines()[-2].split() == ["*", "NUM_OF_VFS", "0", "8", "16"]

    def test_nothing_changes_before_the_boot_and_all_ports_after_it(self):
        kernel = world()
        set_(kernel, "NUM_OF_VFS=16")
        assert [kernel.attribute(port, "sriov_totalvfs") for port in PORTS] == ["8", "8"]
        kernel.reboot()
        assert [kernel.attribute(port, "sriov_totalvfs") for port in PORTS] == ["16", "16"]
        for port in PORTS:
            kernel.set_num_vfs(port, 16)
        assert list(implausible(kernel.tree())) == []

    @pytest.mark.parametrize("setting", ["SRIOV_EN=False", "NUM_OF_VFS=0"])
    def test_without_vfs_in_the_firmware_there_is_no_capability(self, setting):
        kernel = world()
        set_(kernel, setting)
        kernel.reboot()
        names = ("sriov_totalvfs", "sriov_numvfs", "sriov_drivers_autoprobe", "sriov_vf_device")
        assert [kernel.attribute(PORT, name) for name in names] == [None] * 4
        with pytest.raises(StepFailed, match="sriov_numvfs: 1 refused with ENOENT"):
            kernel.set_num_vfs(PORT, 1)
        set_(kernel, "SRIOV_EN=True", "NUM_OF_VFS=4")
        kernel.reboot()
        assert kernel.attribute(PORT, "sriov_totalvfs") == "4"

    def test_a_reset_without_a_boot_leaves_what_the_kernel_knows(self):
        kernel = world()
        set_(kernel, "NUM_OF_VFS=16")
        kernel.run_tool(PORT, ("mstfwreset", "-d", str(PORT), "--skip_driver", "-l", "3", "-y", "reset"))
        assert kernel.attribute(PORT, "sriov_totalvfs") == "8"
        FakeWorld(kernel.tree()).reboot()
        kernel.reboot()
        assert kernel.attribute(PORT, "sriov_totalvfs") == "16"


class TestLinkTypes:
    def test_one_port_changes_and_the_other_stays(self):
        kernel = world()
        set_(kernel, "LINK_TYPE_P1=IB")
        kernel.reboot()
        (port,), (other,) = (kernel.links(port) for port in PORTS)
        assert (port.link_type, port.mtu, port.name) == (LinkType.IB, 2044, "ibs2f0np0")
        assert (other.link_type, other.name) == (LinkType.ETH, "ens2f1np1")
        assert kernel.function(PORT).pci_class == "020700"
        assert kernel.eswitch_mode(PORT) is None
        assert kernel.eswitch_mode(PORTS[1]) is EswitchMode.LEGACY
        assert list(implausible(kernel.tree())) == []

    def test_the_way_back_brings_name_and_address_back(self):
        kernel = world()
        before = kernel.links(PORT)[0]
        for kind in ("IB", "ETH"):
            set_(kernel, f"LINK_TYPE_P1={kind}")
            kernel.reboot()
        (after,) = kernel.links(PORT)
        assert (after.name, after.mac, after.link_type) == (before.name, before.mac, LinkType.ETH)


class TestTools:
    def test_a_machine_without_such_cards_has_no_tools(self):
        assert world("intel-e810").query(("mstconfig", "-d", "0000:18:00.0", "q")) is None

    def test_a_tool_may_be_missing_beside_the_card(self):
        kernel = world(missing_tools=["mstconfig"])
        assert kernel.query(("mstconfig", "-e", "-d", str(PORT), "q")) is None
        with pytest.raises(StepFailed, match="mstconfig is not installed"):
            set_(kernel, "NUM_OF_VFS=4")

    def test_another_program_is_not_there(self):
        assert world().query(("bnxtnvm", "show")) is None

    def test_a_failure_has_the_tools_own_words_and_code(self):
        with pytest.raises(StepFailed, match=r"set NUM_OF_VFS=999 ended with code 3: .* maximum allowed 127$"):
            set_(world(), "NUM_OF_VFS=999")

    def test_lockdown_bars_the_card(self):
        kernel = world(lockdown="integrity")
        assert kernel.query(("mstconfig", "-e", "-d", str(PORT), "q")).code == 3
        with pytest.raises(StepFailed, match="Failed to open the device"):
            set_(kernel, "NUM_OF_VFS=4")

    def test_a_change_needs_root(self):
        with pytest.raises(StepFailed, match="EPERM"):
            set_(world(access=Access.USER), "NUM_OF_VFS=4")

    def test_cards_can_be_broken_and_mended(self):
        kernel = world()
        kernel.break_cards("Failed to get device type")
        assert kernel.query(("mstconfig", "-d", str(PORT), "q")).code == 3
        kernel.break_cards("")
        assert kernel.query(("mstconfig", "-d", str(PORT), "q")).code == 0


@pytest.mark.parametrize(
    "name", ["mellanox-connectx5", "mellanox-connectx6dx", "mellanox-connectx6-ib", "mellanox-bluefield2"]
)
def test_kernel_and_firmware_of_a_shipped_tree_agree(name):
    tree = trees.load(TREES / f"{name}.yaml")
    kernel = FakeWorld(tree)
    kernel.reboot()
    for card in tree.cards:
        for port, function in firmware.ports(tree, card):
            assert firmware.link_type(card, port) in (None, function.links[0].link_type)
            assert (firmware.offered_vfs(card) or None) == (None if function.sriov.hidden else function.sriov.total_vfs)
    assert [one.sriov for one in kernel.tree().functions] == [one.sriov for one in FakeWorld(tree).tree().functions]
