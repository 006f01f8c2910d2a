"""The full wish for a node: what the user wrote, plus what we owe the NICs that we changed before. Pure."""

from collections.abc import Iterable, Iterator

import attrs

from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.record import NicRecord, Records


def complete(spec: NodeSpec, records: Records, *, release: bool) -> NodeSpec:
    """Add to each wish what is known of its NIC; with ``release``, give back what nobody wishes for any more.

    Without it, NICs that are ours and not wished for are left alone, and bridges that are ours stay as wished before.
    """
    wished = {wish.address for wish in spec.nics}
    kept = tuple(_remembered(wish, records.nics.get(wish.address)) for wish in spec.nics)
    spec = attrs.evolve(spec, nics=kept, ours=frozenset(records.nics))
    if not release:
        return attrs.evolve(spec, kept_bridges=tuple(_left_bridges(spec, records.bridges)))
    left = [record for address, record in sorted(records.nics.items()) if address not in wished]
    names = {bridge.name for bridge in spec.bridges}
    return attrs.evolve(
        spec,
        nics=(*kept, *released(left)),
        gone_bridges=tuple(bridge.name for bridge in records.bridges if bridge.name not in names),
        restore_rdma_mode="" if spec.rdma_mode else records.rdma_mode,
        release=True,
    )


def _left_bridges(spec: NodeSpec, ours: Iterable[Bridge]) -> Iterator[Bridge]:
    names = {bridge.name for bridge in spec.bridges}
    uplinks = {bridge.uplink.nic for bridge in spec.bridges if bridge.uplink}
    for bridge in ours:
        if bridge.name not in names and not (bridge.uplink and bridge.uplink.nic in uplinks):
            yield bridge


def released(records: Iterable[NicRecord]) -> tuple[NicSpec, ...]:
    """The wish that gives NICs back: exactly what was there before our first change."""
    return tuple(
        NicSpec(
            address=record.address,
            name=record.name,
            num_vfs=record.baseline.num_vfs,
            eswitch_mode=record.baseline.eswitch_mode,
            autoprobe=record.baseline.autoprobe,
            restore=record.baseline,
            groups=record.baseline.groups,
            identity=record.identity,
            named=True,
        )
        for record in records
        if not record.externally_managed
    )


def _remembered(wish: NicSpec, record: NicRecord | None) -> NicSpec:
    if record is None:
        return wish
    # Of an externally managed PF, autoprobe is somebody else's, too.
    autoprobe = None if wish.externally_managed else record.baseline.autoprobe
    return attrs.evolve(wish, autoprobe=autoprobe, identity=record.identity)
