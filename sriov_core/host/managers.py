"""Which network managers of the host have configuration that names a netdev: they would undo or fight what we do."""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import attrs

from sriov_core.errors import HostError
from sriov_core.host import sysfs


@attrs.frozen
class Netdev:
    """What configuration may name a netdev by."""

    names: frozenset[str]
    macs: frozenset[str]

    def is_named(self, text: str) -> bool:
        """True for one of its names, or a pattern that fits one."""
        return any(fnmatchcase(name, text) for name in self.names)

    def has_mac(self, text: str) -> bool:
        """True for one of its addresses, however it is written."""
        return text.strip().lower().replace("-", ":") in self.macs


def managers_of(root: str, netdev: Netdev) -> tuple[str, ...]:
    """The names of the managers, sorted. A configuration that only root may read counts as absent for others."""
    return tuple(sorted(name for name, is_configured in _MANAGERS.items() if is_configured(root, netdev)))


def _texts(root: str, folders: tuple[str, ...], suffixes: tuple[str, ...]) -> Iterator[str]:
    for folder in folders:
        for name in _readable(sysfs.names, f"{root}{folder}") or ():
            if name.endswith(suffixes):
                yield _readable(sysfs.read_whole, f"{root}{folder}/{name}") or ""


def _readable(look: Callable[[str], Any], path: str) -> Any:
    try:
        return look(path)
    except HostError:
        return None


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Key and value of ini-like and shell-like lines."""
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith(("#", ";")):
            yield key.strip().lower(), value.strip().strip("\"'")


def _network_manager(root: str, netdev: Netdev) -> bool:
    folders = ("/etc/NetworkManager/system-connections", "/run/NetworkManager/system-connections")
    profiles = _texts(root, folders, (".nmconnection",))
    if any(_matches(netdev, text, ("interface-name",), ("mac-address",), separator=";,") for text in profiles):
        return True
    # The older format of the Red Hat family, which NetworkManager reads.
    scripts = _ifcfg(root, "/etc/sysconfig/network-scripts")
    return any(_matches(netdev, text, ("device",), ("hwaddr",)) for text in scripts)


def _networkd(root: str, netdev: Netdev) -> bool:
    files = _texts(root, ("/etc/systemd/network", "/run/systemd/network"), (".network", ".link"))
    names, macs = ("name", "originalname"), ("macaddress", "permanentmacaddress")
    return any(_matches(netdev, _section(text, "Match"), names, macs, separator=" \t") for text in files)


def _ifupdown(root: str, netdev: Netdev) -> bool:
    own = _readable(sysfs.read_whole, f"{root}/etc/network/interfaces") or ""
    texts = (own, *_texts(root, ("/etc/network/interfaces.d",), ("",)))
    lines = (line.split() for text in texts for line in text.splitlines())
    return any(words[:1] == ["iface"] and words[1:2] and words[1] in netdev.names for words in lines)


def _wicked(root: str, netdev: Netdev) -> bool:
    folder = f"{root}/etc/sysconfig/network"
    return any(f"ifcfg-{name}" in (_readable(sysfs.names, folder) or ()) for name in netdev.names)


def _netplan(root: str, netdev: Netdev) -> bool:
    for text in _texts(root, ("/etc/netplan", "/run/netplan", "/usr/lib/netplan"), (".yaml",)):
        if "ethernets" in text and any(_in_netplan(netdev, name, entry) for name, entry in _ethernets(text)):
            return True
    return False


def _ethernets(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import yaml  # noqa: PLC0415  # only hosts with netplan need it

    try:
        entries = yaml.safe_load(text)["network"]["ethernets"]
    except (yaml.YAMLError, TypeError, KeyError):
        return  # netplan itself refuses such a file
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        yield str(name), entry if isinstance(entry, dict) else {}


def _in_netplan(netdev: Netdev, name: str, entry: dict[str, Any]) -> bool:
    match = entry.get("match")
    if not isinstance(match, dict):
        return name in netdev.names
    patterns = match.get("name", ())
    named = [patterns] if isinstance(patterns, str) else list(patterns)
    by_name = any(netdev.is_named(str(pattern)) for pattern in named)
    return by_name or netdev.has_mac(str(match.get("macaddress", ""))) or entry.get("set-name") in netdev.names


def _ifcfg(root: str, folder: str) -> Iterator[str]:
    for name in _readable(sysfs.names, f"{root}{folder}") or ():
        if name.startswith("ifcfg-"):
            yield _readable(sysfs.read_whole, f"{root}{folder}/{name}") or ""


def _matches(
    netdev: Netdev, text: str, name_keys: tuple[str, ...], mac_keys: tuple[str, ...], *, separator: str = " "
) -> bool:
    for key, value in _settings(text):
        words = re.split(f"[{separator}]+", value)
        if key in name_keys and any(netdev.is_named(word) for word in words if word):
            return True
        if key in mac_keys and any(netdev.has_mac(word) for word in words):
            return True
    return False


def _section(text: str, name: str) -> str:
    """The lines of one section of a systemd unit."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip() == f"[{name}]"
        elif inside:
            found.append(line)
    return "\n".join(found)


_MANAGERS: dict[str, Callable[[str, Netdev], bool]] = {
    "NetworkManager": _network_manager,
    "systemd-networkd": _networkd,
    "ifupdown": _ifupdown,
    "wicked": _wicked,
    "netplan": _netplan,
}
