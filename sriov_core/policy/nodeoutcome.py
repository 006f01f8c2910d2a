"""What follows for one node from the policies that select it, its pool and the settings. Nothing here does I/O."""

from collections.abc import Hashable, Mapping, Sequence

import attrs
import msgspec

from sriov_core.api.nodestate import NodeStateSpec
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.model.observed import Nic, Vf
from sriov_core.policy.bridges import bridges
from sriov_core.policy.deviceplugin import PluginRendering, device_plugin_config
from sriov_core.policy.judging import Candidate
from sriov_core.policy.nicids import DEFAULT, NicIds
from sriov_core.policy.nodestate import from_spec
from sriov_core.policy.pools import pool_of
from sriov_core.policy.render import render_candidates
from sriov_core.policy.verdict import Rendering

WORKER = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
"""The labels of the nodes that are managed when the operator's configuration names none."""

_NIC_FIELDS = (
    "address",
    "vendor",
    "device",
    "kernel_driver",
    "name",
    "alt_names",
    "link_type",
    "total_vfs",
    "num_vfs",
    "eswitch_mode",
    "net_filter",
    "externally_managed",
)
"""What an outcome may depend on beside the VFs. A MAC or the use of a VF changes all the time, and nothing here."""


@attrs.frozen(kw_only=True)
class Settings:
    """What concerns every node: ``node_selector`` names the managed ones, ``bridges`` is the gate for bridges."""

    node_selector: Mapping[str, str] = attrs.field(factory=dict)
    bridges: bool = False
    nic_ids: NicIds = DEFAULT

    @property
    def selector(self) -> Mapping[str, str]:
        """The labels of the managed nodes."""
        return self.node_selector or WORKER

    def manages(self, labels: Mapping[str, str] | None) -> bool:
        """True for a node with these labels; None stands for unknown labels, and is managed."""
        return labels is None or all(labels.get(label) == value for label, value in self.selector.items())


@attrs.frozen(kw_only=True)
class NodeFacts:
    """What is known of one node.

    ``labels`` None stands for unknown ones, which every nodeSelector selects. ``nics`` are those that its node state
    reports, none before it did. ``has_state`` says whether there is a node state, and ``rdma_mode`` what that asks for.
    """

    name: str
    labels: Mapping[str, str] | None = None
    nics: tuple[Nic, ...] = ()
    has_state: bool = True
    rdma_mode: str = ""


def relevant(nic: Nic) -> Nic:
    """The NIC with only what an outcome can depend on: equal for ports of equal cards on all nodes."""
    vfs = tuple(Vf(index=vf.index, address=vf.address, device=vf.device) for vf in nic.vfs)
    return Nic(**{field: getattr(nic, field) for field in _NIC_FIELDS}, vfs=vfs)


def likeness(nics: Sequence[Nic]) -> Hashable:
    """What is equal for NICs that are equal but for what `relevant` leaves out."""
    return tuple((*(getattr(nic, field) for field in _NIC_FIELDS), nic.vfs) for nic in nics)


@attrs.frozen(kw_only=True)
class NodeOutcome:
    """What follows for one node.

    ``wish`` is the spec of its node state, None when the one that it has is to be left as it is. ``rendering`` holds
    the reasons; ``remarks`` what is wrong beside them.
    """

    node: str
    wish: NodeStateSpec | None
    plugin: PluginRendering
    rendering: Rendering
    remarks: tuple[str, ...] = ()


def rendered(facts: NodeFacts, selecting: Sequence[Candidate], mode: str, settings: Settings) -> NodeOutcome:
    """What the policies that select the node, weakest first, make of it; it never raises. ``mode`` is from `rdma_mode`.

    A node that has not reported its NICs keeps its wish; without a node state, it gets one without NICs.
    """
    policies = {candidate.policy.metadata.name: candidate.policy for candidate in selecting}
    rendering = render_candidates(selecting, facts.nics, rdma_mode=mode, bridges=settings.bridges)
    wish = from_spec(rendering.spec)
    if settings.bridges:
        wish = msgspec.structs.replace(wish, bridges=bridges(rendering, policies))
    return NodeOutcome(
        node=facts.name,
        wish=wish if facts.nics or not facts.has_state else None,
        plugin=device_plugin_config(policies.values(), rendering, facts.nics, settings.nic_ids),
        rendering=rendering,
    )


def rdma_mode(facts: NodeFacts, pools: Sequence[PoolConfig]) -> tuple[str, tuple[str, ...]]:
    """The RDMA mode that the node's pool asks for, and remarks.

    A node in several pools keeps the mode it has: to change it because of a mistake with labels would cost a reboot.
    """
    found = pool_of(facts.labels, pools)
    if found.is_ambiguous:
        names = " and ".join(pool.metadata.name for pool in found.pools)
        is_asked = facts.rdma_mode or any(pool.spec.rdma_mode for pool in found.pools)
        stays = "its RDMA mode stays" if is_asked else "none of them counts"
        return facts.rdma_mode, (f"the pools {names} select it, and a node belongs to one: {stays}",)
    return (found.pool.spec.rdma_mode if found.pool else ""), ()
