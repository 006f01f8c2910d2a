"""The port that writes. Only the executor holds one; drivers get the read-only half."""

from collections.abc import Sequence
from typing import Protocol

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
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

    def set_feature(self, address: Address, feature: str, *, on: bool) -> None:
        """Switch an offload of the device's netdev, by its ethtool name, and read it back."""
        ...

    def set_devlink_parameter(self, address: Address, parameter: str, value: str) -> None:
        """Set a devlink parameter in the first configuration mode that it has."""
        ...

    def reload_devlink(self, address: Address) -> None:
        """Have the kernel driver set the device up anew (devlink reload, action driver_reinit)."""
        ...

    def set_vf_guid(self, pf: Address, index: int, guid: str) -> None:
        """Tell the PF the node and the port GUID of a VF; both are the same."""
        ...

    def set_vdpa(self, vf: Address, vdpa_type: str | None) -> None:
        """Give a VF one vDPA device, named ``vdpa:<address>``, under the driver of that type; None takes it away."""
        ...

    def run_tool(self, address: Address, argv: Sequence[str]) -> None:
        """Run a vendor's program that changes a card; StepFailed with its own words when it does not succeed."""
        ...

    def set_module_parameter(self, module: str, parameter: str, value: str) -> None:
        """Write a parameter of a loaded module."""
        ...

    def set_rdma_mode(self, mode: str) -> None:
        """Share the RDMA devices between network namespaces, or not (``rdma system set netns``)."""
        ...

    def open_vswitch(self, bridges: Sequence[Bridge]) -> OpenVSwitch | None:
        """Open vSwitch as it is, of its bridges only these, which are ours; None when the host has none.

        Of maps only the keys are told that the given bridges have. A server that does not answer is no error here:
        the answer's ``error`` says so.
        """
        ...

    def set_bridge(self, bridge: Bridge) -> None:
        """Make a bridge with its uplink, or make the one of that name like this; what fits is left untouched."""
        ...

    def remove_bridge(self, name: str) -> None:
        """Take a bridge away."""
        ...

    def detach_uplink(self, bridge: str, nic: Address) -> None:
        """Take a PF's port out of a bridge; one that is not there is no error."""
        ...

    def set_ovs_option(self, key: str, value: str) -> None:
        """Set other_config:<key> of Open vSwitch itself."""
        ...

    def restart_service(self, service: str) -> None:
        """Restart a systemd service if it runs (systemctl try-restart), after systemd has read its units anew."""
        ...

    def start_reboot(self, reason: str) -> None:
        """Have the machine reboot in good order; returns when that has begun. Asking again changes nothing."""
        ...
