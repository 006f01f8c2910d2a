"""Where a NIC differs from its wish: the one yardstick for planning, for the end of a plan and for success. Pure."""

from collections.abc import Iterator

import attrs

from sriov_core.model.address import Address, VfRef
from sriov_core.model.desired import NicSpec, driver_fits, lacks_guid
from sriov_core.model.observed import UNKNOWN, Nic, Vf
from sriov_core.model.step import shown, shown_switch


@attrs.frozen(kw_only=True)
class Difference:
    """One thing that is not as wished."""

    subject: Address | VfRef
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what} is {self.found}, wanted {self.wanted}"


def differences(nic: Nic, spec: NicSpec) -> tuple[Difference, ...]:
    """Everything about the NIC that is not as wished, PF first, then VFs in index order."""
    pf = () if spec.externally_managed else _pf(nic, spec)
    return (*pf, *_vfs(nic, spec))


def _pf(nic: Nic, spec: NicSpec) -> Iterator[Difference]:
    if nic.num_vfs != spec.num_vfs:
        yield _difference(nic, "number of VFs", spec.num_vfs, nic.num_vfs)
    if nic.effective_mode != spec.eswitch_mode:
        yield _difference(nic, "eswitch mode", spec.eswitch_mode, nic.effective_mode)
    if spec.autoprobe is not None and nic.autoprobe != spec.autoprobe:
        yield _difference(nic, "driver autoprobe", shown_switch(spec.autoprobe), shown_switch(nic.autoprobe))
    yield from _restored(nic, spec) if spec.restore else _raised(nic, spec)


def _raised(nic: Nic, spec: NicSpec) -> Iterator[Difference]:
    """A wish raises the MTU and the link and never lowers them: others may use the PF too."""
    if spec.pf_mtu and isinstance(nic.mtu, int) and nic.mtu < spec.pf_mtu:
        yield _difference(nic, "MTU", f"at least {spec.pf_mtu}", nic.mtu)
    if spec.num_vfs and nic.link_up is False:
        yield _difference(nic, "link", "up", "down")


def _restored(nic: Nic, spec: NicSpec) -> Iterator[Difference]:
    baseline = spec.restore
    mtu = baseline.mtu if baseline else None
    if baseline and mtu and nic.mtu not in (None, mtu) and baseline.allows_mtu(nic, mtu):
        yield _difference(nic, "MTU", mtu, nic.mtu)
    for name, before in baseline.features.items() if baseline else ():
        if nic.features.get(name, before) != before:
            yield _difference(nic, name, shown_switch(before), shown_switch(nic.features[name]))
    for name, value in baseline.parameters.items() if baseline else ():
        if nic.parameters.get(name, value) != value:
            yield _difference(nic, name, value, nic.parameters[name])
    if baseline and baseline.link_up is not None and nic.link_up not in (None, baseline.link_up):
        yield _difference(nic, "link", "up" if baseline.link_up else "down", "up" if nic.link_up else "down")


def _vfs(nic: Nic, spec: NicSpec) -> Iterator[Difference]:
    for vf in nic.vfs:
        if vf.index < spec.num_vfs:
            yield from _vf(nic, spec, vf)


def _vf(nic: Nic, spec: NicSpec, vf: Vf) -> Iterator[Difference]:
    subject = VfRef(nic.address, vf.index)
    wanted = spec.device_type(vf.index).userspace_driver
    if not driver_fits(vf, wanted):
        found = "unknown" if vf.kernel_driver is UNKNOWN else vf.kernel_driver or "none"
        yield Difference(subject=subject, what="kernel driver", wanted=wanted or "the default one", found=str(found))
    if lacks_guid(nic, spec, vf):
        yield Difference(subject=subject, what="node GUID", wanted="one that is not zero", found=str(vf.guid))
    group = spec.group_of(vf.index)
    if group and vf.vdpa_type != group.vdpa_type:
        yield Difference(subject=subject, what="vDPA", wanted=shown(group.vdpa_type), found=shown(vf.vdpa_type))
    mtu = spec.vf_mtu(nic, vf.index)
    if mtu and vf.mtu not in (None, mtu) and vf.address != nic.address:
        # A VF without a visible netdev (None) is in a pod or not bound yet; its MTU is nobody's business then. One that
        # stands for itself has no PF that could carry more, so what is wished is a floor, as for a PF.
        yield Difference(subject=subject, what="MTU", wanted=str(mtu), found=str(vf.mtu))


def _difference(nic: Nic, what: str, wanted: object, found: object) -> Difference:
    return Difference(subject=nic.address, what=what, wanted=str(wanted), found=str(found))
