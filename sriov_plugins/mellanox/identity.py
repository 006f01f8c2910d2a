"""What a VF's driver reads while it binds, beyond a MAC: the GUID of its RDMA device. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import NO_GUID, LinkType, Nic, NicSpec, SetVfGuid, SetVfMac, Step, Vf, driver_fits, needs_guid
from sriov_plugins.mellanox import guids

_NO_MAC = "00:00:00:00:00:00"


def steps(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Give a GUID to each VF that is about to be bound, or bound anew for want of one.

    On InfiniBand the PF is told node and port GUID (IPoIB's ndo_set_vf_guid). On Ethernet mlx5 makes the node GUID of
    the administrative MAC (mlx5/core/eswitch.c: node_guid_gen_from_mac), so a VF without one gets its own MAC as such.
    """
    if nic.name is None:  # without a netdev nobody can be told
        return
    pool = nic.facts.get("guids", "").split()
    for vf in nic.vfs:
        if vf.index >= spec.num_vfs:
            continue
        binds = not driver_fits(vf, spec.device_type(vf.index).userspace_driver)
        nameless = vf.guid == NO_GUID and needs_guid(nic, spec, vf.index)
        if nic.link_type is LinkType.IB and (binds or nameless):
            yield from _guid(nic, vf, pool)
        elif nameless and not binds and vf.admin_mac is None and vf.mac not in (None, _NO_MAC):
            yield SetVfMac(nic=nic.address, vf=vf.index, was=None, mac=str(vf.mac))


def _guid(nic: Nic, vf: Vf, pool: list[str]) -> Iterator[Step]:
    if vf.index < len(pool):
        guid: str | None = pool[vf.index]
    elif vf.admin_guid in (None, NO_GUID):
        guid = guids.derived(nic.mac, vf.index)
    else:
        return  # somebody gave it one already, and no pool says otherwise
    if guid and guid != vf.admin_guid:
        yield SetVfGuid(nic=nic.address, vf=vf.index, was=vf.admin_guid, guid=guid)
