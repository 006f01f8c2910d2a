"""The texts of the two systemd units that configure the NICs at boot. Nothing here does I/O.

The node writes them itself (`sriov_core.host.units`); on OpenShift, which owns the units of its nodes and takes any
difference for damage, the operator hands out the same ones, letter by letter.
"""

from collections.abc import Sequence

FOLDER = "/etc/systemd/system"
PRE, POST = "sriov-core-pre.service", "sriov-core-post.service"
BOOT_FILE = "/etc/sriov-core/boot.json"

_TIMEOUT_S = 900
"""One phase waits a minute for its NICs, and each kind of change has a deadline of its own (`attributes.Deadlines`,
nine minutes together). These shall end a phase in words, and not systemd by ending the program in the midst of a
write."""

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


def texts(program: Sequence[str]) -> dict[str, str]:
    """Path to text of the units that run this program, given as absolute path and arguments."""
    path, *arguments = program
    # systemd.service(5): variables are put into the arguments, and not into the path of the program.
    command = " ".join(map(_quoted, (path, *(word.replace("$", "$$") for word in arguments))))
    return {
        f"{FOLDER}/{PRE}": _PRE.format(boot_file=BOOT_FILE, program=command, timeout_s=_TIMEOUT_S),
        f"{FOLDER}/{POST}": _POST.format(boot_file=BOOT_FILE, program=command, timeout_s=_TIMEOUT_S),
    }


def _quoted(word: str) -> str:
    """A word of a command line as systemd.syntax(7) and systemd.unit(5) have it: % begins a specifier."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(char in word for char in " \t'\"\\;") else escaped
