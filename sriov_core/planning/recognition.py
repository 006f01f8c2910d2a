"""Follow a card that moved: an added card or a new firmware renumbers the bus, and records go by address. Pure."""

from collections.abc import Mapping, Sequence

import attrs

from sriov_core.model.address import Address
from sriov_core.model.observed import Identity, Nic
from sriov_core.model.record import NicRecord


def followed(records: Mapping[Address, NicRecord], nics: Sequence[Nic]) -> dict[Address, NicRecord]:
    """The records under the addresses where their cards are now.

    A record moves only when its card is found elsewhere without doubt; a record whose card is nowhere stays, so that
    another card at its address is noticed rather than taken for it.
    """
    now = [(record, _follow(record, nics)) for record in records.values()]
    stayed = {record.address: record for record, there in now if there is record}
    moved = {there.address: there for record, there in now if there is not record}
    return stayed | moved  # a card that was found is surer than one that is nowhere


def _follow(record: NicRecord, nics: Sequence[Nic]) -> NicRecord:
    key = _key(record.identity)
    places = [nic.address for nic in nics if key is not None and _key(nic.identity) == key]
    if len(places) == 1 and places[0] != record.address:
        return attrs.evolve(record, address=places[0])
    return record


def _key(identity: Identity) -> str | None:
    """What tells one port from every other: ports of a card share its serial number, never their address."""
    return identity.permanent_mac


def recalled(nics: Sequence[Nic], records: Mapping[Address, NicRecord]) -> tuple[Nic, ...]:
    """The NICs with what is remembered of those whose netdev is away: a VF given to vfio-pci tells no address.

    A cloud's network is recognised by the address, so it would be lost together with that.
    """
    return tuple(_recalled(nic, records.get(nic.address)) for nic in nics)


def _recalled(nic: Nic, record: NicRecord | None) -> Nic:
    if record is None or nic.net_filter or not record.net_filter or nic.mac:
        return nic
    return attrs.evolve(nic, net_filter=record.net_filter, mac=record.identity.permanent_mac)
