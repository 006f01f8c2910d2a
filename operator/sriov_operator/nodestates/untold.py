"""Which policies, as they are now, a node state may not have yet. Nothing here does I/O."""

from collections.abc import Iterable

import attrs

from sriov_core.policy.reach import Progress, Sync

NOT_TOLD = Sync(
    Progress.PENDING, "its node state does not have the policy as it is now; if that lasts, the operator's log says why"
)
"""How far such a node is: what it is done with is the policy as it was."""


@attrs.frozen
class _Entry:
    """The policies of one node, and the moment at which the last of them was added."""

    policies: frozenset[str]
    moment: int


@attrs.define
class Untold:
    """The nodes with these policies. Its moments only tell what was added before a node was judged, and what after.

    Not thread-safe.
    """

    moment: int = 0
    _entries: dict[str, _Entry] = attrs.field(factory=dict)

    def add(self, policy: str, nodes: Iterable[str]) -> None:
        """The policy has become another one for these nodes."""
        self.moment += 1
        for node in nodes:
            known = self._entries.get(node)
            self._entries[node] = _Entry(frozenset({policy, *(known.policies if known else ())}), self.moment)

    def told(self, node: str, moment: int) -> frozenset[str]:
        """The node state has what followed at that moment; answers with the policies that waited for it."""
        found = self._entries.get(node)
        if found is None or found.moment > moment:
            return frozenset()
        self.drop(node)
        return found.policies

    def drop(self, node: str) -> None:
        """Nothing is to be told to that node."""
        self._entries.pop(node, None)

    def nodes(self, policy: str) -> set[str]:
        """The nodes that may not have that policy."""
        return {node for node, one in self._entries.items() if policy in one.policies}
