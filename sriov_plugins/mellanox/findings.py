"""What `probe` says about NVIDIA's cards beyond what holds for any NIC. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import NO_GUID, EswitchMode, Finding, LinkType, Nic, Setting, Severity
from sriov_plugins.mellanox.nvconfig import SRIOV_EN
from sriov_plugins.mellanox.switchdev import BY_DEVICE, STEERING

_OFFLOAD = "hw-tc-offload"


def findings(nic: Nic) -> Iterator[Finding]:
    """Every finding; those of the firmware only when somebody looked at it (facts: ``firmware``)."""
    yield from _firmware(nic)
    yield from _switchdev(nic)
    yield from _guids(nic)


def _firmware(nic: Nic) -> Iterator[Finding]:
    query = f"mstconfig -e -d {nic.address} q"
    if fault := nic.facts.get("firmware"):
        yield Finding(
            code="FW-401",
            severity=Severity.UNKNOWN,
            nic=nic.address,
            fact=f"whether the card's firmware offers SR-IOV is not known: {fault.partition(': ')[2]}",
            evidence=(query,),
            remedy="Do what the text says, or look at the card's firmware set-up by hand",
        )
    enabled = nic.settings.get(SRIOV_EN)
    if enabled and enabled.current == "False" and enabled.next == "False":
        yield Finding(
            code="FW-402",
            severity=Severity.ADVICE,
            nic=nic.address,
            fact="SR-IOV is switched off in the card's firmware",
            evidence=(query,),
            remedy="Ask for VFs in a policy and apply it, then reboot; sriov-core switches SR-IOV on",
        )
    differing = {name: found for name, found in nic.settings.items() if found.current != found.next}
    if differing:
        yield Finding(
            code="FW-403",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"the card's firmware will be set otherwise at the next boot: {_changes(differing)}",
            evidence=(query,),
            remedy="Reboot when it suits, if this is meant",
        )


def _changes(differing: dict[str, Setting]) -> str:
    return ", ".join(f"{name} {found.current} -> {found.next}" for name, found in differing.items())


def _switchdev(nic: Nic) -> Iterator[Finding]:
    if nic.eswitch_mode is not EswitchMode.SWITCHDEV:
        return
    if nic.features.get(_OFFLOAD) is False:
        yield Finding(
            code="HW-110",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"the PF is in switchdev mode with {_OFFLOAD} off: no flow is offloaded to the card",
            evidence=(f"ethtool -k {nic.name}",),
            remedy=f"ethtool -K {nic.name} {_OFFLOAD} on, or apply a policy with eSwitchMode switchdev",
        )
    if nic.parameters.get(STEERING) == BY_DEVICE:
        yield Finding(
            code="HW-111",
            severity=Severity.ADVICE,
            nic=nic.address,
            fact=f"the PF is in switchdev mode with {STEERING} {BY_DEVICE}: the card takes in new flows slowly",
            evidence=(f"devlink dev param show pci/{nic.address} name {STEERING}",),
            remedy="It changes in legacy mode only: release the NIC and apply its policy again when its VFs are free",
        )


def _guids(nic: Nic) -> Iterator[Finding]:
    zero = [vf.index for vf in nic.vfs if vf.guid == NO_GUID]
    if zero and nic.link_type is LinkType.IB:
        remedy = "Apply a policy for them; sriov-core gives each a GUID and binds it anew"
        if all(nic.vf(index).admin_guid not in (None, NO_GUID) for index in zero):
            remedy = "The PF knows one for each, which their driver did not take: unbind them and apply their policy"
        yield Finding(
            code="VF-210",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"{len(zero)} VFs have a node GUID of zero (vf{zero[0]} is the first): no fabric lets them in",
            evidence=(f"ip link show {nic.name}", f"/sys/bus/pci/devices/{nic.address}/virtfn{zero[0]}/infiniband"),
            remedy=remedy,
        )
