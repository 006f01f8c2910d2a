"""The suite's fourth part: after a refusal, a crash, or a stranger's hand, the wish is still reached."""

import contextlib
import errno
import itertools
from collections.abc import Callable, Mapping, Sequence

from sriov_core.engine.execute import execute
from sriov_core.errors import StepFailed
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic
from sriov_core.testing.faults import Crash, Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.suite import Suite
from sriov_core.testing.tree import Tree
from sriov_core.testing.wishes import State
from sriov_core.testing.workbench import Workbench

Disturbance = Callable[[Host, Nic], None]


def _offloads_off(host: Host, nic: Nic) -> None:
    for name in nic.features:
        host.set_feature(nic.address, name, on=False)


DISTURBANCES: Mapping[str, Disturbance] = {
    "all VFs gone": lambda host, nic: host.set_num_vfs(nic.address, 0),
    "the link down": lambda host, nic: host.set_link(nic.address, up=False),
    "the MTU at its smallest": lambda host, nic: host.set_mtu(nic.address, nic.min_mtu or 68),
    "autoprobe switched": lambda host, nic: host.set_autoprobe(nic.address, enabled=not nic.autoprobe),
    "a VF without a driver": lambda host, nic: host.unbind(_first_vf(nic)),
    "a VF under its default driver": lambda host, nic: host.bind_default(_first_vf(nic)),
    "one VF left": lambda host, nic: _recreate(host, nic, 1),
    "one VF more": lambda host, nic: _recreate(host, nic, nic.num_vfs + 1),
    "the first vDPA device gone": lambda host, nic: host.set_vdpa(_first_vf(nic), None),
    "the offloads off": _offloads_off,
}
"""What administrators and other programs do to a NIC behind our back, by name."""


class SurvivesAccidents(Suite):
    """Tests with planned accidents."""

    def test_a_step_that_fails_is_named_and_can_be_repeated(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for start, goal in _journeys(bench.states()):
            ordinal = 1
            while _survives_refusal(bench, start, goal, ordinal):
                ordinal += 1

    def test_what_others_changed_is_brought_back(self, sample: Tree) -> None:
        bench = self.bench(sample)
        states = [state for state in bench.states() if state.wish.num_vfs]
        for state in states:
            for name, disturb in DISTURBANCES.items():
                bench.reach(state)
                # What the kernel refuses at this moment could not have been done by others either.
                with contextlib.suppress(StepFailed):
                    disturb(bench.host, bench.nic())
                bench.recover(state, coming_from=f"{state}, then {name}")

    def test_a_crash_after_any_step_is_survived(self, sample: Tree) -> None:
        bench = self.bench(sample)
        for start, goal in _journeys(bench.states()):
            ordinal = 1
            while _survives_crash(bench, start, goal, ordinal):
                ordinal += 1


def _recreate(host: Host, nic: Nic, count: int) -> None:
    host.set_num_vfs(nic.address, 0)
    host.set_num_vfs(nic.address, count)


def _first_vf(nic: Nic) -> Address:
    address = nic.vf(0).address
    if address is None:
        raise StepFailed(f"{nic} vf0 is no device")
    return address


def _survives_refusal(bench: Workbench, start: State, goal: State, ordinal: int) -> bool:
    """Refuse the verb with that ordinal; False when the way has fewer."""
    bench.reach(start)
    faults = Faults()
    faults.plan(lambda verb: verb.ordinal == ordinal, errno.EIO)
    planned = bench.plan(goal.wish)
    failures = execute(planned, struck(bench.host, faults))
    if faults.seen < ordinal:
        return False
    where = f"{start} -> {goal}, refusing verb {ordinal}"
    assert failures, f"{where}: nobody noticed"
    step = failures[0].step
    assert step in [entry.step for entry in planned.steps], f"{where}: {step.describe()} was not planned"
    assert "EIO" in failures[0].error, f"{where}: the errno is missing in {failures[0].error!r}"
    bench.recover(goal, coming_from=where)
    return True


def _survives_crash(bench: Workbench, start: State, goal: State, ordinal: int) -> bool:
    """Die right after the verb with that ordinal; False when the way has fewer."""
    bench.reach(start)
    faults = Faults()
    faults.plan(lambda verb: verb.ordinal == ordinal, None, after=True)
    try:
        execute(bench.plan(goal.wish), struck(bench.host, faults))
    except Crash:
        bench.recover(goal, coming_from=f"{start} -> {goal}, dead after verb {ordinal}")
        return True
    return False


def _journeys(states: Sequence[State]) -> list[tuple[State, State]]:
    """A few ways with many steps: up from nothing, across, and back, in each mode."""
    none = states[0]
    richest = [state for state in states if len(state.wish.groups) > 1] or [states[-1]]
    onward = list(itertools.pairwise(richest))
    return [(none, richest[0]), *onward, (richest[-1], none)]
