"""The suite's third part: every state is reached from every state, and nothing is touched that need not be."""

from functools import partial

import attrs

from sriov_core.engine.execute import execute
from sriov_core.model.observed import Nic
from sriov_core.testing.faults import Faults, Verb
from sriov_core.testing.guards import struck
from sriov_core.testing.suite import Suite
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import State, release, split
from sriov_core.testing.workbench import Workbench


class ReachesEveryState(Suite):
    """Tests that change the machine."""

    def test_every_state_is_reached_from_every_state(self, sample: Tree) -> None:
        bench = self.bench(sample)
        last: object = "the start"
        for state in self.walk(bench.states()):
            others = _others(bench)
            bench.reach(state, coming_from=last)
            assert others == _others(bench), f"{last} -> {state}: another NIC was changed"
            last = state

    def test_a_release_gives_back_what_was_there(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = bench.states()
        bench.reach(states[0])
        before = bench.nic()
        for state in states[1:]:
            bench.reach(state)
            bench.reach(release(before), coming_from=state)
            assert _restorable(bench.nic()) == _restorable(before), f"after {state}"

    def test_a_vf_that_stays_as_it_is_is_not_touched(self, sample: Tree) -> None:
        bench = self.bench(sample)
        wishes = [state.wish for state in bench.states() if state.wish.num_vfs > 1 and len(state.wish.groups) > 1]
        for wish in wishes:
            userspace = wish.groups[0].device_type
            first = split(wish, 1, 1500, userspace)
            second = split(wish, wish.num_vfs - 1, 1500, userspace)
            bench.reach(State(name="one for userspace", wish=first))
            kept = (0, wish.num_vfs - 1)
            before = [_traces(bench, index) for index in kept]
            bench.reach(State(name="all but one for userspace", wish=second), coming_from="one for userspace")
            assert before == [_traces(bench, index) for index in kept], "VFs that stay were taken away or bound anew"

    def test_a_vf_for_userspace_never_meets_the_default_driver(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = bench.states()
        for state in [state for state in states if _for_userspace(state)]:
            bench.reach(states[0])
            met: list[str] = []
            watcher = Faults()
            watcher.plan(partial(_note_defaults, bench, state, met), None, after=True)
            failures = execute(bench.plan(state.wish), struck(bench.host, watcher))
            assert not failures, f"{state}: {failures}"
            assert not met, f"{state}: {met[0]}"

    def test_a_vf_made_anew_has_the_address_it_had(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = bench.states()
        for state in [state for state in states if state.wish.num_vfs]:
            bench.reach(state)
            before = {vf.index: vf.mac or vf.admin_mac for vf in bench.nic().vfs}
            bench.reach(states[0])
            bench.reach(state)
            after = {vf.index: vf.mac or vf.admin_mac for vf in bench.nic().vfs}
            assert before == after, f"{state}: workloads would meet VFs under other addresses"

    def test_an_externally_managed_pf_keeps_its_count_and_mode(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for state in [state for state in bench.states() if state.wish.num_vfs]:
            bench.reach(state)
            before = bench.nic()
            bound = attrs.evolve(state.wish, groups=(), externally_managed=True, autoprobe=None)
            bench.reach(State(name="externally managed, kernel's default drivers", wish=bound), coming_from=state)
            after = bench.nic()
            kept = ("num_vfs", "eswitch_mode", "mtu", "link_up")
            assert all(getattr(before, fact) == getattr(after, fact) for fact in kept), f"after {state}"


def _for_userspace(state: State) -> list[int]:
    return [index for index in range(state.wish.num_vfs) if state.wish.device_type(index).userspace_driver]


def _note_defaults(bench: Workbench, state: State, met: list[str], verb: Verb) -> bool:
    """Called after every verb, in place of an accident: looks, and lets it pass."""
    addresses = bench.host.vf_addresses(bench.address)
    for index in _for_userspace(state):
        function = bench.host.function(addresses[index]) if index in addresses else None
        if function and function.kernel_driver not in (None, state.wish.device_type(index).userspace_driver):
            met.append(f"vf{index} was bound to {function.kernel_driver} after {verb.name}")
    return False


def _others(bench: Workbench) -> list[Nic]:
    return [nic for nic in bench.look().nics if nic.address != bench.address]


def _restorable(nic: Nic) -> dict[str, object]:
    kept = ("num_vfs", "mtu", "link_up", "autoprobe", "eswitch_mode")
    return {fact: getattr(nic, fact) for fact in kept}


def _traces(bench: Workbench, index: int) -> tuple[object, ...]:
    """What changes when a VF is made or bound anew."""
    vf = bench.nic().vf(index)
    links = bench.host.links(vf.address) if vf.address else ()
    return (vf.address, vf.kernel_driver, vf.iommu_group, [(link.ifindex, link.name) for link in links])
