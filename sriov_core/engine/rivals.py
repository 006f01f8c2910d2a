"""Who else would change NICs or VFs of this machine: another operator's units, and NetworkManager. Reads only."""

from collections.abc import Iterator

from sriov_core.engine import takeover
from sriov_core.errors import HostError
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.planning.udevrules import rule_path
from sriov_core.plugin.diagnosis import Finding, Severity
from sriov_core.plugin.reader import HostReader

UNITS = tuple(f"/etc/systemd/system/{name}.service" for name in ("sriov-config", "sriov-config-post-network"))
"""Of the other operator's systemd mode: they set the NICs at every boot, whoever serves them now."""
_UNMANAGED = "NM_UNMANAGED"
"""The property that NetworkManager heeds (its data/85-nm-unmanaged.rules); 1 means hands off."""


def rival_findings(snapshot: Snapshot, host: HostReader) -> Iterator[Finding]:
    """Every finding; what cannot be read is no finding here."""
    units = [path for path in UNITS if _text(host, path) is not None]
    if units:
        yield Finding(
            code="OWN-204",
            severity=Severity.WARN,
            fact=f"units of {takeover.PREDECESSOR} are installed: they configure NICs at every boot as well",
            evidence=tuple(units),
            remedy=f"systemctl disable {' '.join(path.rpartition('/')[2] for path in units)}, remove the files, then "
            "`sriov-core install-units`",
        )
    if "NetworkManager" in snapshot.node.network_managers:
        for nic in snapshot.nics:
            if _is_managed(nic, snapshot, host):
                yield _managed(nic)


def _managed(nic: Nic) -> Finding:
    return Finding(
        code="OWN-205",
        severity=Severity.WARN,
        nic=nic.address,
        fact=f"nothing keeps NetworkManager off the VFs of {nic.name or nic.address}: it may bring them up and ask for "
        "addresses, also when one comes back from a pod",
        evidence=("/etc/udev/rules.d", "nmcli device status"),
        remedy="Apply a policy for the NIC, with which sriov-core writes a udev rule (NM_UNMANAGED); or name the VFs "
        "in unmanaged-devices of /etc/NetworkManager/conf.d",
    )


def _is_managed(nic: Nic, snapshot: Snapshot, host: HostReader) -> bool:
    """True when a VF has a netdev here that no udev rule keeps NetworkManager off. One VF stands for all of a NIC."""
    shown = next((vf for vf in nic.vfs if vf.name and vf.address), None)
    if shown is None or shown.address is None or nic.platform != "baremetal" or nic.address.bus != "pci":
        return False
    if _UNMANAGED in snapshot.node.files.get(rule_path(nic.address), ""):
        return False
    try:
        links = host.links(shown.address)
    except HostError:
        return False
    found = [_text(host, f"/run/udev/data/n{link.ifindex}") or "" for link in links]
    return not any(f"{_UNMANAGED}=1" in text for text in found)


def _text(host: HostReader, path: str) -> str | None:
    try:
        return host.file(path)
    except HostError:
        return None
