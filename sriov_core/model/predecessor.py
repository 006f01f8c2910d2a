"""What the Go sriov-network-operator writes on a node about its NICs, by path. Nothing here does I/O.

Its pkg/consts and pkg/host/internal/udev. Its notes say whose a NIC is; they go when the NIC is given back, as that
operator would have removed them itself, or it would take VFs for its own that somebody else makes there later.
"""

import re

from sriov_core.model.address import Address

NAME = "sriov-network-operator"
STORE = "/etc/sriov-operator/pci"
"""A file for each PF that it has configured, called by the PCI address: its entry of the node state, as JSON."""
CHECKPOINT = "/tmp/sno-initial-node-state.json"  # noqa: S108  # the other operator's own place, only read
RDMA_OPTIONS = "/etc/modprobe.d/sriov_network_operator_modules_config.conf"
"""The RDMA mode of the next boot. It sorts after our own file, so where the two differ it is the one that counts."""
_RULES = "/etc/udev/rules.d"
_RULE_NAMES = ("10-nm-disable", "10-pf-name", "20-switchdev")
"""How its udev rules about a PF begin: NetworkManager off the VFs, the PF's name, those of representors."""
_PCI = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_NOTE = re.compile(rf"{STORE}/{_PCI}|{_RULES}/({'|'.join(_RULE_NAMES)})-{_PCI}\.rules|{re.escape(RDMA_OPTIONS)}")


def files_about(pf: Address) -> tuple[str, ...]:
    """Where its notes about a PF lie, if there are any."""
    return (f"{STORE}/{pf}", *(f"{_RULES}/{name}-{pf}.rules" for name in _RULE_NAMES))


def is_note(path: str) -> bool:
    """True for the path of a note of its about a PF, or about the RDMA mode."""
    return _NOTE.fullmatch(path) is not None
