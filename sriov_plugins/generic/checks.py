"""Why a wish cannot be met by plain kernel SR-IOV; asked for every NIC, whoever owns it. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import EswitchMode, LinkType, Nic, NicSpec, Problem, Vf, VfGroup, lacks_guid
from sriov_plugins.generic.kernels import ModeNeeds, known
from sriov_plugins.generic.steps import lasting_mac

_ETHERNET_MTU = (68, 65535)
"""Bounds where the kernel driver reports none (include/uapi/linux/if_ether.h: ETH_MIN_MTU, ETH_MAX_MTU)."""


def problems(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """Every objection, in the order in which a person would ask."""
    yield from _unreadable(nic)
    if spec.externally_managed:
        yield from _external(nic, spec)
    else:
        yield from _count(nic, spec)
        yield from _mode(nic, spec)
    yield from _mtu(nic, spec)
    yield from _bus(nic, spec)
    yield from _groups(nic, spec)
    yield from _guids(nic, spec)


def _unreadable(nic: Nic) -> Iterator[Problem]:
    for what in nic.unreadable:
        yield Problem(
            code="unreadable",
            nic=nic.address,
            text=f"what the NIC is like now cannot be read ({what})",
            remedy="Run as root (CAP_NET_ADMIN), or look again if the NIC is just being changed",
        )


def _external(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if spec.num_vfs > nic.num_vfs:
        yield Problem(
            code="external-too-few-vfs",
            nic=nic.address,
            text=f"{spec.num_vfs} VFs are wanted of an externally managed PF that has {nic.num_vfs}",
            remedy="Have whoever manages the PF create them, or unset externallyManaged",
        )
    if spec.eswitch_mode != nic.effective_mode:
        yield Problem(
            code="external-eswitch-mode",
            nic=nic.address,
            text=f"eswitch mode {spec.eswitch_mode} is wanted of an externally managed PF in {nic.effective_mode} mode",
            remedy="Have whoever manages the PF switch it, or unset externallyManaged",
        )
    if spec.pf_mtu and isinstance(nic.mtu, int) and spec.pf_mtu > nic.mtu:
        yield Problem(
            code="external-mtu",
            nic=nic.address,
            text=f"MTU {spec.pf_mtu} is wanted of an externally managed PF with MTU {nic.mtu}",
            remedy="Have whoever manages the PF raise it, or unset externallyManaged",
        )


def _count(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    most = nic.total_vfs if nic.vf_limit is None else nic.vf_limit
    if spec.num_vfs and not most:
        yield Problem(
            code="no-sriov",
            nic=nic.address,
            text=f"{spec.num_vfs} VFs are wanted, but the device offers no SR-IOV",
            remedy="Enable SR-IOV in the firmware set-up of the machine or of the card",
        )
    elif spec.num_vfs > (most or 0):
        yield Problem(
            code="too-many-vfs",
            nic=nic.address,
            text=f"{spec.num_vfs} VFs are wanted, the card has at most {most}",
            remedy=f"Ask for {most} or fewer (numVfs)",
        )
    if spec.num_vfs and nic.kernel_driver is None and nic.num_vfs != spec.num_vfs:
        yield Problem(
            code="no-kernel-driver",
            nic=nic.address,
            text="the PF has no kernel driver, and VFs need one",
            remedy=f"Bind it first: echo {nic.address} > /sys/bus/pci/drivers_probe",
        )


def _mode(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if spec.eswitch_mode is EswitchMode.SWITCHDEV and nic.eswitch_mode is None:
        yield Problem(
            code="no-eswitch",
            nic=nic.address,
            text=f"eswitch mode switchdev is wanted, but {nic.kernel_driver or 'the device'} offers no devlink eswitch",
            remedy="Use eSwitchMode legacy on this card",
        )
    needs = known(nic.kernel_driver).mode_needs
    if needs is ModeNeeds.OTHER_FIRMWARE and nic.eswitch_mode and nic.effective_mode != spec.eswitch_mode:
        yield Problem(
            code="eswitch-mode-is-fixed",
            nic=nic.address,
            text=f"eswitch mode {spec.eswitch_mode} is wanted, the card's firmware fixes it to {nic.effective_mode}",
            remedy=f"Use eSwitchMode {nic.effective_mode} on this card, or load other firmware",
        )
    if needs is ModeNeeds.SOME_VFS and spec.eswitch_mode == EswitchMode.SWITCHDEV and _changes_without_vfs(nic, spec):
        yield Problem(
            code="switchdev-without-vfs",
            nic=nic.address,
            text=f"eswitch mode switchdev is wanted without VFs, and {nic.kernel_driver} takes it only with VFs",
            remedy="Ask for VFs (numVfs), or use eSwitchMode legacy",
        )


def _changes_without_vfs(nic: Nic, spec: NicSpec) -> bool:
    return not spec.num_vfs and (nic.num_vfs, nic.effective_mode) != (spec.num_vfs, spec.eswitch_mode)


def _bus(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if nic.address.bus == "pci":
        return
    for group in spec.groups:
        if group.device_type.userspace_driver:
            yield _bad(nic, group, "vfs-are-no-devices", f"VFs on the bus {nic.address.bus} are no devices to bind")
    if spec.autoprobe is not None and spec.autoprobe != nic.autoprobe:
        yield Problem(
            code="no-autoprobe",
            nic=nic.address,
            text=f"driver autoprobe is to change, and on the bus {nic.address.bus} VFs are no devices to probe",
            remedy="Leave autoprobe as it is",
        )


def _mtu(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if spec.restore:
        return  # an MTU of before that cannot be had again is left alone
    low, high = nic.min_mtu or _ETHERNET_MTU[0], nic.max_mtu or _ETHERNET_MTU[1]
    wanted = (spec.mtu, *(group.mtu for group in spec.groups))
    for mtu in sorted({mtu for mtu in wanted if mtu and not low <= mtu <= high}):
        yield Problem(
            code="mtu-out-of-range",
            nic=nic.address,
            text=f"MTU {mtu} is wanted, the card takes {low} to {high}",
            remedy=f"Ask for an MTU between {low} and {high}",
        )


def _groups(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    for group in spec.groups:
        if group.last >= spec.num_vfs or group.first > group.last or group.first < 0:
            gives = f"vf0 to vf{spec.num_vfs - 1}" if spec.num_vfs else "none"
            yield _bad(nic, group, "group-range", f"numVfs {spec.num_vfs} gives {gives}")
        if group.vdpa_type and spec.eswitch_mode is not EswitchMode.SWITCHDEV:
            yield _bad(nic, group, "vdpa-without-switchdev", "vdpaType needs eSwitchMode switchdev")
        if group.vdpa_type and group.device_type.userspace_driver:
            yield _bad(nic, group, "vdpa-needs-netdevice", "vdpaType needs deviceType netdevice")
        if group.is_rdma and group.device_type.userspace_driver:
            yield _bad(nic, group, "rdma-needs-netdevice", "isRdma needs deviceType netdevice")
    for position, group in enumerate(spec.groups):
        for other in spec.groups[position + 1 :]:
            if group.overlaps(other):
                yield _bad(nic, other, "groups-overlap", f"it overlaps {group.vf_range} of {_name(group)}")


def _guids(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """VFs that lack a GUID where nobody can be told one; what a vendor gives on InfiniBand, the vendor checks."""
    nameless = (vf for vf in nic.vfs if vf.index < spec.num_vfs and lacks_guid(nic, spec, vf))
    lacking = [vf.index for vf in nameless if not _can_be_told(nic, vf)]
    if not lacking:
        return
    why, remedy = "shows no address to derive one from", f"Give it one (ip link set {nic.name} address ADDRESS)"
    if nic.name is None:
        why = "cannot be told any, because its netdev is not here"
        remedy = "Bring the netdev of the PF back into the network namespace of the host, or unset isRdma"
    yield Problem(
        code="no-guid",
        nic=nic.address,
        text=f"{len(lacking)} VFs need a node GUID and have none (vf{lacking[0]} is the first), and the PF {why}",
        remedy=remedy,
    )


def _can_be_told(nic: Nic, vf: Vf) -> bool:
    return nic.name is not None and (nic.link_type is LinkType.IB or lasting_mac(nic, vf) is not None)


def _bad(nic: Nic, group: VfGroup, code: str, why: str) -> Problem:
    text = f"VF range {group.vf_range} of {_name(group)} cannot be served: {why}"
    return Problem(code=code, nic=nic.address, text=text, remedy="Correct the policy")


def _name(group: VfGroup) -> str:
    return f"policy {group.policy_name}" if group.policy_name else group.resource_name or "the wish"
