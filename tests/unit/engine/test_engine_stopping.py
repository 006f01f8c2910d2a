"""Work that is ended on request: the step under way is the last, and nothing of ours is left switched off."""

import pytest
from engine_machines import OTHER, PF, WISHED, converge, engine, spec, state, wish, world

from sriov_core.engine.journal import Journal


def stops_after(calls: int):
    """True from that call on."""
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > calls

    return stopped


@pytest.mark.parametrize("calls", range(12))
def test_stopped_at_any_time_the_next_run_ends_the_work(calls):
    host, journal = world(), Journal(path=None)
    result = converge(engine(host, journal), spec(), stopped=stops_after(calls))
    assert all(failure.stale for failure in result.failures), "nothing failed"
    assert (state(host)["autoprobe"], journal.read().under_way) == (True, ())
    assert converge(engine(host, journal), spec()).converged
    assert state(host) == WISHED


def test_stopped_before_it_began_it_does_nothing():
    host = world()
    before = host.tree()
    converge(engine(host), spec(), stopped=lambda: True)
    assert host.tree() == before


@pytest.mark.parametrize("parallel", [1, 16], ids=["one-at-a-time", "all-at-once"])
def test_as_many_nics_are_worked_on_at_a_time_as_is_said(parallel):
    host, targets = world(), []
    host.fail(lambda verb: targets.append(str(verb.target)) is not None, 5)
    working = engine(host, parallel=parallel)
    assert converge(working, spec(wish(), wish(OTHER))).converged
    assert (state(host), state(host, OTHER)) == (WISHED, WISHED)
    if parallel == 1:
        last = max(at for at, target in enumerate(targets) if target == str(PF))
        assert str(OTHER) not in targets[:last], "the second begins when the first has ended"
