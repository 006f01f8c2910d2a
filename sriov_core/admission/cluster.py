"""What a rule may look at beside the object itself. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from sriov_core.api.foreign import Node
from sriov_core.api.networks import Network
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic
from sriov_core.policy.nicids import DEFAULT, NicIds
from sriov_core.policy.nodereport import to_nics

_CLOUDS = ("openstack", "aws")
"""What the provider id of a node contains whose NICs are VFs that a cloud hands to a virtual machine."""


@attrs.frozen(kw_only=True)
class ClusterNode:
    """One node. ``labels`` None stands for unknown ones, which every selector selects.

    ``is_virtual`` says that its NICs may be VFs that a cloud hands to a virtual machine. ``nics`` are those that its
    node state reports; ``in_use`` names, for each NIC, the VFs that pods have. ``has_state`` says whether it has a node
    state, and ``unreadable`` why its report cannot be understood.
    """

    name: str
    labels: Mapping[str, str] | None = None
    is_virtual: bool = False
    nics: tuple[Nic, ...] = ()
    in_use: Mapping[Address, tuple[int, ...]] = attrs.field(factory=dict)
    has_state: bool = False
    unreadable: str = ""
    sync_status: str = ""

    @property
    def is_known(self) -> bool:
        """True when the node has told what NICs it has."""
        return self.has_state and not self.unreadable


@attrs.frozen(kw_only=True)
class Cluster:
    """What is stored in the cluster. The order of the objects does not matter.

    ``policies`` and ``pools`` outside ``operator_namespace`` are not looked at; an object without a namespace counts as
    in it. ``is_complete`` says that what is not given does not exist; files hold some of a cluster only. ``dev_mode``
    admits NICs that ``nic_ids`` does not list.
    """

    operator_namespace: str
    policies: tuple[NodePolicy, ...] = ()
    nodes: tuple[ClusterNode, ...] = ()
    pools: tuple[PoolConfig, ...] = ()
    networks: tuple[Network, ...] = ()
    nic_ids: NicIds = DEFAULT
    dev_mode: bool = False
    is_complete: bool = True

    def is_own(self, namespace: str) -> bool:
        """True for the operator's namespace."""
        return namespace in {"", self.operator_namespace}

    @property
    def counting_policies(self) -> tuple[NodePolicy, ...]:
        """The policies that are acted on."""
        return tuple(policy for policy in self.policies if self.is_own(policy.metadata.namespace))

    @property
    def counting_pools(self) -> tuple[PoolConfig, ...]:
        """The pools that are acted on."""
        return tuple(pool for pool in self.pools if self.is_own(pool.metadata.namespace))


def cluster_nodes(
    nodes: Iterable[Node], states: Iterable[NodeState], *, stateless_labels: bool = False
) -> tuple[ClusterNode, ...]:
    """The nodes with their reports, by name.

    A node state without its Node is left over from a node that is gone, and left out; with ``stateless_labels`` it
    counts as a node of which the labels are not known.
    """
    reports = {state.metadata.name: state for state in states}
    known = {node.metadata.name: node for node in nodes}
    names = known.keys() | reports.keys() if stateless_labels else known.keys()
    return tuple(cluster_node(name, known.get(name), reports.get(name)) for name in sorted(names))


def cluster_node(name: str, node: Node | None, state: NodeState | None) -> ClusterNode:
    """One node from its Node and its node state; None stands for one that is not known."""
    nics: tuple[Nic, ...] = ()
    unreadable = ""
    try:
        nics = to_nics(state) if state else ()
    except SpecError as err:
        unreadable = str(err).splitlines()[0]
    return ClusterNode(
        name=name,
        labels=node.metadata.labels if node else None,
        is_virtual=node is None or any(cloud in node.spec.provider_id.lower() for cloud in _CLOUDS),
        nics=nics,
        in_use=dict(_in_use(state)) if state and not unreadable else {},
        has_state=state is not None,
        unreadable=unreadable,
        sync_status=state.status.sync_status if state else "",
    )


def _in_use(state: NodeState) -> Iterator[tuple[Address, tuple[int, ...]]]:
    for report in state.status.interfaces:
        assigned = tuple(sorted(vf.vf_id for vf in report.vfs if vf.assigned))
        if assigned:
            yield Address.parse(report.pci_address), assigned
