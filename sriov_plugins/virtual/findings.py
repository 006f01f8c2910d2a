"""What `probe` says of a VF that stands for itself. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import Finding, Nic, Severity
from sriov_plugins.virtual.itself import METADATA

_CLOUDS = ("openstack", "aws")


def findings(nic: Nic) -> Iterator[Finding]:
    """Every finding, the worst first."""
    if error := nic.facts.get(METADATA):
        yield Finding(
            code="CLD-801",
            severity=Severity.UNKNOWN,
            nic=nic.address,
            fact=f"the cloud does not tell which network the NIC is on: {error}",
            evidence=(f"metadata of {nic.platform}",),
            remedy="Do what the text says; until then no policy with a netFilter takes the NIC",
        )
    elif nic.platform in _CLOUDS and nic.mac and nic.net_filter is None:
        yield Finding(
            code="CLD-802",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"the cloud's metadata name no network for {nic.mac}, or could not be read again since it is here",
            evidence=(f"metadata of {nic.platform}",),
            remedy="If the NIC was attached just now, look again in a while; else select it by pfNames or rootDevices",
        )
    yield Finding(
        code="CLD-803",
        severity=Severity.ADVICE,
        nic=nic.address,
        fact="the PF is outside this virtual machine: VLAN, trust, rates and eswitch can neither be seen nor set here",
        evidence=(f"/sys/bus/pci/devices/{nic.address}/sriov_totalvfs is absent",),
        remedy="Set them where the virtual machine runs; here the NIC can be bound to another driver",
    )
