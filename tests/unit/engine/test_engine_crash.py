"""The process dies around any verb: the next one, with nothing but the journal, reaches the wish and the way back."""

import pytest
from engine_machines import (
    FRESH,
    OTHER,
    PF,
    WISHED,
    agreed,
    baseline_of,
    converge,
    crashing,
    engine,
    port,
    spec,
    state,
    wish,
    world,
)

from sriov_core.engine.journal import Journal
from sriov_core.model.desired import NodeSpec
from sriov_core.testing.faults import Crash

NOTHING = NodeSpec()
WAYS = {
    "up-from-nothing": ([], spec(), False),
    "from-one-split-to-another": ([spec(wish(netdevs=3))], spec(), False),
    "back-to-nothing": ([spec()], NOTHING, True),
}
EDGES = {
    "as-after-a-boot": {},
    "autoprobe-off": {"sriov": {"autoprobe": False}, "link": {"mtu": 2000, "up": True}},
}


def lives(way, facts, ordinal: int, path: str, *, after: bool) -> bool:
    """Die around the verb with that ordinal on the way and recover; False when the way has fewer."""
    starts, goal, release = way
    host, journal = world(port(PF, 0, **facts)), Journal(path=path)
    first = state(host)
    for start in starts:
        assert converge(engine(host, journal), start).converged
    dying, faults = crashing(host, ordinal, after=after)
    try:
        engine(dying, journal).converge(goal, release=release, approve=agreed)
    except Crash:
        assert journal.read().under_way, "what was begun is on record"
        assert baseline_of(journal)["mtu"] == first["mtu"], "the record was there before the first write"
    else:
        assert faults.seen < ordinal
        return False
    reborn = Journal(path=path)
    assert converge(engine(host, reborn), goal, release=release).converged
    assert reborn.read().under_way == ()
    end = {**WISHED, "autoprobe": first["autoprobe"]}
    assert state(host) == (first if release else end)
    assert converge(engine(host, Journal(path=path)), NOTHING, release=True).converged
    assert state(host) == first, "the first baseline outlives every crash"
    return True


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("facts", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_crash_around_any_verb_is_survived(way, facts, after, tmp_path):
    ordinal = 1
    while lives(way, facts, ordinal, str(tmp_path / f"{ordinal}.json"), after=after):
        ordinal += 1
    assert ordinal > 2, "the way had verbs to die around"


def test_a_crash_on_one_nic_loses_nothing_of_the_other(tmp_path):
    host, journal = world(), Journal(path=str(tmp_path / "journal.json"))
    dying, _ = crashing(host, 7, after=True)
    with pytest.raises(Crash):
        engine(dying, journal).converge(spec(wish(), wish(OTHER)), release=False, approve=agreed)
    assert set(journal.read().nics) == {PF, OTHER}
    assert converge(engine(host, journal), spec(wish(), wish(OTHER))).converged
    assert (state(host), state(host, OTHER)) == (WISHED, WISHED)
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host), state(host, OTHER)) == (FRESH, FRESH)


def test_power_lost_half_way_is_survived_by_the_journal_alone(tmp_path):
    host, journal = world(), Journal(path=str(tmp_path / "journal.json"))
    dying, _ = crashing(host, 6, after=True)
    with pytest.raises(Crash):
        engine(dying, journal).converge(spec(), release=False, approve=agreed)
    host.reboot()
    assert converge(engine(host, Journal(path=journal.path)), spec()).converged
    assert state(host) == WISHED
    assert baseline_of(journal)["link_up"] is False
