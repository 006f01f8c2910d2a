"""The udev rule file of each NIC: NetworkManager stays off its VFs, PF and representors keep telling names. Pure."""

from collections.abc import Collection, Iterable, Iterator

from sriov_core.model import predecessor
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.nodesteps import WriteFile
from sriov_core.model.observed import EswitchMode, Nic, Snapshot
from sriov_core.model.plan import NicPlan
from sriov_core.model.step import Step

_LONGEST_NAME = 15
"""include/uapi/linux/if.h: IFNAMSIZ less the terminating NUL."""


_FOLDER = "/etc/udev/rules.d"
_PREFIX = f"{_FOLDER}/10-sriov-core-"


def steps(snapshot: Snapshot, spec: NodeSpec, possible: Collection[Address]) -> Iterator[Step]:
    """Write the rule files that differ, before the devices appear that they are about; remove those of released NICs.

    ``possible`` are the NICs that are worked on now: no problem, and no reboot to wait for. A file for an address where
    no NIC of ours is any more would give its names to whatever card is there now.
    """
    node = snapshot.node
    known = {rule_path(address) for address in (*spec.ours, *(wish.address for wish in spec.nics))}
    for path in sorted(node.files):
        if path.startswith(_PREFIX) and path not in known:
            yield WriteFile(path=path, content=None)
    for wish in spec.nics:
        nic = snapshot.nic(wish.address)
        if nic is None or wish.address not in possible or wish.externally_managed:
            continue
        content = _content(nic, wish, node.network_managers) or None
        path = rule_path(wish.address)
        if node.files.get(path) != content:
            yield WriteFile(path=path, content=content)


def without_notes(snapshot: Snapshot, nics: Iterable[NicPlan]) -> Iterator[Step]:
    """Remove what the other operator noted about NICs that are given back; last, when they are what they were before.

    Until then its notes say whose the VFs are, should it come back. After that they would have it take VFs away that
    somebody else makes.
    """
    for nic in nics:
        if nic.release and not (nic.steps or nic.problems or nic.later or nic.reboots):
            for path in predecessor.files_about(nic.nic):
                if path in snapshot.node.files:
                    yield WriteFile(path=path, content=None)


def rule_path(pf: Address) -> str:
    """Where the udev rules of a NIC lie."""
    return f"{_PREFIX}{str(pf).replace('/', '-')}.rules"


def _content(nic: Nic, wish: NicSpec, managers: Collection[str]) -> str:
    if not wish.num_vfs or wish.restore:
        return ""
    lines: list[str] = []
    if "NetworkManager" in managers and nic.address.bus == "pci":
        lines += ["# NetworkManager leaves the VFs of this PF alone.", _unmanaged(nic.address)]
    if wish.eswitch_mode is EswitchMode.SWITCHDEV and nic.name:
        lines += _names(nic.address, nic.name, wish.num_vfs)
    return "".join(f"{line}\n" for line in ("# Written by sriov-core.", *lines)) if lines else ""


def _unmanaged(pf: Address) -> str:
    # A VF is recognised by its PF, so the rule holds before the VFs exist and whatever they are called.
    return (
        'ACTION!="remove", SUBSYSTEM=="net", TEST=="device/physfn", '
        f'PROGRAM="/usr/bin/readlink -f /sys%p/device/physfn", RESULT=="*/{pf}", ENV{{NM_UNMANAGED}}="1"'
    )


def _names(pf: Address, name: str, num_vfs: int) -> Iterator[str]:
    """Names by what the kernel says of a port (phys_port_name: p0, pf0vf3), below the PF's own device only."""
    own = f'ACTION=="add", SUBSYSTEM=="net", KERNELS=="{pf.name}"'
    if pf.bus == "pci":
        yield "# The PF keeps its name when the change of mode makes its netdev anew."
        yield f'{own}, ATTR{{phys_port_name}}=="p[0-9]*", NAME="{name}"'
    if len(f"{name}_{num_vfs - 1}") > _LONGEST_NAME:
        return  # no room for the number: the representors keep the names that udev's own rules give
    yield "# Representors are called after the PF and the index of their VF."
    for index in range(num_vfs):
        yield f'{own}, ATTR{{phys_port_name}}=="pf*vf{index}", NAME="{name}_{index}"'
