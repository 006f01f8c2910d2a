"""What happens to a machine behind our back: processes, pods, administrators, reboots."""

from sriov_core.model.address import Address
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.tree import FunctionFacts

_IOMMU_ARGUMENTS = {"intel_iommu=on", "iommu=pt"}


class FakeWorld(FakeKernel):
    """A fake kernel with the rest of the world around it. These are no verbs: no fault strikes them."""

    def hold(self, vf: Address, who: str, *, hidden: bool = False) -> None:
        """A process opens the VF's VFIO device; a hidden one (another PID namespace) is met only by blocking."""
        with self._machine.lock:
            facts = self._machine.device(vf).vf
            if facts is None or facts.kernel_driver != "vfio-pci":
                raise ValueError(f"{vf} is no VF bound to vfio-pci, so nothing can hold it")
            facts.holder, facts.holder_hidden = who, hidden

    def let_go(self, vf: Address) -> None:
        """The process closes the device."""
        with self._machine.lock:
            facts = self._machine.device(vf).vf
            if facts:
                facts.holder, facts.holder_hidden = None, False

    def move_to_namespace(self, vf: Address, netns: str | None, *, name: str | None = None) -> None:
        """The VF's netdev moves to a network namespace, or back for None; a name given inside stays with it."""
        with self._machine.lock:
            link = self._machine.device(vf).link
            if link is None:
                raise ValueError(f"{vf} has no netdev to move")
            link.netns, link.name, link.up = netns, name or link.name, False

    def zero_behind_our_back(self, pf: Address) -> None:
        """Somebody else writes 0 into sriov_numvfs."""
        with self._machine.lock:
            self._machine.destroy_vfs(self._machine.device(pf).function)

    def reboot(self) -> None:
        """The machine starts anew: no VFs, attributes at their defaults, the planned kernel arguments in effect."""
        with self._machine.lock:
            node = self._machine.tree.node
            number = int(node.boot_id[-12:], 16) + 1
            node.boot_id = f"{node.boot_id[:-12]}{number:012x}"
            for function in self._machine.tree.functions:
                self._machine.destroy_vfs(function)
                _at_boot(function)
            if node.next_cmdline:
                node.cmdline, node.next_cmdline = node.next_cmdline, []
            if node.iommu_after_reboot and not node.iommu_groups and _IOMMU_ARGUMENTS & set(node.cmdline):
                node.iommu_groups = len(self._machine.tree.functions)
                for group, function in enumerate(self._machine.tree.functions):
                    function.iommu_group = group


def _at_boot(function: FunctionFacts) -> None:
    for link in function.links:
        link.mtu = 1500
    if function.sriov:
        function.sriov.autoprobe = True
        function.sriov.remembered_macs = {}
    if function.eswitch:
        function.eswitch.mode = type(function.eswitch.mode).LEGACY
