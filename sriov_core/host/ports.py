"""The port that writes. Only the executor holds one; drivers get the read-only half."""

from typing import Protocol

from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode
from sriov_core.plugin.reader import HostReader


class Changes(Protocol):
    """The kernel's notifications about devices and links, as one bell that rings."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until something changed since the last call; False when nothing did in that time."""
        ...


class Host(HostReader, Protocol):
    """A machine that can be changed, one verb a kernel interface.

    Every verb ends within its deadline and returns only when the kernel has taken the change. A refusal is a
    `StepFailed` whose text names the device, the attribute, what was wanted, the errno and what to do; a verb that
    did not end in time is a `DeadlineExceeded` that names who holds the device, if that can be told. A verb whose
    effect is there already does nothing.
    """

    def set_link(self, address: Address, *, up: bool) -> None:
        """Set the netdev of a device administratively up or down."""
        ...

    def set_mtu(self, address: Address, mtu: int) -> None:
        """Set the MTU of a device's netdev; waits for the netdev of a VF that was bound just before."""
        ...

    def set_eswitch_mode(self, address: Address, mode: EswitchMode) -> None:
        """Switch the eswitch through devlink."""
        ...

    def set_autoprobe(self, pf: Address, *, enabled: bool) -> None:
        """Write sriov_drivers_autoprobe."""
        ...

    def set_num_vfs(self, pf: Address, count: int) -> None:
        """Write sriov_numvfs and return when exactly that many VFs exist.

        Before VFs are taken away, a process that holds one of them is looked for and named in a `StepFailed`:
        the kernel would block the write until it lets go (drivers/vfio: "blocked until released by user").
        """
        ...

    def set_vf_mac(self, pf: Address, index: int, mac: str) -> None:
        """Tell the PF the administrative address of a VF."""
        ...

    def bind(self, vf: Address, kernel_driver: str) -> None:
        """Bind a device to one kernel driver through driver_override and drivers_probe."""
        ...

    def bind_default(self, vf: Address) -> None:
        """Let the kernel pick: leave a userspace driver, clear the override, probe, check that a driver took it."""
        ...

    def unbind(self, vf: Address) -> None:
        """Leave a device without a kernel driver."""
        ...

    def load_module(self, module: str) -> None:
        """Load a kernel module (modprobe)."""
        ...

    def add_kernel_argument(self, argument: str) -> None:
        """Add an argument to the kernel command line of the next boot, through the boot manager in effect."""
        ...

    def write_file(self, path: str, content: str | None) -> None:
        """Write one of our own configuration files atomically, or remove it; udev rules are reloaded."""
        ...
