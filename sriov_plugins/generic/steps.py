"""The steps of every phase but counts and modes; each looks at the NIC as it is when its phase begins. Pure."""

import hashlib
from collections.abc import Iterator

from sriov_core.plugin import (
    DEFAULT_DRIVER,
    Baseline,
    BindDriver,
    EswitchMode,
    LinkType,
    Nic,
    NicSpec,
    SetAutoprobe,
    SetDevlinkParameter,
    SetFeature,
    SetLink,
    SetMtu,
    SetVdpa,
    SetVfMac,
    Step,
    Vf,
    driver_fits,
    lacks_guid,
)
from sriov_plugins.generic.kernels import OFFLOAD

_NO_MAC = "00:00:00:00:00:00"


def pf_options(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Bring the PF up, its MTU to what its VFs need, and offloads on for switchdev; on release, put all back.

    The PF is up before any VF is bound: only then does igbvf get its address from it (igbvf/netdev.c: igbvf_probe).
    """
    if spec.externally_managed:
        return
    mtu, up = (spec.restore.mtu, spec.restore.link_up) if spec.restore else (spec.pf_mtu, bool(spec.num_vfs) or None)
    if up and nic.link_up is False:
        yield SetLink(nic=nic.address, was=nic.link_up, up=True)
    if mtu and isinstance(nic.mtu, int):
        again = spec.restore and nic.mtu != mtu and spec.restore.allows_mtu(nic, mtu)
        if again or (spec.restore is None and nic.mtu < mtu):
            yield SetMtu(nic=nic.address, was=nic.mtu, mtu=mtu)
    if spec.restore is None:
        if spec.eswitch_mode == EswitchMode.SWITCHDEV and nic.features.get(OFFLOAD) is False:
            yield SetFeature(nic=nic.address, feature=OFFLOAD, was=False, on=True)
    elif not spec.num_vfs:  # the phases run backwards, so this one is the last
        yield from _put_back(nic, spec.restore)


def _put_back(nic: Nic, before: Baseline) -> Iterator[Step]:
    """What must wait until mode and count are those of before.

    An offload in use cannot be switched off, a parameter of the eswitch changes in legacy mode only (mlx5_core:
    flow_steering_mode), and some kernel drivers refuse counts while the PF is down (bnxt_en).
    """
    for feature, on in before.features.items():
        if nic.features.get(feature, on) != on:
            yield SetFeature(nic=nic.address, feature=feature, was=nic.features[feature], on=on)
    for parameter, value in before.parameters.items():
        if nic.parameters.get(parameter, value) != value:
            yield SetDevlinkParameter(nic=nic.address, parameter=parameter, was=nic.parameters[parameter], value=value)
    if before.link_up is False and nic.link_up:
        yield SetLink(nic=nic.address, was=nic.link_up, up=False)


def vf_identity(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Give an address that lasts to each VF that is about to be bound and has none.

    Without one, most VF drivers take a random address at every bind. One that was bound before it could have a GUID
    is unbound first: whatever ends the work from there on leaves a VF without a driver, which the next run binds.
    """
    nameless = {vf.index for vf in _wished(nic, spec) if lacks_guid(nic, spec, vf)}
    for index in sorted(nameless):
        yield BindDriver(nic=nic.address, vf=index, was=nic.vf(index).kernel_driver, kernel_driver=None)
    if nic.link_type is LinkType.IB or nic.name is None:  # without a netdev nobody can be told
        return
    for vf in _wished(nic, spec):
        binds = vf.index in nameless or not _fits(vf, spec)
        if vf.admin_mac is None and binds and (mac := lasting_mac(nic, vf)):
            yield SetVfMac(nic=nic.address, vf=vf.index, was=None, mac=mac)


def lasting_mac(nic: Nic, vf: Vf) -> str | None:
    """The address to tell the PF for a VF: the one that it has, else a derived one; None where there is neither."""
    return derived_mac(nic, vf.index) if vf.mac in (None, _NO_MAC) else vf.mac


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
    if nic.address.bus != "pci":
        return  # VFs that are no devices have no driver of their own
    differing = [vf for vf in _wished(nic, spec) if not _fits(vf, spec)]
    for vf in differing:
        if wanted := spec.device_type(vf.index).userspace_driver:
            yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=wanted)
    to_default = [vf for vf in differing if spec.device_type(vf.index).userspace_driver is None]
    autoprobe = nic.autoprobe
    if to_default and not autoprobe:
        # With autoprobe off the kernel refuses every probe of a VF without an override (drivers/pci/pci-driver.c).
        yield SetAutoprobe(nic=nic.address, was=False, enabled=True)
        autoprobe = True
    for vf in to_default:
        yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=DEFAULT_DRIVER)
    if spec.autoprobe is not None and autoprobe != spec.autoprobe:
        yield SetAutoprobe(nic=nic.address, was=autoprobe, enabled=spec.autoprobe)


def vf_options(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Set the MTU of VFs whose netdev is here, and their vDPA devices; one in a pod keeps its own MTU."""
    for vf in _wished(nic, spec):
        group = spec.group_of(vf.index)
        if group is None:
            continue
        mtu = spec.vf_mtu(nic, vf.index)
        if mtu and vf.mtu not in (None, mtu):
            yield SetMtu(nic=nic.address, vf=vf.index, was=vf.mtu, mtu=mtu)
        if vf.vdpa_type != group.vdpa_type:
            yield SetVdpa(nic=nic.address, vf=vf.index, was=vf.vdpa_type, vdpa_type=group.vdpa_type)
    if spec.restore and spec.num_vfs and not spec.externally_managed:
        yield from _put_back(nic, spec.restore)


def _wished(nic: Nic, spec: NicSpec) -> tuple[Vf, ...]:
    return tuple(vf for vf in nic.vfs if vf.index < spec.num_vfs)


def _fits(vf: Vf, spec: NicSpec) -> bool:
    return driver_fits(vf, spec.device_type(vf.index).userspace_driver)
