"""The full wish for a node: what the user wrote, plus what we owe the NICs that we changed before. Pure."""

from collections.abc import Iterable, Mapping

import attrs

from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.record import NicRecord


def complete(spec: NodeSpec, records: Mapping[Address, NicRecord], *, release: bool) -> NodeSpec:
    """Add to each wish what the journal knows of its NIC; with ``release``, give back the NICs nobody wishes for."""
    wished = {wish.address for wish in spec.nics}
    kept = tuple(_remembered(wish, records.get(wish.address)) for wish in spec.nics)
    left = [record for address, record in sorted(records.items()) if address not in wished]
    given_back = released(left) if release else ()
    return attrs.evolve(spec, nics=(*kept, *given_back))


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
