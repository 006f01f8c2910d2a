"""A VF without a PF, shown as a NIC with one VF that is the NIC itself."""

from collections.abc import Iterator

import attrs

from sriov_core.errors import HostError
from sriov_core.plugin import UNKNOWN, Function, HostReader, Nic, NicSpec, SetMtu, Step, Vf

METADATA = "metadata"
"""The fact that says why the cloud's metadata could not be read."""


def as_its_own_vf(nic: Nic, function: Function, host: HostReader) -> Nic:
    """The NIC with itself as VF 0, and with the network that its cloud says it is on.

    The link is nobody's to set here: what carries the machine's own traffic is configured with the machine.
    """
    vf = Vf(
        index=0,
        address=nic.address,
        vendor=nic.vendor,
        device=nic.device,
        kernel_driver=nic.kernel_driver,
        name=nic.name,
        mac=nic.mac,
        mtu=nic.mtu,
        iommu_group=nic.iommu_group,
        used_by=host.vf_user(nic.address),
        guid=host.node_guid(nic.address),
    )
    network, error = _network(nic, host)
    facts = {**nic.facts, METADATA: error} if error else nic.facts
    return attrs.evolve(
        nic,
        platform=function.platform,
        total_vfs=1,
        num_vfs=1,
        vfs=(vf,),
        link_up=None,
        net_filter=network,
        facts=facts,
    )


def mtu_as_before(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """On release, the MTU that was found: a netdev made anew by a bind has the kernel driver's, not the network's."""
    mtu = spec.restore.mtu if spec.restore and not spec.externally_managed else None
    if mtu is None:
        return
    if nic.vf(0).mtu is UNKNOWN:  # bound a moment ago, in this very plan
        yield SetMtu(nic=nic.address, vf=0, was=UNKNOWN, mtu=mtu)
    elif isinstance(nic.mtu, int) and nic.mtu != mtu:
        yield SetMtu(nic=nic.address, was=nic.mtu, mtu=mtu)


def _network(nic: Nic, host: HostReader) -> tuple[str | None, str]:
    """The network by the NIC's address, or why that cannot be told."""
    try:
        networks = host.network_ids()
    except HostError as err:
        return None, str(err)
    macs = [mac.lower() for mac in (nic.identity.permanent_mac, nic.mac) if mac]
    return next((networks[mac] for mac in macs if mac in networks), None), ""
