"""What the journal remembers of a NIC that we changed: who it was, what it was like, and what we owe it."""

import attrs

from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline
from sriov_core.model.observed import Identity


@attrs.frozen(kw_only=True)
class NicRecord:
    """A NIC that is ours. ``baseline`` is what it goes back to; ``source`` says who wrote the first record."""

    address: Address
    name: str = ""
    identity: Identity = Identity()
    baseline: Baseline = Baseline()
    externally_managed: bool = False
    source: str = "sriov-core"


@attrs.frozen(kw_only=True)
class RebootRecord:
    """A reboot that was asked for: ``boot_id`` is the boot in which it was asked."""

    requirement: str
    reason: str
    boot_id: str
