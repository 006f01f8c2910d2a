"""The steps of plain kernel SR-IOV, phase by phase; each looks at the NIC as it is when its phase begins. Pure."""

import hashlib
from collections.abc import Iterator

from sriov_core.plugin import (
    DEFAULT_DRIVER,
    BindDriver,
    LinkType,
    Nic,
    NicSpec,
    SetAutoprobe,
    SetEswitchMode,
    SetLink,
    SetMtu,
    SetNumVfs,
    SetVfMac,
    Step,
    Vf,
    driver_fits,
)

_NO_MAC = "00:00:00:00:00:00"


def pf_options(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Bring the PF up and its MTU to what its VFs need; on release, put both back.

    The PF is up before any VF is bound: only then does igbvf get its address from it (igbvf/netdev.c: igbvf_probe).
    """
    if spec.externally_managed:
        return
    mtu, up = (spec.restore.mtu, spec.restore.link_up) if spec.restore else (spec.pf_mtu, bool(spec.num_vfs) or None)
    if up and nic.link_up is False:
        yield SetLink(nic=nic.address, was=nic.link_up, up=True)
    if mtu and isinstance(nic.mtu, int) and (nic.mtu < mtu or (spec.restore and nic.mtu != mtu)):
        yield SetMtu(nic=nic.address, was=nic.mtu, mtu=mtu)
    if up is False and nic.link_up:
        yield SetLink(nic=nic.address, was=nic.link_up, up=False)


def eswitch_mode(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Switch the mode where it differs."""
    if not spec.externally_managed and nic.effective_mode != spec.eswitch_mode:
        yield SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=spec.eswitch_mode)


def num_vfs(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Reach the count by way of 0, with autoprobe off so that no VF sees a driver it is not meant for."""
    if spec.externally_managed or nic.num_vfs == spec.num_vfs:
        return
    if nic.num_vfs:
        yield SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0)
    if spec.num_vfs:
        if nic.autoprobe:
            yield SetAutoprobe(nic=nic.address, was=True, enabled=False)
        yield SetNumVfs(nic=nic.address, was=0, count=spec.num_vfs)


def vf_identity(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Give an address that lasts to each VF that is about to be bound and has none.

    Without one, most VF drivers take a random address at every bind.
    """
    if nic.link_type is LinkType.IB or nic.name is None:  # without a netdev nobody can be told
        return
    for vf in _wished(nic, spec):
        own = None if vf.mac == _NO_MAC else vf.mac
        if vf.admin_mac is None and not _fits(vf, spec) and (mac := own or derived_mac(nic, vf.index)):
            yield SetVfMac(nic=nic.address, vf=vf.index, was=None, mac=mac)


def derived_mac(nic: Nic, index: int) -> str | None:
    """A locally administered address for a VF, the same at every boot; None for a PF without an address of its own."""
    own = nic.identity.permanent_mac or nic.mac
    if own is None:
        return None
    digest = bytearray(hashlib.blake2s(f"{own} vf{index}".encode(), digest_size=6).digest())
    digest[0] = digest[0] & 0xFC | 0x02  # IEEE 802: locally administered, unicast
    return ":".join(f"{byte:02x}" for byte in digest)


def drivers(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Bind each VF that is under another driver than wished; userspace drivers first, while autoprobe is still off."""
    differing = [vf for vf in _wished(nic, spec) if not _fits(vf, spec)]
    for vf in differing:
        if wanted := spec.device_type(vf.index).userspace_driver:
            yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=wanted)
    autoprobe = nic.autoprobe
    to_default = [vf for vf in differing if spec.device_type(vf.index).userspace_driver is None]
    if to_default and not autoprobe:
        # With autoprobe off the kernel refuses every probe of a VF without an override (drivers/pci/pci-driver.c).
        yield SetAutoprobe(nic=nic.address, was=False, enabled=True)
        autoprobe = True
    for vf in to_default:
        yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=DEFAULT_DRIVER)
    if spec.autoprobe is not None and autoprobe != spec.autoprobe:
        yield SetAutoprobe(nic=nic.address, was=autoprobe, enabled=spec.autoprobe)


def vf_options(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Set the MTU of VFs whose netdev is here; one in a pod has no netdev here and keeps its own."""
    for vf in _wished(nic, spec):
        group = spec.group_of(vf.index)
        if group and group.mtu and group.device_type.userspace_driver is None and vf.mtu not in (None, group.mtu):
            yield SetMtu(nic=nic.address, vf=vf.index, was=vf.mtu, mtu=group.mtu)


def _wished(nic: Nic, spec: NicSpec) -> tuple[Vf, ...]:
    return tuple(vf for vf in nic.vfs if vf.index < spec.num_vfs)


def _fits(vf: Vf, spec: NicSpec) -> bool:
    return driver_fits(vf, spec.device_type(vf.index).userspace_driver)
