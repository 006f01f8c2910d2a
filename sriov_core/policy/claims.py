"""What one policy asks of one NIC that it takes: its groups of VFs. Nothing here does I/O."""

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.desired import DeviceType, VdpaType, VfGroup
from sriov_core.model.observed import Nic
from sriov_core.policy.ranges import Range, name_of, parse_pf_name
from sriov_core.policy.selector import is_called


@attrs.frozen(kw_only=True, eq=False)
class Claim:
    """A policy's groups on a NIC, in the order of pfNames; ``named`` when it names the NIC."""

    policy: NodePolicy
    groups: tuple[VfGroup, ...]

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.metadata.name

    @property
    def priority(self) -> int:
        """The policy's priority; 0 is the strongest."""
        return self.policy.spec.priority

    @property
    def named(self) -> bool:
        """True when the policy names its NICs, by name or address."""
        return bool(self.policy.spec.nic_selector.pf_names or self.policy.spec.nic_selector.root_devices)


def claim(policy: NodePolicy, nic: Nic) -> Claim:
    """What a policy without contradictions, and with VFs, asks of a NIC that its selector takes."""
    return Claim(policy=policy, groups=tuple(_group(policy, vfs) for vfs in _ranges(policy, nic)))


def strength(policy: NodePolicy) -> tuple[int, str]:
    """Sorts policies in the order in which they are applied, weakest first; the last one to claim a VF gets it."""
    return (-policy.spec.priority, policy.metadata.name)


def _group(policy: NodePolicy, vfs: Range) -> VfGroup:
    spec = policy.spec
    return VfGroup(
        first=vfs.first,
        last=vfs.last,
        device_type=DeviceType(spec.device_type or DeviceType.NETDEVICE),
        mtu=spec.mtu or None,
        is_rdma=spec.is_rdma,
        vdpa_type=VdpaType(spec.vdpa_type) if spec.vdpa_type else None,
        resource_name=spec.resource_name,
        policy_name=policy.metadata.name,
    )


def _ranges(policy: NodePolicy, nic: Nic) -> list[Range]:
    """The ranges of every entry of pfNames that means this NIC, by whichever of its names; overlapping ones as one."""
    whole = Range(0, policy.spec.num_vfs - 1)
    own = [entry for entry in policy.spec.nic_selector.pf_names if is_called(nic, name_of(entry))]
    joined: list[Range] = []
    for vfs in [parse_pf_name(entry, policy.spec.num_vfs).vfs or whole for entry in own] or [whole]:
        touching = [other for other in joined if vfs.first <= other.last and other.first <= vfs.last]
        first = min(other.first for other in (*touching, vfs))
        last = max(other.last for other in (*touching, vfs))
        joined = [other for other in joined if other not in touching]
        joined.append(Range(first, last))
    return joined
