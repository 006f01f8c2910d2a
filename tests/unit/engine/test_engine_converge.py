"""Look, decide, do, look again: success is what was read back, and what was there before is never forgotten."""

import errno

import attrs
import pytest
from engine_machines import (
    FRESH,
    OTHER,
    PF,
    WISHED,
    Doing,
    agreed,
    baseline_of,
    converge,
    engine,
    failing,
    idle,
    ifindexes,
    port,
    remembered,
    spec,
    state,
    wish,
    world,
)

from sriov_core.engine.converge import MAX_ROUNDS, pins_of
from sriov_core.engine.journal import Journal, Memory
from sriov_core.errors import JournalError, SriovError
from sriov_core.model.desired import NodeSpec
from sriov_core.model.plan import Cost
from sriov_core.planning.difference import differences

NOTHING = NodeSpec()


def test_a_wish_is_reached_and_read_back():
    host = world()
    result = converge(host, spec())
    assert (result.converged, result.failures, state(host)) == (True, (), WISHED)
    assert result.first.steps
    assert result.last.plan.is_empty


def test_a_wish_that_is_reached_costs_nothing_a_second_time():
    host = world()
    converge(host, spec())
    before = host.tree()
    again = converge(host, spec())
    assert (again.converged, again.first.is_empty, host.tree() == before) == (True, True, True)


def test_a_changed_group_leaves_the_other_vfs_as_they_are():
    host = world()
    converge(host, spec(wish(vfio=2, netdevs=3)))
    before = ifindexes(host)
    assert converge(host, spec(wish(vfio=3, netdevs=2))).converged
    assert ifindexes(host) == [None, None, None, *before[3:]]


def test_the_journal_is_written_before_the_first_write_and_tells_what_is_under_way():
    host, journal, seen = world(), Journal(path=None), []

    def set_link(address, *, up):
        seen.append(journal.read())
        host.set_link(address, up=up)

    result = converge(engine(Doing(host, set_link=set_link), journal), spec())
    assert seen[0].under_way == tuple(planned.step.describe() for planned in result.first.steps)
    assert seen[0].nics[PF].baseline.mtu == 1500
    assert journal.read().under_way == ()


def test_a_journal_that_cannot_be_written_stops_everything_before_the_first_write():
    host = world()

    class Full(Journal):
        def write(self, memory):
            raise JournalError("no space")

    with pytest.raises(JournalError, match="no space"):
        converge(engine(host, Full(path=None)), spec())
    assert state(host) == FRESH


class NotAgreed(SriovError):
    pass


def refuse(plan):
    raise NotAgreed


def test_a_plan_that_is_not_agreed_to_changes_nothing_and_is_not_remembered():
    host, journal = world(), Journal(path=None)
    before = host.tree()
    with pytest.raises(NotAgreed):
        converge(engine(host, journal), spec(), approve=refuse)
    assert (host.tree(), journal.read()) == (before, Memory())


def test_nothing_to_do_asks_nobody():
    assert converge(world(), NOTHING, approve=refuse).converged


def test_a_second_plan_that_is_not_agreed_to_leaves_nothing_under_way():
    host, journal, asked = world(), Journal(path=None), []

    def set_num_vfs(pf, count):
        host.set_num_vfs(pf, count)
        if len(asked) == 1:
            host.zero_behind_our_back(pf)

    def once(plan):
        asked.append(plan)
        if len(asked) > 1:
            raise NotAgreed

    with pytest.raises(NotAgreed):
        converge(engine(Doing(host, set_num_vfs=set_num_vfs), journal), spec(), approve=once)
    assert (len(asked), journal.read().under_way) == (2, ())
    assert baseline_of(journal)["mtu"] == 1500


LYING = ("set_num_vfs", "set_mtu", "set_link", "bind_default", "bind")


@pytest.mark.parametrize("verb", LYING)
def test_a_verb_that_does_nothing_is_never_taken_for_success(verb):
    host, asked = world(), []
    result = converge(Doing(host, **{verb: idle}), spec(), approve=asked.append)
    assert not result.converged
    assert len(asked) <= MAX_ROUNDS
    left = differences(result.last.snapshot.nic(PF), wish())
    assert left, "what is different is there to be told"
    assert state(host) != WISHED


def test_steps_that_went_well_without_effect_are_not_repeated():
    host, asked = world(), []
    host.set_link(PF, up=True)
    converge(Doing(host, set_mtu=idle), spec(wish(vfio=0, netdevs=0, mtu=9000)), approve=asked.append)
    assert len(asked) == 1


def test_a_stale_plan_is_made_afresh():
    host, meddled = world(), []

    def set_num_vfs(pf, count):
        host.set_num_vfs(pf, count)
        if not meddled:
            meddled.append(pf)
            host.zero_behind_our_back(pf)

    result = converge(Doing(host, set_num_vfs=set_num_vfs), spec())
    assert (result.converged, result.failures, state(host)) == (True, (), WISHED)


def test_a_machine_that_never_holds_still_is_given_up():
    host, asked = world(), []

    def set_num_vfs(pf, count):
        host.set_num_vfs(pf, count)
        if count:
            host.zero_behind_our_back(pf)

    result = converge(Doing(host, set_num_vfs=set_num_vfs), spec(), approve=asked.append)
    assert (result.converged, len(asked)) == (False, MAX_ROUNDS)
    assert [failure.stale for failure in result.failures] == [True]


def test_a_vf_used_since_the_plan_was_shown_is_asked_about_again():
    host, costs = world(), []
    converge(host, spec())

    def take_your_time(plan):
        costs.append(plan.cost)
        if len(costs) == 1:
            host.move_to_namespace(host.vf_addresses(PF)[2], "pod")
        else:
            raise NotAgreed

    with pytest.raises(NotAgreed):
        converge(host, spec(wish(netdevs=3)), approve=take_your_time)
    assert costs == [Cost.VF_LOSS, Cost.DRAIN]
    assert len(state(host)["vfs"]) == 4


def test_a_failure_ends_with_one_more_look_and_the_other_nic_is_done():
    host, journal = world(), Journal(path=None)
    broken = failing(host, lambda verb: verb.name == "set_num_vfs" and verb.target == PF, errno.EIO)
    result = converge(engine(broken, journal), spec(wish(), wish(OTHER)))
    assert not result.converged
    assert [failure.nic for failure in result.failures] == [PF]
    assert state(host, OTHER) == WISHED
    assert [nic.nic for nic in result.last.plan.nics if nic.steps] == [PF]
    assert journal.read().under_way == ()
    assert converge(engine(host, journal), spec(wish(), wish(OTHER))).converged
    assert baseline_of(journal)["mtu"] == 1500


def test_a_problem_of_one_nic_is_told_and_the_other_is_done():
    host, journal = world(), Journal(path=None)
    result = converge(engine(host, journal), spec(wish(vfio=9), wish(OTHER)))
    assert not result.converged
    assert [problem.code for problem in result.last.plan.all_problems] == ["too-many-vfs"]
    assert (state(host), state(host, OTHER)) == (FRESH, WISHED)
    assert list(journal.read().nics) == [OTHER], "what was not touched is not remembered"


def test_a_wish_for_a_nic_that_is_not_there_is_never_success():
    result = converge(world(port(OTHER, 1)), spec(wish(), wish(OTHER)))
    assert not result.converged
    assert [problem.code for problem in result.last.plan.all_problems] == ["no-such-nic"]


STARTS = {
    "as-after-a-boot": {},
    "up-with-jumbo-frames": {"link": {"mtu": 4000, "up": True}},
    "autoprobe-off": {"sriov": {"autoprobe": False}},
}


@pytest.mark.parametrize("facts", STARTS.values(), ids=STARTS)
def test_what_is_no_longer_wished_for_is_given_back_as_it_was(facts):
    host, journal = world(port(PF, 0, **facts)), Journal(path=None)
    before = state(host)
    for some in (spec(), spec(wish(netdevs=1)), spec(wish(vfio=0))):
        assert converge(engine(host, journal), some).converged
    assert state(host)["autoprobe"] is before["autoprobe"]
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host), journal.read().nics) == (before, {})


def test_vfs_that_were_there_before_us_come_back_for_what_they_were():
    host, journal = world(), Journal(path=None)
    somebody = attrs.evolve(wish(vfio=1, netdevs=2), autoprobe=True)
    assert converge(engine(host, Journal(path=None)), spec(somebody)).converged
    before = state(host)
    assert before["vfs"] == ["vfio-pci", "igbvf", "igbvf"]
    assert converge(engine(host, journal), spec(wish(vfio=0, netdevs=5))).converged
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host), journal.read().nics) == (before, {})


def test_without_release_what_is_not_wished_for_stays_and_is_remembered():
    host, journal = world(), Journal(path=None)
    converge(engine(host, journal), spec())
    assert converge(engine(host, journal), NOTHING).converged
    assert (state(host), remembered(journal) is not None) == (WISHED, True)


def test_a_nic_is_forgotten_only_when_it_was_read_back_as_it_was():
    host, journal = world(), Journal(path=None)
    converge(engine(host, journal), spec())
    lying = Doing(host, set_mtu=idle)
    assert not converge(engine(lying, journal), NOTHING, release=True).converged
    assert baseline_of(journal)["mtu"] == 1500
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host), remembered(journal)) == (FRESH, None)


def test_a_nic_is_not_forgotten_while_its_udev_rule_is_there():
    host, journal = world(network_managers=["NetworkManager"]), Journal(path=None)
    converge(engine(host, journal), spec())
    stuck = failing(host, lambda verb: verb.name == "write_file", errno.EROFS)
    assert not converge(engine(stuck, journal), NOTHING, release=True).converged
    assert remembered(journal) is not None
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (host.tree().node.files, remembered(journal)) == ({}, None)


def test_a_pf_that_becomes_externally_managed_is_no_longer_given_back():
    host, journal = world(), Journal(path=None)
    converge(engine(host, journal), spec())
    assert converge(engine(host, journal), spec(wish(externally_managed=True))).converged
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert state(host) == WISHED


def test_a_pf_that_becomes_ours_goes_back_to_what_its_manager_left():
    host, journal = world(), Journal(path=None)
    converge(engine(host, journal), spec(wish(vfio=0, netdevs=0, externally_managed=True)))
    host.set_num_vfs(PF, 2)  # by its manager
    host.set_link(PF, up=True)
    assert converge(engine(host, journal), spec()).converged
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (state(host)["vfs"], state(host)["mtu"], state(host)["up"]) == (["igbvf", "igbvf"], 1500, True)


def test_an_externally_managed_pf_is_converged_again_and_again_without_a_step():
    host, journal = world(port(PF, 0, sriov={"autoprobe": False})), Journal(path=None)
    external = spec(wish(vfio=1, netdevs=1, externally_managed=True, groups=wish(vfio=1, netdevs=0).groups))
    host.set_num_vfs(PF, 3)
    assert converge(engine(host, journal), external).converged
    assert (state(host)["autoprobe"], len(state(host)["vfs"])) == (False, 3)
    host.set_autoprobe(PF, enabled=True)  # by its manager
    again = converge(engine(host, journal), external)
    assert (again.converged, again.first.is_empty, state(host)["autoprobe"]) == (True, True, True)


def test_looking_writes_nothing():
    host, journal = world(), Journal(path=None)
    before = host.tree()
    look = engine(host, journal).look(spec(), release=True)
    assert look.plan.steps
    assert (host.tree(), journal.read()) == (before, Memory())


def test_pins_are_those_of_the_wish():
    pinned = attrs.evolve(wish(), plugin="generic")
    assert pins_of([spec(pinned, wish(OTHER))]) == {PF: "generic"}
    host = world()
    result = engine(host, pins={PF: "generic"}).converge(spec(), release=False, approve=agreed)
    assert result.last.snapshot.owners[PF].plugin == "generic"
