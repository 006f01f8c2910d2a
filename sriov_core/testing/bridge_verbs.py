"""The fake kernel's verbs about Open vSwitch and services: what ovsdb-server, ovs-vswitchd and systemd would do."""

from collections.abc import Sequence

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
from sriov_core.planning.bridges import drop_in_path
from sriov_core.testing import openvswitch
from sriov_core.testing.facts import OvsFacts
from sriov_core.testing.refusing import blocked, impossible
from sriov_core.testing.verbs import Verbs

_SOCKET = "/var/run/openvswitch/db.sock"


class BridgeVerbs(Verbs):
    """Open vSwitch of a machine in memory."""

    def open_vswitch(self, bridges: Sequence[Bridge]) -> OpenVSwitch | None:
        """A look, not a verb: no accident strikes it."""
        with self._machine.lock:
            return openvswitch.look(self._machine.tree.node.ovs, bridges)

    def set_bridge(self, bridge: Bridge) -> None:
        with self._verb("set_bridge", bridge.name):
            ovs = self._ovs(f"bridge {bridge.name}")
            error = openvswitch.put(ovs, bridge, self._netdev_names())
            if error:
                uplink = bridge.uplink.name if bridge.uplink else ""
                raise impossible(f"bridge {bridge.name}", "uplink", uplink, error, "Look again")

    def remove_bridge(self, name: str) -> None:
        with self._verb("remove_bridge", name):
            ovs = self._ovs(f"bridge {name}")
            ovs.bridges = [row for row in ovs.bridges if row.name != name]

    def detach_uplink(self, bridge: str, nic: Address) -> None:
        with self._verb("detach_uplink", bridge):
            ovs = self._ovs(f"bridge {bridge}")
            device = self._machine.devices.get(nic)
            names = {link.name for link in device.function.links} if device else set()
            for row in ovs.bridges:
                if row.name == bridge and row.uplink and row.uplink.name in names:
                    row.uplink = None

    def set_ovs_option(self, key: str, value: str) -> None:
        with self._verb("set_ovs_option", key):
            self._database(f"other_config:{key}").other_config[key] = value

    def restart_service(self, service: str) -> None:
        with self._verb("restart_service", service):
            node = self._machine.tree.node
            self._must_be_root("node", f"service {service}")
            if node.ovs and service == node.ovs.service:
                if node.ovs.running:
                    drop_in = node.files.get(drop_in_path(service))
                    openvswitch.start(node.ovs, self._netdev_names(), drop_in=drop_in)
            elif service not in node.services:
                # systemctl(1): try-restart of a unit that is not loaded
                raise impossible("node", "restart", service, f"Unit {service} not found.", "Install what brings it")

    def _ovs(self, wanted: str) -> OvsFacts:
        ovs = self._database(wanted)
        if not ovs.running:
            raise blocked("Open vSwitch", _SOCKET, wanted, "ovs-vswitchd does not take up what the database holds")
        return ovs

    def _database(self, wanted: str) -> OvsFacts:
        ovs = self._machine.tree.node.ovs
        self._must_be_root("Open vSwitch", wanted)  # the socket is root's
        if ovs is None:
            raise impossible("Open vSwitch", _SOCKET, wanted, "No such file or directory", "Install openvswitch-switch")
        if ovs.error:
            raise impossible("Open vSwitch", _SOCKET, wanted, ovs.error, "Start ovsdb-server")
        return ovs

    def _netdev_names(self) -> set[str]:
        return {link.name for device in self._machine.devices.values() if (link := device.link) and not link.netns}
