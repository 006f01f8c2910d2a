"""Policies and pools that are there and that this process never could read: nothing is taken back for their sake.

Who cannot tell what a policy asks for cannot tell either that a node is to lose what it has by it. No I/O.
"""

from typing import Any

import attrs
import msgspec

from sriov_core.api.nodestate import NodeStateSpec
from sriov_core.kube.informer import Informer
from sriov_operator.process.context import Caches


@attrs.frozen(kw_only=True)
class Unread:
    """Their names. Of one that could be read once, what it said then counts: it is not among these."""

    policies: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()

    def holding(self, spec: NodeStateSpec) -> tuple[str, ...]:
        """The policies by which a node is wished to have VFs."""
        named = {group.policy_name for wish in spec.interfaces for group in wish.vf_groups}
        return tuple(sorted(self.policies & named))

    def kept(self, wish: NodeStateSpec | None, spec: NodeStateSpec) -> NodeStateSpec | None:
        """The wish with the RDMA mode of the one before, where no pool says another and one cannot be read."""
        if wish is None or not self.pools or wish.system.rdma_mode:
            return wish
        return msgspec.structs.replace(wish, system=spec.system)


NOTHING = Unread()


def never_read(caches: Caches) -> Unread:
    """Those of now."""
    return Unread(policies=_names(caches.policies), pools=_names(caches.pools))


def told(policies: tuple[str, ...]) -> str:
    """Why the wish of a node stays as it is, in words."""
    some = f"policies {' and '.join(policies)}" if len(policies) > 1 else f"policy {policies[0]}"
    return f"its wish stays as it is: it has VFs by the {some}, which cannot be read. See what its status says"


def _names(cache: Informer[Any]) -> frozenset[str]:
    return frozenset(key.rpartition("/")[2] for key in cache.unreadable if cache.get(key) is None)
