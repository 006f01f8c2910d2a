"""What plain kernel interfaces tell of a NIC and its VFs. Reads only."""

import re
from collections.abc import Sequence

from sriov_core.errors import HostError
from sriov_core.plugin import Address, EswitchMode, Function, HostReader, Identity, Link, Nic, Vf

_UPLINK = re.compile(r"p\d+")


def nic(function: Function, host: HostReader) -> Nic:
    """The NIC behind a function, its VFs in index order."""
    address = function.address
    link = uplink(host.links(address)) or Link(name="", ifindex=0)
    firmware = host.firmware(address)
    total = host.attribute(address, "sriov_totalvfs")
    numa = _number(host.attribute(address, "numa_node"))
    identity = Identity(permanent_mac=link.permanent_mac, serial=host.identity_serial(address), slot=host.slot(address))
    mode, unreadable = _eswitch_mode(address, host)
    num_vfs, vfs = _number(host.attribute(address, "sriov_numvfs")) or 0, _vfs(function, host) if total else ()
    if len(vfs) != num_vfs:
        unreadable += (f"VFs: sriov_numvfs says {num_vfs}, {len(vfs)} can be looked at",)
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
        total_vfs=_number(total),
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


def _vfs(pf: Function, host: HostReader) -> tuple[Vf, ...]:
    addresses = host.vf_addresses(pf.address)
    macs = host.vf_macs(pf.address) if addresses else {}
    found = (_vf(index, address, host, macs.get(index)) for index, address in sorted(addresses.items()))
    return tuple(vf for vf in found if vf)


def _vf(index: int, address: Address, host: HostReader, admin_mac: str | None) -> Vf | None:
    function = host.function(address)
    if function is None:  # taken away between the listing and now; the next look will tell
        return None
    link = uplink(host.links(address))
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
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
