"""Which nodes have the labels that a nodeSelector wants, without looking at the others. Nothing here does I/O."""

from collections.abc import Mapping

import attrs


@attrs.define
class NodeIndex:
    """Nodes by their labels. A node whose labels are None counts as having every label.

    Selecting costs as much as the rarest of the wanted labels has nodes.
    """

    _labels: dict[str, Mapping[str, str] | None] = attrs.field(factory=dict)
    _by_label: dict[tuple[str, str], set[str]] = attrs.field(factory=dict)
    _having_all: set[str] = attrs.field(factory=set)

    def put(self, node: str, labels: Mapping[str, str] | None) -> None:
        """Add a node, or give it other labels."""
        self.drop(node)
        self._labels[node] = labels
        if labels is None:
            self._having_all.add(node)
        else:
            for pair in labels.items():
                self._by_label.setdefault(pair, set()).add(node)

    def drop(self, node: str) -> None:
        """Forget a node; one that is not there is no error."""
        labels = self._labels.pop(node, None)
        self._having_all.discard(node)
        for pair in labels.items() if labels else ():
            nodes = self._by_label[pair]
            nodes.discard(node)
            if not nodes:
                del self._by_label[pair]

    def selected(self, selector: Mapping[str, str]) -> frozenset[str]:
        """The nodes that have every label of the selector; all nodes for an empty one."""
        if not selector:
            return frozenset(self._labels)
        found = sorted((self._by_label.get(pair, set()) for pair in selector.items()), key=len)
        return frozenset(found[0].intersection(*found[1:]) | self._having_all)
