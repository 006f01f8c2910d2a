"""What plain kernel interfaces tell of a NIC and its VFs. Reads only."""

import re
from collections.abc import Sequence

import attrs

from sriov_core.errors import HostError
from sriov_core.plugin import (
    USERSPACE_DRIVERS,
    Address,
    EswitchMode,
    Function,
    HostReader,
    Identity,
    Link,
    LinkType,
    Nic,
    Vf,
)
from sriov_plugins.generic import kernels

_UPLINK = re.compile(r"p\d+")
_REPRESENTOR = re.compile(r"pf\d+vf(\d+)")


def nic(function: Function, host: HostReader) -> Nic:
    """The NIC behind a function, its VFs in index order."""
    address = function.address
    links = host.links(address)
    link = uplink(links) or Link(name="", ifindex=0)
    firmware = host.firmware(address)
    total = host.attribute(address, "sriov_totalvfs")
    numa = _number(host.attribute(address, "numa_node"))
    identity = Identity(permanent_mac=link.permanent_mac, serial=host.identity_serial(address), slot=host.slot(address))
    mode, unreadable = _eswitch_mode(address, host)
    count = _number(host.attribute(address, "sriov_numvfs"))
    most, num_vfs = _number(total), count or 0
    if most is None and count is not None:  # off the PCI bus (netdevsim) no attribute tells
        most = kernels.known(function.kernel_driver).most_vfs
    vfs = _vfs(function, host, link, num_vfs) if most else ()
    if len(vfs) != num_vfs:
        unreadable += (f"VFs: sriov_numvfs says {num_vfs}, {len(vfs)} can be looked at",)
    if mode is EswitchMode.SWITCHDEV:
        vfs = _represented(vfs, links)
    return Nic(
        address=address,
        vendor=function.vendor,
        device=function.device,
        subsystem_vendor=function.subsystem_vendor,
        subsystem_device=function.subsystem_device,
        kernel_driver=function.kernel_driver,
        name=link.name or None,
        alt_names=link.alt_names,
        link_type=link.link_type,
        mac=link.mac,
        identity=identity,
        mtu=link.mtu,
        min_mtu=link.min_mtu,
        max_mtu=link.max_mtu,
        link_up=link.up,
        carrier=link.carrier,
        speed_mbit=link.speed_mbit,
        total_vfs=most,
        num_vfs=num_vfs,
        autoprobe=host.attribute(address, "sriov_drivers_autoprobe") != "0",
        eswitch_mode=mode,
        numa_node=numa if numa is not None and numa >= 0 else None,
        iommu_group=host.iommu_group(address),
        driver_version=firmware.driver_version,
        firmware_version=firmware.firmware_version,
        vfs=vfs,
        uses=tuple(host.uses(address)),
        managers=tuple(host.managers(address)),
        unreadable=unreadable,
        platform=function.platform,
        features=_features(address, mode, host),
    )


def _eswitch_mode(address: Address, host: HostReader) -> tuple[EswitchMode | None, tuple[str, ...]]:
    # devlink tells the mode to root only (net/devlink: GENL_ADMIN_PERM); everything else about the NIC still counts.
    try:
        return host.eswitch_mode(address), ()
    except HostError as err:
        return None, (f"eswitch mode: {err}",)


def uplink(links: Sequence[Link]) -> Link | None:
    """The PF's own netdev among those of its device: in switchdev mode the VF representors live there too."""
    if len(links) < 2:
        return links[0] if links else None
    own = [link for link in links if link.phys_port_name is None or _UPLINK.fullmatch(link.phys_port_name)]
    return own[0] if own else None


def _features(address: Address, mode: EswitchMode | None, host: HostReader) -> dict[str, bool]:
    """The offloads that an eswitch needs; a NIC without one is not asked."""
    on = host.feature(address, kernels.OFFLOAD) if mode else None
    return {} if on is None else {kernels.OFFLOAD: on}


def _represented(vfs: Sequence[Vf], links: Sequence[Link]) -> tuple[Vf, ...]:
    """The VFs with the names of their representors, which are netdevs of the PF's device."""
    ports = ((_REPRESENTOR.fullmatch(link.phys_port_name or ""), link.name) for link in links)
    names = {int(match[1]): name for match, name in ports if match}
    return tuple(attrs.evolve(vf, representor=names.get(vf.index)) for vf in vfs)


def _vfs(pf: Function, host: HostReader, link: Link, count: int) -> tuple[Vf, ...]:
    macs = host.vf_macs(pf.address) if count else {}
    if pf.address.bus != "pci":  # VFs of netdevsim are numbers and no devices
        return tuple(Vf(index=i, kernel_driver=pf.kernel_driver, admin_mac=macs.get(i)) for i in range(count))
    addresses = sorted(host.vf_addresses(pf.address).items())
    found = [vf for index, address in addresses if (vf := _vf(pf, index, address, host, macs.get(index)))]
    if link.link_type is LinkType.IB or any(vf.guid for vf in found):
        guids = host.vf_guids(pf.address)
        found = [attrs.evolve(vf, admin_guid=guids.get(vf.index)) for vf in found]
    return tuple(found)


def _vf(pf: Function, index: int, address: Address, host: HostReader, admin_mac: str | None) -> Vf | None:
    function = host.function(address)
    if function is None:  # taken away between the listing and now; the next look will tell
        return None
    link = uplink(host.links(address))
    # Looks at a thousand VFs must stay quick, so of each only what its drivers can have is asked.
    in_kernel = function.kernel_driver is not None and function.kernel_driver not in USERSPACE_DRIVERS
    makes_vdpa = in_kernel and kernels.known(pf.kernel_driver).makes_vdpa
    return Vf(
        index=index,
        address=address,
        vendor=function.vendor,
        device=function.device,
        kernel_driver=function.kernel_driver,
        name=link.name if link else None,
        mac=link.mac if link else None,
        admin_mac=admin_mac,
        mtu=link.mtu if link else None,
        iommu_group=host.iommu_group(address),
        used_by=host.vf_user(address),
        guid=host.node_guid(address) if in_kernel else None,
        vdpa_type=host.vdpa_type(address) if makes_vdpa else None,
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
