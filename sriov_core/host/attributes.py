"""Writes device attributes through the writer processes and words what comes back."""

import errno
from collections.abc import Mapping, Sequence

import attrs

from sriov_core.errors import HostError
from sriov_core.host.holders import Holders
from sriov_core.host.refusals import Blocked, impossible, refused, timed_out
from sriov_core.host.sysfs import DeviceTree
from sriov_core.host.writer import Writers
from sriov_core.model.address import Address


@attrs.frozen(kw_only=True)
class Deadlines:
    """How long each kind of change may take, in seconds. The kernel driver probes every VF inside sriov_numvfs."""

    num_vfs_s: float = 120
    bind_s: float = 60
    eswitch_s: float = 120
    other_s: float = 30
    read_s: float = 5
    tool_s: float = 120
    ovs_s: float = 15


Stakes = Mapping[str, tuple[str, ...]]
"""What a change may take from whom: a device's name for people, and its nodes that a process may have open."""


@attrs.frozen
class Attributes:
    """The sysfs of a machine, to be written."""

    devices: DeviceTree
    holders: Holders
    writers: Writers
    deadlines: Deadlines
    live: bool

    def write(
        self,
        address: Address,
        name: str,
        value: str,
        *,
        timeout_s: float,
        wanted: str = "",
        path: str = "",
        stakes: Stakes | None = None,
    ) -> None:
        """Write an attribute of a device; one that blocks names who holds what is at stake.

        ``wanted`` says in words what a bare value does not tell; ``path`` is for what lies outside the device.
        """
        meant = wanted or value
        # Found out before: while a write blocks, the kernel has taken down the links that lead to the holder.
        stakes = self.stakes(address) if stakes is None else stakes
        try:
            self.writers.write(path or self.devices.attribute_path(address, name), value, timeout_s)
        except Blocked as err:
            raise timed_out(address, name, meant, err.timeout_s, self._who_blocks(stakes)) from None
        except OSError as err:
            raise refused(address, name, meant, err) from err

    def must_be_free(self, address: Address, name: str, wanted: str) -> Stakes:
        """Refuse what the kernel would block on: taking a device, or VFs, away from a process that holds it.

        Answers what is at stake, so that the write that follows need not find out again.
        """
        stakes = self.stakes(address)
        busy = self._are_busy(stakes)
        if busy is False:
            return stakes
        self.holders.refresh()
        if busy or self._held(stakes):
            self.holders.look()  # to name who has it now, and not who had it
        if held := self._held(stakes):
            raise impossible(address, name, wanted, held, "Stop it first: the kernel would wait for it without end")
        return stakes

    def stakes(self, address: Address) -> Stakes:
        """The device itself and its VFs."""
        vfs = self.devices.vfs(address).items()
        own = {str(address): self.holders.nodes(address)}
        return own | {f"vf{index} ({vf})": self.holders.nodes(vf) for index, vf in vfs}

    def _are_busy(self, stakes: Stakes) -> bool | None:
        """Whether a process has one of the nodes open; None when only a look at all processes can tell."""
        try:
            found = {self._is_busy(nodes) for nodes in stakes.values() if nodes}
        except (Blocked, HostError):
            return None
        return True if True in found else None if None in found else False

    def _is_busy(self, nodes: Sequence[str]) -> bool | None:
        path = self.holders.group(nodes)
        if path is None:
            return None
        try:
            self.writers.read(path, self.deadlines.read_s)
        except OSError as err:
            if err.errno == errno.EBUSY:
                return True
            # A group that could be opened cannot be read: vfio_group_fops has no such call.
            if err.errno == errno.EINVAL and self.holders.is_told_by_group(nodes):
                return False
        return None

    def _who_blocks(self, stakes: Stakes) -> str:
        self.holders.look()
        if held := self._held(stakes):
            return f"{held}. Stop it"
        nobody = "nobody is seen to hold the device"
        if somebody := self.holders.anybody():
            # pci_lock_rescan_remove(): while one VF is waited for, VFs of other devices neither come nor go.
            return (
                f"{nobody}, but {somebody}: while that is waited for, the kernel changes no other device's VFs. Stop it"
            )
        return f"{nobody}. See dmesg for what the driver does"

    def _held(self, stakes: Stakes) -> str | None:
        found = ((name, self.holders.of_nodes(nodes)) for name, nodes in stakes.items())
        return next((f"{name} is held by {who}" for name, who in found if who), None)
