"""What happens to a machine behind our back: processes, pods, administrators, reboots."""

from sriov_core.model.address import Address
from sriov_core.testing.booting import reboot
from sriov_core.testing.kernel import FakeKernel
from sriov_core.testing.users import can_be_held


class FakeWorld(FakeKernel):
    """A fake kernel with the rest of the world around it. These are no verbs: no fault strikes them."""

    def hold(self, vf: Address, who: str, *, hidden: bool = False) -> None:
        """A process opens the VF's device node; a hidden one (another PID namespace) is met only by blocking."""
        with self._machine.lock:
            device = self._machine.device(vf)
            facts = device.own if device.vf or device.stands_alone else None
            if facts is None or not can_be_held(facts):
                raise ValueError(f"{vf} is no VF with a device node, so nothing can hold it")
            facts.holder, facts.holder_hidden = who, hidden

    def let_go(self, vf: Address) -> None:
        """The process closes the device."""
        with self._machine.lock:
            facts = self._machine.device(vf).own
            facts.holder, facts.holder_hidden = None, False

    def move_to_namespace(self, vf: Address, netns: str | None, *, name: str | None = None) -> None:
        """The VF's netdev moves to a network namespace, or back for None; a name given inside stays with it."""
        with self._machine.lock:
            link = self._machine.device(vf).link
            if link is None:
                raise ValueError(f"{vf} has no netdev to move")
            link.netns, link.name, link.up = netns, name or link.name, False

    def run_containers(self, number: int) -> None:
        """Containers start, each with a network namespace of its own."""
        with self._machine.lock:
            self._machine.tree.node.other_net_namespaces += number

    def zero_behind_our_back(self, pf: Address) -> None:
        """Somebody else writes 0 into sriov_numvfs."""
        with self._machine.lock:
            self._machine.destroy_vfs(self._machine.device(pf).function)

    def break_cards(self, why: str) -> None:
        """Every call of a vendor's program ends with that error, until it is called with an empty text."""
        with self._machine.lock:
            for card in self._machine.tree.cards:
                card.failure = why

    def reboot(self) -> None:
        """The machine starts anew: no VFs, defaults everywhere, what was planned for the next boot in effect."""
        with self._machine.lock:
            reboot(self._machine)
