"""Records follow their cards to other addresses, and never a card that only might be theirs."""

import attrs
import pytest
from planning_values import OTHER, PF, PORT1, nic

from sriov_core.model.observed import Identity
from sriov_core.model.record import NicRecord
from sriov_core.planning.recognition import followed


def card(mac: str | None) -> Identity:
    return Identity(permanent_mac=mac, serial="s1")


def seen(**macs):
    places = {"pf": PF, "port1": PORT1, "other": OTHER}
    return [nic(places[place], identity=card(mac)) for place, mac in macs.items()]


def records(**macs):
    places = {"pf": PF, "port1": PORT1, "other": OTHER}
    return {
        places[place]: NicRecord(address=places[place], name=place, identity=card(mac)) for place, mac in macs.items()
    }


MOVES = {
    "stayed": (records(pf="a"), seen(pf="a"), {PF: "pf"}),
    "moved": (records(pf="a"), seen(other="a"), {OTHER: "pf"}),
    "swapped": (records(pf="a", other="b"), seen(pf="b", other="a"), {OTHER: "pf", PF: "other"}),
    "gone": (records(pf="a"), seen(other="b"), {PF: "pf"}),
    "another-card-in-its-place": (records(pf="a"), seen(pf="b"), {PF: "pf"}),
    "seen-twice": (records(pf="a"), seen(port1="a", other="a"), {PF: "pf"}),
    "without-an-identity": (records(pf=None), seen(other=None), {PF: "pf"}),
    "moved-to-where-one-is-gone": (records(pf="a", other="b"), seen(other="a"), {OTHER: "pf"}),
    "moved-to-where-one-is-gone-in-another-order": (records(other="b", pf="a"), seen(other="a"), {OTHER: "pf"}),
}


@pytest.mark.parametrize(("known", "nics", "found"), MOVES.values(), ids=MOVES)
def test_a_record(known, nics, found):
    result = followed(known, nics)
    assert {address: record.name for address, record in result.items()} == found
    assert all(address == record.address for address, record in result.items())


def test_a_record_that_moves_keeps_everything_but_its_address():
    known = records(pf="a")
    assert followed(known, seen(other="a")) == {OTHER: attrs.evolve(known[PF], address=OTHER)}
