"""What is wished of this node, read from a node state as the cluster or a file holds it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from sriov_core.api import documents, keys
from sriov_core.api.nodestate import NodeState, NodeStateStatus
from sriov_core.errors import SpecError
from sriov_core.kube.lean import LeanMeta
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Problem
from sriov_core.policy.nodestate import to_spec
from sriov_core.policy.pins import parse_pins

_RENDER = "`sriov-core render` makes node states of policies and Nodes"


class SeenNodeState(msgspec.Struct, frozen=True, kw_only=True):
    """The node's object as last shown. Spec and status are read later: people may have edited them."""

    metadata: LeanMeta
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    status: dict[str, Any] = msgspec.field(default_factory=dict)


@attrs.frozen(kw_only=True)
class Wish:
    """The wish for this node.

    ``release`` says that it is the whole wish: what was configured before and is left out is given back. ``version``
    names it: the same text, the same wish; ``called`` is what people call it. ``pins`` are the administrator's owners
    of NICs. A wish that cannot be understood has an ``error`` and changes nothing (``missing``: there is no such file);
    ``problems`` are parts of it that cannot be met, and ``notes`` what else people should know.
    """

    spec: NodeSpec = attrs.field(factory=NodeSpec)
    release: bool = False
    version: str = ""
    called: str = "the wish"
    pins: Mapping[Address, str] = attrs.field(factory=dict)
    error: str = ""
    missing: bool = False
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        """False for an empty wish that may be none at all."""
        return self.release or self.spec != NodeSpec()


def of_node_state(seen: SeenNodeState) -> Wish:
    """The wish in the node's object.

    An empty wish that nobody has judged yet (first generation, no annotation ``rendered``) says nothing: a node state
    that was deleted and made again begins like that, and would take every VF away.
    """
    meta = seen.metadata
    pins = parse_pins(meta.annotations.get(keys.PINNED_PLUGINS, ""))
    version = f"{meta.uid}/{meta.generation}"
    called = f"the wish of SriovNetworkNodeState {meta.namespace}/{meta.name}, generation {meta.generation}"
    try:
        spec = to_spec(_whole(seen))
    except SpecError as err:
        return Wish(version=version, called=called, pins=pins.plugins, error=str(err))
    wishes_nothing = spec == NodeSpec()
    judged = meta.annotations.get(keys.RENDERED) == "true" or meta.generation > 1
    return Wish(
        spec=spec,
        release=judged or not wishes_nothing,
        version=version,
        called=called,
        pins=pins.plugins,
        notes=tuple(map(str, pins.faults)),
    )


def of_text(text: str, source: str) -> Wish:
    """The wish in the text of a file that holds one node state. Its ``error`` says what is wrong with the text."""
    called = f"the wish in {source}"
    if all(not line.strip() or line.lstrip().startswith(("#", "---")) for line in text.splitlines()):
        error = f"{source}: the file is empty. Write one SriovNetworkNodeState there: {_RENDER}"
        return Wish(version=text, called=called, error=error)
    try:
        state = _only_state(documents.read(text, source), source)
        spec = to_spec(state)
    except SpecError as err:
        return Wish(version=text, called=called, error=str(err))
    pins = parse_pins(state.metadata.annotations.get(keys.PINNED_PLUGINS, ""))
    notes = tuple(map(str, pins.faults))
    return Wish(spec=spec, release=True, version=text, called=called, pins=pins.plugins, notes=notes)


def without_release_while_missing(wish: Wish, snapshot: Snapshot) -> Wish:
    """The wish that gives nothing back while one of its NICs is not here: it may be one whose address is mistyped."""
    if not wish.release:
        return wish
    there = {entry.function.address for entry in snapshot.unmanaged} | set(snapshot.failures)
    there |= {nic.address for nic in snapshot.nics}
    missing = [str(nic.address) for nic in wish.spec.nics if nic.address not in there]
    if not missing:
        return wish
    problem = Problem(
        code="giving-back-waits",
        text=f"nothing is given back while the wish names what is not here: {', '.join(missing)}",
        remedy="Correct that address, or take it out of the wish",
    )
    return attrs.evolve(wish, release=False, problems=(*wish.problems, problem))


def status_of(seen: SeenNodeState) -> NodeStateStatus:
    """What the object reports by now; an empty report where nobody can read it."""
    try:
        return msgspec.convert(seen.status, NodeStateStatus)
    except msgspec.ValidationError:
        return NodeStateStatus()


def _only_state(found: Sequence[documents.Document], source: str) -> NodeState:
    states = [entry.body for entry in found if isinstance(entry.body, NodeState)]
    if len(states) == 1:
        return states[0]
    if states:
        names = ", ".join(entry.name or "one without a name" for entry in found if isinstance(entry.body, NodeState))
        text = f"{source} holds {len(states)} node states ({names}), and this machine is one node"
        raise SpecError(f"{text}. Leave the one of this node in it")
    kinds = ", ".join(dict.fromkeys(entry.kind for entry in found))
    raise SpecError(f"{source} holds {kinds}, and the wish is one SriovNetworkNodeState. Write it there: {_RENDER}")


def _whole(seen: SeenNodeState) -> NodeState:
    meta = {"name": seen.metadata.name, "namespace": seen.metadata.namespace}
    try:
        return msgspec.convert({"metadata": meta, "spec": seen.spec}, NodeState)
    except msgspec.ValidationError as err:
        text = f"node state {seen.metadata.name}: {err}"
        raise SpecError(f"{text}. Correct that field; the control plane writes the spec, and people need not") from err
