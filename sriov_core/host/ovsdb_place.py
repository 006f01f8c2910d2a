"""Where Open vSwitch of a host is: its database's socket, its systemd unit, and whether it is installed at all."""

import ipaddress
import os
import re

from sriov_core.host.ovsdb_session import Fault
from sriov_core.host.tools import has

SERVICE = "ovs-vswitchd.service"
"""The unit that runs ovs-vswitchd in Debian's and Red Hat's packages; openvswitch(-switch).service only wraps it."""

# systemd.unit(5): the first that has the unit wins.
_UNIT_FOLDERS = (
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
_TCP = re.compile(r"tcp:(\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})")
_DEBIANS = "usr/lib/openvswitch-switch/ovs-vswitchd"


def remote(root: str, socket: str) -> str | None:
    """The server as its clients name it, None when its socket is not there.

    ``socket`` is a path as the host has it, also with ``unix:`` or ``unix://`` before it, or ``tcp:IP:PORT``; Fault
    when it is anything else.
    """
    if _is_tcp(socket):
        return socket
    path = socket.removeprefix("unix:").removeprefix("//")
    if not path.startswith("/"):
        raise Fault(f"{socket!r} is no place of a database server", "Name a socket's path, or tcp:IP:PORT")
    for place in (path, path.replace("/var/run/", "/run/", 1)):
        if _is_below(root, f"{root}{place}"):
            return f"unix:{root}{place}"
    return None


def service(root: str) -> str | None:
    """The name of the unit of ovs-vswitchd, None when there is none or it is masked."""
    for folder in _UNIT_FOLDERS:
        path = f"{root}/{folder}/{SERVICE}"
        if os.path.lexists(path):
            return None if os.path.realpath(path) == os.devnull else SERVICE
    return None


def is_installed(root: str) -> bool:
    """True when the host holds ovs-vswitchd."""
    return bool(service(root)) or has(root, "ovs-vswitchd") or os.path.lexists(f"{root}/{_DEBIANS}")


def _is_tcp(socket: str) -> bool:
    """True for an address in figures: a name would be looked up, with no deadline."""
    found = _TCP.fullmatch(socket)
    if found is None or not 0 < int(found[4]) < 65536:
        return False
    try:
        return ipaddress.ip_address(found[2] or found[3]).version == (6 if found[2] else 4)
    except ValueError:
        return False


def _is_below(root: str, path: str) -> bool:
    # A host's /var/run is a link to /run: from a container it leads to the container's own.
    return os.path.exists(path) and (not root or os.path.realpath(path).startswith(f"{os.path.realpath(root)}/"))
