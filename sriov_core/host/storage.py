"""Storage that comes over the network, as far as the kernel tells where from. What it does not tell is not guessed."""

import re
from collections.abc import Iterator

from sriov_core.host import sysfs

_NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "ceph")
_TRADDR = re.compile(r"traddr=([^,]+)")
_FCOE = re.compile(r"fcoe v\S+ over (\S+)")
_HOST = re.compile(r"(?:\d+\.){3}\d+|\[[0-9a-fA-F:]+\]")


def peers(root: str) -> Iterator[tuple[str, str]]:
    """(address of the peer, a phrase for people), one for each address that storage is reached at."""
    yield from _mounts(root)
    yield from _iscsi(root)
    yield from _nvme(root)


def fcoe_netdevs(root: str) -> Iterator[tuple[str, str]]:
    """(netdev, a phrase for people) of each FCoE host adapter."""
    folder = f"{root}/sys/class/fc_host"
    for name in sysfs.names(folder):
        if match := _FCOE.search(sysfs.read(f"{folder}/{name}/symbolic_name") or ""):
            netdev = match[1].partition(".")[0]
            yield netdev, f"FCoE storage ({name})"


def _mounts(root: str) -> Iterator[tuple[str, str]]:
    for line in (sysfs.read_whole(f"{root}/proc/mounts") or "").splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[2] not in _NETWORK_FILE_SYSTEMS:
            continue
        source, target, kind, options = fields[:4]
        told = [option.partition("=")[2] for option in options.split(",") if option.startswith("addr=")]
        for peer in told or _HOST.findall(source):
            yield peer, f"{kind} mount {target} from {peer}"


def _iscsi(root: str) -> Iterator[tuple[str, str]]:
    folder = f"{root}/sys/class/iscsi_connection"
    for name in sysfs.names(folder):
        if peer := sysfs.read(f"{folder}/{name}/address") or sysfs.read(f"{folder}/{name}/persistent_address"):
            yield peer, f"iSCSI disk from {peer}"


def _nvme(root: str) -> Iterator[tuple[str, str]]:
    folder = f"{root}/sys/class/nvme"
    for name in sysfs.names(folder):
        transport = sysfs.read(f"{folder}/{name}/transport")
        match = _TRADDR.search(sysfs.read(f"{folder}/{name}/address") or "")
        if transport in ("tcp", "rdma") and match:
            yield match[1], f"NVMe over {transport} disk {name} from {match[1]}"
