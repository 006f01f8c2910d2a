"""A Linux machine behind both ports: `LinuxReader` plus one verb for each kernel interface that is written."""

from collections.abc import Callable, Sequence
from types import TracebackType

from sriov_core.host import (
    binding,
    kernelargs,
    modules,
    netdevs,
    numvfs,
    ownfiles,
    rdma,
    services,
    vendortools,
)
from sriov_core.host.attributes import Attributes, Deadlines
from sriov_core.host.cloud import Cloud
from sriov_core.host.looking import LinuxReader
from sriov_core.host.ovsdb import DEFAULT_SOCKET, OvsDatabase
from sriov_core.host.ports import Host
from sriov_core.host.refusals import Blocked, impossible, refused, timed_out
from sriov_core.host.tools import Tools
from sriov_core.host.vdpa import Vdpa
from sriov_core.host.waiting import until
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode
from sriov_core.plugin.reader import Link


class LinuxHost(LinuxReader, Host):
    """The machine below a root path, to be changed. Any thread may use it; one blocked change delays no other.

    What goes over netlink or ioctl is refused at once while the kernel has not come back from an earlier such change.

    ``vdpa_manager`` is the management device of all vDPA devices when that is not the VF itself (see `Vdpa`).
    """

    def __init__(
        self,
        root: str = "/",
        *,
        live: bool | None = None,
        deadlines: Deadlines | None = None,
        node_addresses: Sequence[str] = (),
        platform: str | None = None,
        cloud: Cloud | None = None,
        ovsdb_socket: str = DEFAULT_SOCKET,
        vdpa_manager: Address | None = None,
    ) -> None:
        super().__init__(
            root, live=live, deadlines=deadlines, node_addresses=node_addresses, platform=platform, cloud=cloud
        )
        self._sysfs = Attributes(self._devices, self._holders, self._writers, self._deadlines, self._live)
        self._tools = Tools(self._root, self._deadlines.other_s)
        self._vdpa = Vdpa(self._sysfs, self._deadlines.other_s, manager=vdpa_manager)
        self._ovs = OvsDatabase(self._root, self._deadlines.ovs_s, socket=ovsdb_socket)

    def set_link(self, address: Address, *, up: bool) -> None:
        link = self._netdev(address, "link", "up" if up else "down")
        if link.up != up:
            self._set(address, "link", "up" if up else "down", lambda: self._rtnetlink.set_up(link.ifindex, up=up))

    def set_mtu(self, address: Address, mtu: int) -> None:
        link = self._netdev(address, "mtu", mtu)
        if link.mtu != mtu:
            self._set(address, "mtu", mtu, lambda: self._rtnetlink.set_mtu(link.ifindex, mtu))

    def set_eswitch_mode(self, address: Address, mode: EswitchMode) -> None:
        self._must_be_live(address, "eswitch mode", mode)
        if self.eswitch_mode(address) is not mode:
            self._set(address, "eswitch mode", mode, lambda: self._devlink.set_eswitch_mode(address, mode))

    def set_autoprobe(self, pf: Address, *, enabled: bool) -> None:
        numvfs.set_autoprobe(self._sysfs, pf, enabled=enabled)

    def set_num_vfs(self, pf: Address, count: int) -> None:
        numvfs.set_num_vfs(self._sysfs, pf, count)

    def set_vf_mac(self, pf: Address, index: int, mac: str) -> None:
        name = f"vf {index} mac"
        link = self._netdev(pf, name, mac)
        if self.vf_macs(pf).get(index) != mac.lower():
            self._set(pf, name, mac, lambda: self._rtnetlink.set_vf_mac(link.ifindex, index, mac))

    def bind(self, vf: Address, kernel_driver: str) -> None:
        binding.bind(self._sysfs, vf, kernel_driver)

    def bind_default(self, vf: Address) -> None:
        load = (lambda modalias: modules.load_for(modalias, self._tools.run)) if self._live else None
        binding.bind_default(self._sysfs, vf, load)

    def unbind(self, vf: Address) -> None:
        binding.unbind(self._sysfs, vf)

    def load_module(self, module: str) -> None:
        if module.replace("-", "_") not in modules.present(self._root):
            self._must_be_live("node", "module", module)
            modules.load(self._root, module, self._tools.run)

    def add_kernel_argument(self, argument: str) -> None:
        kernelargs.add(self._root, argument, self._tools.run)

    def write_file(self, path: str, content: str | None) -> None:
        ownfiles.write(self._root, path, content, self._tools.run, live=self._live)

    def set_feature(self, address: Address, feature: str, *, on: bool) -> None:
        wanted = "on" if on else "off"
        link = self._netdev(address, feature, wanted)
        self._set(address, feature, wanted, lambda: self._offloads.switch(link.name, feature, on=on))

    def set_devlink_parameter(self, address: Address, parameter: str, value: str) -> None:
        self._must_be_live(address, parameter, value)
        self._set(address, parameter, value, lambda: self._devlink.set_parameter(address, parameter, value))

    def reload_devlink(self, address: Address) -> None:
        self._must_be_live(address, "devlink", "reload")
        self._set(address, "devlink", "reload", lambda: self._devlink.reload(address))

    def set_vf_guid(self, pf: Address, index: int, guid: str) -> None:
        name = f"vf {index} guid"
        link = self._netdev(pf, name, guid)
        if self.vf_guids(pf).get(index) != guid.lower():
            self._set(pf, name, guid, lambda: self._rtnetlink.set_vf_guid(link.ifindex, index, guid))

    def set_vdpa(self, vf: Address, vdpa_type: str | None) -> None:
        wanted = vdpa_type or "none"
        self._must_be_live(vf, "vdpa", wanted)
        self._set(vf, "vdpa", wanted, lambda: self._vdpa.set(vf, vdpa_type))

    def run_tool(self, address: Address, argv: Sequence[str]) -> None:
        self._must_be_live(address, argv[0], " ".join(argv[1:]))
        vendortools.run(address, argv, self._deadlines.tool_s)

    def set_module_parameter(self, module: str, parameter: str, value: str) -> None:
        def write(path: str) -> None:
            self._set("node", f"parameter {module}.{parameter}", value, lambda: self._write(path, value))

        modules.set_parameter(self._root, module, parameter, value, write)

    def set_rdma_mode(self, mode: str) -> None:
        self._must_be_live("node", "RDMA namespaces", mode)
        self._set("node", "RDMA namespaces", mode, lambda: rdma.set_mode(mode, self._deadlines.other_s))

    def open_vswitch(self, bridges: Sequence[Bridge]) -> OpenVSwitch | None:
        return self._ovs.look(bridges)

    def set_bridge(self, bridge: Bridge) -> None:
        self._ovs.set_bridge(bridge)

    def remove_bridge(self, name: str) -> None:
        self._ovs.remove_bridge(name)

    def detach_uplink(self, bridge: str, nic: Address) -> None:
        links = netdevs.names_of(self._devices, nic)
        self._ovs.detach(bridge, links)

    def set_ovs_option(self, key: str, value: str) -> None:
        self._ovs.set_option(key, value)

    def restart_service(self, service: str) -> None:
        services.restart(service, self._tools.run)

    def start_reboot(self, reason: str) -> None:
        self._must_be_live("node", "reboot", reason)
        services.reboot(reason, self._tools.run)

    def close(self) -> None:
        """End the writer processes and close the sockets. Not needed before the process ends."""
        super().close()
        self._vdpa.close()

    def __enter__(self) -> "LinuxHost":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, path: str, value: str) -> None:
        self._writers.write(path, value, self._deadlines.other_s)

    def _netdev(self, address: Address, attribute: str, wanted: object) -> Link:
        """The device's own netdev, which appears only a while after its driver was bound."""
        self._must_be_live(address, attribute, wanted)
        kernel_driver = self._devices.kernel_driver(address)
        if kernel_driver in USERSPACE_DRIVERS or (kernel_driver is None and not self._may_be_bound(address)):
            found = f"{kernel_driver or 'no kernel driver'} is bound, so there is no netdev"
            raise impossible(address, attribute, wanted, found, "Bind its network driver first")
        timeout_s = self._deadlines.other_s
        if not until(lambda: self._own_link(address) is not None, timeout_s, live=self._live):
            raise timed_out(address, attribute, wanted, timeout_s, self._why_no_netdev(address))
        link = self._own_link(address)
        if link is None:
            raise impossible(address, attribute, wanted, "its netdev is gone again", "Look again with probe")
        return link

    def _own_link(self, address: Address) -> Link | None:
        return netdevs.own(netdevs.of_device(self._devices, address))

    def _may_be_bound(self, address: Address) -> bool:
        """True for a fresh VF that the kernel will bind by itself, once udev has loaded the driver's module."""
        pf = self._devices.pf(address)
        return pf is not None and self._devices.attribute(pf, "sriov_drivers_autoprobe") == "1"

    def _why_no_netdev(self, address: Address) -> str:
        if netdevs.is_elsewhere(self._devices, address):
            return "its netdev is in another network namespace (a container). Give it back first"
        return f"no netdev appeared (kernel driver: {self._devices.kernel_driver(address) or 'none'}). See dmesg"

    def _must_be_live(self, address: Address | str, attribute: str, wanted: object) -> None:
        if not self._live:
            found = f"{self._root} is a tree of files and not the running machine"
            raise impossible(address, attribute, wanted, found, "Use the machine's own root")

    def _set(self, address: Address | str, attribute: str, wanted: object, change: Callable[[], None]) -> None:
        try:
            change()
        except Blocked as err:
            if err.earlier:
                found = f"the kernel has not ended something asked earlier within {err.timeout_s:g} s"
                raise impossible(address, attribute, wanted, found, "See dmesg, and try again when it has") from None
            why = "the kernel still works on it, or waits for another change of the network. See dmesg"
            raise timed_out(address, attribute, wanted, err.timeout_s, why) from None
        except OSError as err:
            raise refused(address, attribute, wanted, err) from err
