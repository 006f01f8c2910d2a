"""A card is remembered by more than its address: renamed and moved it is known again, swapped it is not touched."""

import pytest
from engine_machines import OTHER, PF, WISHED, converge, engine, port, remembered, spec, state, tree, wish, world

from sriov_core.engine.journal import Journal
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.testing.world import FakeWorld

ELSEWHERE = Address("0000:02:00.0")


def configured() -> tuple[Journal, NodeSpec]:
    journal = Journal(path=None)
    assert converge(engine(world(port(PF, 0)), journal), spec()).converged
    return journal, spec()


def test_a_renamed_nic_is_the_same_nic():
    journal, wishes = configured()
    renamed = tree(port(PF, 0))
    renamed.functions[0].links[0].name = "uplink"
    host = FakeWorld(renamed)
    assert converge(engine(host, journal), wishes).converged
    assert state(host) == WISHED
    assert remembered(journal).name == "eth0", "what was there before the first change stays on record"


SWAPPED = {
    "another-port-of-the-same-make": {"serial": "serial-9", "number": 9},
    "another-serial-number": {"serial": "serial-9", "number": 0},
}


@pytest.mark.parametrize("card", SWAPPED.values(), ids=SWAPPED)
@pytest.mark.parametrize("release", [False, True], ids=["wished-for", "given-back"])
def test_another_card_at_the_address_is_not_touched(card, release):
    journal, wishes = configured()
    host = world(port(PF, card["number"], serial=card["serial"], link={"mtu": 4000}))
    before = host.tree()
    result = converge(engine(host, journal), NodeSpec() if release else wishes, release=release)
    assert [problem.code for problem in result.last.plan.all_problems] == ["another-card"]
    assert "sriov-core reset --forget 0000:01:00.0" in result.last.plan.all_problems[0].remedy
    assert (result.converged, host.tree() == before) == (False, True)
    assert remembered(journal) is not None


def test_a_card_that_moved_is_given_back_where_it_is_now():
    journal, _ = configured()
    host = world(port(ELSEWHERE, 0, link={"mtu": 9000, "up": True}), port(OTHER, 1))
    assert converge(engine(host, journal), NodeSpec(), release=True).converged
    assert (state(host, ELSEWHERE)["mtu"], state(host, ELSEWHERE)["up"]) == (1500, False)
    assert journal.read().nics == {}


def test_a_card_that_moved_keeps_its_first_baseline():
    journal, _ = configured()
    host = world(port(ELSEWHERE, 0, link={"mtu": 9000, "up": True}))
    assert converge(engine(host, journal), spec(wish(ELSEWHERE))).converged
    assert [(record.address, record.baseline.mtu) for record in journal.read().nics.values()] == [(ELSEWHERE, 1500)]


def test_a_card_that_is_gone_is_a_problem_only_when_it_is_to_be_given_back():
    journal, _ = configured()
    host = world(port(OTHER, 1))
    assert converge(engine(host, journal), spec(wish(OTHER))).converged
    result = converge(engine(host, journal), spec(wish(OTHER)), release=True)
    assert [problem.code for problem in result.last.plan.all_problems] == ["no-such-nic"]
    assert remembered(journal) is not None
