"""What the journal remembers of a NIC that we changed: who it was, what it was like, and what we owe it."""

from collections.abc import Mapping

import attrs

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import Baseline
from sriov_core.model.observed import Identity


@attrs.frozen(kw_only=True)
class NicRecord:
    """A NIC that is ours. ``baseline`` is what it goes back to; ``source`` says who wrote the first record.

    ``plugin`` is the one that served it last (empty: not known), ``net_filter`` what the cloud said of it while its
    netdev was there to be recognised by.
    """

    address: Address
    name: str = ""
    identity: Identity = Identity()
    baseline: Baseline = Baseline()
    externally_managed: bool = False
    source: str = "sriov-core"
    plugin: str = ""
    net_filter: str | None = None


@attrs.frozen(kw_only=True)
class RebootRecord:
    """A reboot that was asked for: ``boot_id`` is the boot in which it was asked."""

    requirement: str
    reason: str
    boot_id: str


@attrs.frozen(kw_only=True)
class Records:
    """What is ours on a machine: NICs, bridges as they were wished, and the RDMA mode before the first wish for one."""

    nics: Mapping[Address, NicRecord] = attrs.field(factory=dict)
    bridges: tuple[Bridge, ...] = ()
    rdma_mode: str = ""
