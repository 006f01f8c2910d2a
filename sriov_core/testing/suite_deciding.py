"""The suite's second part: looking only looks, planning only decides, and what cannot be done is refused in words."""

import json
from collections.abc import Iterator

import attrs

from sriov_core.model.codec import to_builtins
from sriov_core.model.desired import NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode, Function, LinkType, Nic
from sriov_core.model.step import Step
from sriov_core.model.steps import KINDS
from sriov_core.planning.planner import plan, same_card, unwished
from sriov_core.plugin.info import Capability
from sriov_core.plugin.reader import HostReader
from sriov_core.testing.guards import read_only
from sriov_core.testing.purity import pure
from sriov_core.testing.reading import FakeReader
from sriov_core.testing.suite import Suite
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import State, as_it_is
from sriov_core.testing.workbench import Workbench


class DecidesOnly(Suite):
    """Tests of the answers of the hooks."""

    def test_looking_writes_nothing_and_repeats(self, sample: Tree) -> None:
        host = self.make_host(sample)
        bench = Workbench.for_plugin(self.plugin, host, sample)
        state = bench.states()[-1]
        bench.reach(state)
        before = _state(host)
        function = _function(bench)
        first = _discover(bench, function)
        assert first == _discover(bench, function), "two looks at an unchanged machine differ"
        for wish in (state.wish, attrs.evolve(state.wish, num_vfs=(first.total_vfs or 0) + 1)):
            closer = bench.nic(wish)
            assert closer == bench.nic(wish), "two closer looks at an unchanged machine differ"
            bench.driver.diagnose(closer, read_only(host))
        assert before == _state(host), "looking changed the machine"

    def test_planning_is_pure_repeats_and_leaves_its_arguments_alone(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for state in bench.states():
            snapshot, spec = bench.look_for(state.wish), NodeSpec(nics=(state.wish,))
            before = to_builtins((snapshot, spec))
            with pure():
                first = plan(snapshot, spec, bench.drivers)
                second = plan(snapshot, spec, bench.drivers)
            assert first == second, f"{state}: planning twice gave two plans"
            assert before == to_builtins((snapshot, spec)), f"{state}: planning changed its arguments"
            bench.reach(state)

    def test_what_is_wished_for_already_needs_no_step(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for state in bench.states():
            bench.reach(state)
            found = bench.plan(as_it_is(bench.nic()))
            assert found.is_empty, f"{state}: {[planned.step.describe() for planned in found.steps]}"

    def test_every_step_is_for_its_own_card(self, sample: Tree) -> None:
        bench = self.bench(sample)
        nic = bench.nic()
        card = {other.address for other in bench.look().nics if same_card(nic, other)}
        for state, step in _steps(bench):
            target = getattr(step, "nic", nic.address)
            assert target in card, f"{state}: {step.describe()} is for another card than {nic.address}"

    def test_every_step_prints_on_one_line_and_survives_json(self, sample: Tree) -> None:
        for state, step in _steps(self.bench(sample)):
            assert KINDS.get(step.kind) is type(step), f"{state}: {step!r} is no step of the closed set"
            line = step.describe()
            assert [line.strip()] == line.splitlines(), f"{state}: {line!r} is not one line"
            data = to_builtins(step)
            assert json.loads(json.dumps(data)) == data, f"{state}: {step!r} does not survive JSON"

    def test_more_vfs_than_the_card_has_are_refused(self, sample: Tree) -> None:
        bench = self.bench(sample)
        nic = bench.nic()
        more = bench.nic(attrs.evolve(unwished(nic), num_vfs=(nic.total_vfs or 0) + 1))
        most = more.total_vfs if more.vf_limit is None else more.vf_limit
        wish = attrs.evolve(unwished(nic), num_vfs=(most or 0) + 1)
        _refused(bench, State(name="one VF too many", wish=wish))

    def test_what_the_driver_did_not_declare_is_refused(self, sample: Tree) -> None:
        bench = self.bench(sample)
        nic, info = bench.nic(), self.plugin.describe()
        wish = attrs.evolve(unwished(nic), num_vfs=min(1, nic.total_vfs or 0), groups=(VfGroup(first=0, last=0),))
        other = LinkType.ETH if nic.link_type is LinkType.IB else LinkType.IB
        asked = {
            Capability.SWITCHDEV: attrs.evolve(unwished(nic), eswitch_mode=EswitchMode.SWITCHDEV),
            Capability.RDMA: attrs.evolve(wish, groups=(VfGroup(first=0, last=0, is_rdma=True),)),
            Capability.VDPA: attrs.evolve(wish, groups=(VfGroup(first=0, last=0, vdpa_type=VdpaType.VIRTIO),)),
            Capability.LINK_TYPE: attrs.evolve(unwished(nic), link_type=other),
        }
        missing = {capability for capability in asked if capability not in info.capabilities}
        for capability in sorted(missing | ({Capability.SWITCHDEV} if nic.eswitch_mode is None else set())):
            _refused(bench, State(name=capability, wish=asked[capability]))

    def test_a_reboot_has_a_reason_that_stays_the_same(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for state in bench.states():
            reboots = bench.plan(state.wish).reboots
            silent = [reboot for reboot in reboots if not reboot.reason.strip() or not reboot.requirement.strip()]
            assert not silent, f"{state}: a reboot that says neither why nor for what: {silent}"
            again = bench.plan(state.wish).reboots
            assert [one.requirement for one in reboots] == [one.requirement for one in again], f"{state}: {again}"
            if not reboots:
                bench.reach(state)


def _steps(bench: Workbench) -> Iterator[tuple[State, Step]]:
    """The steps of the NIC's plans on a walk through all states."""
    for state in bench.states():
        for planned in bench.nic_plan(state.wish).steps:
            yield state, planned.step
        bench.reach(state)


def _discover(bench: Workbench, function: Function) -> Nic:
    if not isinstance(bench.host, FakeReader):
        return bench.driver.discover(function, read_only(bench.host))
    with pure():  # on a machine in memory, whoever opens a file went past the port
        return bench.driver.discover(function, read_only(bench.host))


def _function(bench: Workbench) -> Function:
    function = bench.host.function(bench.address)
    assert function, f"{bench.address} has vanished"
    return function


def _state(host: HostReader) -> Tree | None:
    """Everything about a machine in memory; of a real one only the next look tells."""
    return host.tree() if isinstance(host, FakeReader) else None


def _refused(bench: Workbench, state: State) -> None:
    found = bench.nic_plan(state.wish)
    assert found.problems, f"{state}: no problem was raised"
    assert not found.steps, f"{state}: steps beside a problem: {[planned.step.describe() for planned in found.steps]}"
    broken = [problem for problem in found.problems if problem.code == "driver-failed"]
    assert not broken, f"{state}: {broken}"
