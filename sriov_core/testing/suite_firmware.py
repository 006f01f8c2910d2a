"""The suite's fifth part: what lives in a card's firmware changes with one reboot, and never with two.

It runs where a sample has a card with firmware and the machine can be rebooted; elsewhere there is nothing to try.
"""

from collections.abc import Iterator

import attrs

from sriov_core.engine.execute import execute
from sriov_core.model.desired import NicSpec, VfGroup
from sriov_core.model.observed import LinkType
from sriov_core.model.plan import Plan
from sriov_core.plugin.info import Capability
from sriov_core.testing.suite import Suite
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import State
from sriov_core.testing.workbench import Workbench
from sriov_core.testing.world import FakeWorld

_MORE = 2


class ChangesFirmware(Suite):
    """Tests with reboots."""

    def test_more_vfs_than_the_card_offers_now_take_one_reboot(self, sample: Tree) -> None:
        for bench, world in self._machines(sample):
            wish = _beyond(bench)
            if wish is None:
                return
            before = max(1, bench.nic().total_vfs or 0)
            _through_one_reboot(bench, world, wish)
            fewer = attrs.evolve(wish, num_vfs=before, groups=(VfGroup(first=0, last=before - 1),))
            lowered = bench.plan(fewer)
            assert not lowered.reboots, f"lowering the number of VFs asks for {lowered.reboots[0].reason}"
            bench.reach(State(name="fewer VFs", wish=fewer), coming_from="more VFs than before")

    def test_another_link_type_takes_one_reboot(self, sample: Tree) -> None:
        for bench, world in self._machines(sample):
            nic = bench.nic()
            other = LinkType.ETH if nic.link_type is LinkType.IB else LinkType.IB
            wish = NicSpec(address=nic.address, name=nic.name or "", named=True, link_type=other)
            if bench.driver.check(bench.nic(wish), wish):
                return
            _through_one_reboot(bench, world, wish)
            assert bench.nic().link_type is other

    def test_a_card_that_cannot_be_asked_is_left_as_it_is(self, sample: Tree) -> None:
        for bench, world in self._machines(sample):
            wish = _beyond(bench)
            if wish is None:
                return
            world.break_cards("the firmware does not answer")
            found = bench.nic_plan(wish)
            assert found.problems, "the card cannot be asked, and nobody says so"
            assert not found.steps, f"steps beside a problem: {[entry.step.describe() for entry in found.steps]}"

    def _machines(self, sample: Tree) -> Iterator[tuple[Workbench, FakeWorld]]:
        host = self.make_host(sample)
        if isinstance(host, FakeWorld) and sample.cards:
            bench = Workbench.for_plugin(self.plugin, host, sample)
            if Capability.LINK_TYPE in bench.driver.info.capabilities or _beyond(bench):
                yield bench, host


def _beyond(bench: Workbench) -> NicSpec | None:
    """A wish for more VFs than the card offers, and no more than its firmware could; None where that is the same."""
    nic = bench.nic()
    wish = NicSpec(address=nic.address, name=nic.name or "", named=True, num_vfs=(nic.total_vfs or 0) + _MORE)
    limit = bench.nic(wish).vf_limit
    if limit is None or wish.num_vfs > limit:
        return None
    return attrs.evolve(wish, groups=(VfGroup(first=0, last=wish.num_vfs - 1),))


def _through_one_reboot(bench: Workbench, world: FakeWorld, wish: NicSpec) -> None:
    planned = _plannable(bench.plan(wish))
    assert planned.reboots, "the firmware must change, and no reboot is asked for"
    assert planned.steps, "a reboot is asked for, and nothing is changed for it"
    before = bench.nic()
    failures = execute(planned, world)
    assert not failures, f"{failures[0].step.describe()}: {failures[0].error}"
    asked = frozenset(reboot.requirement for reboot in planned.reboots)
    waiting = _plannable(bench.plan(wish, asked))
    assert {reboot.requirement for reboot in waiting.reboots} == asked, f"another reboot before the first: {waiting}"
    assert not waiting.steps, f"a second change before the reboot: {[entry.step.describe() for entry in waiting.steps]}"
    assert bench.nic().num_vfs == before.num_vfs, "VFs were changed before the reboot"
    world.reboot()
    bench.reach(State(name="the wish", wish=wish), coming_from="a reboot")
    world.reboot()
    again = _plannable(bench.plan(wish))
    assert not again.reboots, f"a second reboot is asked for: {again.reboots[0].reason}"
    bench.reach(State(name="the wish", wish=wish), coming_from="a second reboot")


def _plannable(plan: Plan) -> Plan:
    problems = "; ".join(map(str, plan.all_problems))
    assert not problems, problems
    return plan
