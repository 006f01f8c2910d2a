"""Nodes as the rules see them, made again only where a Node or its state has changed. Nothing here does I/O."""

from collections.abc import Iterable

import attrs

from sriov_core.admission.cluster import ClusterNode, cluster_node
from sriov_operator.serving.lean import LeanNode, LeanReport, LeanState


@attrs.frozen(kw_only=True)
class _Made:
    """A node, and the objects that it was made of."""

    node: LeanNode
    state: LeanState | None
    value: ClusterNode


@attrs.frozen
class Nodes:
    """What was made of objects: it holds as long as they are the very same ones."""

    _made: dict[str, _Made] = attrs.field(factory=dict)

    @property
    def values(self) -> tuple[ClusterNode, ...]:
        """The nodes in the order in which they were given."""
        return tuple(made.value for made in self._made.values())

    def renewed(self, nodes: Iterable[LeanNode], states: Iterable[LeanState]) -> "Nodes":
        """The same for the objects of now; states without a Node are left out.

        Of nodes that report the same, one report is kept in memory.
        """
        by_name = {state.metadata.name: state for state in states}
        alike: dict[tuple[LeanReport, ...], ClusterNode] = {}
        made = {}
        for node in nodes:
            name = node.metadata.name
            state, known = by_name.get(name), self._made.get(name)
            if known is None or known.node is not node or known.state is not state:
                known = _Made(node=node, state=state, value=_value(node, state, alike))
            made[name] = known
        return Nodes(made)


def _value(node: LeanNode, state: LeanState | None, alike: dict[tuple[LeanReport, ...], ClusterNode]) -> ClusterNode:
    name, whole = node.metadata.name, node.whole()
    first = alike.get(state.status.interfaces) if state else None
    if state is None or first is None or first.unreadable:  # what cannot be read is told with the name of the state
        value = cluster_node(name, whole, state.whole() if state else None)
        if state:
            alike[state.status.interfaces] = value
        return value
    return attrs.evolve(
        cluster_node(name, whole, None),
        nics=first.nics,
        in_use=first.in_use,
        has_state=True,
        sync_status=state.status.sync_status,
    )
