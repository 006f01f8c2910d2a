"""The suite's third part: every state is reached from every state, and nothing is touched that need not be."""

from collections.abc import Mapping
from functools import partial

import attrs

from sriov_core.engine.execute import execute
from sriov_core.model.desired import NO_GUID, needs_guid
from sriov_core.model.observed import LinkType, Nic, Vf
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
            before = {vf.index: vf.kernel_driver for vf in bench.nic().vfs}  # a VF that stands for itself is there
            met: list[str] = []
            watcher = Faults()
            watcher.plan(partial(_note_defaults, bench, state, before, met), None, after=True)
            failures = execute(bench.plan(state.wish), struck(bench.host, watcher))
            assert not failures, f"{state}: {failures}"
            assert not met, f"{state}: {met[0]}"

    def test_a_vf_made_anew_has_the_address_it_had(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = bench.states()
        for state in [state for state in states if state.wish.num_vfs]:
            bench.reach(state)
            before = {vf.index: _address(bench.nic(), vf) for vf in bench.nic().vfs}
            bench.reach(states[0])
            bench.reach(state)
            after = {vf.index: _address(bench.nic(), vf) for vf in bench.nic().vfs}
            assert before == after, f"{state}: workloads would meet VFs under other addresses"

    def test_a_vf_for_rdma_has_a_guid_that_lasts(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = bench.states()
        for state in [state for state in states if _for_rdma(bench.nic(), state)]:
            bench.reach(state)
            before = _guids(bench, state)
            zero = [index for index, guid in before.items() if guid in (None, NO_GUID)]
            assert not zero, f"{state}: VFs {zero} show no GUID, so nobody can reach them"
            assert len(set(before.values())) == len(before), f"{state}: two VFs have one GUID: {before}"
            bench.reach(states[0])
            bench.reach(state)
            assert before == _guids(bench, state), f"{state}: workloads would meet VFs under other GUIDs"

    def test_an_externally_managed_pf_keeps_its_count_and_mode(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for state in [state for state in bench.states() if state.wish.num_vfs]:
            bench.reach(state)
            before = bench.nic()
            bound = attrs.evolve(state.wish, groups=(), externally_managed=True, autoprobe=None)
            bench.reach(State(name="externally managed, kernel's default drivers", wish=bound), coming_from=state)
            after = bench.nic()
            # A NIC that is its own VF has the VF's netdev, which goes and comes with the VF's driver.
            kept = ("num_vfs", "eswitch_mode", "link_up", *(() if before.vf(0).address == before.address else ("mtu",)))
            assert all(getattr(before, fact) == getattr(after, fact) for fact in kept), f"after {state}"


def _address(nic: Nic, vf: Vf) -> str | None:
    """What a workload knows the VF by; of an IPoIB address the octets of the queue pair are new at each bind."""
    return vf.guid or vf.admin_guid if nic.link_type is LinkType.IB else vf.mac or vf.admin_mac


def _for_rdma(nic: Nic, state: State) -> list[int]:
    """The VFs that are of no use without a node GUID."""
    wish = state.wish
    bound = [index for index in range(wish.num_vfs) if not wish.device_type(index).userspace_driver]
    return [index for index in bound if needs_guid(nic, wish, index)]


def _guids(bench: Workbench, state: State) -> dict[int, str | None]:
    nic = bench.nic()
    return {index: nic.vf(index).guid for index in _for_rdma(nic, state)}


def _for_userspace(state: State) -> list[int]:
    return [index for index in range(state.wish.num_vfs) if state.wish.device_type(index).userspace_driver]


def _note_defaults(bench: Workbench, state: State, before: Mapping[int, object], met: list[str], verb: Verb) -> bool:
    """Called after every verb, in place of an accident: looks, and lets it pass."""
    addresses = bench.host.vf_addresses(bench.address)
    for index in _for_userspace(state):
        function = bench.host.function(addresses[index]) if index in addresses else None
        fine = (None, state.wish.device_type(index).userspace_driver, before.get(index))
        if function and function.kernel_driver not in fine:
            met.append(f"vf{index} was bound to {function.kernel_driver} after {verb.name}")
    return False


def _others(bench: Workbench) -> list[Nic]:
    return [nic for nic in bench.look().nics if nic.address != bench.address]


def _restorable(nic: Nic) -> dict[str, object]:
    kept = ("num_vfs", "mtu", "link_up", "autoprobe", "eswitch_mode", "features", "parameters")
    return {fact: getattr(nic, fact) for fact in kept}


def _traces(bench: Workbench, index: int) -> tuple[object, ...]:
    """What changes when a VF is made or bound anew."""
    vf = bench.nic().vf(index)
    links = bench.host.links(vf.address) if vf.address else ()
    return (vf.address, vf.kernel_driver, vf.iommu_group, [(link.ifindex, link.name) for link in links])
