"""Why a wish for a VF that stands for itself cannot be met: nearly all belongs to its PF, which is outside. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import NO_GUID, EswitchMode, LinkType, Nic, NicSpec, Problem, needs_guid


def problems(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """Every objection that the base does not have by itself."""
    yield from _count(nic, spec)
    yield from _outside(nic, spec)
    yield from _mtu(nic, spec)


def _count(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if spec.num_vfs != 1:
        yield Problem(
            code="virtual-one-vf",
            nic=nic.address,
            text=f"{spec.num_vfs} VFs are wanted of a NIC that is itself a VF, and so counts as one",
            remedy="Set numVfs to 1, or select other NICs",
        )
        return
    for group in spec.groups:
        if (group.first, group.last) != (0, 0):
            yield Problem(
                code="virtual-one-vf",
                nic=nic.address,
                text=f"VF range {group.vf_range} is wanted of a NIC that is itself a VF, whose one VF is vf0",
                remedy="Use the range 0-0, or none",
            )


def _outside(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    asked = {
        "eSwitchMode switchdev": spec.eswitch_mode is EswitchMode.SWITCHDEV,
        "vdpaType": any(group.vdpa_type for group in spec.groups),
        f"linkType {spec.link_type}": None not in (spec.link_type, nic.link_type) and spec.link_type != nic.link_type,
        "InfiniBand": nic.link_type is LinkType.IB,
        "driver autoprobe off": spec.autoprobe is False,
        "a node GUID": any(vf.guid == NO_GUID and needs_guid(nic, spec, vf.index) for vf in nic.vfs),
    }
    for what in (what for what, is_asked in asked.items() if is_asked):
        yield Problem(
            code="virtual-outside",
            nic=nic.address,
            text=f"{what} is a matter of the PF, and that is outside this virtual machine; here a VF can only be bound",
            remedy="Leave it out of the policy, and have it set where the virtual machine runs",
        )


def _mtu(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """The MTU is a floor; on release it is what was found, and so was possible."""
    if spec.restore or spec.externally_managed or not isinstance(nic.mtu, int):
        return
    if spec.pf_mtu and spec.pf_mtu > nic.mtu:
        yield Problem(
            code="virtual-mtu",
            nic=nic.address,
            text=f"MTU {spec.pf_mtu} is wanted of a VF with MTU {nic.mtu}, and its network is outside this machine",
            remedy=f"Raise it with the machine's network configuration, or ask for {nic.mtu} or less, or for none",
        )
