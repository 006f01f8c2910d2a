"""What `probe` says about any NIC, from its facts alone. Pure."""

from collections import Counter
from collections.abc import Iterator

from sriov_core.plugin import USERSPACE_DRIVERS, Finding, Nic, Severity


def findings(nic: Nic) -> Iterator[Finding]:
    """Every finding, the worst kind first."""
    yield from _hardware(nic)
    yield from _unreadable(nic)
    yield from _vfs(nic)
    yield from _twins(nic)
    yield from _link(nic)
    yield from _use(nic)


def _unreadable(nic: Nic) -> Iterator[Finding]:
    for what in nic.unreadable:
        yield Finding(
            code="PLT-104",
            severity=Severity.UNKNOWN,
            nic=nic.address,
            fact=f"could not be read: {what}",
            evidence=(f"devlink dev eswitch show pci/{nic.address}",),
            remedy="Run as root to have it shown",
        )


def _hardware(nic: Nic) -> Iterator[Finding]:
    device = f"/sys/bus/pci/devices/{nic.address}"
    if nic.kernel_driver is None and not nic.num_vfs:
        yield Finding(
            code="HW-101",
            severity=Severity.WARN,
            nic=nic.address,
            fact="no kernel driver is bound to the PF, so it can have no VFs",
            evidence=(f"{device}/driver",),
            remedy=f"Load its driver, or bind it: echo {nic.address} > /sys/bus/pci/drivers_probe",
        )
    if nic.total_vfs is None or nic.total_vfs == 0:
        yield Finding(
            code="HW-104",
            severity=Severity.ADVICE,
            nic=nic.address,
            fact="the device offers no SR-IOV capability",
            evidence=(f"{device}/sriov_totalvfs",),
            remedy="If the card should have it: enable SR-IOV in the machine's and in the card's firmware set-up",
        )
    if nic.total_vfs and nic.iommu_group is None and nic.platform == "baremetal" and nic.address.bus == "pci":
        yield Finding(
            code="PLT-101",
            severity=Severity.WARN,
            nic=nic.address,
            fact="no IOMMU is in effect for the device, so its VFs cannot be given to vfio-pci",
            evidence=(f"{device}/iommu_group", "/proc/cmdline"),
            remedy="Enable VT-d or AMD-Vi in the firmware set-up and boot with intel_iommu=on iommu=pt (Intel)",
        )


def _vfs(nic: Nic) -> Iterator[Finding]:
    driverless = [vf.index for vf in nic.vfs if vf.kernel_driver is None]
    if driverless:
        yield Finding(
            code="VF-201",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"{len(driverless)} of {len(nic.vfs)} VFs have no kernel driver (vf{driverless[0]} is the first)",
            evidence=(f"/sys/bus/pci/devices/{nic.address}/virtfn{driverless[0]}/driver",),
            remedy="Say what they are for in a policy and apply it, or load the VF driver",
        )
    if not nic.autoprobe:
        yield Finding(
            code="VF-202",
            severity=Severity.ADVICE,
            nic=nic.address,
            fact="sriov_drivers_autoprobe is off: new VFs stay without a kernel driver",
            evidence=(f"/sys/bus/pci/devices/{nic.address}/sriov_drivers_autoprobe",),
            remedy="If nobody meant this: echo 1 into that file",
        )
    zero = [vf.index for vf in nic.vfs if vf.kernel_driver in USERSPACE_DRIVERS and vf.admin_mac is None]
    if zero and nic.link_type is not None:
        yield Finding(
            code="VF-203",
            severity=Severity.ADVICE,
            nic=nic.address,
            fact=f"{len(zero)} VFs under a userspace driver have no administrative MAC: the guest's is random",
            evidence=(f"ip link show {nic.name}",),
            remedy="Apply a policy for them; sriov-core gives each a lasting address",
        )


def _twins(nic: Nic) -> Iterator[Finding]:
    """VFs of one address: a former user's is left on one, mostly, and the embedded switch delivers to either."""
    told = Counter(vf.admin_mac for vf in nic.vfs if vf.admin_mac)
    alike = [vf for vf in nic.vfs if vf.admin_mac and told[vf.admin_mac] > 1]
    if alike:
        free = ", ".join(f"vf{vf.index}" for vf in alike if vf.used_by is None)
        yield Finding(
            code="VF-206",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"{', '.join(f'vf{vf.index}' for vf in alike)} share an administrative MAC, so what is sent to one "
            f"may reach another{f' (nobody is known to use {free})' if free else ''}",
            evidence=(f"ip link show {nic.name}",),
            remedy="Take it off the one that has it from a former user: "
            f"ip link set {nic.name} vf NUMBER mac 00:00:00:00:00:00",
        )


def _link(nic: Nic) -> Iterator[Finding]:
    if nic.num_vfs and nic.link_up is False:
        yield Finding(
            code="HLT-301",
            severity=Severity.FAIL,
            nic=nic.address,
            fact=f"the PF is administratively down, and so are its {nic.num_vfs} VFs",
            evidence=(f"/sys/class/net/{nic.name}/flags",),
            remedy=f"ip link set {nic.name} up",
        )
    elif nic.num_vfs and nic.carrier is False:
        yield Finding(
            code="HLT-302",
            severity=Severity.WARN,
            nic=nic.address,
            fact=f"the PF has no carrier; its {nic.num_vfs} VFs reach nobody outside this machine",
            evidence=(f"/sys/class/net/{nic.name}/carrier",),
            remedy="Check cable, transceiver and switch port",
        )


def _use(nic: Nic) -> Iterator[Finding]:
    for manager in nic.managers:
        yield Finding(
            code="OWN-202",
            severity=Severity.WARN if nic.num_vfs else Severity.ADVICE,
            nic=nic.address,
            fact=f"{manager} has configuration for {nic.name or nic.address}; two managers may fight over it",
            evidence=(manager,),
            remedy="Leave VF counts and MTU of this NIC to one of the two",
        )
