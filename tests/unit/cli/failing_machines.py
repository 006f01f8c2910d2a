"""Simulated machines with what users run into most: a machine, and the change that breaks it."""

from collections.abc import Callable
from pathlib import Path

import attrs

from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode
from sriov_core.testing import trees
from sriov_core.testing.tree import Access, FunctionFacts, SriovFacts, Tree, UseFacts
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
IGB, NO_IOMMU = "intel-82576", "intel-82576-without-iommu"
CX5, CX6 = "mellanox-connectx5", "mellanox-connectx6dx"
_OPERATOR = "/etc/systemd/system/sriov-config.service"
_BUS = "/sys/class/pci_bus/0000:01/device/subordinate_bus_number"
_OWN_BARS = "0xc4000000 0xc5ffffff 0x14220c\n" * 7

Change = Callable[[Tree], object]


@attrs.frozen
class Machine:
    """A machine by the name of its tree, with VFs of its first port, and what is done to it."""

    name: str
    change: Change
    vfs: int = 0

    def sound(self) -> Tree:
        """Before anything is broken."""
        machine = trees.loads((TREES / f"{self.name}.yaml").read_text(), name=self.name)
        if self.vfs:
            machine.functions[0].links[0].up = True
            world = FakeWorld(machine)
            world.set_num_vfs(Address(machine.functions[0].address), self.vfs)
            machine = world.tree()
        return machine

    def broken(self) -> Tree:
        """Afterwards."""
        machine = self.sound()
        self.change(machine)
        return machine


def as_it_is(_: Tree) -> None:
    """Nothing is done: it came like that."""


def pf(machine: Tree) -> FunctionFacts:
    """The first port."""
    return machine.functions[0]


def sriov(machine: Tree) -> SriovFacts:
    """The SR-IOV of the first port."""
    found = pf(machine).sriov
    assert found is not None
    return found


def capability_off(machine: Tree) -> None:
    pf(machine).sriov = None


def kernel_without_sriov(machine: Tree) -> None:
    """CONFIG_PCI_IOV is not set: no lines for VFs in ``resource``, either."""
    pf(machine).sriov = None
    pf(machine).attributes["resource"] = _OWN_BARS


def no_memory(machine: Tree) -> None:
    pf(machine).attributes["resource"] = _OWN_BARS + "0x0 0x0 0x0\n" * 6


def no_bus_numbers(machine: Tree) -> None:
    sriov(machine).vf_offset = 0x180
    machine.node.other_files[_BUS] = "1\n"


def one_iommu_group(machine: Tree) -> None:
    """No ACS above the card: the VFs are in the group of their PF."""
    for vf in sriov(machine).vfs:
        vf.iommu_group, vf.kernel_driver, vf.link = pf(machine).iommu_group, "vfio-pci", None


def no_pf_driver(machine: Tree) -> None:
    pf(machine).kernel_driver, pf(machine).links = None, []
    machine.node.modules = []


def no_boot_manager(machine: Tree) -> None:
    machine.node.boot_manager = None


def another_boot(machine: Tree) -> None:
    machine.node.boot_id = "00000000-0000-0000-0000-000000000002"


def link_down(machine: Tree) -> None:
    pf(machine).links[0].up = False


def no_carrier(machine: Tree) -> None:
    pf(machine).links[0].up, pf(machine).links[0].carrier = True, False


def in_a_bond(machine: Tree) -> None:
    pf(machine).uses = [UseFacts(kind="bond", detail="enp1s0 belongs to bond bond0")]


def configured_elsewhere(machine: Tree) -> None:
    pf(machine).managers = ["netplan"]


def network_manager(machine: Tree) -> None:
    machine.node.network_managers = ["NetworkManager"]


def other_operator(machine: Tree) -> None:
    machine.node.other_files[_OPERATOR] = "[Service]\n"


def vfs_unbound(machine: Tree) -> None:
    for vf in sriov(machine).vfs:
        vf.kernel_driver, vf.link = None, None


def vf_module_away(machine: Tree) -> None:
    vfs_unbound(machine)
    machine.node.modules = ["igb"]


def vf_netdevs_away(machine: Tree) -> None:
    for vf in sriov(machine).vfs:
        vf.link = None


def vf_in_a_pod(machine: Tree) -> None:
    link = sriov(machine).vfs[0].link
    assert link is not None
    link.netns = "pod-7"


def vfs_of_one_address(machine: Tree) -> None:
    for vf in sriov(machine).vfs:
        vf.admin_mac = "02:00:00:00:00:07"


def autoprobe_off(machine: Tree) -> None:
    sriov(machine).autoprobe = False


def locked_down(machine: Tree) -> None:
    machine.node.lockdown = "integrity"


def no_firmware_tool(machine: Tree) -> None:
    machine.node.missing_tools = ["mstconfig"]


def vfio_not_installed(machine: Tree) -> None:
    machine.node.modules, machine.node.missing_modules = ["igb", "igbvf"], ["vfio_pci"]


def sysfs_read_only(machine: Tree) -> None:
    machine.node.access = Access.READ_ONLY_SYSFS


def no_open_vswitch(machine: Tree) -> None:
    machine.node.ovs = None


def switchdev_in_software(machine: Tree) -> None:
    """In switchdev mode, and every flow stays in software."""
    found = pf(machine)
    assert found.eswitch is not None
    found.eswitch.mode = EswitchMode.SWITCHDEV
    found.links[0].features["hw-tc-offload"] = False


def vf_of_a_hidden_virtual_machine(machine: Tree) -> None:
    """It has the VF's VFIO device open, which is found only when the kernel does not let go of it."""
    vf = sriov(machine).vfs[0]
    vf.kernel_driver = vf.driver_override = "vfio-pci"
    vf.link, vf.holder, vf.holder_hidden = None, "qemu-system-x86 (pid 4711)", True
