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
    now = moves(records, nics)
    stayed = {address: record for address, record in records.items() if address not in now}
    moved = {there: attrs.evolve(records[address], address=there) for address, there in now.items()}
    return stayed | moved  # a card that was found is surer than one that is nowhere


def moves(records: Mapping[Address, NicRecord], nics: Sequence[Nic]) -> dict[Address, Address]:
    """From where to where the cards of these records went."""
    now = ((address, _place(record, nics)) for address, record in records.items())
    return {address: there for address, there in now if there != address}


def _place(record: NicRecord, nics: Sequence[Nic]) -> Address:
    key = _key(record.identity)
    places = [nic.address for nic in nics if key is not None and _key(nic.identity) == key]
    return places[0] if len(places) == 1 else record.address


def _key(identity: Identity) -> str | None:
    """What tells one port from every other: ports of a card share its serial number, never their address."""
    return identity.permanent_mac


def recalled(nics: Sequence[Nic], records: Mapping[Address, NicRecord]) -> tuple[Nic, ...]:
    """The NICs with what is remembered of those whose netdev is away: a VF given to vfio-pci tells no name, no address.

    Policies name it by the one, and a cloud's network is recognised by the other.
    """
    return tuple(_recalled(nic, records.get(nic.address)) for nic in nics)


def _recalled(nic: Nic, record: NicRecord | None) -> Nic:
    if record is None or nic.name:
        return nic
    known = attrs.evolve(nic, alt_names=(*nic.alt_names, record.name) if record.name else nic.alt_names)
    if nic.net_filter or nic.mac or not record.net_filter:
        return known
    return attrs.evolve(known, net_filter=record.net_filter, mac=record.identity.permanent_mac)
