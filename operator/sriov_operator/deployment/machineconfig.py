"""OpenShift in systemd mode: the units that configure the NICs at boot, as a MachineConfig. Nothing here does I/O.

OpenShift owns the units of its nodes and takes any difference for damage. So they are, letter by letter, those that the
agent would write (`sriov_core.host.units`), who then finds nothing to write. Before the first boot of a node is over,
there is no boot file, and they do nothing.
"""

from sriov_operator.deployment.configdaemon import PROGRAM_ON_NODE
from sriov_operator.deployment.deployed import Deployed, cluster_wide
from sriov_operator.deployment.names import MACHINE_CONFIG
from sriov_operator.objects import Object

PROGRAM = f"{PROGRAM_ON_NODE}/bin/sriov-core"

_ROLE = "machineconfiguration.openshift.io/role"
_BOOT_FILE = "/etc/sriov-core/boot.json"
_TIMEOUT_S = 900

_PRE = """\
# Written by `sriov-core install-units`, which writes it anew.
[Unit]
Description=SR-IOV before the network: PFs, eswitch modes, numbers of VFs
ConditionPathExists={boot_file}
RequiresMountsFor=/etc/sriov-core /var/lib/sriov-core
DefaultDependencies=no
Conflicts=shutdown.target
Wants=network-pre.target
After=local-fs.target systemd-modules-load.service systemd-sysctl.service
After=systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service
Before=network-pre.target shutdown.target
Before=NetworkManager.service systemd-networkd.service networking.service wicked.service
Before=openvswitch-switch.service openvswitch.service ovsdb-server.service ovs-vswitchd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} boot --phase pre
TimeoutStartSec={timeout_s}
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
"""
_POST = """\
# Written by `sriov-core install-units`, which writes it anew.
[Unit]
Description=SR-IOV after the network: drivers, addresses and MTUs of VFs, vDPA, bridges
ConditionPathExists={boot_file}
RequiresMountsFor=/etc/sriov-core /var/lib/sriov-core
After=sriov-core-pre.service network.target network-online.target
After=NetworkManager-wait-online.service systemd-networkd-wait-online.service
After=openvswitch-switch.service openvswitch.service ovsdb-server.service ovs-vswitchd.service
Before=kubelet.service k3s.service k3s-agent.service rke2-server.service rke2-agent.service
Before=docker.service libvirtd.service virtqemud.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={program} boot --phase post
TimeoutStartSec={timeout_s}
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
"""


def manifests(deployed: Deployed) -> list[Object]:
    """The MachineConfig, for the pool of all workers, whatever nodes are managed; nothing elsewhere."""
    if not (deployed.is_openshift and deployed.is_systemd) or deployed.external_control_plane:
        return []
    head = cluster_wide(
        "machineconfiguration.openshift.io/v1", "MachineConfig", MACHINE_CONFIG, labels={_ROLE: "worker"}
    )
    units = [_unit("sriov-core-pre.service", _PRE), _unit("sriov-core-post.service", _POST)]
    return [{**head, "spec": {"config": {"ignition": {"version": "3.2.0"}, "systemd": {"units": units}}}}]


def _unit(name: str, text: str) -> Object:
    values = {"boot_file": _BOOT_FILE, "program": PROGRAM, "timeout_s": _TIMEOUT_S}
    return {"name": name, "enabled": True, "contents": text.format(**values)}
