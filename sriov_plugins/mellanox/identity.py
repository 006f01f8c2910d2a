"""What a VF's driver reads while it binds, beyond a MAC: the GUID of its RDMA device. Pure.

On Ethernet mlx5 makes it of the administrative MAC that the base gives (mlx5/core/eswitch.c: node_guid_gen_from_mac).
"""

from collections.abc import Iterator

from sriov_core.plugin import NO_GUID, LinkType, Nic, NicSpec, SetVfGuid, Step, Vf, driver_fits, lacks_guid
from sriov_plugins.mellanox import guids


def steps(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """On InfiniBand, give a GUID to each VF that is about to be bound, or that the base unbinds for want of one.

    The PF is told node and port GUID (IPoIB's ndo_set_vf_guid).
    """
    if nic.link_type is not LinkType.IB or nic.name is None:  # without a netdev nobody can be told
        return
    for vf in nic.vfs:
        if vf.index >= spec.num_vfs:
            continue
        binds = not driver_fits(vf, spec.device_type(vf.index).userspace_driver)
        if binds or lacks_guid(nic, spec, vf):
            wanted = guid(nic, vf)
            if wanted and wanted != vf.admin_guid:
                yield SetVfGuid(nic=nic.address, vf=vf.index, was=vf.admin_guid, guid=wanted)


def guid(nic: Nic, vf: Vf) -> str | None:
    """The GUID that a VF shall have: the pool's, else what the PF was told already, else a derived one."""
    pool = nic.facts.get("guids", "").split()
    if vf.index < len(pool):
        return pool[vf.index]
    return guids.derived(nic.mac, vf.index) if vf.admin_guid in (None, NO_GUID) else vf.admin_guid
