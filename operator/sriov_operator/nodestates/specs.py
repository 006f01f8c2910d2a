"""What is written into a node state: its creation, and the patch that brings it up to date. Nothing here does I/O."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from sriov_core.api import keys
from sriov_core.api.nodestate import InterfaceWish, NodeStateSpec, VfGroup
from sriov_core.api.operatorconfig import NAME
from sriov_core.api.wire import API_VERSION
from sriov_operator.process.lean import LeanNodeState

Operation = dict[str, Any]

_TRUE = "true"
_CONFIG_KIND = "SriovOperatorConfig"


@attrs.frozen(kw_only=True)
class Change:
    """What shall become of a node state: ``spec`` None leaves the wish alone.

    ``annotations`` are set, those with None removed; ``owners`` are the places of owner references to be removed.
    """

    spec: NodeStateSpec | None = None
    annotations: Mapping[str, str | None] = attrs.field(factory=dict)
    owners: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.spec is not None or self.annotations or self.owners)


def creation(name: str, namespace: str, wish: NodeStateSpec) -> dict[str, Any]:
    """The node state of a node that has none. It belongs to nobody, so it outlives the operator's configuration."""
    return {
        "apiVersion": API_VERSION,
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": name, "namespace": namespace},
        "spec": msgspec.to_builtins(wish),
    }


def change(state: LeanNodeState, wish: NodeStateSpec | None, *, owner: str) -> Change:
    """What to change in the state of a node that is served, for a wish (None: it stays) and the configuration's uid.

    A wish that says the same in other words is no change. The annotation `keys.RENDERED` is written with the first
    change, and by itself where an agent would otherwise not know that an empty wish is meant.
    """
    annotations: dict[str, str | None] = {}
    if keys.KEEP_STATE_UNTIL in state.metadata.annotations:
        annotations[keys.KEEP_STATE_UNTIL] = None
    spec = wish if wish is not None and not same(wish, state.spec) else None
    unclear = wish is not None and state.metadata.generation <= 1 and not wish.interfaces and not wish.bridges.ovs
    if (spec is not None or unclear) and state.metadata.annotations.get(keys.RENDERED) != _TRUE:
        annotations[keys.RENDERED] = _TRUE
    return Change(spec=spec, annotations=annotations, owners=doomed_owners(state, owner))


def doomed_owners(state: LeanNodeState, owner: str) -> tuple[int, ...]:
    """The places of references to a configuration that is not ``owner``: the garbage collector would take the state."""
    return tuple(
        place
        for place, one in enumerate(state.metadata.owner_references)
        if one.kind == _CONFIG_KIND and one.name == NAME and one.uid != owner
    )


def operations(state: LeanNodeState, change: Change) -> tuple[Operation, ...]:
    """The JSON patch for a change; it fails when the state, or the wish in it, is another one by now.

    The generation counts changes of the wish alone. With it, what a process sends that has lost the leadership, or has
    not heard of anything for a while, cannot take back what another one wished for since.
    """
    return tuple(_operations(state, change))


def same(one: NodeStateSpec, other: NodeStateSpec) -> bool:
    """True when both say the same: order, upper case and words that stand for "not given" do not matter."""
    return one == other or _plain(one) == _plain(other)


def _plain(spec: NodeStateSpec) -> NodeStateSpec:
    interfaces = sorted(map(_plain_interface, spec.interfaces), key=lambda one: one.pci_address)
    bridges = msgspec.structs.replace(spec.bridges, ovs=tuple(sorted(spec.bridges.ovs, key=lambda one: one.name)))
    return msgspec.structs.replace(spec, interfaces=tuple(interfaces), bridges=bridges)


def _plain_interface(wish: InterfaceWish) -> InterfaceWish:
    mode = wish.eswitch_mode.lower()
    return msgspec.structs.replace(
        wish,
        link_type=wish.link_type.upper(),
        eswitch_mode="" if mode == "legacy" else mode,
        vf_groups=tuple(sorted(map(_plain_group, wish.vf_groups), key=lambda one: (one.vf_range, one.policy_name))),
    )


def _plain_group(group: VfGroup) -> VfGroup:
    return msgspec.structs.replace(group, device_type=group.device_type or "netdevice")


def _operations(state: LeanNodeState, change: Change) -> Iterator[Operation]:
    metadata = state.metadata
    yield {"op": "test", "path": "/metadata/uid", "value": metadata.uid}
    if change.spec is not None:
        yield {"op": "test", "path": "/metadata/generation", "value": metadata.generation}
        yield {"op": "add", "path": "/spec", "value": msgspec.to_builtins(change.spec)}
    if change.annotations and not metadata.annotations:
        # There is nothing to add to, and whoever adds something in the meantime must not lose it.
        yield {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version}
        yield {"op": "add", "path": "/metadata/annotations", "value": {}}
    for key, value in change.annotations.items():
        path = f"/metadata/annotations/{key.replace('~', '~0').replace('/', '~1')}"
        yield {"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value}
    yield from _without_owners(state, change.owners)


def _without_owners(state: LeanNodeState, places: Sequence[int]) -> Iterator[Operation]:
    """Removals by place, the last first, each only if it still is what was seen."""
    for place in sorted(places, reverse=True):
        path = f"/metadata/ownerReferences/{place}"
        yield {"op": "test", "path": f"{path}/uid", "value": state.metadata.owner_references[place].uid}
        yield {"op": "remove", "path": path}
